#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "wrench/base/result.hpp"
#include "wrench/codec/json.hpp"
#include "wrench/runtime/rooted_dir.hpp"

namespace wrench::app {

inline constexpr std::size_t kEffectLogBytesMax = std::size_t{64} << 20;  ///< Of a log that is asked what it holds.

/// The world outside of the store, for mocks: files in which each effect that took place is a line of JSON. Plays a
/// service that can be asked whether an effect took place, and refuses from then on whoever comes too late.
/// Thread-safe, also between processes.
class EffectLog {
 public:
  /// Files are below `folder`, and reached over no symbolic link. Errors: io.*.
  static Result<EffectLog> open(const std::string& folder);

  /// Makes the file if it isn't there. Errors: io.*.
  Result<void> prepare(const std::string& file) const;
  /// The effect takes place. Errors: io.*.
  Result<void> add(const std::string& file, const codec::Json& effect) const;
  /// The same, unless somebody asked after it meanwhile. Whether it took place. Errors: io.*.
  Result<bool> add_unless_refused(const std::string& file, const codec::Json& effect) const;
  /// Whether the effect with this key took place. If not, runs of the step up to `epoch` are refused from now on: one
  /// of them may still be on its way. Errors: io.*.
  Result<bool> took_place(const std::string& file, std::string_view key, std::int64_t epoch) const;

 private:
  explicit EffectLog(runtime::RootedDir folder) : folder_(std::move(folder)) {}
  runtime::RootedDir folder_;
};

}  // namespace wrench::app
