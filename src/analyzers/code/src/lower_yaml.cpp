#include "lower_yaml.hpp"

#include <optional>
#include <string>
#include <unordered_map>
#include <utility>

#include "ir_builder.hpp"
#include "lower_config.hpp"
#include "wrench/base/text.hpp"
#include "wrench/codec/yaml_events.hpp"

namespace wrench::code::detail {
namespace {

using codec::YamlEvent;
using Style = YamlEvent::Style;
using What = YamlEvent::What;

constexpr std::uint32_t kEventsPerLook = 256;
constexpr std::size_t kAnchorBytesMax = std::size_t{1} << 20;  ///< Of scalars that aliases may repeat.

bool is_space(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }
bool is_digit(char c) { return c >= '0' && c <= '9'; }

bool is_number(std::string_view text) {
  std::size_t i = text.starts_with('-') || text.starts_with('+') ? 1 : 0;
  const std::string_view body = text.substr(i);
  if (body.starts_with("0x") || body.starts_with("0o"))
    return body.size() > 2 && body.find_first_not_of("0123456789abcdefABCDEF", 2) == std::string_view::npos;
  std::size_t digits = 0;
  for (; i < text.size() && is_digit(text[i]); ++i) ++digits;
  if (i < text.size() && text[i] == '.')
    for (++i; i < text.size() && is_digit(text[i]); ++i) ++digits;
  if (digits > 0 && i < text.size() && (text[i] == 'e' || text[i] == 'E')) {
    ++i;
    if (i < text.size() && (text[i] == '-' || text[i] == '+')) ++i;
    if (i == text.size()) return false;
    while (i < text.size() && is_digit(text[i])) ++i;
  }
  return digits > 0 && i == text.size();
}

std::optional<bool> boolean(std::string_view text) {
  if (text == "true" || text == "True" || text == "TRUE") return true;
  if (text == "false" || text == "False" || text == "FALSE") return false;
  return std::nullopt;
}

class YamlLowering {
 public:
  YamlLowering(std::string_view text, std::string_view parsed, Atoms& atoms, Ir& ir, LowerLimits limits)
      : text_(text),
        events_(parsed),
        atoms_(atoms),
        ir_(ir),
        out_(ir, static_cast<std::uint32_t>(text.size()), limits) {}

  LowerFault run(const std::function<bool()>& keep_on) {
    for (std::uint32_t count = 1;; ++count) {
      auto event = events_.next();
      if (!event) {
        finish_at(events_.error_offset());
        break;
      }
      if (event->what == What::StreamEnd) break;
      take(std::move(*event));
      if (out_.fault() != LowerFault::None || (count % kEventsPerLook == 0 && !keep_on())) break;
    }
    while (out_.depth() > 1) close_collection({});
    out_.close();
    find_comments();
    return out_.fault();
  }

 private:
  struct Collection {
    bool mapping = false, flow = false;
    bool key_next = true;  ///< Mapping: what comes is a key.
  };

  void take(YamlEvent event) {
    switch (event.what) {
      case What::Scalar:
        return scalar(event);
      case What::Alias:
        return alias(event);
      case What::SequenceStart:
      case What::MappingStart: {
        const bool mapping = event.what == What::MappingStart;
        out_.open(mapping ? Kind::Dict : Kind::List, begin_part(event.first), event.first, event.first);
        open_.push_back({mapping, event.flow, true});
        return;
      }
      case What::SequenceEnd:
      case What::MappingEnd:
        return close_collection(event);
      default:
        return;
    }
  }

  /// The role of what begins now; opens the Pair for a key.
  Role begin_part(std::uint32_t first) {
    if (open_.empty() || !open_.back().mapping) return Role::Element;
    if (!open_.back().key_next) return Role::Value;
    out_.open(Kind::Pair, Role::Element, first, first);
    return Role::Key;
  }
  void end_part() {
    if (open_.empty() || !open_.back().mapping) return;
    open_.back().key_next = !open_.back().key_next;
    if (open_.back().key_next) out_.close_around_children();
  }

  void close_collection(const YamlEvent& event) {
    if (open_.empty()) return out_.close();
    // A key whose value never came.
    if (open_.back().mapping && !open_.back().key_next) out_.close_around_children();
    const bool flow = open_.back().flow && event.end > 0;
    open_.pop_back();
    if (flow) {
      out_.innermost().end = std::max(event.end, out_.innermost().first);
      out_.close();
    } else {
      out_.close_around_children();
    }
    end_part();
  }

