#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "wrench/history/blobs.hpp"
#include "wrench/scan/fact_cache.hpp"

namespace wrench::scan {

/// Contents that were found to hold no secret under the rules of `rules_key`, as sorted binary ids.
class CleanBlobs {
 public:
  /// `cache` may be null.
  CleanBlobs(FactCache* cache, std::string_view rules_key, std::size_t id_digits);
  bool contains(std::string_view id) const;
  /// Keeps what was known and `ids`: hex digits, one after the other.
  void add(std::string_view ids);

 private:
  FactCache* cache_;
  std::string key_;
  std::size_t width_;  // Bytes of an id.
  std::string known_;
};

}  // namespace wrench::scan
