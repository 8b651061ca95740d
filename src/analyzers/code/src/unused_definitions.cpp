#include "unused_definitions.hpp"

#include <algorithm>
#include <array>
#include <string>
#include <unordered_set>

#include "finding_maker.hpp"
#include "script_exports.hpp"
#include "structure_paths.hpp"
#include "wrench/base/text.hpp"
#include "wrench/source/file_class.hpp"

namespace wrench::code::detail {

using source::Language;

namespace {

/// Called by the runtime or by the compiler, never by name.
constexpr std::array<std::string_view, 6> kJavaHooks = {"readObject",   "writeObject",      "readResolve",
                                                        "writeReplace", "readObjectNoData", "main"};
constexpr std::array<std::string_view, 9> kCRoots = {"main",
                                                     "wmain",
                                                     "WinMain",
                                                     "wWinMain",
                                                     "DllMain",
                                                     "_start",
                                                     "LLVMFuzzerTestOneInput",
                                                     "LLVMFuzzerInitialize",
                                                     "LLVMFuzzerCustomMutator"};
/// Interpreters make these names of a module's and look them up.
constexpr std::array<std::string_view, 3> kCRootPrefixes = {"luaopen_", "PyInit_", "Java_"};
/// Found by argument-dependent lookup.
constexpr std::array<std::string_view, 12> kCppCustomizations = {
    "swap",       "begin",      "end",           "get",           "to_json",       "from_json",
    "hash_value", "tag_invoke", "AbslHashValue", "AbslStringify", "AbslParseFlag", "PrintTo"};
/// Types in capitals that are no macros.
constexpr std::array<std::string_view, 8> kCapitalTypes = {"FILE",  "DIR",    "BOOL", "WORD",
                                                           "DWORD", "HANDLE", "UINT", "VOID"};

template <std::size_t N>
bool is_any(std::string_view name, const std::array<std::string_view, N>& names) {
  return std::ranges::find(names, name) != names.end();
}

class Definitions {
 public:
  Definitions(const Ir& ir, const Atoms& atoms, const source::SourceText& text, const NameUses& uses)
      : ir_(ir), atoms_(atoms), text_(text), uses_(uses), positions_(text) {}

  std::vector<DefinitionFact> run() {
    // A name in code that didn't parse may be a use: say nothing about files with errors.
    if (ir_.error_nodes > 0) return {};
    switch (ir_.language) {
      case Language::Python:
        if (!text_.path.ends_with(".pyi")) python();
        break;
      case Language::JavaScript:
      case Language::TypeScript:
      case Language::Tsx:
        if (!text_.path.ends_with(".d.ts")) script();
        break;
      case Language::Go:
        go();
        break;
      case Language::Java:
        find_decorated();
        each(Kind::Function, [&](NodeIndex i) { java_method(i); });
        each(Kind::Class, [&](NodeIndex i) { java_class(i); });
        break;
      case Language::C:
      case Language::Cpp:
        c();
        break;
      default:
        break;
    }
    return std::move(out_);
  }

 private:
  template <class F>
  void each(Kind kind, F f) {
    for (NodeIndex i = 1; i < ir_.nodes.size() && out_.size() < kFindingsPerRuleMax; ++i)
      if (ir_[i].kind == kind) f(i);
  }

  std::string_view name_of(NodeIndex i) const { return atoms_.text(ir_[i].atom); }
  bool has(NodeIndex i, Role role) const { return ir_.child(i, role) != kNoNode; }

  bool has_modifier(NodeIndex i, std::string_view word) const {
    for (NodeIndex c = ir_.first_child(i); c != kNoNode; c = ir_.next_sibling(c))
      if (ir_[c].kind == Kind::Modifier && atoms_.text(ir_[c].atom) == word) return true;
    return false;
  }

