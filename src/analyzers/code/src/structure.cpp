#include "wrench/code/structure.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <unordered_map>
#include <unordered_set>

#include "code_compare.hpp"
#include "finding_maker.hpp"
#include "name_uses.hpp"
#include "wrench/findings/fingerprint.hpp"

namespace wrench::code {

using source::Language;

namespace {

bool ends_the_block(Kind kind) {
  return kind == Kind::Return || kind == Kind::Throw || kind == Kind::Break || kind == Kind::Continue ||
         kind == Kind::Goto;
}

/// Reads variables by name, so nothing in the function is surely unused.
bool reads_by_name(std::string_view callee) {
  return callee == "locals" || callee == "eval" || callee == "exec" || callee == "vars";
}

class Structure {
 public:
  Structure(const Ir& ir, const Atoms& atoms, const source::SourceText& text)
      : ir_(ir), atoms_(atoms), text_(text), fingerprints_(text.project_path) {}

  std::vector<findings::Finding> run() {
    find_macro_words();
    for (NodeIndex i = 1; i < ir_.nodes.size(); ++i) {
      if (ir_[i].kind == Kind::Block) unreachable(i);
      const bool outermost = ir_[i].kind == Kind::Function || ir_[i].kind == Kind::Lambda;
      if (outermost && i >= function_end_ && checks_variables()) {
        function_end_ = ir_[i].subtree_end;
        variables(i);
      }
    }
    return std::move(out_);
  }

 private:
  void report(NodeIndex at, Span span, std::string_view rule, findings::Severity severity,
              findings::Confidence confidence, std::string title, std::string message, std::string_view tokens) {
    if (out_.size() >= detail::kFindingsPerRuleMax) return;
    out_.push_back(detail::make_finding(text_, span, rule, severity, confidence, findings::Category::Structure,
                                        std::move(title), std::move(message)));
    out_.back().symbol = detail::enclosing_symbol(ir_, atoms_, at);
    fingerprints_.stamp(out_.back(), tokens);
  }

  bool near_error(NodeIndex i) const { return (ir_[i].flags & kFlagNearError) != 0; }

  // --- unreachable code

  void unreachable(NodeIndex block) {
    NodeIndex last = kNoNode;
    for (NodeIndex c = ir_.first_child(block); c != kNoNode; c = ir_.next_sibling(c)) {
      const Node& node = ir_[c];
      // Both branches of a preprocessor condition stand in one block; an error may hide a brace.
      if (node.kind == Kind::Error || node.kind == Kind::Label || near_error(c)) return;
      if (node.kind == Kind::Directive && atoms_.text(node.atom).starts_with('#')) return;
    }
    for (NodeIndex c = ir_.first_child(block); c != kNoNode; c = ir_.next_sibling(c)) {
      const Node& node = ir_[c];
      // Compilers that don't know that a function never comes back want a return behind a throw.
      if (last != kNoNode && says_unreachable(c)) return;
      const bool wanted = last != kNoNode && ir_[last].kind == Kind::Throw && node.kind == Kind::Return;
      if (last != kNoNode && does_something(c) && !wanted) {
        const NodeIndex end = ir_[block].subtree_end;
        NodeIndex final_statement = c;
        for (NodeIndex s = c; s != kNoNode && s < end; s = ir_.next_sibling(s)) final_statement = s;
        report(c, {node.first, ir_[final_statement].end}, "structure.unreachable-code", findings::Severity::Medium,
               findings::Confidence::High, "Code that never runs",
               fmt::format("The {} in line {} always leaves the block before this. Remove the code or the early exit.",
                           name(ir_[last].kind), text_.lines.position(text_.text, ir_[last].first).line),
               text_.text.substr(node.first, std::min<std::size_t>(node.end - node.first, 200)));
        return;
      }
      if (ends_the_block(node.kind)) last = c;
    }
  }

  /// `assert(false)` says itself that nobody comes here.
  bool says_unreachable(NodeIndex i) const {
    static constexpr std::array<std::string_view, 8> kNames = {
        "assert", "abort", "unreachable", "panic", "fail", "__builtin_unreachable", "Fatal", "die"};
    if (ir_[i].kind == Kind::Assert || ir_[i].kind == Kind::Throw) return true;
    const NodeIndex call = ir_[i].kind == Kind::ExprStmt ? ir_.first_child(i) : kNoNode;
    if (call == kNoNode || ir_[call].kind != Kind::Call) return false;
    return std::ranges::find(kNames, detail::called_name(ir_, atoms_, call)) != kNames.end();
  }

  bool does_something(NodeIndex i) const {
    const Node& node = ir_[i];
    switch (node.kind) {
      // Declarations are hoisted or types; `return x; break;` is a habit.
      case Kind::Function:
      case Kind::Class:
      case Kind::TypeAlias:
      case Kind::Import:
      case Kind::Directive:
      case Kind::Break:
      case Kind::Namespace:
      case Kind::Case:
        return false;
      case Kind::VarDef:
        return ir_.child(i, Role::Value) != kNoNode;
      case Kind::Return:
        return ir_.first_child(i) != kNoNode;
      case Kind::ExprStmt: {
        // `return` and then `yield` makes an empty generator in Python.
        const NodeIndex value = ir_.child(i, Role::Value);
        return value != kNoNode && ir_[value].kind != Kind::Yield && ir_[value].kind != Kind::String;
      }
      default:
        return true;
    }
  }

  // --- unused variables

  bool checks_variables() const {
    // Go's compiler refuses them; C++ declares objects for what their destructors do; tests for what making them does.
    return ir_.language != Language::Go && ir_.language != Language::Cpp && !detail::is_test_path(text_.project_path);
  }

  struct Variable {
    NodeIndex node = kNoNode;
    bool used = false;
    bool skip = false;
  };

