#include "wrench/codec/yaml.hpp"

#include <fmt/format.h>
#include <yaml.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>
#include <unordered_map>
#include <unordered_set>
#include <utility>

namespace wrench::codec {
namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }

/// Whether the core schema may read this scalar as something other than a string.
bool is_untyped(const YamlNode& node) {
  return node.is_scalar() && node.style == YamlNode::Style::Plain && node.tag.empty();
}

bool looks_like_float(std::string_view text) {
  std::size_t i = 0;
  if (i < text.size() && (text[i] == '-' || text[i] == '+')) ++i;
  std::size_t digits = 0;
  for (; i < text.size() && is_digit(text[i]); ++i) ++digits;
  if (i < text.size() && text[i] == '.')
    for (++i; i < text.size() && is_digit(text[i]); ++i) ++digits;
  if (digits == 0) return false;
  if (i < text.size() && (text[i] == 'e' || text[i] == 'E')) {
    ++i;
    if (i < text.size() && (text[i] == '-' || text[i] == '+')) ++i;
    if (i == text.size()) return false;
    while (i < text.size() && is_digit(text[i])) ++i;
  }
  return i == text.size();
}

/// Turns libyaml's events into a tree. libyaml itself keeps a stack on the heap, so depth costs no native stack here.
class TreeReader {
 public:
  TreeReader(std::string_view text, const YamlLimits& limits) : limits_(limits) {
    ready_ = yaml_parser_initialize(&parser_) != 0;
    if (!ready_) return;
    yaml_parser_set_input_string(&parser_, reinterpret_cast<const unsigned char*>(text.data()), text.size());
    yaml_parser_set_encoding(&parser_, YAML_UTF8_ENCODING);
  }
  ~TreeReader() {
    if (ready_) yaml_parser_delete(&parser_);
  }
  TreeReader(const TreeReader&) = delete;
  TreeReader& operator=(const TreeReader&) = delete;

  Result<std::vector<YamlNode>> read() {
    if (!ready_) return Error("codec.yaml_limit", "no memory for the YAML reader");
    for (;;) {
      yaml_event_t event;
      if (yaml_parser_parse(&parser_, &event) == 0) return syntax_error();
      const yaml_event_type_t type = event.type;
      auto outcome = take(event);
      yaml_event_delete(&event);
      if (!outcome) return std::move(outcome).error();
      if (type == YAML_STREAM_END_EVENT) return std::move(documents_);
    }
  }

 private:
  // What is open: the collection and, in a mapping, the key that waits for its value.
  struct Frame {
    YamlNode node;
    std::optional<YamlNode> key;
    std::unordered_set<std::string> keys;
  };

  static std::string text_of(const unsigned char* bytes) {
    return bytes == nullptr ? std::string() : std::string(reinterpret_cast<const char*>(bytes));
  }
  static Error invalid(std::string message, const yaml_mark_t& mark) {
    return Error("codec.yaml_invalid", std::move(message))
        .at("", static_cast<int>(mark.line) + 1, static_cast<int>(mark.column) + 1);
  }
  static Error limit(std::string message, const yaml_mark_t& mark) {
    return Error("codec.yaml_limit", std::move(message))
        .at("", static_cast<int>(mark.line) + 1, static_cast<int>(mark.column) + 1);
  }

  Error syntax_error() const {
    const char* problem = parser_.problem == nullptr ? "not valid YAML" : parser_.problem;
    if (parser_.error == YAML_READER_ERROR)
      return Error("codec.yaml_invalid", fmt::format("{} at byte {}", problem, parser_.problem_offset));
    return invalid(parser_.context == nullptr ? std::string(problem) : fmt::format("{} {}", parser_.context, problem),
                   parser_.problem_mark);
  }

  Result<void> take(const yaml_event_t& event) {
    switch (event.type) {
      case YAML_DOCUMENT_START_EVENT:
        anchors_.clear();
        return {};
      case YAML_SCALAR_EVENT:
        return take_scalar(event);
      case YAML_ALIAS_EVENT:
        return take_alias(event);
      case YAML_SEQUENCE_START_EVENT:
        return open(YamlNode::Kind::Sequence, event.data.sequence_start.anchor, event.data.sequence_start.tag,
                    event.start_mark);
      case YAML_MAPPING_START_EVENT:
        return open(YamlNode::Kind::Mapping, event.data.mapping_start.anchor, event.data.mapping_start.tag,
                    event.start_mark);
      case YAML_SEQUENCE_END_EVENT:
      case YAML_MAPPING_END_EVENT: {
        YamlNode node = std::move(open_.back().node);
        open_.pop_back();
        return place(std::move(node), event.start_mark);
      }
      default:
        return {};
    }
  }

