#pragma once

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include "wrench/base/result.hpp"

namespace wrench::codec {

class Json;

/// Members in insertion order, names unique. Lookup is linear up to 16 members, then by a sorted index.
/// Reading never changes the object, so several threads may read one.
class JsonObject {
 public:
  using Member = std::pair<std::string, Json>;

  JsonObject();
  JsonObject(const JsonObject&);
  JsonObject(JsonObject&&) noexcept;
  JsonObject& operator=(const JsonObject&);
  JsonObject& operator=(JsonObject&&) noexcept;
  ~JsonObject();

  /// Nothing when two members share a name; `members` is then left as it was.
  static std::optional<JsonObject> from_members(std::vector<Member>&& members);

  std::size_t size() const;
  bool empty() const { return size() == 0; }
  const Json* find(std::string_view name) const;
  Json* find(std::string_view name);
  /// The member `name`, added as null when absent.
  Json& operator[](std::string_view name);
  /// Adds or replaces.
  void set(std::string_view name, Json value);
  bool erase(std::string_view name);
  const Member* begin() const;
  const Member* end() const;
  Member* begin();
  Member* end();
  bool operator==(const JsonObject& other) const;  ///< Order of members doesn't matter.

 private:
  std::optional<std::size_t> index_of(std::string_view name) const;
  void append(std::string_view name, Json value);
  void sort_tail();

  std::vector<Member> members_;
  // Indexes of the first sorted_.size() members, by name; the few after them are looked up one by one.
  std::vector<std::uint32_t> sorted_;
};

using JsonArray = std::vector<Json>;

/// A JSON value (RFC 8259). Integers that fit int64 stay exact; all other numbers are double.
class Json {
 public:
  enum class Kind : std::uint8_t { Null, Boolean, Integer, Double, String, Array, Object };

  Json() = default;
  Json(std::nullptr_t) {}              // NOLINT(google-explicit-constructor)
  Json(bool value) : value_(value) {}  // NOLINT(google-explicit-constructor)
  /// An unsigned value above the int64 range becomes a double.
  template <class N>
    requires(std::is_integral_v<N> && !std::is_same_v<N, bool>)
  Json(N value) {  // NOLINT(google-explicit-constructor)
    if (std::in_range<std::int64_t>(value)) {
      value_ = static_cast<std::int64_t>(value);
    } else {
      value_ = static_cast<double>(value);
    }
  }
  Json(double value) : value_(value) {}                         // NOLINT(google-explicit-constructor)
  Json(std::string value) : value_(std::move(value)) {}         // NOLINT(google-explicit-constructor)
  Json(std::string_view value) : value_(std::string(value)) {}  // NOLINT(google-explicit-constructor)
  Json(const char* value) : value_(std::string(value)) {}       // NOLINT(google-explicit-constructor)
  Json(JsonArray value) : value_(std::move(value)) {}           // NOLINT(google-explicit-constructor)
  Json(JsonObject value) : value_(std::move(value)) {}          // NOLINT(google-explicit-constructor)

  struct Item;
  struct NamedItem;
  static Json array(std::initializer_list<Item> items = {});
  static Json object(std::initializer_list<NamedItem> members = {});

  Kind kind() const { return static_cast<Kind>(value_.index()); }
  bool is_null() const { return kind() == Kind::Null; }
  bool is_boolean() const { return kind() == Kind::Boolean; }
  bool is_integer() const { return kind() == Kind::Integer; }
  bool is_number() const { return kind() == Kind::Integer || kind() == Kind::Double; }
  bool is_string() const { return kind() == Kind::String; }
  bool is_array() const { return kind() == Kind::Array; }
  bool is_object() const { return kind() == Kind::Object; }

  // Typed access: the fallback when the kind is another one.
  bool as_boolean(bool fallback = false) const;
  std::int64_t as_integer(std::int64_t fallback = 0) const;
  double as_double(double fallback = 0) const;
  std::string_view as_string(std::string_view fallback = {}) const;
  const JsonArray& as_array() const;    ///< An empty array when the kind is another one.
  const JsonObject& as_object() const;  ///< An empty object when the kind is another one.

  // For building. Programmer error when the kind is another one; null becomes the kind asked for.
  JsonArray& array_ref();
  JsonObject& object_ref();
  void push_back(Json value) { array_ref().push_back(std::move(value)); }
  Json& operator[](std::string_view name) { return object_ref()[name]; }
  void set(std::string_view name, Json value) { object_ref().set(name, std::move(value)); }

  /// The member, or a null value when this isn't an object or has no such member.
  const Json& at(std::string_view name) const;
  bool operator==(const Json& other) const = default;

 private:
  std::variant<std::monostate, bool, std::int64_t, double, std::string, JsonArray, JsonObject> value_;
};

inline constexpr std::size_t kJsonDepthCeiling = 1000;

/// What Json::array and Json::object are given. The values are moved out: an initializer list's elements are const, and
/// copying them would copy whole trees.
struct Json::Item {
  template <class T>
    requires std::is_convertible_v<T, Json>
  Item(T&& item) : value(std::forward<T>(item)) {}  // NOLINT(google-explicit-constructor)
  mutable Json value;
};
struct Json::NamedItem {
  std::string_view name;
  mutable Json value;
};

struct JsonLimits {
  std::size_t bytes_max = std::size_t{64} << 20;
  std::size_t depth_max = 128;  ///< At most kJsonDepthCeiling: values are written and destroyed recursively.
  std::size_t values_max = 10'000'000;
};

/// Strict RFC 8259: no duplicate names, no lone surrogates, valid UTF-8, nothing after the value.
/// A number too large for a double is refused; -0 is the double -0.0.
/// Error codes codec.json_invalid (with line and column, in code points), codec.json_limit.
Result<Json> parse_json(std::string_view text, const JsonLimits& limits = {});

/// As parse_json, but keeps only the object members named; what stands under others is checked and dropped. Reads a
/// part of a document that would be too large as a whole.
Result<Json> parse_json_members(std::string_view text, std::span<const std::string_view> names,
                                const JsonLimits& limits = {});

struct JsonStyle {
  bool pretty = false;    ///< Two spaces of indent, one member a line.
  std::size_t depth = 0;  ///< Levels that already stand around the value: shifts the indent.
};
/// Valid UTF-8 comes out, whatever went in; non-finite numbers become null. A double keeps a point or exponent, so it
/// is read back as a double. DEL, C1 controls, line separators and bidi marks are written as \u escapes: a file shown
/// on a terminal stays inert.
std::string write_json(const Json& value, const JsonStyle& style = {});
void append_json_string(std::string& out, std::string_view text);
/// RFC 8785 (JCS): the form that is hashed. Integers above 2^53 keep all their digits (RFC 8785 would round them).
std::string canonical_json(const Json& value);

}  // namespace wrench::codec
