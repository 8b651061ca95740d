#include "wrench/storage/blob_store.hpp"

#include <zstd.h>

#include <memory>
#include <utility>

#include "statements.hpp"
#include "wrench/base/text.hpp"
#include "wrench/crypto/sha256.hpp"
#include "wrench/storage/blob_owners.hpp"

namespace wrench::storage {
namespace {

constexpr std::int64_t kPlain = 0;
constexpr std::int64_t kZstd = 1;
constexpr int kZstdLevel = 3;
/// Below this, and unless an eighth is saved, compressing isn't worth reading it back.
constexpr std::size_t kCompressFromBytes = 256;

std::string hash_of(std::string_view content) {
  const crypto::Sha256Digest digest = crypto::sha256(content);
  return std::string(reinterpret_cast<const char*>(digest.data()), digest.size());
}

Error damaged(std::string_view hash) {
  return Error("storage.corrupt", "stored content " + to_hex(hash) + " is damaged; restore a backup");
}

}  // namespace

namespace blob_store {

Result<PreparedBlob> prepare(std::string_view content) {
  if (content.size() > kBlobBytesMax)
    return Error("storage.blob_too_large", "content of " + std::to_string(content.size()) + " bytes; the limit is " +
                                               std::to_string(kBlobBytesMax));
  PreparedBlob blob;
  blob.hash = hash_of(content);
  blob.size = static_cast<std::int64_t>(content.size());
  blob.codec = kPlain;
  if (content.size() >= kCompressFromBytes) {
    std::string packed(ZSTD_compressBound(content.size()), '\0');
    const std::size_t n = ZSTD_compress(packed.data(), packed.size(), content.data(), content.size(), kZstdLevel);
    if (ZSTD_isError(n) == 0 && n < content.size() - content.size() / 8) {
      packed.resize(n);
      packed.shrink_to_fit();
      blob.codec = kZstd;
      blob.body = std::move(packed);
      return blob;
    }
  }
  blob.body = content;
  return blob;
}

Result<void> put(WriteTx& tx, const PreparedBlob& blob, BlobOwner owner) {
  WRENCH_TRY(
      tx.exec(sql::kInsertBlob, {Bind::bytes(blob.hash), blob.size, blob.codec, tx.now(), Bind::bytes(blob.body)}));
  return add_owner(tx, blob.hash, owner);
}

Result<void> add_owner(WriteTx& tx, std::string_view hash, BlobOwner owner) {
  Result<std::int64_t> added = tx.exec(sql::kInsertBlobRef, {Bind::bytes(hash), owner.kind, owner.id});
  if (added.ok()) return {};
  if (added.error().code == "storage.constraint_foreign_key")
    return Error("storage.blob_missing", "no stored content has the hash " + to_hex(hash));
  return std::move(added).error();
}

Result<Released> release(WriteTx& tx, BlobOwner owner, std::size_t limit, std::size_t bytes_max) {
  const Rows owned = WRENCH_TRY(tx.query(sql::kOwnedBlobs, {owner.kind, owner.id, limit + 1}));
  Released out;
  std::size_t bytes = 0;
  for (const auto row : owned) {
    bytes += static_cast<std::size_t>(row.integer(1));
    if (out.references == limit || (out.references > 0 && bytes > bytes_max)) {
      out.all = false;
      break;
    }
    WRENCH_TRY(tx.exec(sql::kDeleteBlobRef, {Bind::bytes(row.bytes(0)), owner.kind, owner.id}));
    WRENCH_TRY(tx.exec(sql::kDeleteUnownedBlob, {Bind::bytes(row.bytes(0))}));
    ++out.references;
  }
  return out;
}

Result<std::vector<std::string>> owned(ReadTx& tx, BlobOwner owner, std::string_view after, std::size_t limit) {
  const Rows rows = WRENCH_TRY(tx.query(sql::kBlobsOfOwner, {owner.kind, owner.id, Bind::bytes(after), limit}));
  std::vector<std::string> out;
  for (const auto row : rows) out.emplace_back(row.bytes(0));
  return out;
}

Result<std::string> get(ReadTx& tx, std::string_view hash) {
  const Rows rows = WRENCH_TRY(tx.query(sql::kReadBlob, {Bind::bytes(hash)}));
  if (rows.empty()) return Error("storage.blob_missing", "no stored content has the hash " + to_hex(hash));
  const auto row = rows.front();
  const std::int64_t size = row.integer(0);
  if (size < 0 || static_cast<std::size_t>(size) > kBlobBytesMax) return damaged(hash);
  std::string content;
  if (row.integer(1) == kPlain) {
    content = row.bytes(2);
  } else if (row.integer(1) == kZstd) {
    content.resize(static_cast<std::size_t>(size));
    const std::size_t n = ZSTD_decompress(content.data(), content.size(), row.bytes(2).data(), row.bytes(2).size());
    if (ZSTD_isError(n) != 0 || n != content.size()) return damaged(hash);
  }
  if (hash_of(content) != hash) return damaged(hash);
  return content;
}

}  // namespace blob_store
}  // namespace wrench::storage
