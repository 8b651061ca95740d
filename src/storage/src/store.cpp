#include "wrench/storage/store.hpp"

#include <utility>

#include "open_store.hpp"

namespace wrench::storage {

Result<std::unique_ptr<Store>> Store::open(StoreConfig config, const Clock& clock, Random& random) {
  return config.database_url.empty() ? open_sqlite(std::move(config), clock, random)
                                     : open_postgres(std::move(config), clock, random);
}

}  // namespace wrench::storage