  /// The class whose body node `i` stands in; none for the body of an anonymous class or of an enum's constant.
  NodeIndex owner(NodeIndex i) const {
    const NodeIndex block = ir_[i].parent;
    if (block == kNoNode || block == 0 || ir_[block].kind != Kind::Block) return kNoNode;
    const NodeIndex up = ir_[block].parent;
    return up != kNoNode && ir_[up].kind == Kind::Class ? up : kNoNode;
  }

  void add(NodeIndex definition, NodeIndex name, DefinitionKind kind, DefinitionScope scope, bool exported = false) {
    DefinitionFact fact;
    fact.name = atoms_.text(ir_[definition].atom);
    fact.symbol = enclosing_symbol(ir_, atoms_, definition);
    fact.kind = kind;
    fact.scope = scope;
    fact.exported = exported;
    fact.start = positions_.at(ir_[name].first);
    fact.end = positions_.at(ir_[name].end);
    out_.push_back(std::move(fact));
  }

  static DefinitionKind kind_of(const Node& node) {
    if (node.kind == Kind::Class || node.kind == Kind::TypeAlias) return DefinitionKind::Class;
    return node.sub == static_cast<std::uint8_t>(FunctionSub::Plain) ? DefinitionKind::Function
                                                                     : DefinitionKind::Method;
  }

  void add_unused(NodeIndex i, DefinitionScope scope, bool exported = false) {
    const NodeIndex name = ir_.child(i, Role::Name);
    if (name != kNoNode && uses_.any(ir_[i].atom) == 0 && !uses_.names_string(name_of(i)))
      add(i, name, kind_of(ir_[i]), scope, exported);
  }

  // --- Python

  void python() {
    const bool test = source::is_test_path(text_.project_path);
    find_all_list();
    each(Kind::Function, [&](NodeIndex i) {
      const std::string_view name = name_of(i);
      if (!has(i, Role::Body) || has(i, Role::Decorator) || named_in_all_.contains(ir_[i].atom)) return;
      if (name.starts_with('_')) {
        if (is_private_python(i) && !found_by_prefix(name)) add_unused(i, DefinitionScope::Project);
      } else if (ir_[i].parent == 0 && !test) {
        add_unused(i, DefinitionScope::Project, true);
      }
    });
    if (test) return;
    // A base class may keep a list of those that derive from it.
    each(Kind::Class, [&](NodeIndex i) {
      if (ir_[i].parent == 0 && !has(i, Role::Decorator) && !has(i, Role::Base) && !name_of(i).starts_with('_') &&
          !named_in_all_.contains(ir_[i].atom))
        add_unused(i, DefinitionScope::Project, true);
    });
  }

  bool is_private_python(NodeIndex i) const {
    const std::string_view name = name_of(i);
    if (name.ends_with("__") || name == "_") return false;
    if (ir_[i].sub == static_cast<std::uint8_t>(FunctionSub::Plain)) return ir_[i].parent == 0;
    // A base class may call it.
    const NodeIndex up = owner(i);
    return up != kNoNode && !has(up, Role::Base) && !has(up, Role::Decorator);
  }

  /// "_print_" in a string, to which a class name is added: such methods are found by name at run time.
  bool found_by_prefix(std::string_view name) const {
    for (std::size_t at = name.find('_', 1); at != std::string_view::npos; at = name.find('_', at + 1))
      if (uses_.in_string(name.substr(0, at + 1))) return true;
    return false;
  }

  void find_all_list() {
    for (NodeIndex i = ir_.first_child(0); i != kNoNode; i = ir_.next_sibling(i)) {
      const NodeIndex assign = ir_[i].kind == Kind::ExprStmt ? ir_.child(i, Role::Value) : kNoNode;
      if (assign == kNoNode || (ir_[assign].kind != Kind::Assign && ir_[assign].kind != Kind::AugAssign)) continue;
      const NodeIndex left = ir_.child(assign, Role::Left);
      if (left == kNoNode || name_of(left) != "__all__") continue;
      for (NodeIndex c = assign; c < ir_[assign].subtree_end; ++c)
        if (ir_[c].kind == Kind::String) named_in_all_.insert(ir_[c].atom);
    }
  }

