#pragma once

#include <memory>

#include "wrench/storage/store.hpp"

namespace wrench::storage {

// Store::open() of each database.
Result<std::unique_ptr<Store>> open_sqlite(StoreConfig config, const Clock& clock, Random& random);
Result<std::unique_ptr<Store>> open_postgres(StoreConfig config, const Clock& clock, Random& random);

}  // namespace wrench::storage
