#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "wrench/base/result.hpp"
#include "wrench/storage/blob_store.hpp"
#include "wrench/storage/transaction.hpp"

namespace wrench::storage::blob_store {

/// Hashes of what this owner needs, in order, behind `after`.
Result<std::vector<std::string>> owned(ReadTx& tx, BlobOwner owner, std::string_view after, std::size_t limit);

}  // namespace wrench::storage::blob_store
