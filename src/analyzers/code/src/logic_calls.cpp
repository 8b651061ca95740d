#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "logic_context.hpp"

namespace wrench::code::detail {
namespace {

using findings::Confidence;
using findings::Severity;

constexpr LogicContext::Rule kNotAsserted{"logic.assertion-not-called", "Assertion checks nothing", "CWE-482",
                                          Severity::Medium, Confidence::High};
constexpr LogicContext::Rule kNotAwaited{"logic.assertion-not-awaited", "Assertion isn't waited for", "CWE-670",
                                         Severity::Medium, Confidence::High};
constexpr LogicContext::Rule kNoReturn{"logic.callback-without-return", "Callback returns nothing", "CWE-394",
                                       Severity::Medium, Confidence::High};
constexpr LogicContext::Rule kConstantComparison{"logic.constant-comparison", "Comparison with one answer", "CWE-570",
                                                 Severity::Medium, Confidence::High};

/// Methods of arrays that work with what their callback returns.
constexpr std::array<std::string_view, 10> kReturningCallbacks = {"map",  "filter", "find",   "findIndex",   "findLast",
                                                                  "some", "every",  "reduce", "reduceRight", "flatMap"};

bool is_upper(char c) { return c >= 'A' && c <= 'Z'; }

/// The names behind `expect(...)`, last one first: `expect(x).not.toBe` gives toBe, not. Empty for anything else.
std::vector<std::string_view> behind_expect(const LogicContext& c, NodeIndex i) {
  std::vector<std::string_view> names;
  while (c.ir[i].kind == Kind::Member) {
    names.push_back(c.atoms.text(c.ir[i].atom));
    i = c.ir.child(i, Role::Object);
    if (i == kNoNode) return {};
  }
  const bool expect = c.ir[i].kind == Kind::Call && called_name(c.ir, c.atoms, i) == "expect" &&
                      c.ir[c.ir.child(i, Role::Callee)].kind == Kind::Name;
  return expect ? names : std::vector<std::string_view>{};
}

void assertion(LogicContext& c, NodeIndex value) {
  if (!c.is_script()) return;
  const Node& node = c.ir[value];
  if (node.kind == Kind::Member) {
    const auto names = behind_expect(c, value);
    if (names.empty()) return;
    const std::string_view last = names.front();
    const bool matcher = last.starts_with("to") && last.size() > 2 && is_upper(last[2]);
    if (matcher || last == "not" || last == "resolves" || last == "rejects")
      c.report(value, kNotAsserted,
               fmt::format("Without parentheses {} is only named, so this line passes whatever the value is. {}.", last,
                           matcher ? "Call it" : "Say what is expected"));
    return;
  }
  if (node.kind != Kind::Call) return;
  const NodeIndex callee = c.ir.child(value, Role::Callee);
  if (callee == kNoNode) return;
  if (c.ir[callee].kind == Kind::Name && c.atoms.text(c.ir[callee].atom) == "expect" &&
      c.ir.child(value, Role::Arg) != kNoNode) {
    c.report(value, kNotAsserted,
             "expect alone checks nothing, so this line passes whatever the value is. Say what is expected of it.");
    return;
  }
  const auto names = behind_expect(c, callee);
  if (std::ranges::find(names, "rejects") != names.end() || std::ranges::find(names, "resolves") != names.end())
    c.report(value, kNotAwaited,
             "The test ends before this promise does, so it passes whatever comes out. Await the assertion.");
}

/// Whether the function itself, not one inside of it, gives a value back or never comes back.
bool gives_value(const Ir& ir, NodeIndex body) {
  for (NodeIndex i = body; i < ir[body].subtree_end; ++i) {
    const Kind kind = ir[i].kind;
    if (kind == Kind::Return && ir.first_child(i) != kNoNode) return true;
    if (kind == Kind::Throw || kind == Kind::Yield) return true;
    if (kind == Kind::Function || kind == Kind::Lambda || kind == Kind::Class) i = ir[i].subtree_end - 1;
  }
  return false;
}

void callback(LogicContext& c, NodeIndex call) {
  if (!c.is_script()) return;
  // What `map` gives to nobody is a forEach in disguise: slow, not wrong.
  if (c.ir[c.ir[call].parent].kind == Kind::ExprStmt || c.ir[c.ir[call].parent].kind == Kind::Await) return;
  const NodeIndex callee = c.ir.child(call, Role::Callee);
  if (callee == kNoNode || c.ir[callee].kind != Kind::Member ||
      std::ranges::find(kReturningCallbacks, c.atoms.text(c.ir[callee].atom)) == kReturningCallbacks.end())
    return;
  const NodeIndex work = c.ir.child(call, Role::Arg);
  if (work == kNoNode || c.ir[work].kind != Kind::Lambda || (c.ir[work].flags & (kFlagGenerator | kFlagAsync)) != 0)
    return;
  const NodeIndex body = c.ir.child(work, Role::Body);
  if (body == kNoNode || c.ir[body].kind != Kind::Block || c.ir.first_child(body) == kNoNode || gives_value(c.ir, body))
    return;
  const std::string_view name = c.atoms.text(c.ir[callee].atom);
  c.report({c.ir[call].first, c.ir[body].first}, call, kNoReturn,
           fmt::format("{} works with what its callback returns, and this one returns nothing. Return the value, or "
                       "use forEach.",
                       name));
}

bool is_size(const LogicContext& c, NodeIndex i) {
  if (c.ir[i].kind == Kind::Member && c.is_script()) return c.atoms.text(c.ir[i].atom) == "length";
  if (c.ir[i].kind != Kind::Call) return false;
  const std::string_view name = called_name(c.ir, c.atoms, i);
  const bool plain = !name.empty() && c.ir[c.ir.child(i, Role::Callee)].kind == Kind::Name;
  if (c.is_python() || c.ir.language == source::Language::Go) return plain && name == "len";
  if (c.ir.language == source::Language::C || c.ir.language == source::Language::Cpp) return plain && name == "strlen";
  return false;
}

/// `len(x) < 0` never holds, `len(x) >= 0` always.
void comparison(LogicContext& c, NodeIndex i) {
  const auto op = static_cast<Op>(c.ir[i].sub);
  if (op != Op::Less && op != Op::GreaterEq) return;
  const NodeIndex left = c.ir.child(i, Role::Left);
  const NodeIndex right = c.ir.child(i, Role::Right);
  if (left == kNoNode || right == kNoNode || c.ir[right].kind != Kind::Number ||
      c.atoms.text(c.ir[right].atom) != "0" || !is_size(c, left))
    return;
  c.report(
      i, kConstantComparison,
      fmt::format("A length is never negative, so this is {} true. {}", op == Op::Less ? "never" : "always",
                  op == Op::Less ? "Compare with == 0 for what is empty." : "Compare with > 0 for what isn't empty."));
}

}  // namespace

void check_calls(LogicContext& c, NodeIndex i) {
  switch (c.ir[i].kind) {
    case Kind::ExprStmt:
      if (const NodeIndex value = c.ir.first_child(i); value != kNoNode) assertion(c, value);
      break;
    case Kind::Call:
      callback(c, i);
      break;
    case Kind::Binary:
      comparison(c, i);
      break;
    default:
      break;
  }
}

}  // namespace wrench::code::detail
