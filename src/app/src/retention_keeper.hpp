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
#include "wrench/workflow/retention.hpp"

namespace wrench::app {

/// Where tasks are archived: --archive, or archive/ in the data directory. Empty: neither is known.
std::string archive_folder(const Session& session);

/// "12 events, 3 messages"; empty if it is nothing.
std::string removed_text(const workflow::RetentionCounts& counts);

/// Removes what nobody needs any more for as long as it lives, on a thread of its own: what is older than it has to be
/// kept (workflow::Retention), and what deleted tasks left (workflow::purge()). While nothing becomes old enough and
/// nobody calls look() it reads a few rows an hour.
class RetentionKeeper {
 public:
  /// Looks at once, when look() says so, and, for what deleted tasks left, each `purge_every`. `space` must outlive it.
  RetentionKeeper(Workspace& space, std::string archive_folder,
                  std::optional<std::chrono::seconds> purge_every = std::nullopt);
  ~RetentionKeeper();  ///< Stops between two flushes.
  RetentionKeeper(const RetentionKeeper&) = delete;
  RetentionKeeper& operator=(const RetentionKeeper&) = delete;

  /// Something has changed, so that there may be something to remove. Never blocks.
  void look();
  /// What it had to tell since the last call.
  std::vector<std::string> notes() { return notes_.take(); }

 private:
  using Clock = std::chrono::steady_clock;

  void run();
  void retain();
  void purge();
  void trouble(std::string& told, const Error& error, const std::string& what);
  /// When it is to look again, at the latest.
  Clock::time_point next_look() const;

  Workspace& space_;
  const std::optional<std::chrono::seconds> purge_every_;
  workflow::Retention retention_;
  NoteBox notes_;
  std::string told_retain_, told_purge_;  ///< Codes of the troubles that were told last.
  std::optional<Clock::time_point> due_;  ///< When something may be old enough.
  Clock::time_point retained_, purged_;   ///< When it looked last.
  bool changed_ = false;                  ///< Since then.
  StopSource stop_;
  std::mutex mutex_;
  std::condition_variable wanted_;
  bool look_ = true, stopped_ = false;
  std::thread thread_;
};

}  // namespace wrench::app