  // --- JavaScript, TypeScript

  void script() {
    const std::vector<ScriptExport> exports = script_exports(ir_, atoms_, text_.text);
    std::unordered_set<Atom> exported;
    for (const ScriptExport& one : exports) exported.insert(one.name);
    const bool module = is_module();
    each(Kind::Function, [&](NodeIndex i) {
      const bool method = ir_[i].sub != static_cast<std::uint8_t>(FunctionSub::Plain);
      const bool reachable = method ? !name_of(i).starts_with('#')
                                    : (ir_[i].flags & kFlagExported) != 0 || (ir_[i].parent == 0 && !module);
      if (!reachable && has(i, Role::Body) && !has(i, Role::Decorator) && !exported.contains(ir_[i].atom))
        add_unused(i, DefinitionScope::File);
    });
    if (source::is_test_path(text_.project_path)) return;
    for (const ScriptExport& one : exports) {
      if (uses_.any(one.name) > one.mentions || uses_.names_string(atoms_.text(one.name)) ||
          out_.size() >= kFindingsPerRuleMax)
        continue;
      DefinitionFact fact;
      fact.name = atoms_.text(one.name);
      fact.kind = one.kind;
      fact.scope = DefinitionScope::Module;
      fact.exported = true;
      fact.start = positions_.at(ir_[one.at].first);
      fact.end = positions_.at(ir_[one.at].end);
      out_.push_back(std::move(fact));
    }
  }

  bool is_module() const {
    for (NodeIndex i = 1; i < ir_.nodes.size(); ++i) {
      const Node& node = ir_[i];
      if (node.kind == Kind::Import || ((node.flags & kFlagExported) != 0 && node.parent == 0)) return true;
      if (node.kind == Kind::Name && (name_of(i) == "require" || name_of(i) == "module" || name_of(i) == "exports"))
        return true;
    }
    return false;
  }

  // --- Go

  void go() {
    const std::unordered_set<std::string> linked = linked_names();
    const bool test = text_.path.ends_with("_test.go");
    // Files with constraints of their own are run by tools that look for exported functions.
    const bool program = (package() == "main" && !has_build_constraint()) ||
                         text_.project_path.starts_with("internal/") ||
                         text_.project_path.find("/internal/") != std::string::npos;
    for (NodeIndex i = 1; i < ir_.nodes.size() && out_.size() < kFindingsPerRuleMax; ++i) {
      const Node& node = ir_[i];
      const bool function = node.kind == Kind::Function && has(i, Role::Body);
      const bool type = (node.kind == Kind::Class || node.kind == Kind::TypeAlias) && node.parent == 0;
      if (!function && !type) continue;
      const std::string_view name = name_of(i);
      // Who starts a name with "_" says that it isn't used.
      if (name == "main" || name == "init" || name.starts_with('_') || linked.contains(std::string(name))) continue;
      if ((node.flags & kFlagExported) == 0) {
        add_unused(i, DefinitionScope::Package);
      } else if (program && !test && kind_of(node) != DefinitionKind::Method) {
        // Exported methods may make an interface of another module.
        add_unused(i, DefinitionScope::Module, true);
      }
    }
  }

  bool has_build_constraint() const {
    return std::ranges::any_of(ir_.comments, [&](const Span& comment) {
      return std::string_view(text_.text).substr(comment.first).starts_with("//go:build ");
    });
  }

  std::string_view package() const {
    for (NodeIndex i = ir_.first_child(0); i != kNoNode; i = ir_.next_sibling(i))
      if (ir_[i].kind == Kind::Namespace) return name_of(i);
    return {};
  }