  static bool is_declaring(Kind kind) { return kind == Kind::Assign || kind == Kind::VarDef; }

  /// All the variables that one outermost function and what it contains declare; a read anywhere in it counts.
  void variables(NodeIndex function) {
    std::unordered_map<Atom, Variable> variables;
    const NodeIndex end = ir_[function].subtree_end;
    for (NodeIndex i = function; i < end; ++i) {
      const Node& node = ir_[i];
      if (node.kind == Kind::Error || near_error(i)) return;
      if (node.kind == Kind::Directive && atoms_.text(node.atom).starts_with('#')) return;
      if (node.kind == Kind::Call) {
        const NodeIndex callee = ir_.child(i, Role::Callee);
        if (callee != kNoNode && ir_[callee].kind == Kind::Name && reads_by_name(atoms_.text(ir_[callee].atom))) return;
      }
      if (node.kind == Kind::Directive)
        for (NodeIndex c = ir_.first_child(i); c != kNoNode; c = ir_.next_sibling(c))
          variables[ir_[c].atom].skip = true;
      if (node.kind == Kind::Param) variables[node.atom].skip = true;
      if (node.kind == Kind::Type) type_words(node.atom, variables);
      if (node.kind != Kind::Name) continue;
      Variable& variable = variables[node.atom];
      const Node& parent = ir_[node.parent];
      const bool target = (parent.kind == Kind::Assign && node.role == Role::Left && parent.role == Role::Value &&
                           ir_[parent.parent].kind == Kind::ExprStmt) ||
                          (parent.kind == Kind::VarDef && node.role == Role::Target && parent.role == Role::Element);
      if (!target) {
        if (!detail::declares(parent, node)) variable.used = true;
        continue;
      }
      if (variable.node == kNoNode) variable.node = i;
      if (!declares_local(i)) variable.skip = true;
    }
    std::vector<NodeIndex> unused;
    for (const auto& [atom, variable] : variables)
      if (variable.node != kNoNode && !variable.used && !variable.skip) unused.push_back(variable.node);
    std::ranges::sort(unused);
    for (const NodeIndex i : unused) {
      const std::string_view name = atoms_.text(ir_[i].atom);
      // People say so themselves, or want the call to happen and fail.
      if (macro_words_.contains(ir_[i].atom) || name.starts_with('_') || name.starts_with("unused") ||
          name.starts_with("ignore") || name.starts_with("dummy"))
        continue;
      report(i, {ir_[i].first, ir_[i].end}, "structure.unused-variable", findings::Severity::Low,
             findings::Confidence::Medium, fmt::format("{} is assigned but never read", name),
             fmt::format(
                 "Nothing reads {} after it is set here. Remove it, and keep the right-hand side if it has an effect.",
                 name),
             name);
    }
  }

  /// A macro's body reads variables where it is used.
  void find_macro_words() {
    if (ir_.language != Language::C) return;
    for (NodeIndex i = 1; i < ir_.nodes.size(); ++i) {
      if (ir_[i].kind != Kind::Other || ir_[i].subtree_end != i + 1) continue;
      detail::each_word(atoms_.text(ir_[i].atom),
                        [&](std::string_view word) { macro_words_.insert(atoms_.find(word)); });
    }
  }

  void type_words(Atom type, std::unordered_map<Atom, Variable>& variables) {
    // `typeof x` and the like: the atom is more than one word.
    std::string_view text = atoms_.text(type);
    std::size_t from = 0;
    for (std::size_t at = 0; at <= text.size(); ++at) {
      const bool word = at < text.size() &&
                        (std::isalnum(static_cast<unsigned char>(text[at])) || text[at] == '_' || text[at] == '$');
      if (word) continue;
      if (at > from)
        if (const Atom atom = atoms_.find(text.substr(from, at - from)); atom != kNoAtom) variables[atom].used = true;
      from = at + 1;
    }
  }

  /// Whether the assignment makes a local variable, and no field of a class or variable of an outer scope.
  bool declares_local(NodeIndex target) const {
    if (!sees_all_uses()) return false;
    const Node& statement = ir_[ir_[target].parent];
    if (statement.kind == Kind::VarDef) {
      const bool value = ir_.child(ir_[target].parent, Role::Value) != kNoNode;
      return value && !(statement.flags & kFlagExported) && is_local_block(ir_[target].parent);
    }
    // Only Python makes locals by assigning.
    return ir_.language == Language::Python && is_local_block(ir_[ir_[target].parent].parent);
  }

  /// Elsewhere variables are read in ways that the tree doesn't show: macros and format strings, compact(), binding,
  /// eval.
  bool sees_all_uses() const {
    using source::Language;
    switch (ir_.language) {
      case Language::Php:
      case Language::Ruby:
      case Language::CSharp:
      case Language::Rust:
      case Language::Bash:
      case Language::Kotlin:
      case Language::Scala:
        return false;
      default:
        return true;
    }
  }

  bool is_local_block(NodeIndex statement) const {
    for (NodeIndex up = ir_[statement].parent; up != kNoNode; up = ir_[up].parent) {
      if (ir_[up].kind == Kind::Class) return false;
      if (ir_[up].kind == Kind::Function || ir_[up].kind == Kind::Lambda) return true;
    }
    return false;
  }

  const Ir& ir_;
  const Atoms& atoms_;
  const source::SourceText& text_;
  findings::Fingerprinter fingerprints_;
  std::unordered_set<Atom> macro_words_;
  NodeIndex function_end_ = 0;
  std::vector<findings::Finding> out_;
};

}  // namespace

std::vector<findings::Finding> structure_findings(const Ir& ir, const Atoms& atoms, const source::SourceText& text) {
  return Structure(ir, atoms, text).run();
}

}  // namespace wrench::code
