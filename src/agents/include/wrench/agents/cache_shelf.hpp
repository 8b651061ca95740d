#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <string>

#include "wrench/scan/fact_cache.hpp"
#include "wrench/scan/scan.hpp"

namespace wrench::agents {

/// What steps leave to later ones in this process. Thread-safe.
///
/// The fact caches of the trees being worked on: a cache has one writer, so steps that look at one tree at the same
/// time share it. The compiled rules of the latest scans: they stay while the process lives.
class CacheShelf {
 public:
  /// The cache of the tree at this absolute path; closed when the last user lets go.
  std::shared_ptr<scan::FactCache> of(const std::string& root);
  scan::ResidentRules& rules() { return rules_; }

 private:
  scan::ResidentRules rules_;
  std::mutex mutex_;
  std::map<std::string, std::weak_ptr<scan::FactCache>, std::less<>> open_;
};

}  // namespace wrench::agents
