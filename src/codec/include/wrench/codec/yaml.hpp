#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "wrench/base/result.hpp"
#include "wrench/codec/json.hpp"

namespace wrench::codec {

struct YamlMember;

/// One node of a YAML document with its place in the text. Scalars keep their text; what it means by the YAML 1.2
/// core schema is asked for (`as_boolean`, …), so "no" and "1.10" stay what their author wrote.
class YamlNode {
 public:
  enum class Kind : std::uint8_t { Scalar, Sequence, Mapping };
  enum class Style : std::uint8_t { Plain, Quoted, Literal, Folded };

  Kind kind = Kind::Scalar;
  Style style = Style::Plain;
  std::uint32_t line = 1;    ///< From 1.
  std::uint32_t column = 1;  ///< From 1, in code points.
  std::string text;          ///< Scalar only.
  std::string tag;           ///< As resolved by libyaml ("tag:yaml.org,2002:str", "!Ref"); empty when none was written.
  std::vector<YamlNode> items;
  std::vector<YamlMember> members;  ///< In order of writing, keys unique.

  bool is_scalar() const { return kind == Kind::Scalar; }
  bool is_sequence() const { return kind == Kind::Sequence; }
  bool is_mapping() const { return kind == Kind::Mapping; }
  /// A plain scalar that the core schema reads as null ("", "~", "null").
  bool is_null() const;
  /// A scalar that isn't null, boolean or number by the core schema.
  bool is_string() const;

  // Nothing when the scalar isn't of that type by the core schema.
  std::optional<bool> as_boolean() const;
  std::optional<std::int64_t> as_integer() const;
  std::optional<double> as_double() const;

  /// The value of `key`, or nullptr when this isn't a mapping or has no such key.
  const YamlNode* find(std::string_view key) const;
  /// The line, from 1, on which the scalar's own text begins: one below the indicator for `|` and `>`.
  std::uint32_t text_line() const { return style == Style::Literal || style == Style::Folded ? line + 1 : line; }
};

struct YamlMember {
  YamlNode key;  ///< Always a scalar.
  YamlNode value;
};

inline constexpr std::size_t kYamlDepthCeiling = 256;

enum class YamlAnchors : std::uint8_t {
  OfScalars,  ///< An alias repeats a scalar.
  Refused,    ///< For formats that have no use for them.
};

struct YamlLimits {
  std::size_t bytes_max = std::size_t{1} << 20;
  std::size_t depth_max = 64;  ///< At most kYamlDepthCeiling: nodes are destroyed recursively.
  std::size_t nodes_max = 500'000;
  std::size_t aliases_max = 1'000;
  /// Text that aliases may repeat in total.
  std::size_t alias_bytes_max = std::size_t{1} << 20;
  YamlAnchors anchors = YamlAnchors::OfScalars;
};

/// Every document of a stream. Refused: duplicate keys, keys that aren't scalars, aliases to collections (the stuff of
/// YAML bombs), anything beyond the limits. Error codes codec.yaml_invalid (with line and column), codec.yaml_limit.
Result<std::vector<YamlNode>> parse_yaml_stream(std::string_view text, const YamlLimits& limits = {});

/// The only document of the text; a null scalar when there is none; an error when there are several.
Result<YamlNode> parse_yaml(std::string_view text, const YamlLimits& limits = {});

/// By the core schema; keys become their text.
Json to_json(const YamlNode& node);

}  // namespace wrench::codec
