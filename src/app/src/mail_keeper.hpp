#pragma once

#include <condition_variable>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "note_box.hpp"
#include "workspace.hpp"
#include "wrench/base/stop.hpp"

namespace wrench::app {

/// Has agents answer messages that no step sent (agents::AgentRunner::mailboxes()) for as long as it lives: a thread
/// for each agent that does.
class MailKeeper {
 public:
  /// `space` must outlive it, and have an engine.
  explicit MailKeeper(Workspace& space);
  ~MailKeeper();  ///< An answer that isn't sent yet is made anew by the next one.
  MailKeeper(const MailKeeper&) = delete;
  MailKeeper& operator=(const MailKeeper&) = delete;

  /// What it had to tell since the last call.
  std::vector<std::string> notes() { return notes_.take(); }

 private:
  void serve(const workflow::Subscription& mailbox);

  Workspace& space_;
  NoteBox notes_;
  StopSource stop_;
  std::mutex mutex_;
  std::condition_variable stopping_;
  bool stopped_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace wrench::app
