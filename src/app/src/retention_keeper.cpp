#include "retention_keeper.hpp"

#include <algorithm>
#include <utility>

#include "wrench/app/console.hpp"
#include "wrench/base/text.hpp"
#include "wrench/workflow/deletion.hpp"

namespace wrench::app {

namespace {

/// It can wait no longer for a moment: the time that a machine sleeps isn't counted.
constexpr std::chrono::hours kLongestWait{1};
constexpr std::chrono::minutes kTryAgain{1};

}  // namespace

std::string archive_folder(const Session& session) {
  if (session.invocation.has("--archive")) return std::string(session.invocation.value("--archive"));
  const std::string directory = data_directory(session);
  return directory.empty() ? std::string() : directory + "/archive";
}

std::string removed_text(const workflow::RetentionCounts& counts) {
  std::string out;
  for (std::size_t i = 0; i < counts.size(); ++i) {
    if (counts[i] == 0) continue;
    out += (out.empty() ? "" : ", ") + format_count(static_cast<std::uint64_t>(counts[i])) + " " +
           std::string(workflow::name(static_cast<workflow::RetentionKind>(i)));
  }
  return out;
}

RetentionKeeper::RetentionKeeper(Workspace& space, std::string archive_folder,
                                 std::optional<std::chrono::seconds> purge_every)
    : space_(space),
      purge_every_(purge_every),
      retention_(space.store(), space.clock(), space.retention_policy(), std::move(archive_folder), &space.metrics()),
      due_(Clock::now()),
      thread_([this] { run(); }) {}

RetentionKeeper::~RetentionKeeper() {
  stop_.request_stop();
  {
    const std::lock_guard lock(mutex_);
    stopped_ = true;
  }
  wanted_.notify_all();
  thread_.join();
}

void RetentionKeeper::look() {
  {
    const std::lock_guard lock(mutex_);
    look_ = true;
  }
  wanted_.notify_all();
}

RetentionKeeper::Clock::time_point RetentionKeeper::next_look() const {
  auto next = Clock::now() + kLongestWait;
  if (due_) next = std::min(next, *due_);
  if (changed_) next = std::min(next, retained_ + std::chrono::microseconds(retention_.settles_us()));
  if (purge_every_) next = std::min(next, purged_ + *purge_every_);
  return next;
}

void RetentionKeeper::run() {
  std::unique_lock lock(mutex_);
  while (!stopped_) {
    wanted_.wait_until(lock, next_look(), [this] { return look_ || stopped_; });
    if (stopped_) return;
    const bool looked_for = std::exchange(look_, false);
    changed_ = changed_ || looked_for;
    lock.unlock();
    const auto now = Clock::now();
    const bool is_due =
        (due_ && *due_ <= now) || (changed_ && retained_ + std::chrono::microseconds(retention_.settles_us()) <= now);
    if (is_due) retain();
    if (looked_for || is_due || (purge_every_ && purged_ + *purge_every_ <= now)) purge();
    lock.lock();
  }
}

void RetentionKeeper::trouble(std::string& told, const Error& error, const std::string& what) {
  if (error.code != told) notes_.add(what + ": " + Console::safe(error.message));
  told = error.code;
}

void RetentionKeeper::retain() {
  retained_ = Clock::now();
  changed_ = false;
  const auto done = retention_.turn(stop_.token());
  const auto now = done ? retention_.now_us() : done.error();
  if (!now) {
    due_ = retained_ + kTryAgain;
    return trouble(told_retain_, now.error(), "can't remove what is too old right now");
  }
  told_retain_.clear();
  if (done->clock_jump)
    notes_.add("the clock of this machine was set forward by " + format_duration(*done->clock_jump) +
               ": nothing is removed as too old for a day, unless it is set back");
  if (const auto text = removed_text(done->removed); !text.empty()) notes_.add("removed what was too old: " + text);
  due_.reset();
  if (!done->all)
    due_ = retained_ + kTryAgain;  // Another process removes.
  else if (done->next_at)
    due_ = retained_ + std::min<Clock::duration>(std::chrono::microseconds(std::max<Micros>(*done->next_at - *now, 0)),
                                                 kLongestWait);
}

void RetentionKeeper::purge() {
  purged_ = Clock::now();
  const auto done = workflow::purge(space_.store(), space_.clock(), stop_.token());
  if (!done) return trouble(told_purge_, done.error(), "can't delete what tasks left right now");
  told_purge_.clear();
  if (done->rows > 0) notes_.add("deleted what tasks had left: " + std::to_string(done->rows) + " rows");
}

}  // namespace wrench::app
