#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "wrench/base/result.hpp"
#include "wrench/codec/json.hpp"

namespace wrench::codec {

struct SchemaViolation {
  std::string pointer;  ///< JSON pointer to the value (RFC 6901); empty is the whole document.
  std::string message;  ///< "must be string, is integer"
};

inline constexpr std::size_t kSchemaViolationsMax = 20;
inline constexpr std::size_t kSchemaDepthMax = 256;

/// A compiled JSON Schema: draft 2020-12's core, applicator and validation vocabularies, and of drafts 4 and 7 what
/// differs
/// (`definitions`, `id`, `items` as a list). References are local (`#`, `#/…`); patterns run on RE2; `format` is an
/// annotation. Not supported, and refused: $dynamicRef, unevaluated*, remote references. Immutable, thread-safe.
class JsonSchema {
 public:
  /// Error code codec.schema_invalid naming the place. An unknown keyword is an error: a misspelt one would check
  /// nothing.
  static Result<JsonSchema> compile(const Json& schema);
  JsonSchema(JsonSchema&&) noexcept;
  JsonSchema& operator=(JsonSchema&&) noexcept;
  ~JsonSchema();

  /// Empty when the value conforms; else the first violations, at most kSchemaViolationsMax.
  std::vector<SchemaViolation> validate(const Json& value) const;

 private:
  struct State;
  explicit JsonSchema(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace wrench::codec
