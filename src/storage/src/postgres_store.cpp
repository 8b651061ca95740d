#include "open_store.hpp"
namespace wrench::storage {
Result<std::unique_ptr<Store>> open_postgres(StoreConfig, const Clock&, Random&) { return Error("x", "y"); }
}
