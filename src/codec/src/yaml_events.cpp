#include "wrench/codec/yaml_events.hpp"

#include <fmt/format.h>
#include <yaml.h>

#include <algorithm>
#include <vector>

namespace wrench::codec {

using What = YamlEvent::What;
using Style = YamlEvent::Style;

struct YamlEvents::State {
  explicit State(std::string_view given) : text(given) {
    ready = yaml_parser_initialize(&parser) != 0;
    if (!ready) return;
    yaml_parser_set_input_string(&parser, reinterpret_cast<const unsigned char*>(text.data()), text.size());
    yaml_parser_set_encoding(&parser, YAML_UTF8_ENCODING);
    const bool ascii = std::ranges::all_of(text, [](char c) { return static_cast<unsigned char>(c) < 0x80; });
    if (ascii) return;
    for (std::size_t i = 0; i < text.size(); ++i)
      if ((static_cast<unsigned char>(text[i]) & 0xC0U) != 0x80U) offsets.push_back(static_cast<std::uint32_t>(i));
  }
  ~State() {
    if (ready) yaml_parser_delete(&parser);
  }
  State(const State&) = delete;
  State& operator=(const State&) = delete;

  /// libyaml counts code points.
  std::uint32_t offset(std::size_t index) const {
    if (offsets.empty()) return static_cast<std::uint32_t>(std::min(index, text.size()));
    return index < offsets.size() ? offsets[index] : static_cast<std::uint32_t>(text.size());
  }

  static std::string text_of(const unsigned char* bytes) {
    return bytes == nullptr ? std::string() : std::string(reinterpret_cast<const char*>(bytes));
  }

  static Style style_of(yaml_scalar_style_t style) {
    switch (style) {
      case YAML_SINGLE_QUOTED_SCALAR_STYLE:
        return Style::SingleQuoted;
      case YAML_DOUBLE_QUOTED_SCALAR_STYLE:
        return Style::DoubleQuoted;
      case YAML_LITERAL_SCALAR_STYLE:
        return Style::Literal;
      case YAML_FOLDED_SCALAR_STYLE:
        return Style::Folded;
      default:
        return Style::Plain;
    }
  }

  /// Past an anchor and a tag, with which libyaml lets the node begin.
  std::uint32_t skip_properties(std::uint32_t at) const {
    const auto is_space = [](char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; };
    while (at < text.size() && (text[at] == '&' || text[at] == '!')) {
      while (at < text.size() && !is_space(text[at])) ++at;
      while (at < text.size() && is_space(text[at])) ++at;
    }
    return at;
  }

  YamlEvent convert(const yaml_event_t& event) const {
    YamlEvent out;
    out.first = offset(event.start_mark.index);
    out.end = offset(event.end_mark.index);
    switch (event.type) {
      case YAML_DOCUMENT_START_EVENT:
        out.what = What::DocumentStart;
        break;
      case YAML_DOCUMENT_END_EVENT:
        out.what = What::DocumentEnd;
        break;
      case YAML_SCALAR_EVENT: {
        const auto& scalar = event.data.scalar;
        out.what = What::Scalar;
        out.style = style_of(scalar.style);
        out.text.assign(reinterpret_cast<const char*>(scalar.value), scalar.length);
        out.anchor = text_of(scalar.anchor);
        out.tag = text_of(scalar.tag);
        break;
      }
      case YAML_ALIAS_EVENT:
        out.what = What::Alias;
        out.text = text_of(event.data.alias.anchor);
        break;
      case YAML_SEQUENCE_START_EVENT:
        out.what = What::SequenceStart;
        out.flow = event.data.sequence_start.style == YAML_FLOW_SEQUENCE_STYLE;
        out.anchor = text_of(event.data.sequence_start.anchor);
        out.tag = text_of(event.data.sequence_start.tag);
        break;
      case YAML_SEQUENCE_END_EVENT:
        out.what = What::SequenceEnd;
        break;
      case YAML_MAPPING_START_EVENT:
        out.what = What::MappingStart;
        out.flow = event.data.mapping_start.style == YAML_FLOW_MAPPING_STYLE;
        out.anchor = text_of(event.data.mapping_start.anchor);
        out.tag = text_of(event.data.mapping_start.tag);
        break;
      case YAML_MAPPING_END_EVENT:
        out.what = What::MappingEnd;
        break;
      default:
        break;
    }
    if (!out.anchor.empty() || !out.tag.empty()) out.first = std::min(skip_properties(out.first), out.end);
    return out;
  }

  Error syntax_error() {
    const bool reader = parser.error == YAML_READER_ERROR;
    error_at = reader ? static_cast<std::uint32_t>(std::min(parser.problem_offset, text.size()))
                      : offset(parser.problem_mark.index);
    const char* problem = parser.problem == nullptr ? "not valid YAML" : parser.problem;
    Error error("codec.yaml_invalid",
                parser.context == nullptr ? std::string(problem) : fmt::format("{} {}", parser.context, problem));
    if (reader) return error;
    return std::move(error).at("", static_cast<int>(parser.problem_mark.line) + 1,
                               static_cast<int>(parser.problem_mark.column) + 1);
  }

  std::string_view text;
  yaml_parser_t parser{};
  bool ready = false;
  std::uint32_t error_at = 0;
  std::vector<std::uint32_t> offsets;  ///< By code point; empty for ASCII.
};

YamlEvents::YamlEvents(std::string_view text) : state_(std::make_unique<State>(text)) {}
YamlEvents::YamlEvents(YamlEvents&&) noexcept = default;
YamlEvents& YamlEvents::operator=(YamlEvents&&) noexcept = default;
YamlEvents::~YamlEvents() = default;

Result<YamlEvent> YamlEvents::next() {
  if (!state_->ready) return Error("codec.yaml_limit", "no memory for the YAML reader");
  yaml_event_t event;
  for (;;) {
    if (yaml_parser_parse(&state_->parser, &event) == 0) return state_->syntax_error();
    if (event.type == YAML_STREAM_START_EVENT) {
      yaml_event_delete(&event);
      continue;
    }
    YamlEvent out = state_->convert(event);
    yaml_event_delete(&event);
    return out;
  }
}

std::uint32_t YamlEvents::error_offset() const { return state_->error_at; }

}  // namespace wrench::codec
