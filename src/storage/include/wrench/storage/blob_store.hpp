#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "wrench/base/clock.hpp"
#include "wrench/base/result.hpp"
#include "wrench/storage/transaction.hpp"

namespace wrench::storage {

inline constexpr std::size_t kBlobBytesMax = 64 * 1024 * 1024;

/// Content ready to be stored: hashed, and compressed if that pays. Made outside the write transaction.
struct PreparedBlob {
  std::string hash;  ///< SHA-256 of the content, 32 raw bytes: its name.
  std::int64_t size = 0;
  std::int64_t codec = 0;  ///< 0 plain, 1 zstd.
  std::string body;
};

/// Who needs a blob: it lives while it has an owner.
struct BlobOwner {
  std::string_view kind;  ///< "execution", "journal", …
  std::int64_t id = 0;
};

/// Immutable content addressed by its SHA-256, stored once.
namespace blob_store {
/// Errors: storage.blob_too_large over kBlobBytesMax.
Result<PreparedBlob> prepare(std::string_view content);
/// Stores it unless it is there, and records the owner.
Result<void> put(WriteTx& tx, const PreparedBlob& blob, BlobOwner owner);
/// Adds an owner to content that is already stored. Errors: storage.blob_missing.
Result<void> add_owner(WriteTx& tx, std::string_view hash, BlobOwner owner);
/// Removes every reference of this owner; sweep() deletes what nobody needs.
Result<void> release(WriteTx& tx, BlobOwner owner);
/// The content, checked against its hash. Errors: storage.blob_missing, storage.corrupt.
Result<std::string> get(ReadTx& tx, std::string_view hash);
/// Deletes up to `limit` blobs without owner stored before `before_us`; how many.
Result<std::int64_t> sweep(WriteTx& tx, Micros before_us, std::size_t limit = 1000);
}  // namespace blob_store

}  // namespace wrench::storage
