#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <vector>

#include "logic_context.hpp"
#include "wrench/base/text.hpp"

/// Texts with places for values, and the values given to them: Python's three ways to join the two.
namespace wrench::code::detail {
namespace {

using findings::Confidence;
using findings::Severity;

constexpr LogicContext::Rule kRaises{"logic.format-arguments", "Values don't fit the format", "CWE-628", Severity::High,
                                     Confidence::High};
constexpr LogicContext::Rule kLosesMessage{"logic.format-arguments", "Values don't fit the log message", "CWE-628",
                                           Severity::Medium, Confidence::High};

constexpr std::string_view kLogMethods[] = {"debug", "info", "warning", "error", "critical", "exception", "warn"};
constexpr std::string_view kLoggers[] = {"log", "logger", "logging", "_log", "_logger"};

/// The text of one plain literal; none for joined ones, whose text stands in several pieces.
std::optional<std::string_view> literal(const LogicContext& c, NodeIndex i) {
  if (c.ir[i].kind != Kind::String || static_cast<StringSub>(c.ir[i].sub) == StringSub::Bytes) return std::nullopt;
  const std::string_view text = c.atoms.text(c.ir[i].atom);
  constexpr std::size_t kQuotesAndPrefixMax = 8;
  if (c.ir[i].end - c.ir[i].first > text.size() + kQuotesAndPrefixMax) return std::nullopt;
  return text;
}

bool is_any(char c, std::string_view of) { return of.find(c) != std::string_view::npos; }

/// How many values "%d of %s" takes; none when they are named or it isn't one of Python's formats.
std::optional<std::size_t> percent_places(std::string_view text) {
  std::size_t count = 0;
  for (std::size_t at = text.find('%'); at != std::string_view::npos; at = text.find('%', at)) {
    ++at;
    while (at < text.size() && is_any(text[at], "#0- +")) ++at;
    while (at < text.size() && is_any(text[at], "0123456789.*")) count += text[at++] == '*' ? 1 : 0;
    if (at < text.size() && is_any(text[at], "hlL")) ++at;
    if (at >= text.size()) return std::nullopt;
    if (text[at] == '%') {
      ++at;
      continue;
    }
    if (!is_any(text[at], "diouxXeEfFgGcrsa")) return std::nullopt;
    ++at;
    ++count;
  }
  return count;
}

/// How many values "{} of {1:>{width}}" takes by position; none when it isn't a format.
std::optional<std::size_t> brace_places(std::string_view text) {
  std::size_t automatic = 0, numbered = 0;
  std::size_t depth = 0;
  for (std::size_t at = 0; at < text.size(); ++at) {
    if (text[at] == '}') {
      if (depth == 0 && at + 1 < text.size() && text[at + 1] == '}') {
        ++at;
        continue;
      }
      if (depth-- == 0) return std::nullopt;
      continue;
    }
    if (text[at] != '{') continue;
    if (depth == 0 && at + 1 < text.size() && text[at + 1] == '{') {
      ++at;
      continue;
    }
    ++depth;
    std::size_t end = at + 1;
    while (end < text.size() && !is_any(text[end], "}:!.[{")) ++end;
    const std::string_view name = text.substr(at + 1, end - at - 1);
    if (name.empty()) {
      ++automatic;
    } else if (std::ranges::all_of(name, [](char d) { return d >= '0' && d <= '9'; }) && name.size() < 4) {
      std::size_t index = 0;
      for (const char d : name) index = index * 10 + static_cast<std::size_t>(d - '0');
      numbered = std::max(numbered, index + 1);
    }
    at = end - 1;
  }
  if (depth != 0) return std::nullopt;
  return std::max(automatic, numbered);
}

std::string many(std::size_t count, std::string_view what) {
  return fmt::format("{} {}{}", count, what, count == 1 ? "" : "s");
}

/// `"%s and %s" % (a,)`
void percent(LogicContext& c, NodeIndex i) {
  const NodeIndex left = c.ir.child(i, Role::Left);
  const NodeIndex right = c.ir.child(i, Role::Right);
  if (left == kNoNode || right == kNoNode) return;
  const auto text = literal(c, left);
  if (!text || text->find("%(") != std::string_view::npos) return;
  const auto places = percent_places(*text);
  if (!places) return;
  std::size_t values = 0;
  if (c.ir[right].kind == Kind::Tuple) {
    for (NodeIndex e = c.ir.first_child(right); e != kNoNode; e = c.ir.next_sibling(e)) {
      if (c.ir[e].kind == Kind::Spread) return;
      ++values;
    }
  } else if (c.ir[right].kind == Kind::String || c.ir[right].kind == Kind::Number) {
    values = 1;
  } else {
    return;
  }
  if (values == *places) return;
  c.report(i, kRaises,
           fmt::format("The text has {} and gets {}, so this line raises a TypeError. Give one value for each place.",
                       many(*places, "place"), many(values, "value")));
}

struct Arguments {
  std::size_t positional = 0;
  bool open = false;  ///< `*more`: how many, nobody knows.
};

Arguments arguments_of(const Ir& ir, NodeIndex call) {
  Arguments out;
  for (NodeIndex a = ir.first_child(call); a != kNoNode; a = ir.next_sibling(a)) {
    if (ir[a].role != Role::Arg) continue;
    if (ir[a].kind == Kind::Spread) out.open = true;
    if (ir[a].kind != Kind::KeywordArg) ++out.positional;
  }
  return out;
}

/// `"{} and {}".format(a)`
void format_call(LogicContext& c, NodeIndex call, NodeIndex object) {
  const auto text = literal(c, object);
  if (!text) return;
  const auto places = brace_places(*text);
  const Arguments given = arguments_of(c.ir, call);
  if (!places || given.open || given.positional >= *places) return;
  c.report(call, kRaises,
           fmt::format("The text has {} and gets {}, so this line raises an IndexError. Give one value for each place.",
                       many(*places, "place"), many(given.positional, "value")));
}

/// `logger.info("%s and %s", a)`
void log_call(LogicContext& c, NodeIndex call, NodeIndex object) {
  if (c.ir[object].kind != Kind::Name && c.ir[object].kind != Kind::Member) return;
  const std::string name = to_lower_ascii(c.atoms.text(c.ir[object].atom));
  if (std::ranges::find(kLoggers, name) == std::end(kLoggers)) return;
  const NodeIndex first = c.ir.child(call, Role::Arg);
  if (first == kNoNode) return;
  const auto text = literal(c, first);
  const Arguments given = arguments_of(c.ir, call);
  // Braces: a logger that formats another way. A dictionary fills named places.
  if (!text || given.open || given.positional < 2 || text->find('{') != std::string_view::npos ||
      text->find("%(") != std::string_view::npos)
    return;
  const auto places = percent_places(*text);
  if (!places || *places == given.positional - 1) return;
  c.report(call, kLosesMessage,
           fmt::format("The message has {} and gets {}: instead of it an error is printed. Give one value for each "
                       "place.",
                       many(*places, "place"), many(given.positional - 1, "value")));
}

}  // namespace

void check_formats(LogicContext& c, NodeIndex i) {
  if (!c.is_python()) return;
  if (c.ir[i].kind == Kind::Binary && static_cast<Op>(c.ir[i].sub) == Op::Mod) percent(c, i);
  if (c.ir[i].kind != Kind::Call) return;
  const NodeIndex callee = c.ir.child(i, Role::Callee);
  if (callee == kNoNode || c.ir[callee].kind != Kind::Member) return;
  const NodeIndex object = c.ir.child(callee, Role::Object);
  if (object == kNoNode) return;
  const std::string_view name = c.atoms.text(c.ir[callee].atom);
  if (name == "format") format_call(c, i, object);
  if (std::ranges::find(kLogMethods, name) != std::end(kLogMethods)) log_call(c, i, object);
}

}  // namespace wrench::code::detail
