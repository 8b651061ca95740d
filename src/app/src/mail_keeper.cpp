#include "mail_keeper.hpp"

#include <utility>

#include "wrench/app/console.hpp"

namespace wrench::app {

namespace {

/// After the store took no reads or writes.
constexpr std::chrono::seconds kTryAgain{5};

}  // namespace

MailKeeper::MailKeeper(Workspace& space) : space_(space) {
  for (auto& mailbox : space.agents().mailboxes(stop_.token()))
    threads_.emplace_back([this, mailbox = std::move(mailbox)] { serve(mailbox); });
}

MailKeeper::~MailKeeper() {
  stop_.request_stop();
  {
    const std::lock_guard lock(mutex_);
    stopped_ = true;
  }
  stopping_.notify_all();
  for (auto& thread : threads_) thread.join();
}

void MailKeeper::serve(const workflow::Subscription& mailbox) {
  std::string told;  // Code of the trouble that was told last.
  std::unique_lock lock(mutex_);
  while (!stopped_) {
    lock.unlock();
    const auto served = space_.messages().serve(mailbox, stop_.token());
    if (!served && served.error().code != told && !stop_.token().stop_requested()) {
      told = served.error().code;
      notes_.add("can't read what " + mailbox.receiver + " gets right now: " + Console::safe(served.error().message));
    }
    lock.lock();
    stopping_.wait_for(lock, kTryAgain, [this] { return stopped_; });
  }
}

}  // namespace wrench::app
