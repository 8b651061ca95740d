#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string_view>
#include <utility>
#include <vector>

#include <sys/types.h>

#include "wrench/base/clock.hpp"
#include "wrench/base/result.hpp"

namespace wrench::runtime {

/// What a piece of work used of the machine.
struct Usage {
  Micros cpu_us = 0;           ///< Of this process's threads.
  Micros children_cpu_us = 0;  ///< Of the programs that it ran.
  /// The largest resident set: of this process so far, whoever filled it, or of one of the programs.
  std::uint64_t rss_bytes_max = 0;
  std::uint64_t read_bytes = 0, written_bytes = 0;  ///< From and to disks, not the page cache.
  /// Sums; of the resident sets the larger one.
  void add(const Usage& other);
  bool operator==(const Usage&) const = default;
};

/// Adds up what one piece of work uses on every thread that works for it: the one of its UsageScope, those of a
/// TaskGroup that is filled there, and programs that are run there. Thread-safe.
class UsageAccount {
 public:
  /// Whom this thread works for; null: nobody who asks.
  static std::shared_ptr<UsageAccount> current();

  void book(const Usage& used);
  /// What is booked: scopes book when they end.
  Usage total() const;
  /// From now on `admit` is asked before a program starts; what it refuses doesn't. On any thread that works for the
  /// account, and it may block. Empty: no more.
  void admit_with(std::function<Result<void>(std::string_view program)> admit);
  Result<void> admit(std::string_view program) const;
  /// CPU time up to now, also of scopes that haven't ended, without programs that run.
  Micros cpu_us_now() const;

 private:
  friend class UsageScope;
  mutable std::mutex mutex_;
  std::function<Result<void>(std::string_view)> admit_;
  Usage booked_;
  std::vector<std::pair<clockid_t, Micros>> open_;  ///< CPU clocks of the threads at work, and where they began.
};

/// While it lives, this thread works for `account`; null changes nothing, and so does the account that it works for
/// already. Scopes nest.
class UsageScope {
 public:
  explicit UsageScope(std::shared_ptr<UsageAccount> account);
  ~UsageScope();
  UsageScope(const UsageScope&) = delete;
  UsageScope& operator=(const UsageScope&) = delete;

 private:
  static void begin(std::shared_ptr<UsageAccount> account);
  static void end();

  const bool changes_;
  std::shared_ptr<UsageAccount> outer_;
};

}  // namespace wrench::runtime