  /// Named by `//go:linkname` or cgo's `//export`: assembly, the runtime or C calls them.
  std::unordered_set<std::string> linked_names() const {
    std::unordered_set<std::string> out;
    for (const Span& comment : ir_.comments) {
      const std::string_view content = std::string_view(text_.text).substr(comment.first, comment.end - comment.first);
      if (content.starts_with("//go:linkname ") || content.starts_with("//export "))
        each_word(content, [&](std::string_view word) { out.emplace(word); });
    }
    return out;
  }

  // --- Java

  bool is_of_interface(NodeIndex type) const {
    const auto sub = static_cast<ClassSub>(ir_[type].sub);
    return sub == ClassSub::Interface || sub == ClassSub::Annotation;
  }

  /// A test without a name for its source of parameters takes the method that is called like itself.
  void find_decorated() {
    each(Kind::Function, [&](NodeIndex i) {
      if (has(i, Role::Decorator)) decorated_.insert(ir_[i].atom);
    });
  }

  void java_method(NodeIndex i) {
    const NodeIndex up = owner(i);
    if (static_cast<FunctionSub>(ir_[i].sub) != FunctionSub::Method || !has(i, Role::Body) || has(i, Role::Decorator) ||
        is_any(name_of(i), kJavaHooks) || decorated_.contains(ir_[i].atom))
      return;
    if (has_modifier(i, "private")) return add_unused(i, DefinitionScope::File);
    if (up != kNoNode && !is_of_interface(up) && !has_modifier(i, "public") && !has_modifier(i, "protected"))
      add_unused(i, DefinitionScope::Package);
  }

  bool has_main(NodeIndex type) const {
    const NodeIndex body = ir_.child(type, Role::Body);
    for (NodeIndex c = body == kNoNode ? kNoNode : ir_.first_child(body); c != kNoNode; c = ir_.next_sibling(c))
      if (ir_[c].kind == Kind::Function && name_of(c) == "main") return true;
    return false;
  }

  void java_class(NodeIndex i) {
    const NodeIndex up = owner(i);
    if (has(i, Role::Decorator) || source::is_test_path(text_.project_path) || has_main(i)) return;
    if (has_modifier(i, "private")) return add_unused(i, DefinitionScope::File);
    const bool nested = up != kNoNode && !is_of_interface(up);
    if ((nested || ir_[i].parent == 0) && !has_modifier(i, "public") && !has_modifier(i, "protected"))
      add_unused(i, DefinitionScope::Package);
  }

  // --- C, C++

  void c() {
    // `static inline` in a header is there for whoever includes it.
    if (!is_c_source(text_.path) || pastes_names()) return;
    find_disabled_code();
    find_attributed_prototypes();
    each(Kind::Function, [&](NodeIndex i) {
      // Without a type it is a macro's call: TEST(a, b) { … }
      if (static_cast<FunctionSub>(ir_[i].sub) != FunctionSub::Plain || !has(i, Role::Body) || !has(i, Role::Type))
        return;
      if (has_modifier(i, "inline") || runs_by_attribute(i)) return;
      const std::string_view name = name_of(i);
      if (is_disabled(ir_[i].first) ||
          std::ranges::any_of(kCRootPrefixes, [&](std::string_view prefix) { return name.starts_with(prefix); }))
        return;
      if (is_any(name, kCRoots) || is_any(name, kCppCustomizations) || name.starts_with("operator") ||
          name.find(':') != std::string_view::npos)
        return;
      const NodeIndex up = ir_[i].parent;
      const bool free = up == 0 || (ir_[up].kind == Kind::Block && ir_[ir_[up].parent].kind == Kind::Namespace);
      if ((has_modifier(i, "static") && free) || in_unnamed_namespace(i))
        return add_unused(i, DefinitionScope::Project);
      if (ir_.language == Language::C && up == 0 && !has_macro_before_name(i))
        add_unused(i, DefinitionScope::Project, true);
    });
  }

