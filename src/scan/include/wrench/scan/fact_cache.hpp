#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "wrench/base/result.hpp"

namespace wrench::scan {

inline constexpr std::uint64_t kFactsHeldBytesMax = std::uint64_t{512} << 20;  ///< In memory, see hold().
inline constexpr std::uint64_t kCacheBytesMax = std::uint64_t{2} << 30;

/// Results of earlier runs by key, in one append-only pack of checksummed records outside the analysed tree (a cache
/// inside a repository could be planted). A torn or damaged tail is cut off; whatever is wrong with a cache costs time,
/// never a finding. Thread-safe. One process writes (lock), others read.
class FactCache {
 public:
  /// `folder` is created when it isn't there. Never fails: an unusable cache is empty, and `warning()` says why.
  static std::unique_ptr<FactCache> open(const std::string& folder);
  /// $XDG_CACHE_HOME/wrench/scan/<sha256 of root>; empty without a home. WRENCH_SCAN_CACHE=off gives empty, too.
  static std::string folder_for(const std::string& absolute_root);

  ~FactCache();
  FactCache(const FactCache&) = delete;
  FactCache& operator=(const FactCache&) = delete;

  std::optional<std::string> get(std::string_view key) const;
  void put(std::string_view key, std::string_view value);
  /// From now on what can't be written (no folder, another process writes) is kept in memory up to so many bytes: for
  /// who looks at a tree several times.
  void hold(std::uint64_t bytes_max);
  /// Says that this run still has a use for what is kept under the key, without reading it: compaction keeps it.
  void keep(std::string_view key);
  /// Makes what was put visible to later runs.
  void flush();
  /// A file beside the folders of all trees, for what doesn't depend on a tree: empty when there is none.
  std::string get_shared(std::string_view name) const;
  void put_shared(std::string_view name, std::string_view bytes) const;
  std::string warning() const;
  std::uint64_t bytes() const;

 private:
  FactCache();
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace wrench::scan