  void scalar(const YamlEvent& event) {
    const Role role = begin_part(event.first);
    std::uint32_t end = event.end;
    while (end > event.first && is_space(text_[end - 1])) --end;
    // A template that was made out of the parser's way is what the author wrote.
    const std::string_view written = text_.substr(event.first, end - event.first);
    const bool templated = event.style == Style::Plain && written.find("{{") != std::string_view::npos;
    const std::string_view value = templated ? written : std::string_view(event.text);
    const bool plain = event.style == Style::Plain && event.tag.empty();
    const bool quoted = event.style == Style::SingleQuoted || event.style == Style::DoubleQuoted;
    if (!quoted && trim(value).starts_with(kStandInPrefix))
      out_.leaf(Kind::Name, role, event.first, end, atoms_.intern(trim(value)));
    else
      emit(role, event.first, end, value, plain && role != Role::Key);
    if (!event.anchor.empty() && anchor_bytes_ + value.size() <= kAnchorBytesMax) {
      anchor_bytes_ += value.size();
      anchors_[event.anchor] = {std::string(value), plain};
    }
    end_part();
  }
  void emit(Role role, std::uint32_t first, std::uint32_t end, std::string_view value, bool plain) {
    // What isn't written at all is the empty string: patterns have no other word for it.
    if (plain && boolean(value)) {
      out_.leaf(Kind::Bool, role, first, end).sub = boolean(value) == true ? 1 : 0;
    } else if (plain && (value == "null" || value == "~" || value == "Null" || value == "NULL")) {
      out_.leaf(Kind::Null, role, first, end);
    } else {
      const bool number = plain && is_number(value);
      out_.leaf(number ? Kind::Number : Kind::String, role, first, end, atoms_.intern(value));
    }
  }

  void alias(const YamlEvent& event) {
    const Role role = begin_part(event.first);
    const auto anchor = anchors_.find(event.text);
    if (anchor == anchors_.end())
      out_.leaf(Kind::Name, role, event.first, event.end, atoms_.intern(event.text));
    else
      emit(role, event.first, event.end, anchor->second.first, anchor->second.second && role != Role::Key);
    end_part();
  }

  void finish_at(std::uint32_t offset) {
    while (out_.depth() > 1) close_collection({});
    out_.error(offset, static_cast<std::uint32_t>(text_.size()));
  }

  /// `#` at a line's start or after white space, where no scalar is.
  void find_comments() {
    std::uint32_t at = 0;
    for (const Node& node : ir_.nodes) {
      const bool leaf = node.kind == Kind::String || node.kind == Kind::Number || node.kind == Kind::Bool ||
                        node.kind == Kind::Null || node.kind == Kind::Name || node.kind == Kind::Error;
      if (!leaf || node.first < at) continue;
      comments_in(at, node.first);
      at = node.end;
    }
    comments_in(at, static_cast<std::uint32_t>(text_.size()));
  }
  void comments_in(std::uint32_t first, std::uint32_t end) {
    for (std::uint32_t i = first; i < end; ++i) {
      if (text_[i] != '#' || (i > 0 && !is_space(text_[i - 1]))) continue;
      std::uint32_t stop = i;
      while (stop < end && text_[stop] != '\n' && text_[stop] != '\r') ++stop;
      ir_.comments.push_back({i, stop});
      i = stop;
    }
  }

  std::string_view text_;
  codec::YamlEvents events_;
  Atoms& atoms_;
  Ir& ir_;
  IrBuilder out_;
  std::vector<Collection> open_;
  std::unordered_map<std::string, std::pair<std::string, bool>>
      anchors_;  ///< Scalars: value, and whether it was plain.
  std::size_t anchor_bytes_ = 0;
};

/// Tags of templates (`{{ … }}`, `{% … %}`) out of the parser's way, offsets kept: lines that hold nothing else become
/// blank, other tags a word. Nothing when there is no tag.
std::optional<std::string> blank_templates(std::string_view text) {
  std::string out(text);
  bool any = false;
  for (std::size_t at = 0; at + 1 < text.size();) {
    const bool braces = text[at] == '{' && (text[at + 1] == '{' || text[at + 1] == '%');
    if (!braces) {
      ++at;
      continue;
    }
    const std::size_t close = text.find(text[at + 1] == '{' ? "}}" : "%}", at + 2);
    if (close == std::string_view::npos) break;
    const std::size_t end = close + 2;
    std::size_t line_first = at, line_end = end;
    while (line_first > 0 && (out[line_first - 1] == ' ' || out[line_first - 1] == '\t')) --line_first;
    while (line_end < text.size() && (text[line_end] == ' ' || text[line_end] == '\t' || text[line_end] == '\r'))
      ++line_end;
    const bool alone =
        (line_first == 0 || out[line_first - 1] == '\n') && (line_end == text.size() || text[line_end] == '\n');
    for (std::size_t i = at; i < end; ++i)
      if (alone ? out[i] != '\n' : true) out[i] = alone ? ' ' : 'x';
    any = true;
    at = end;
  }
  return any ? std::optional(std::move(out)) : std::nullopt;
}

}  // namespace

LowerFault lower_yaml(std::string_view text, Atoms& atoms, Ir& ir, LowerLimits limits,
                      const std::function<bool()>& keep_on) {
  const LowerFault fault = YamlLowering(text, text, atoms, ir, limits).run(keep_on);
  if (fault != LowerFault::None || ir.error_nodes == 0) return fault;
  const auto blanked = blank_templates(text);
  if (!blanked) return fault;
  Ir second;
  second.language = ir.language;
  if (YamlLowering(text, *blanked, atoms, second, limits).run(keep_on) == LowerFault::None &&
      second.error_bytes < ir.error_bytes)
    ir = std::move(second);
  return fault;
}

}  // namespace wrench::code::detail
