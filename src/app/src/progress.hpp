#pragma once

#include <map>
#include <mutex>
#include <string>

#include "wrench/app/command.hpp"
#include "wrench/workflow/engine.hpp"

namespace wrench::app {

/// Shows a task's progress on standard error: one line redrawn on a terminal, a line now and then in plain mode, JSON
/// lines in json mode. `notice` is called on engine threads, everything else on the command's.
class TaskProgress {
 public:
  explicit TaskProgress(Session& session);
  void notice(const workflow::Notice& notice);
  /// Draws if it is time; call about ten times a second.
  void tick();
  void finish();

 private:
  enum class Mode { None, Line, Plain, Json };
  std::string describe();

  Session& session_;
  SystemClock clock_;
  Mode mode_;
  Micros begun_us_, drawn_us_ = 0;
  std::mutex mutex_;
  std::map<std::string, std::string> running_;  // Step -> what it does.
  std::int64_t done_ = 0, total_ = 0;
  double fraction_ = 0;
  bool changed_ = false;
};

}  // namespace wrench::app
