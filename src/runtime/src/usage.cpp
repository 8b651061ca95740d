#include "wrench/runtime/usage.hpp"

#include <pthread.h>
#include <sys/resource.h>

#include <algorithm>
#include <ctime>

#include "resource_usage.hpp"

namespace wrench::runtime {
namespace {

struct Working {
  std::shared_ptr<UsageAccount> account;
  Usage began;
};

Working& working() {
  thread_local Working here;
  return here;
}

Usage of_this_thread() {
  rusage usage{};
  ::getrusage(RUSAGE_THREAD, &usage);
  Usage out = usage_of(usage);
  out.cpu_us = cpu_us_of(usage);
  return out;
}

clockid_t cpu_clock_of_this_thread() {
  clockid_t clock{};
  ::pthread_getcpuclockid(::pthread_self(), &clock);
  return clock;
}

Micros read_clock(clockid_t clock) {
  timespec at{};
  ::clock_gettime(clock, &at);
  return at.tv_sec * kMicrosPerSecond + at.tv_nsec / 1000;
}

}  // namespace

void Usage::add(const Usage& other) {
  cpu_us += other.cpu_us;
  children_cpu_us += other.children_cpu_us;
  rss_bytes_max = std::max(rss_bytes_max, other.rss_bytes_max);
  read_bytes += other.read_bytes;
  written_bytes += other.written_bytes;
}

std::shared_ptr<UsageAccount> UsageAccount::current() { return working().account; }

void UsageAccount::book(const Usage& used) {
  const std::lock_guard lock(mutex_);
  booked_.add(used);
}

Usage UsageAccount::total() const {
  const std::lock_guard lock(mutex_);
  return booked_;
}

void UsageAccount::admit_with(std::function<Result<void>(std::string_view)> admit) {
  const std::lock_guard lock(mutex_);
  admit_ = std::move(admit);
}

Result<void> UsageAccount::admit(std::string_view program) const {
  std::function<Result<void>(std::string_view)> ask;
  {
    const std::lock_guard lock(mutex_);
    ask = admit_;
  }
  return ask ? ask(program) : Result<void>();
}

Micros UsageAccount::cpu_us_now() const {
  const std::lock_guard lock(mutex_);
  Micros out = booked_.cpu_us + booked_.children_cpu_us;
  for (const auto& [clock, began] : open_) out += read_clock(clock) - began;
  return out;
}

UsageScope::UsageScope(std::shared_ptr<UsageAccount> account)
    : changes_(account != nullptr && account != working().account) {
  if (!changes_) return;
  outer_ = working().account;
  if (outer_) end();
  begin(std::move(account));
}

UsageScope::~UsageScope() {
  if (!changes_) return;
  end();
  if (outer_) begin(std::move(outer_));
}

void UsageScope::begin(std::shared_ptr<UsageAccount> account) {
  const clockid_t clock = cpu_clock_of_this_thread();
  {
    const std::lock_guard lock(account->mutex_);
    account->open_.emplace_back(clock, read_clock(clock));
  }
  working() = {std::move(account), of_this_thread()};
}

void UsageScope::end() {
  Working& here = working();
  Usage used = of_this_thread();
  used.cpu_us -= here.began.cpu_us;
  used.read_bytes -= here.began.read_bytes;
  used.written_bytes -= here.began.written_bytes;
  const clockid_t clock = cpu_clock_of_this_thread();
  const std::shared_ptr<UsageAccount> account = std::exchange(here.account, nullptr);
  const std::lock_guard lock(account->mutex_);
  account->booked_.add(used);
  std::erase_if(account->open_, [&](const auto& open) { return open.first == clock; });
}

}  // namespace wrench::runtime
