#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "wrench/base/clock.hpp"
#include "wrench/base/result.hpp"
#include "wrench/codec/json.hpp"
#include "wrench/storage/monitor.hpp"
#include "wrench/storage/store.hpp"

namespace wrench::storage {

class Metered;

class StoreMonitor::Source {
 public:
  virtual ~Source() = default;
  virtual Result<codec::Json> collect(Detail detail) = 0;
  virtual Result<void> sample(Micros now_us) = 0;
};

Result<std::unique_ptr<StoreMonitor::Source>> sqlite_monitor(Store& store, const std::string& directory);
Result<std::unique_ptr<StoreMonitor::Source>> postgres_monitor(Store& store, const std::string& url);

inline constexpr Micros kMinute = 60 * kMicrosPerSecond;
inline constexpr Micros kHour = 60 * kMinute;
std::string_view name_of(SampleKind kind);

}  // namespace wrench::storage
