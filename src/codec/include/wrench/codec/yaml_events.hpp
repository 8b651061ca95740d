#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "wrench/base/result.hpp"

namespace wrench::codec {

/// One step through a YAML stream, with its bytes in the text.
struct YamlEvent {
  enum class What : std::uint8_t {
    DocumentStart,
    DocumentEnd,
    Scalar,
    Alias,
    SequenceStart,
    SequenceEnd,
    MappingStart,
    MappingEnd,
    StreamEnd,
  };
  enum class Style : std::uint8_t { Plain, SingleQuoted, DoubleQuoted, Literal, Folded };

  What what = What::StreamEnd;
  Style style = Style::Plain;  ///< Of a scalar.
  bool flow = false;           ///< SequenceStart, MappingStart: written with brackets.
  /// A scalar's quotes and indicators included, an anchor and a tag not. Collections in block style begin with their
  /// first part; where they end only their parts say.
  std::uint32_t first = 0, end = 0;
  std::string text;    ///< Scalar: what it means. Alias: the anchor's name.
  std::string anchor;  ///< Empty without one.
  std::string tag;     ///< Empty without one.
};

/// For tools that look at YAML as its author wrote it: positions are bytes, duplicate keys, keys that aren't scalars
/// and unresolved aliases are let through. parse_yaml() reads configuration. Nesting costs no native stack.
class YamlEvents {
 public:
  /// `text` must outlive the reader; UTF-8, without byte order mark.
  explicit YamlEvents(std::string_view text);
  YamlEvents(YamlEvents&&) noexcept;
  YamlEvents& operator=(YamlEvents&&) noexcept;
  ~YamlEvents();

  /// After StreamEnd or an error there is nothing more to ask for. Error code codec.yaml_invalid with line and column.
  Result<YamlEvent> next();
  /// Where the error lies.
  std::uint32_t error_offset() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace wrench::codec
