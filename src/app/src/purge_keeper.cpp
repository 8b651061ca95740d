#include "purge_keeper.hpp"

#include <utility>

#include "wrench/app/console.hpp"
#include "wrench/workflow/deletion.hpp"

namespace wrench::app {

PurgeKeeper::PurgeKeeper(Workspace& space, std::optional<std::chrono::seconds> every)
    : space_(space), every_(every), thread_([this] { run(); }) {}

PurgeKeeper::~PurgeKeeper() {
  stop_.request_stop();
  {
    const std::lock_guard lock(mutex_);
    stopped_ = true;
  }
  wanted_.notify_all();
  thread_.join();
}

void PurgeKeeper::look() {
  {
    const std::lock_guard lock(mutex_);
    look_ = true;
  }
  wanted_.notify_all();
}

void PurgeKeeper::run() {
  std::unique_lock lock(mutex_);
  while (!stopped_) {
    const auto go = [this] { return look_ || stopped_; };
    if (every_)
      wanted_.wait_for(lock, *every_, go);
    else
      wanted_.wait(lock, go);
    look_ = false;
    if (stopped_) return;
    lock.unlock();
    const auto done = workflow::purge(space_.store(), space_.clock(), stop_.token());
    if (done && done->rows > 0) notes_.add("deleted what tasks had left: " + std::to_string(done->rows) + " rows");
    const std::string code = done ? std::string() : done.error().code;
    if (!done && code != told_)
      notes_.add("can't delete what tasks left right now: " + Console::safe(done.error().message));
    told_ = code;
    lock.lock();
  }
}

}  // namespace wrench::app