  YamlNode make(YamlNode::Kind kind, const unsigned char* tag, const yaml_mark_t& mark) const {
    YamlNode node;
    node.kind = kind;
    node.tag = text_of(tag);
    node.line = static_cast<std::uint32_t>(mark.line) + 1;
    node.column = static_cast<std::uint32_t>(mark.column) + 1;
    return node;
  }

  Result<void> check_anchor(const unsigned char* anchor, const yaml_mark_t& mark) const {
    if (anchor == nullptr || limits_.anchors == YamlAnchors::OfScalars) return {};
    return invalid(fmt::format("anchors and aliases ('{}') aren't used here; write the value out", text_of(anchor)),
                   mark);
  }

  Result<void> open(YamlNode::Kind kind, const unsigned char* anchor, const unsigned char* tag,
                    const yaml_mark_t& mark) {
    if (open_.size() >= std::min(limits_.depth_max, kYamlDepthCeiling))
      return limit(fmt::format("nested deeper than {} levels", limits_.depth_max), mark);
    if (!open_.empty() && open_.back().node.is_mapping() && !open_.back().key)
      return invalid("a key must be a scalar", mark);
    WRENCH_TRY(check_anchor(anchor, mark));
    if (anchor != nullptr) anchors_[text_of(anchor)] = std::nullopt;
    open_.push_back(Frame{make(kind, tag, mark), std::nullopt, {}});
    return {};
  }

  Result<void> take_scalar(const yaml_event_t& event) {
    const auto& scalar = event.data.scalar;
    WRENCH_TRY(check_anchor(scalar.anchor, event.start_mark));
    YamlNode node = make(YamlNode::Kind::Scalar, scalar.tag, event.start_mark);
    node.text.assign(reinterpret_cast<const char*>(scalar.value), scalar.length);
    switch (scalar.style) {
      case YAML_SINGLE_QUOTED_SCALAR_STYLE:
      case YAML_DOUBLE_QUOTED_SCALAR_STYLE:
        node.style = YamlNode::Style::Quoted;
        break;
      case YAML_LITERAL_SCALAR_STYLE:
        node.style = YamlNode::Style::Literal;
        break;
      case YAML_FOLDED_SCALAR_STYLE:
        node.style = YamlNode::Style::Folded;
        break;
      default:
        break;
    }
    if (scalar.anchor != nullptr) anchors_[text_of(scalar.anchor)] = node;
    return place(std::move(node), event.start_mark);
  }

  Result<void> take_alias(const yaml_event_t& event) {
    WRENCH_TRY(check_anchor(event.data.alias.anchor, event.start_mark));
    const std::string name = text_of(event.data.alias.anchor);
    if (++aliases_ > limits_.aliases_max)
      return limit(fmt::format("more than {} aliases", limits_.aliases_max), event.start_mark);
    const auto found = anchors_.find(name);
    if (found == anchors_.end()) return invalid(fmt::format("unknown alias '{}'", name), event.start_mark);
    if (!found->second)
      return invalid(fmt::format("alias '{}' names a list or mapping; write it out", name), event.start_mark);
    YamlNode node = *found->second;
    alias_bytes_ += node.text.size();
    if (alias_bytes_ > limits_.alias_bytes_max)
      return limit(fmt::format("aliases repeat more than {} bytes", limits_.alias_bytes_max), event.start_mark);
    node.line = static_cast<std::uint32_t>(event.start_mark.line) + 1;
    node.column = static_cast<std::uint32_t>(event.start_mark.column) + 1;
    return place(std::move(node), event.start_mark);
  }

  Result<void> place(YamlNode node, const yaml_mark_t& mark) {
    if (++nodes_ > limits_.nodes_max) return limit(fmt::format("more than {} nodes", limits_.nodes_max), mark);
    if (open_.empty()) {
      documents_.push_back(std::move(node));
      return {};
    }
    Frame& frame = open_.back();
    if (frame.node.is_sequence()) {
      frame.node.items.push_back(std::move(node));
      return {};
    }
    if (!frame.key) {
      if (!frame.keys.insert(node.text).second) return invalid(fmt::format("duplicate key '{}'", node.text), mark);
      frame.key = std::move(node);
      return {};
    }
    frame.node.members.push_back(YamlMember{std::move(*frame.key), std::move(node)});
    frame.key.reset();
    return {};
  }