  /// Lines between `#if 0` and what ends it: kept there on purpose.
  void find_disabled_code() {
    const std::string_view text = text_.text;
    std::vector<bool> disabled;  // One for each open #if.
    std::size_t from = 0;
    for (std::size_t at = 0; at < text.size();) {
      const std::size_t end = std::min(text.find('\n', at), text.size());
      const std::string_view line = trim(text.substr(at, end - at));
      if (line.starts_with('#')) {
        const std::string_view words = trim(line.substr(1));
        const bool ends = words.starts_with("endif") || words.starts_with("el");
        if (ends && !disabled.empty() && disabled.back()) disabled_.push_back({from, at});
        if (words.starts_with("if")) {
          disabled.push_back(words.starts_with("if 0"));
          if (disabled.back()) from = at;
        } else if (words.starts_with("endif") && !disabled.empty()) {
          disabled.pop_back();
        } else if (ends && !disabled.empty()) {
          disabled.back() = false;
        }
      }
      at = end + 1;
    }
  }

  bool is_disabled(std::size_t offset) const {
    return std::ranges::any_of(disabled_,
                               [&](const auto& range) { return offset >= range.first && offset < range.second; });
  }

  bool in_unnamed_namespace(NodeIndex i) const {
    const NodeIndex block = ir_[i].parent;
    if (ir_[block].kind != Kind::Block || ir_[ir_[block].parent].kind != Kind::Namespace) return false;
    for (NodeIndex up = ir_[block].parent; up != kNoNode; up = ir_[up].parent)
      if (ir_[up].kind == Kind::Namespace && name_of(up).empty()) return true;
    return false;
  }

  bool pastes_names() const {
    return std::ranges::any_of(ir_.nodes, [&](const Node& node) {
      return node.kind == Kind::Other && atoms_.text(node.atom).find("##") != std::string_view::npos;
    });
  }

  /// The line up to the name, with what stands before the type.
  std::string_view head(NodeIndex i) const {
    const std::string_view text = text_.text;
    const NodeIndex name = ir_.child(i, Role::Name);
    std::size_t from = ir_[i].first;
    while (from > 0 && text[from - 1] != '\n') --from;
    return text.substr(from, (name == kNoNode ? ir_[i].first : ir_[name].first) - from);
  }

  /// `__attribute__((constructor))` and the like, also of a prototype.
  bool runs_by_attribute(NodeIndex i) const {
    const std::string_view before = head(i);
    return before.find("__attribute__") != std::string_view::npos || before.find("[[") != std::string_view::npos ||
           attributed_prototypes_.contains(ir_[i].atom);
  }

  void find_attributed_prototypes() {
    each(Kind::Function, [&](NodeIndex i) {
      if (has(i, Role::Body)) return;
      const std::size_t end = std::min(text_.text.find(';', ir_[i].first), text_.text.size());
      const std::string_view whole = std::string_view(text_.text).substr(ir_[i].first, end - ir_[i].first);
      if (whole.find("__attribute__") != std::string_view::npos) attributed_prototypes_.insert(ir_[i].atom);
    });
  }

  /// Macros there export a function, register it or make its name.
  bool has_macro_before_name(NodeIndex i) const {
    bool found = false;
    each_word(head(i), [&](std::string_view word) {
      const bool capitals = word.size() >= 3 && std::ranges::none_of(word, [](char c) { return c >= 'a' && c <= 'z'; });
      found |= capitals && !is_any(word, kCapitalTypes);
    });
    return found;
  }

  const Ir& ir_;
  const Atoms& atoms_;
  const source::SourceText& text_;
  const NameUses& uses_;
  PositionCursor positions_;
  std::vector<std::pair<std::size_t, std::size_t>> disabled_;  ///< Ranges of bytes.
  std::unordered_set<Atom> decorated_, named_in_all_, attributed_prototypes_;
  std::vector<DefinitionFact> out_;
};

}  // namespace

std::vector<DefinitionFact> unused_definitions(const Ir& ir, const Atoms& atoms, const source::SourceText& text,
                                               const NameUses& uses) {
  return Definitions(ir, atoms, text, uses).run();
}

}  // namespace wrench::code::detail
