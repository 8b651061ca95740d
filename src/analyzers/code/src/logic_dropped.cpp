#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <span>

#include "logic_context.hpp"
#include "wrench/source/file_class.hpp"

namespace wrench::code::detail {
namespace {

using findings::Confidence;
using findings::Severity;
using source::Language;

constexpr LogicContext::Rule kNotThrown{"logic.exception-not-thrown", "Exception is made but not thrown", "CWE-390",
                                        Severity::High, Confidence::High};
constexpr LogicContext::Rule kComparisonDropped{"logic.comparison-dropped", "Comparison without effect", "CWE-482",
                                                Severity::Medium, Confidence::High};
constexpr LogicContext::Rule kOperatorRun{"logic.comparison-dropped", "Comparison without effect", "CWE-482",
                                          Severity::Medium, Confidence::Low};
constexpr LogicContext::Rule kResultDropped{"logic.result-dropped", "Result is thrown away", "CWE-252",
                                            Severity::Medium, Confidence::High};
constexpr LogicContext::Rule kNotCalled{"logic.method-not-called", "Method is named but not called", "CWE-482",
                                        Severity::Medium, Confidence::High};
constexpr LogicContext::Rule kSelfAssignment{"logic.self-assignment", "Value assigned to itself", "CWE-1025",
                                             Severity::Medium, Confidence::High};
constexpr LogicContext::Rule kOverwritten{"logic.overwritten-at-once", "Value is overwritten at once", "CWE-563",
                                          Severity::Medium, Confidence::Medium};

/// Methods of texts that leave the text as it is, and how many arguments they have.
struct PureMethod {
  std::string_view name;
  std::size_t arguments_min, arguments_max;
};
constexpr PureMethod kPythonText[] = {
    {"strip", 0, 1},    {"lstrip", 0, 1},   {"rstrip", 0, 1}, {"lower", 0, 0},        {"upper", 0, 0},
    {"casefold", 0, 0}, {"swapcase", 0, 0}, {"zfill", 1, 1},  {"removeprefix", 1, 1}, {"removesuffix", 1, 1}};
constexpr PureMethod kScriptText[] = {
    {"trim", 0, 0},     {"trimStart", 0, 0}, {"trimEnd", 0, 0},   {"toLowerCase", 0, 0}, {"toUpperCase", 0, 0},
    {"padStart", 1, 2}, {"padEnd", 1, 2},    {"substring", 1, 2}, {"charAt", 1, 1},      {"replaceAll", 2, 2}};
constexpr PureMethod kJavaText[] = {{"trim", 0, 0},        {"strip", 0, 0},      {"toLowerCase", 0, 1},
                                    {"toUpperCase", 0, 1}, {"replaceAll", 2, 2}, {"substring", 1, 2},
                                    {"concat", 1, 1}};

/// What is only named where it was meant to be called.
constexpr std::string_view kActions[] = {"close",      "flush", "commit",         "rollback",       "clear",
                                         "disconnect", "reset", "preventDefault", "stopPropagation"};

std::span<const PureMethod> pure_methods(Language language) {
  switch (language) {
    case Language::Python:
      return kPythonText;
    case Language::JavaScript:
    case Language::TypeScript:
    case Language::Tsx:
      return kScriptText;
    case Language::Java:
      return kJavaText;
    default:
      return {};
  }
}

/// Where a statement stands for what evaluating it does: the test that it raises, or that it may.
bool is_tried(const Ir& ir, NodeIndex i) {
  NodeIndex below = i;
  for (NodeIndex up = ir[i].parent; up != kNoNode; below = up, up = ir[up].parent) {
    if (ir[up].kind == Kind::With || (ir[up].kind == Kind::Try && ir[below].role == Role::Body)) return true;
    if (ir[up].kind == Kind::Function || ir[up].kind == Kind::Class) return false;
    // `expect(() => { a == b; }).toThrow()`
    if (ir[up].kind == Kind::Lambda) return ir[up].role == Role::Arg && ir[up].subtree_end - up < 16;
  }
  return false;
}

/// In Java and C# other classes are called an error, too: what a page shows, say.
bool names_exception(std::string_view name, Language language) {
  static constexpr std::array<std::string_view, 7> kJavaErrors = {
      "Error",         "AssertionError",     "LinkageError", "OutOfMemoryError", "StackOverflowError",
      "InternalError", "VirtualMachineError"};
  if (name.empty() || name[0] < 'A' || name[0] > 'Z') return false;
  if (name.ends_with("Exception")) return true;
  if (language == Language::CSharp) return false;
  if (language == Language::Java) return std::ranges::find(kJavaErrors, name) != kJavaErrors.end();
  return name.ends_with("Error");
}

void exception(LogicContext& c, NodeIndex value) {
  const Node& node = c.ir[value];
  std::string_view name;
  if (node.kind == Kind::Call && c.is_python()) name = called_name(c.ir, c.atoms, value);
  const bool throws = c.is_script() || c.ir.language == Language::Java || c.ir.language == Language::Php ||
                      c.ir.language == Language::CSharp;
  if (node.kind == Kind::New && node.sub == 0 && throws) {
    const NodeIndex type = c.ir.child(value, Role::Type);
    if (type != kNoNode) name = c.atoms.text(c.ir[type].atom);
    // With a body of its own it may do anything.
    if (c.ir.child(value, Role::Body) != kNoNode) return;
  }
  name = name.substr(name.rfind('.') + 1);
  if (!names_exception(name, c.ir.language) || is_tried(c.ir, value)) return;
  const std::string_view word = c.is_python() ? "raise" : "throw";
  c.report(value, kNotThrown,
           fmt::format("The {} is made here and dropped, and the program goes on as if nothing had happened. Put '{}' "
                       "before it.",
                       name, word));
}

std::size_t count_arguments(const Ir& ir, NodeIndex call) {
  std::size_t count = 0;
  for (NodeIndex a = ir.first_child(call); a != kNoNode; a = ir.next_sibling(a)) {
    // How many, nobody knows.
    if (ir[a].kind == Kind::Spread || ir[a].kind == Kind::KeywordArg) return SIZE_MAX;
    if (ir[a].role == Role::Arg) ++count;
  }
  return count;
}

/// Whether the file declares something of that name whose type is no text. A type that isn't known may be one.
bool has_other_type(const LogicContext& c, Atom name) {
  for (NodeIndex i = 1; i < c.ir.nodes.size(); ++i) {
    const Kind kind = c.ir[i].kind;
    if (kind != Kind::VarDef && kind != Kind::Param && kind != Kind::Field) continue;
    const NodeIndex target = c.ir.child(i, Role::Target);
    if (c.ir[i].atom != name && (target == kNoNode || c.ir[target].atom != name)) continue;
    const NodeIndex type = c.ir.child(i, Role::Type);
    if (type == kNoNode) continue;
    const std::string_view written = c.source(type);
    if (written != "var" && written != "String" && written != "java.lang.String") return true;
  }
  return false;
}

void result(LogicContext& c, NodeIndex call) {
  const NodeIndex callee = c.ir.child(call, Role::Callee);
  if (callee == kNoNode || c.ir[callee].kind != Kind::Member || is_tried(c.ir, call)) return;
  const std::string_view name = c.atoms.text(c.ir[callee].atom);
  const std::size_t arguments = count_arguments(c.ir, call);
  for (const PureMethod& method : pure_methods(c.ir.language)) {
    if (method.name != name || arguments < method.arguments_min || arguments > method.arguments_max) continue;
    const NodeIndex object = c.ir.child(callee, Role::Object);
    if (c.ir.language == Language::Java && object != kNoNode && has_other_type(c, c.ir[object].atom)) return;
    c.report(call, kResultDropped,
             fmt::format("{} gives a new text and leaves the old one as it is, and nobody takes the new one. Assign "
                         "the result.",
                         name));
  }
}

void named_only(LogicContext& c, NodeIndex member) {
  if (!c.is_python() && !c.is_script()) return;
  const std::string_view name = c.atoms.text(c.ir[member].atom);
  if (std::ranges::find(kActions, name) == std::end(kActions) || is_tried(c.ir, member)) return;
  c.report(member, kNotCalled,
           fmt::format("Without parentheses this only names {} and does nothing. Call it.", c.source(member)));
}

bool is_equality(const Node& node) {
  const auto op = static_cast<Op>(node.sub);
  return node.kind == Kind::Binary && (op == Op::Eq || op == Op::NotEq || op == Op::StrictEq || op == Op::StrictNotEq);
}

bool has_parameter(const Ir& ir, NodeIndex i, Atom name) {
  for (NodeIndex up = ir[i].parent; up != kNoNode; up = ir[up].parent) {
    if (ir[up].kind != Kind::Function && ir[up].kind != Kind::Lambda) continue;
    for (NodeIndex p = ir.first_child(up); p != kNoNode; p = ir.next_sibling(p))
      if (ir[p].kind == Kind::Param && ir[p].atom == name) return true;
    return false;
  }
  return false;
}

bool is_own_member(const LogicContext& c, NodeIndex i) {
  if (c.ir[i].kind != Kind::Member) return false;
  const NodeIndex object = c.ir.child(i, Role::Object);
  return object != kNoNode && (c.ir[object].kind == Kind::This ||
                               (c.ir[object].kind == Kind::Name && c.atoms.text(c.ir[object].atom) == "self"));
}

/// `self.name = self.name` where a parameter was meant, and `name = name` where a member was.
void self_assignment(LogicContext& c, NodeIndex assign, NodeIndex left, NodeIndex right) {
  // In C it silences a compiler.
  if (!c.is_python() && !c.is_script() && c.ir.language != Language::Java) return;
  if (!c.same(left, right) || !has_parameter(c.ir, assign, c.ir[left].atom)) return;
  if (c.ir[left].kind != Kind::Name && !is_own_member(c, left)) return;
  c.report(assign, kSelfAssignment,
           fmt::format("{} is assigned to itself. One side was probably meant to be {}.", c.source(left),
                       c.ir[left].kind == Kind::Name ? "a member of the object" : "the parameter of that name"));
}

NodeIndex plain_assignment(const Ir& ir, NodeIndex statement) {
  if (statement == kNoNode || ir[statement].kind != Kind::ExprStmt) return kNoNode;
  const NodeIndex value = ir.first_child(statement);
  return value != kNoNode && ir[value].kind == Kind::Assign && ir[value].sub == 0 ? value : kNoNode;
}

/// `a = x; a = y;`: the first value is gone before anybody could see it.
void overwritten(LogicContext& c, NodeIndex statement, NodeIndex assign, NodeIndex left, NodeIndex right) {
  // A shell writes a variable in more than one way: x is "$x" and "${x}".
  if (c.ir.language == Language::Bash) return;
  if (is_test_path(c.text.project_path) || !in_sequence(c.ir, statement)) return;
  const NodeIndex next = plain_assignment(c.ir, c.ir.next_sibling(statement));
  if (next == kNoNode || (c.ir[left].kind != Kind::Name && !is_own_member(c, left))) return;
  const NodeIndex again = c.ir.child(next, Role::Left);
  const NodeIndex value = c.ir.child(next, Role::Right);
  if (again == kNoNode || value == kNoNode || !c.same(left, again)) return;
  // What is assigned first may be wanted for what making it does.
  if (!only_looks(c.ir, c.atoms, right)) return;
  for (NodeIndex i = value; i < c.ir[value].subtree_end; ++i) {
    const Kind kind = c.ir[i].kind;
    if (kind == Kind::Call || kind == Kind::Await || kind == Kind::Yield || c.same(left, i)) return;
  }
  if (c.has_directive(c.ir[assign].end, c.ir[next].first)) return;
  // Go's `_ = a` says that a isn't used.
  if (c.source(left) == "_") return;
  c.report(assign, kOverwritten,
           fmt::format("{} gets another value in line {}, and nothing reads this one. One of the two was probably "
                       "meant for another variable.",
                       c.source(left), c.line(next)));
}

}  // namespace

/// A test may compare two objects to see what their own == does: with a text that is nobody's intention.
bool runs_an_operator(const LogicContext& c, NodeIndex comparison) {
  if (!c.is_python() || !source::is_test_path(c.text.project_path)) return false;
  for (NodeIndex side = c.ir.first_child(comparison); side != kNoNode; side = c.ir.next_sibling(side)) {
    const Kind kind = c.ir[side].kind;
    if (kind == Kind::String || kind == Kind::Bool || kind == Kind::Null) return false;
  }
  return true;
}

void check_dropped(LogicContext& c, NodeIndex i) {
  if (c.ir[i].kind != Kind::ExprStmt) return;
  const NodeIndex value = c.ir.first_child(i);
  if (value == kNoNode) return;
  switch (c.ir[value].kind) {
    case Kind::New:
      if (!c.last_value_counts()) exception(c, value);
      break;
    case Kind::Call:
      if (c.last_value_counts()) break;
      exception(c, value);
      result(c, value);
      break;
    case Kind::Binary:
      if (is_equality(c.ir[value]) && !c.last_value_counts() && !is_tried(c.ir, value))
        c.report(value, runs_an_operator(c, value) ? kOperatorRun : kComparisonDropped,
                 c.is_python() ? "Nothing is done with the outcome of this comparison. Write one = to assign, or put "
                                 "assert before it."
                               : "Nothing is done with the outcome of this comparison. Write one = to assign, or "
                                 "remove it.");
      break;
    case Kind::Member:
      named_only(c, value);
      break;
    case Kind::Assign: {
      const NodeIndex left = c.ir.child(value, Role::Left);
      const NodeIndex right = c.ir.child(value, Role::Right);
      if (c.ir[value].sub != 0 || left == kNoNode || right == kNoNode) break;
      self_assignment(c, value, left, right);
      overwritten(c, i, value, left, right);
      break;
    }
    default:
      break;
  }
}

}  // namespace wrench::code::detail
