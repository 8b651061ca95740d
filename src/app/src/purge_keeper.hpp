#pragma once

#include <condition_variable>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "note_box.hpp"
#include "workspace.hpp"
#include "wrench/base/stop.hpp"

namespace wrench::app {

/// Deletes what deleted tasks left (workflow::purge()) for as long as it lives, on a thread of its own.
class PurgeKeeper {
 public:
  /// Looks at once, when look() says so, and each `every`. `space` must outlive it.
  explicit PurgeKeeper(Workspace& space, std::optional<std::chrono::seconds> every = std::nullopt);
  ~PurgeKeeper();  ///< Stops between two flushes.
  PurgeKeeper(const PurgeKeeper&) = delete;
  PurgeKeeper& operator=(const PurgeKeeper&) = delete;

  /// There may be something to delete. Never blocks.
  void look();
  /// What it had to tell since the last call.
  std::vector<std::string> notes() { return notes_.take(); }

 private:
  void run();

  Workspace& space_;
  const std::optional<std::chrono::seconds> every_;
  NoteBox notes_;
  std::string told_;  ///< Code of the trouble that was told last.
  StopSource stop_;
  std::mutex mutex_;
  std::condition_variable wanted_;
  bool look_ = true, stopped_ = false;
  std::thread thread_;
};

}  // namespace wrench::app