  const YamlLimits limits_;
  yaml_parser_t parser_{};
  bool ready_ = false;
  std::vector<YamlNode> documents_;
  std::vector<Frame> open_;
  std::unordered_map<std::string, std::optional<YamlNode>> anchors_;  ///< Nothing for collections.
  std::size_t nodes_ = 0, aliases_ = 0, alias_bytes_ = 0;
};

}  // namespace

bool YamlNode::is_null() const {
  return is_untyped(*this) && (text.empty() || text == "~" || text == "null" || text == "Null" || text == "NULL");
}

bool YamlNode::is_string() const {
  if (!is_scalar()) return false;
  return !is_untyped(*this) || !(is_null() || as_boolean() || as_integer() || as_double());
}

std::optional<bool> YamlNode::as_boolean() const {
  if (!is_untyped(*this)) return std::nullopt;
  if (text == "true" || text == "True" || text == "TRUE") return true;
  if (text == "false" || text == "False" || text == "FALSE") return false;
  return std::nullopt;
}

std::optional<std::int64_t> YamlNode::as_integer() const {
  if (!is_untyped(*this) || text.empty()) return std::nullopt;
  std::string_view digits = text;
  int base = 10;
  if (digits.starts_with("0x")) {
    base = 16;
    digits.remove_prefix(2);
  } else if (digits.starts_with("0o")) {
    base = 8;
    digits.remove_prefix(2);
  } else if (digits.starts_with('+')) {
    digits.remove_prefix(1);
  }
  if (digits.empty() || (digits[0] == '-' && (base != 10 || text[0] == '+'))) return std::nullopt;
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value, base);
  if (error != std::errc() || end != digits.data() + digits.size()) return std::nullopt;
  return value;
}

std::optional<double> YamlNode::as_double() const {
  if (!is_untyped(*this)) return std::nullopt;
  if (const auto integer = as_integer()) return static_cast<double>(*integer);
  const bool negative = text.starts_with('-');
  const std::string_view body = std::string_view(text).substr(negative || text.starts_with('+') ? 1 : 0);
  if (body == ".inf" || body == ".Inf" || body == ".INF")
    return negative ? -std::numeric_limits<double>::infinity() : std::numeric_limits<double>::infinity();
  if (text == ".nan" || text == ".NaN" || text == ".NAN") return std::numeric_limits<double>::quiet_NaN();
  if (!looks_like_float(text)) return std::nullopt;
  double value = 0;
  const auto [end, error] = std::from_chars(body.data(), body.data() + body.size(), value);
  if (error != std::errc() || end != body.data() + body.size()) return std::nullopt;
  return negative ? -value : value;
}

const YamlNode* YamlNode::find(std::string_view key) const {
  for (const YamlMember& member : members)
    if (member.key.text == key) return &member.value;
  return nullptr;
}

Result<std::vector<YamlNode>> parse_yaml_stream(std::string_view text, const YamlLimits& limits) {
  if (text.size() > limits.bytes_max)
    return Error("codec.yaml_limit",
                 fmt::format("{} bytes of YAML; at most {} are read", text.size(), limits.bytes_max));
  return TreeReader(text, limits).read();
}

Result<YamlNode> parse_yaml(std::string_view text, const YamlLimits& limits) {
  std::vector<YamlNode> documents = WRENCH_TRY(parse_yaml_stream(text, limits));
  if (documents.empty()) return YamlNode{};
  if (documents.size() > 1)
    return Error("codec.yaml_invalid", "one document expected, another one begins here")
        .at("", static_cast<int>(documents[1].line), static_cast<int>(documents[1].column));
  return std::move(documents.front());
}

Json to_json(const YamlNode& node) {
  switch (node.kind) {
    case YamlNode::Kind::Sequence: {
      JsonArray array;
      array.reserve(node.items.size());
      for (const YamlNode& item : node.items) array.push_back(to_json(item));
      return Json(std::move(array));
    }
    case YamlNode::Kind::Mapping: {
      JsonObject object;
      for (const YamlMember& member : node.members) object.set(member.key.text, to_json(member.value));
      return Json(std::move(object));
    }
    case YamlNode::Kind::Scalar:
      break;
  }
  if (node.is_null()) return Json();
  if (const auto boolean = node.as_boolean()) return Json(*boolean);
  if (const auto integer = node.as_integer()) return Json(*integer);
  if (const auto number = node.as_double(); number && std::isfinite(*number)) return Json(*number);
  return Json(node.text);
}

}  // namespace wrench::codec
