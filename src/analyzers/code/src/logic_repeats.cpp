#include <fmt/format.h>

#include <algorithm>
#include <unordered_map>

#include "logic_context.hpp"

namespace wrench::code::detail {
namespace {

using findings::Confidence;
using findings::Severity;

constexpr LogicContext::Rule kRepeatedKey{"logic.repeated-key", "Key stands twice", "CWE-1025", Severity::Medium,
                                          Confidence::High};
constexpr LogicContext::Rule kRepeatedCase{"logic.repeated-case", "Case can't be reached", "CWE-561", Severity::Medium,
                                           Confidence::High};
constexpr LogicContext::Rule kRedefined{"logic.redefined", "Defined twice", "CWE-561", Severity::Medium,
                                        Confidence::High};
constexpr LogicContext::Rule kSameTest{"logic.same-test", "The same test stands twice", "", Severity::Low,
                                       Confidence::High};
constexpr LogicContext::Rule kSameTestName{"logic.same-test-name", "Two tests have one name", "", Severity::Low,
                                           Confidence::Medium};

/// Nodes of a test's body that two tests don't have in common by chance.
constexpr NodeIndex kTestNodesMin = 12;
/// Cases of one switch and tests of one block that are compared with each other.
constexpr std::size_t kComparedMax = 1'000;
constexpr std::string_view kTestCalls[] = {"it", "test", "specify"};

// --- keys and cases

/// Text by which two keys of a literal are one; empty for what only a run can tell.
std::string key_of(const LogicContext& c, NodeIndex pair) {
  const NodeIndex key = c.ir.child(pair, Role::Key);
  if (key == kNoNode) return {};
  const Node& node = c.ir[key];
  // [computed]: whatever it is.
  std::uint32_t before = node.first;
  while (before > 0 && (c.text.text[before - 1] == ' ' || c.text.text[before - 1] == '\n')) --before;
  if (c.is_script() && (c.text.text[node.first] == '[' || (before > 0 && c.text.text[before - 1] == '['))) return {};
  const std::string_view text = c.atoms.text(node.atom);
  switch (node.kind) {
    case Kind::String:
      if (c.is_script()) return "." + std::string(text);
      return (static_cast<StringSub>(node.sub) == StringSub::Bytes ? "b" : "\"") + std::string(text);
    case Kind::Name:
      return (c.is_script() ? "." : "n") + std::string(text);
    case Kind::Number:
      return (c.is_script() ? "." : "0") + std::string(text);
    default:
      return {};
  }
}

bool is_accessor(const Ir& ir, NodeIndex pair) {
  const NodeIndex value = ir.child(pair, Role::Value);
  if (value == kNoNode || ir[value].kind != Kind::Function) return false;
  const auto sub = static_cast<FunctionSub>(ir[value].sub);
  return sub == FunctionSub::Getter || sub == FunctionSub::Setter;
}

void keys(LogicContext& c, NodeIndex i) {
  if (!c.is_script() && !c.is_python()) return;
  if (c.ir[i].role == Role::Target || c.ir[i].role == Role::Left) return;
  std::unordered_map<std::string, NodeIndex> seen;
  for (NodeIndex pair = c.ir.first_child(i); pair != kNoNode; pair = c.ir.next_sibling(pair)) {
    // What was spread in between may be what is to be overwritten.
    if (c.ir[pair].kind != Kind::Pair || is_accessor(c.ir, pair)) {
      if (c.ir[pair].kind != Kind::Pair) seen.clear();
      continue;
    }
    const std::string key = key_of(c, pair);
    if (key.empty()) continue;
    const auto [first, fresh] = seen.emplace(key, pair);
    if (fresh) continue;
    const NodeIndex key_node = c.ir.child(pair, Role::Key);
    LogicContext::Rule rule = kRepeatedKey;
    if (c.same(first->second, pair)) rule.severity = Severity::Low;
    c.report(key_node, rule,
             fmt::format("The key {} stands in line {} already, and the value there is lost. Rename one of the two or "
                         "remove it.",
                         c.source(key_node), c.line(first->second)));
  }
}

/// Compilers of the other languages refuse it.
void cases(LogicContext& c, NodeIndex i) {
  if (!c.is_script()) return;
  std::vector<NodeIndex> seen;
  for (NodeIndex one = c.ir.first_child(i); one != kNoNode && seen.size() < kComparedMax;
       one = c.ir.next_sibling(one)) {
    if (c.ir[one].kind != Kind::Case) continue;
    const NodeIndex key = c.ir.child(one, Role::Key);
    if (key == kNoNode || !only_looks(c.ir, c.atoms, key)) continue;
    const auto same = std::ranges::find_if(seen, [&](NodeIndex other) { return c.same(other, key); });
    if (same == seen.end()) {
      seen.push_back(key);
      continue;
    }
    c.report(key, kRepeatedCase,
             fmt::format("The case {} stands in line {} already, which is taken first. Correct or remove it.",
                         c.source(key), c.line(*same)));
  }
}

// --- definitions

bool is_static(const Ir& ir, const Atoms& atoms, NodeIndex function) {
  for (NodeIndex m = ir.first_child(function); m != kNoNode; m = ir.next_sibling(m))
    if (ir[m].kind == Kind::Modifier && atoms.text(ir[m].atom) == "static") return true;
  return false;
}

/// Whether the second definition takes the first one's place before anybody could use it.
bool replaces(const LogicContext& c, NodeIndex first, NodeIndex second) {
  const Ir& ir = c.ir;
  if (ir[first].kind != ir[second].kind || ir.child(first, Role::Body) == kNoNode ||
      ir.child(second, Role::Body) == kNoNode || ir.child(first, Role::Decorator) != kNoNode ||
      ir.child(second, Role::Decorator) != kNoNode)
    return false;
  if (c.is_python()) return !mentions(ir, ir[first].atom, ir[first].subtree_end, second);
  return ir[first].kind == Kind::Function && ir[first].sub == ir[second].sub &&
         is_static(ir, c.atoms, first) == is_static(ir, c.atoms, second);
}

bool is_computed(const LogicContext& c, NodeIndex function) {
  const NodeIndex name = c.ir.child(function, Role::Name);
  return name == kNoNode || c.ir[name].kind != Kind::Name || c.ir[name].atom != c.ir[function].atom ||
         (c.ir[name].first > 0 && c.text.text[c.ir[name].first - 1] == '[');
}

void definitions(LogicContext& c, NodeIndex block) {
  if (!c.is_script() && !c.is_python()) return;
  std::unordered_map<Atom, NodeIndex> last;
  for (NodeIndex i = c.ir.first_child(block); i != kNoNode; i = c.ir.next_sibling(i)) {
    const Node& node = c.ir[i];
    const bool defines = node.kind == Kind::Function || (node.kind == Kind::Class && c.is_python());
    if (!defines || node.atom == kNoAtom || c.atoms.text(node.atom) == "_" || is_computed(c, i)) continue;
    const auto [entry, fresh] = last.try_emplace(node.atom, i);
    if (fresh) continue;
    const NodeIndex first = std::exchange(entry->second, i);
    if (!replaces(c, first, i)) continue;
    const std::string_view name = c.atoms.text(node.atom);
    const bool test = c.is_python() && name.starts_with("test");
    const NodeIndex at = c.ir.child(first, Role::Name);
    c.report(at, kRedefined,
             fmt::format("{} is defined again in line {}, so {}. Rename one of the two or remove it.", name, c.line(i),
                         test ? "this test never runs" : "nothing can reach this definition"));
  }
}

// --- tests

struct Test {
  NodeIndex node = kNoNode;  ///< What is reported.
  NodeIndex body = kNoNode;
  std::string title;
};

/// `it("adds", () => { ... })`
Test test_call(const LogicContext& c, NodeIndex statement) {
  if (c.ir[statement].kind != Kind::ExprStmt) return {};
  const NodeIndex call = c.ir.first_child(statement);
  if (call == kNoNode || c.ir[call].kind != Kind::Call) return {};
  const NodeIndex callee = c.ir.child(call, Role::Callee);
  if (callee == kNoNode || c.ir[callee].kind != Kind::Name ||
      std::ranges::find(kTestCalls, c.atoms.text(c.ir[callee].atom)) == std::end(kTestCalls))
    return {};
  const NodeIndex title = c.ir.child(call, Role::Arg);
  if (title == kNoNode || c.ir[title].kind != Kind::String) return {};
  NodeIndex work = c.ir.next_sibling(title);
  while (work != kNoNode && c.ir[work].kind != Kind::Lambda && c.ir[work].kind != Kind::Function)
    work = c.ir.next_sibling(work);
  if (work == kNoNode) return {};
  return {title, work, std::string(c.atoms.text(c.ir[title].atom))};
}

bool has_decorator(const LogicContext& c, NodeIndex function, std::string_view word) {
  for (NodeIndex d = c.ir.first_child(function); d != kNoNode; d = c.ir.next_sibling(d))
    if (c.ir[d].kind == Kind::Decorator && c.source(d).find(word) != std::string_view::npos) return true;
  return false;
}

/// A function that a test runner finds by its name or annotation.
Test test_function(const LogicContext& c, NodeIndex i) {
  const Node& node = c.ir[i];
  if (node.kind != Kind::Function) return {};
  const std::string_view name = c.atoms.text(node.atom);
  bool test = false;
  switch (c.ir.language) {
    case source::Language::Python:
      test = name.starts_with("test") && c.ir.child(i, Role::Decorator) == kNoNode;
      break;
    case source::Language::Go:
      test = name.starts_with("Test");
      break;
    case source::Language::Java:
      test = has_decorator(c, i, "@Test") && c.source(c.ir.child(i, Role::Decorator)) == "@Test";
      break;
    default:
      break;
  }
  const NodeIndex body = c.ir.child(i, Role::Body);
  return test && body != kNoNode ? Test{c.ir.child(i, Role::Name), body, {}} : Test{};
}

bool same_parameters(const LogicContext& c, NodeIndex a, NodeIndex b) {
  const auto next = [&](NodeIndex i) {
    while (i != kNoNode && c.ir[i].role != Role::Param) i = c.ir.next_sibling(i);
    return i;
  };
  NodeIndex x = next(c.ir.first_child(a)), y = next(c.ir.first_child(b));
  while (x != kNoNode && y != kNoNode && c.same(x, y)) {
    x = next(c.ir.next_sibling(x));
    y = next(c.ir.next_sibling(y));
  }
  return x == kNoNode && y == kNoNode;
}

void tests(LogicContext& c, NodeIndex block) {
  std::vector<Test> seen;
  std::unordered_map<std::string, std::size_t> by_title;
  for (NodeIndex i = c.ir.first_child(block); i != kNoNode && seen.size() < kComparedMax; i = c.ir.next_sibling(i)) {
    Test test = c.is_script() ? test_call(c, i) : test_function(c, i);
    if (test.body == kNoNode || test.node == kNoNode) continue;
    const bool long_enough = c.ir[test.body].subtree_end - test.body >= kTestNodesMin;
    const auto same = std::ranges::find_if(seen, [&](const Test& other) {
      return long_enough && c.same(other.body, test.body) &&
             same_parameters(c, c.ir[other.body].parent, c.ir[test.body].parent);
    });
    if (same != seen.end()) {
      c.report(test.node, kSameTest,
               fmt::format("The test in line {} does exactly the same, so this one checks nothing new. Give it the "
                           "case that its name promises, or remove it.",
                           c.line(same->node)));
    } else if (!test.title.empty()) {
      if (const auto [first, fresh] = by_title.try_emplace(test.title, seen.size()); !fresh)
        c.report(test.node, kSameTestName,
                 fmt::format("The test in line {} has this name, too, so a report can't tell which of them failed. "
                             "Name what this one checks.",
                             c.line(seen[first->second].node)));
    }
    seen.push_back(std::move(test));
  }
}

}  // namespace

void check_repeats(LogicContext& c, NodeIndex i) {
  switch (c.ir[i].kind) {
    case Kind::Dict:
      keys(c, i);
      break;
    case Kind::Switch:
      cases(c, i);
      break;
    case Kind::Module:
    case Kind::Block:
      definitions(c, i);
      tests(c, i);
      break;
    default:
      break;
  }
}

}  // namespace wrench::code::detail
