#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

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
/// What release() did.
struct Released {
  std::size_t references = 0;
  bool all = true;  ///< The owner has none left.
};
/// Removes up to `limit` references of this owner and deletes the content that nobody else needs: of at most
/// `bytes_max`, but of one in any case. Errors: storage.constraint_foreign_key: somebody else began to need it in the
/// same moment (PostgreSQL); try again.
Result<Released> release(WriteTx& tx, BlobOwner owner, std::size_t limit, std::size_t bytes_max = kBlobBytesMax);
/// The content, checked against its hash. Errors: storage.blob_missing, storage.corrupt.
Result<std::string> get(ReadTx& tx, std::string_view hash);
}  // namespace blob_store

}  // namespace wrench::storage
