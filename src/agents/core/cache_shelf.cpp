#include "wrench/agents/cache_shelf.hpp"

#include <utility>

namespace wrench::agents {

std::shared_ptr<scan::FactCache> CacheShelf::of(const std::string& root) {
  const std::string folder = scan::FactCache::folder_for(root);
  const std::lock_guard lock(mutex_);
  std::weak_ptr<scan::FactCache>& place = open_[folder];
  if (auto cache = place.lock()) return cache;
  std::shared_ptr<scan::FactCache> cache = scan::FactCache::open(folder);
  place = cache;
  return cache;
}

}  // namespace wrench::agents
