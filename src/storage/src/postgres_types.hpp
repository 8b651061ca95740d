#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "wrench/base/result.hpp"
#include "wrench/storage/rows.hpp"

namespace wrench::storage {

/// PostgreSQL's number of a type (pg_type.oid), as in libpq's Oid.
using TypeId = unsigned int;

/// What the store understands of PostgreSQL's types.
struct PostgresType {
  enum class Form : std::uint8_t { Bool, Int2, Int4, Int8, Float4, Float8, Text, Json, Jsonb, Bytes, Nothing };
  TypeId id;
  TypeId array_id;
  std::string_view name;  ///< For casts.
  Form form;
};
/// Null for a type that the store doesn't understand.
const PostgresType* find_postgres_type(TypeId id);
const PostgresType* find_postgres_array(TypeId array_id);

/// Appends the value as binary protocol of `type` wants it. Errors: storage.failed when it is of another kind.
Result<void> append_binary(std::string& out, const PostgresType& type, const Bind& bind);
/// An array with the values at `first`, `first` + `stride`, …
Result<void> append_binary_array(std::string& out, const PostgresType& element, std::span<const Bind> binds,
                                 std::size_t first, std::size_t stride);
/// Adds the value that arrived in binary to `rows`. Errors: storage.failed.
Result<void> add_binary_cell(Rows& rows, const PostgresType& type, std::string_view value);

/// Parameters of one execution, as libpq takes them.
class PostgresParameters {
 public:
  Result<void> add(const PostgresType& type, const Bind& bind);
  Result<void> add_array(const PostgresType& element, std::span<const Bind> binds, std::size_t first,
                         std::size_t stride);
  /// The views live until the next add().
  std::vector<const char*> values() const;
  const std::vector<int>& lengths() const { return lengths_; }
  std::size_t size() const { return lengths_.size(); }
  std::size_t byte_size() const { return bytes_.size(); }

 private:
  void note(std::size_t begin, bool is_null);
  std::string bytes_;
  std::vector<std::optional<std::size_t>> offsets_;  ///< Nothing: NULL.
  std::vector<int> lengths_;
};

}  // namespace wrench::storage
