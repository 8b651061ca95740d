#include "postgres_events.hpp"

#include <poll.h>
#include <pthread.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <limits>
#include <utility>
#include <vector>

#include "wrench/base/assert.hpp"

namespace wrench::storage {
namespace {

constexpr Micros kNotifyEvery = kMicrosPerSecond / kNotificationsPerSecondMax;
/// How often whoever listens looks all the same.
constexpr Micros kLookEvery = 5 * kMicrosPerSecond;
/// And whoever can't listen.
constexpr Micros kPollFirst = 20 * kMicrosPerMs;
constexpr Micros kPollLast = kMicrosPerSecond;
constexpr Micros kBackOffFirst = 100 * kMicrosPerMs;
constexpr Micros kBackOffLast = 5 * kMicrosPerSecond;
constexpr Micros kForever = std::numeric_limits<Micros>::max();

}  // namespace

PostgresEvents::PostgresEvents(const DatabaseUrl& url, const StatementCatalogue& catalogue, const Clock& clock,
                               Random& random, Options options)
    : url_(url),
      catalogue_(catalogue),
      clock_(clock),
      random_(random),
      options_(std::move(options)),
      wake_fd_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
  WRENCH_ASSERT(wake_fd_ >= 0);
}

PostgresEvents::~PostgresEvents() {
  close();
  ::close(wake_fd_);
}

void PostgresEvents::start() {
  const std::lock_guard lock(mutex_);
  if (thread_.joinable() || closing_) return;
  thread_ = std::thread([this] { run(); });
  ::pthread_setname_np(thread_.native_handle(), "store-events");
}

void PostgresEvents::wake() {
  const std::uint64_t one = 1;
  // Full means that it is awake already.
  [[maybe_unused]] const ssize_t written = ::write(wake_fd_, &one, sizeof one);
}

void PostgresEvents::announce(std::int64_t last_seq) {
  announced_.store(last_seq);
  start();
  wake();
}

void PostgresEvents::start_waiting() {
  waiting_.fetch_add(1);
  start();
  wake();
}

void PostgresEvents::close() {
  closing_.store(true);
  wake();
  std::thread thread;
  {
    const std::lock_guard lock(mutex_);
    thread = std::move(thread_);
  }
  if (thread.joinable()) thread.join();
}

std::optional<Error> PostgresEvents::trouble() const {
  const std::lock_guard lock(mutex_);
  return trouble_;
}

void PostgresEvents::set_trouble(std::optional<Error> error) {
  const std::lock_guard lock(mutex_);
  trouble_ = std::move(error);
}

void PostgresEvents::run() {
  while (!closing_ || announced_ != sent_) {
    const bool needed = waiting_ > 0 || announced_ != sent_;
    if (!connection_ && !needed) {
      sleep(kForever);
      continue;
    }
    Result<void> done;
    if (!connection_ && (clock_.boot_us() >= next_connect_us_ || closing_)) done = connect();
    if (done.ok() && connection_) done = turn();
    if (done.ok() && connection_) continue;
    if (!done.ok()) {
      connection_.reset();
      set_trouble(std::move(done).error());
      if (closing_) return;  // the others will find the events by looking
      back_off_us_ = std::clamp(2 * back_off_us_, kBackOffFirst, kBackOffLast);
      next_connect_us_ = clock_.boot_us() + back_off_us_ / 2 +
                         static_cast<Micros>(random_.below(static_cast<std::uint64_t>(back_off_us_ / 2)));
    }
    poll_without_connection();
  }
}

Result<void> PostgresEvents::connect() {
  connection_ = WRENCH_TRY(PostgresConnection::open(url_, options_.times, catalogue_));
  // A notification is a hint. It needn't wait for the disk.
  WRENCH_TRY(connection_->exec("SET synchronous_commit = off; LISTEN \"" + options_.channel + "\""));
  back_off_us_ = 0;
  poll_us_ = 0;
  next_look_us_ = 0;
  set_trouble(std::nullopt);
  return {};
}

Result<void> PostgresEvents::turn() {
  WRENCH_TRY(send_announced());
  WRENCH_TRY(look());
  for (const std::string& payload : WRENCH_TRY(connection_->notifications())) {
    std::int64_t seq = 0;
    std::from_chars(payload.data(), payload.data() + payload.size(), seq);
    options_.on_events(seq);
  }
  if (closing_) return {};
  const Micros next_us =
      std::min(waiting_ > 0 ? next_look_us_ : kForever, announced_ != sent_ ? next_send_us_ : kForever);
  sleep(next_us == kForever ? kForever : std::max<Micros>(0, next_us - clock_.boot_us()));
  return {};
}

Result<void> PostgresEvents::send_announced() {
  const std::int64_t last_seq = announced_;
  if (last_seq == sent_ || (clock_.boot_us() < next_send_us_ && !closing_)) return {};
  WRENCH_TRY(connection_->exec("SELECT pg_notify('" + options_.channel + "', '" + std::to_string(last_seq) + "')"));
  sent_ = last_seq;
  next_send_us_ = clock_.boot_us() + kNotifyEvery;
  notifications_.fetch_add(1);
  return {};
}

Result<void> PostgresEvents::look() {
  if (waiting_ == 0 || clock_.boot_us() < next_look_us_) return {};
  const std::string head = WRENCH_TRY(connection_->value("SELECT next - 1 FROM event_clock WHERE id = 1"));
  std::int64_t seq = 0;
  std::from_chars(head.data(), head.data() + head.size(), seq);
  options_.on_events(seq);
  next_look_us_ = clock_.boot_us() + kLookEvery;
  return {};
}

void PostgresEvents::poll_without_connection() {
  if (waiting_ > 0) {
    const Result<std::int64_t> head = options_.look_by_a_reader();
    if (head.ok()) options_.on_events(*head);
  }
  poll_us_ = std::clamp(2 * poll_us_, kPollFirst, kPollLast);
  sleep(poll_us_);
}

void PostgresEvents::sleep(Micros us) {
  constexpr Micros kSliceMax = 60 * kMicrosPerSecond;
  std::array<pollfd, 2> sources = {{{.fd = wake_fd_, .events = POLLIN, .revents = 0},
                                    {.fd = connection_ ? connection_->socket() : -1, .events = POLLIN, .revents = 0}}};
  const Micros slice_us = std::min(us, kSliceMax);
  ::poll(sources.data(), sources.size(), static_cast<int>((slice_us + kMicrosPerMs - 1) / kMicrosPerMs));
  std::uint64_t count = 0;
  [[maybe_unused]] const ssize_t read = ::read(wake_fd_, &count, sizeof count);
}

}  // namespace wrench::storage
