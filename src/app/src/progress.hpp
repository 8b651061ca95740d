#pragma once

#include <condition_variable>
#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <stop_token>
#include <string>
#include <thread>

#include "wrench/app/command.hpp"
#include "wrench/codec/json.hpp"
#include "wrench/scan/scan.hpp"
#include "wrench/workflow/engine.hpp"

namespace wrench::app {

/// When and in which form progress is told, as --progress asks: one line redrawn on a terminal, a line now and then in
/// plain mode, JSON lines in json mode. One thread at a time.
class ProgressPace {
 public:
  explicit ProgressPace(Session& session);
  struct View {
    std::string line;   ///< For people who look at it; untrusted parts made safe.
    std::string plain;  ///< For a log.
    codec::Json json;   ///< An object; `schema` is added.
  };
  /// Asks for the view if it is time to show it; whether it was shown.
  bool show(const std::function<View()>& view);
  void clear() { session_.console.progress_line(""); }

 private:
  enum class Mode { None, Line, Plain, Json };

  Session& session_;
  const SystemClock clock_;
  Mode mode_;
  Micros begun_us_, drawn_us_ = 0;
};

/// Shows a task's progress. `notice` is called on engine threads, everything else on the command's.
class TaskProgress {
 public:
  explicit TaskProgress(Session& session) : session_(session), pace_(session) {}
  void notice(const workflow::Notice& notice);
  /// Draws if it is time; call about ten times a second.
  void tick();
  void finish() { pace_.clear(); }

 private:
  std::string describe() const;

  Session& session_;
  ProgressPace pace_;
  std::mutex mutex_;
  std::map<std::int64_t, std::string> running_;  // Step -> what it does.
  std::int64_t done_ = 0, total_ = 0;
  double fraction_ = 0;
  bool changed_ = false;
};

/// Shows a scan's progress, on a thread of its own: a scan that waits for something says nothing itself.
class ScanDisplay {
 public:
  explicit ScanDisplay(Session& session)
      : pace_(session), thread_([this](const std::stop_token& stop) { run(stop); }) {}
  /// Any thread.
  void show(const scan::ScanProgress& progress);
  /// Erases the line; nothing is shown any more.
  void finish();

 private:
  void run(const std::stop_token& stop);

  std::mutex mutex_;
  std::condition_variable_any wake_;
  ProgressPace pace_;
  scan::ScanProgress last_;
  bool changed_ = false;
  std::jthread thread_;  // Last: it uses the members above.
};

}  // namespace wrench::app
