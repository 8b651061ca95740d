#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <string>

#include "wrench/scan/fact_cache.hpp"

namespace wrench::agents {

/// The fact caches of the trees being worked on. A cache has one writer, so steps that look at one tree at the same
/// time share it. Thread-safe.
class CacheShelf {
 public:
  /// The cache of the tree at this absolute path; closed when the last user lets go.
  std::shared_ptr<scan::FactCache> of(const std::string& root);

 private:
  std::mutex mutex_;
  std::map<std::string, std::weak_ptr<scan::FactCache>, std::less<>> open_;
};

}  // namespace wrench::agents
