#include "match.hpp"

#include <algorithm>
#include <array>
#include <optional>

#include "wrench/base/text.hpp"

namespace wrench::code {
namespace {

using source::Language;

constexpr std::size_t kMatchesPerRootMax = 256;
constexpr std::size_t kMatchesPerPatternMax = 20'000;

/// What to do after a part matched; returns true to stop the search. Doesn't own: lives in the caller's frame.
class Next {
 public:
  template <class F>
  Next(F& f) : object_(&f), call_([](void* o) { return (*static_cast<F*>(o))(); }) {}  // NOLINT
  bool operator()() const { return call_(object_); }

 private:
  void* object_;
  bool (*call_)(void*);
};

bool sub_matters(Kind kind) {
  switch (kind) {
    case Kind::Unary:
    case Kind::Binary:
    case Kind::AugAssign:
    case Kind::Bool:
    case Kind::Loop:
    case Kind::Defer:
    case Kind::Spread:
    case Kind::Yield:
    case Kind::Comprehension:
    case Kind::Delete:
      return true;
    default:
      return false;
  }
}

/// Parts of a node that a pattern may leave out without forbidding them.
bool may_omit(Kind kind, Role role) {
  if (role == Role::Name || role == Role::Decorator || role == Role::Modifier || role == Role::TypeParam) return true;
  switch (kind) {
    case Kind::Function:
      return role == Role::Type || role == Role::Receiver || role == Role::Body || role == Role::From;
    case Kind::Lambda:
      return role == Role::Type;
    case Kind::Class:
      return role == Role::Base || role == Role::Body;
    case Kind::Field:
    case Kind::VarDef:
      return role == Role::Type;
    case Kind::Param:
      return role == Role::Type || role == Role::Default || role == Role::Name;
    case Kind::Assign:
      return role == Role::Type;
    case Kind::If:
      return role == Role::Else || role == Role::Init || role == Role::Then;
    case Kind::Loop:
    case Kind::ForEach:
      return role == Role::Else || role == Role::Body;
    case Kind::Try:
      return role == Role::Handler || role == Role::Else || role == Role::Finally || role == Role::Resource;
    case Kind::With:
    case Kind::Catch:
    case Kind::Switch:
      return role == Role::Body || role == Role::Case;
    case Kind::New:
      return role == Role::Body || role == Role::TypeParam;
    case Kind::Import:
      return true;
    case Kind::XmlElement:
      return role == Role::Element || role == Role::Attribute;
    case Kind::Call:
      return role == Role::Type;
    case Kind::Type:
      return true;
    case Kind::Namespace:
      return true;
    default:
      return false;
  }
}

class Matcher {
 public:
  Matcher(const FileIndex& file, const Pattern& pattern, const MatchOptions& options, MatchBudget& budget)
      : file_(file), ir_(file.ir()), pattern_(pattern), options_(options), budget_(budget) {}

  std::vector<Match> run() {
    for (const Atom name : pattern_.names)
      if (!file_.mentions(name)) return {};
    if (pattern_.shape == Pattern::Shape::Statements)
      find_statements();
    else
      find_nodes();
    std::stable_sort(out_.begin(), out_.end(), [](const Match& a, const Match& b) {
      return a.first != b.first ? a.first < b.first : a.end < b.end;
    });
    return std::move(out_);
  }

 private:
  const PatternNode& at(std::uint32_t p) const { return pattern_.nodes[p]; }
  bool is_script() const {
    return ir_.language == Language::JavaScript || ir_.language == Language::TypeScript ||
           ir_.language == Language::Tsx;
  }

  // --- where to begin

  void find_nodes() {
    const std::uint32_t root = pattern_.roots.front();
    const PatternNode& p = at(root);
    switch (p.kind) {
      case Kind::Metavar:
      case Kind::Ellipsis:
      case Kind::TypedMetavar:
      case Kind::Deep:
        for (NodeIndex n = 0; n < ir_.nodes.size(); ++n)
          if (is_value_place(n)) try_root(root, n);
        return;
      case Kind::Call: {
        const Atom callee = callee_name(p);
        const auto& candidates = callee == kNoAtom ? file_.nodes(Kind::Call) : file_.calls(callee);
        for (const NodeIndex n : candidates) try_root(root, n);
        return;
      }
      case Kind::Assign:
        try_kind(root, Kind::Assign);
        if (p.sub == 0 && options_.vardef_assign) try_kind(root, Kind::VarDef);
        if (p.sub == 0 && (options_.flddef_assign || ir_.language == Language::Java)) try_kind(root, Kind::Field);
        return;
      case Kind::VarDef:
      case Kind::Field:
        try_kind(root, Kind::VarDef);
        try_kind(root, Kind::Field);
        return;
      case Kind::Loop:
        try_kind(root, Kind::Loop);
        if (has_open_header(p)) try_kind(root, Kind::ForEach);
        return;
      case Kind::Function:
        try_kind(root, Kind::Function);
        if (is_script()) {
          try_kind(root, Kind::VarDef);
          try_kind(root, Kind::Lambda);
        }
        return;
      case Kind::Name:
      case Kind::Member:
        try_kind(root, Kind::Name);
        try_kind(root, Kind::Member);
        return;
      case Kind::String:
        try_kind(root, Kind::String);
        try_kind(root, Kind::Interp);
        if (options_.constant_propagation) {
          try_kind(root, Kind::Binary);
          try_kind(root, Kind::Name);
        }
        return;
      case Kind::Number:
      case Kind::Bool:
      case Kind::Null:
      case Kind::Char:
        try_kind(root, p.kind);
        if (options_.constant_propagation) try_kind(root, Kind::Name);
        return;
      default:
        try_kind(root, p.kind);
        return;
    }
  }

  void try_kind(std::uint32_t root, Kind kind) {
    for (const NodeIndex n : file_.nodes(kind)) {
      if (is_expression(kind) && !is_value_place(n)) continue;
      if (budget_.spent != MatchBudget::Spent::No) return;
      try_root(root, n);
    }
  }

  /// Not the names of definitions, parameters and imports.
  bool is_value_place(NodeIndex n) const {
    const Node& node = ir_[n];
    if (!is_expression(node.kind)) return false;
    return node.role != Role::Name && !(node.role == Role::Key && node.kind == Kind::Name && !is_python_key(n));
  }
  bool is_python_key(NodeIndex) const { return ir_.language == Language::Python || ir_.language == Language::Go; }

  Atom callee_name(const PatternNode& call) const {
    for (const std::uint32_t child : call.children) {
      const PatternNode& callee = at(child);
      if (callee.role != Role::Callee) continue;
      if ((callee.kind == Kind::Name || callee.kind == Kind::Member) && callee.text == PatternNode::Text::Exact)
        return callee.atom;
    }
    return kNoAtom;
  }

  void try_root(std::uint32_t root, NodeIndex n) {
    if (out_.size() >= kMatchesPerPatternMax) return;
    bindings_.clear();
    visited_.clear();
    found_here_ = 0;
    auto take = [&] { return record(ir_[n].first, ir_[n].end, n); };
    node(root, n, take);
  }

  bool record(std::uint32_t first, std::uint32_t end, NodeIndex n) {
    for (std::size_t i = out_.size(); i > 0 && out_.size() - i < found_here_; --i) {
      const Match& old = out_[i - 1];
      if (old.first == first && old.end == end && same(old.bindings, bindings_)) return false;
    }
    Match match;
    match.first = first;
    match.end = end;
    match.node = n;
    match.bindings = bindings_;
    out_.push_back(std::move(match));
    return ++found_here_ >= kMatchesPerRootMax || out_.size() >= kMatchesPerPatternMax;
  }

  static bool same(const Bindings& a, const Bindings& b) {
    if (a.size() != b.size()) return false;
    for (std::size_t i = 0; i < a.size(); ++i)
      if (a[i].first != b[i].first || a[i].second.first != b[i].second.first || a[i].second.end != b[i].second.end)
        return false;
    return true;
  }

  void find_statements() {
    const std::vector<std::uint32_t>& roots = pattern_.roots;
    const bool starts_open =
        at(roots.front()).kind == Kind::Ellipsis || at(roots.front()).kind == Kind::MetavarEllipsis;
    // A statement that must hold a certain call is looked for where such calls are.
    const Atom callee = first_call() == nullptr ? kNoAtom : callee_name(*first_call());
    std::vector<NodeIndex> of_calls;
    if (callee != kNoAtom) {
      for (const NodeIndex n : file_.calls(callee)) of_calls.push_back(file_.statement_of(n));
      std::sort(of_calls.begin(), of_calls.end());
      of_calls.erase(std::unique(of_calls.begin(), of_calls.end()), of_calls.end());
      if (!of_calls.empty() && of_calls.back() == kNoNode) of_calls.pop_back();
    }
    for (const NodeIndex s : callee != kNoAtom ? of_calls : file_.statements()) {
      if (budget_.spent != MatchBudget::Spent::No || out_.size() >= kMatchesPerPatternMax) return;
      const NodeIndex block = ir_[s].parent;
      if (starts_open && ir_.first_child(block) != s) continue;
      bindings_.clear();
      visited_.clear();
      found_here_ = 0;
      last_ = s;
      const NodeIndex limit = is_list(block) ? ir_[block].subtree_end : ir_[s].subtree_end;
      auto take = [&] { return record(ir_[s].first, std::max(ir_[last_].end, ir_[s].end), s); };
      statements(roots, 0, s, limit, Tail::MayFollow, take);
    }
  }
  /// The call that the first statement is, or null.
  const PatternNode* first_call() const {
    const PatternNode& first = at(pattern_.roots.front());
    if (options_.symbolic_propagation || first.kind != Kind::ExprStmt || first.children.empty()) return nullptr;
    const PatternNode& call = at(first.children.front());
    return call.kind == Kind::Call ? &call : nullptr;
  }
  bool is_list(NodeIndex block) const {
    const Kind kind = ir_[block].kind;
    return kind == Kind::Block || kind == Kind::Module || kind == Kind::Case || kind == Kind::Namespace;
  }

  // --- bindings

  bool bind(Atom metavar, const Bound& bound, Next next) {
    if (is_anonymous(metavar)) return next();
    if (const Bound* old = find(bindings_, metavar); old != nullptr) return agree(file_, *old, bound) && next();
    bindings_.emplace_back(metavar, bound);
    const bool stop = next();
    bindings_.pop_back();
    return stop;
  }
  bool is_anonymous(Atom metavar) const {
    const std::string_view name = file_.atoms().text(metavar);
    return name == "$_" || name == "$..._";
  }

  Bound bound_of(NodeIndex n) const {
    const Node& node = ir_[n];
    Bound bound{n, kNoAtom, node.first, node.end};
    const bool named = node.kind == Kind::Name || (node.kind == Kind::Type && ir_.first_child(n) == kNoNode);
    if (named || node.kind == Kind::Param) bound.atom = node.atom;
    return bound;
  }

  /// The name that a node carries, without a node of its own: a property, a definition's name.
  Bound name_of(NodeIndex n) const {
    const Node& node = ir_[n];
    if (const NodeIndex name = ir_.child(n, Role::Name); name != kNoNode)
      return Bound{kNoNode, node.atom, ir_[name].first, ir_[name].end};
    const std::string_view name = file_.atoms().text(node.atom);
    const std::string_view whole = file_.text_of(n);
    if (node.kind == Kind::String || node.kind == Kind::Char || node.kind == Kind::Regex || node.kind == Kind::Import) {
      const std::size_t quote = name.empty() ? std::string_view::npos : whole.find(name);
      const std::size_t at = quote == std::string_view::npos ? std::min<std::size_t>(1, whole.size()) : quote;
      const auto first = node.first + static_cast<std::uint32_t>(at);
      return Bound{kNoNode, node.atom, first, std::min(first + static_cast<std::uint32_t>(name.size()), node.end)};
    }
    const std::size_t at = node.kind == Kind::Member ? whole.rfind(name) : whole.find(name);
    if (at == std::string_view::npos) return Bound{kNoNode, node.atom, node.first, node.end};
    const auto first = node.first + static_cast<std::uint32_t>(at);
    return Bound{kNoNode, node.atom, first, first + static_cast<std::uint32_t>(name.size())};
  }

  // --- one node

  bool node(std::uint32_t p_index, NodeIndex n, Next next) {
    if (!budget_.spend()) return true;
    const PatternNode& p = at(p_index);
    const Node& found = ir_[n];
    switch (p.kind) {
      case Kind::Ellipsis:
        return next();
      case Kind::Metavar:
        return metavariable(p, n, next);
      case Kind::MetavarEllipsis:
        return bind(p.atom, bound_of(n), next);
      case Kind::Deep:
        return deep(p.children.front(), n, next);
      case Kind::ExprStmt:
        return statement(p_index, n, next);
      case Kind::Block:
        return block(p, n, next);
      case Kind::String:
        return string(p_index, n, next);
      case Kind::Number:
      case Kind::Bool:
      case Kind::Null:
      case Kind::Char:
        if (found.kind != p.kind) return propagated(p_index, n, next);
        break;
      case Kind::Loop:
        if (found.kind == Kind::ForEach && has_open_header(p)) return loop_body(p, n, next);
        break;
      case Kind::Name:
      case Kind::Member:
        if (p.kind == Kind::Member && p.text == PatternNode::Text::Any) return chain(p, n, next);
        if (!p.dotted.empty() && file_.resolves_to(n, p.dotted)) return next();
        break;
      case Kind::Assign:
        if (p.sub == 0 && (found.kind == Kind::VarDef || found.kind == Kind::Field))
          return definition_as_assignment(p, n, next);
        break;
      case Kind::VarDef:
      case Kind::Field:
        if (found.kind == Kind::VarDef || found.kind == Kind::Field) return named(p, n, next);
        break;
      case Kind::Function:
        if (found.kind != Kind::Function && is_script()) return function_as_lambda(p, n, next);
        break;
      case Kind::Lambda:
        if (found.kind == Kind::Function && options_.arrow_is_function && is_script()) return children(p, n, next);
        break;
      case Kind::Interp:
        if (found.kind == Kind::Interp) return elements(p, n, next);
        return false;
      case Kind::Import:
        if (found.kind == Kind::Import && p.sub == static_cast<std::uint8_t>(ImportSub::Module) &&
            ir_.language == Language::Python)
          return python_import(p, n, next);
        break;
      case Kind::ImportItem:
        return found.kind == Kind::ImportItem && import_item(p, n, next);
      case Kind::Modifier:
        return found.kind == Kind::Modifier && modifier(p, n, next);
      default:
        break;
    }
    if (p.kind != found.kind) return symbolic(p_index, n, next);
    if (p.kind == Kind::Other || p.kind == Kind::Error) {
      if (p.symbol != found.symbol) return false;
    }
    if (sub_matters(p.kind) && p.sub != found.sub) return false;
    if (p.kind == Kind::Assign && p.sub == 1 && found.sub != 1) return false;
    if (p.kind == Kind::Class && p.sub != found.sub) return false;
    if (p.kind == Kind::Binary && binary_may_swap(p)) {
      if (children(p, n, next)) return true;
      return swapped(p, n, next);
    }
    const bool stop = named(p, n, next);
    if (!stop && (p.kind == Kind::Name || p.kind == Kind::Member)) return symbolic(p_index, n, next);
    return stop;
  }

  bool import_item(const PatternNode& p, NodeIndex n, Next next) {
    const Node& found = ir_[n];
    auto rest = [&] {
      if (p.extra == kNoAtom || p.extra == p.atom) return next();
      if (!is_metavariable(file_.atoms().text(p.extra))) return p.extra == found.extra && next();
      if (found.extra == kNoAtom) return false;
      const std::string_view alias = file_.atoms().text(found.extra);
      const std::size_t at = file_.text_of(n).rfind(alias);
      Bound bound{kNoNode, found.extra, found.first, found.end};
      if (at != std::string_view::npos) {
        bound.first = found.first + static_cast<std::uint32_t>(at);
        bound.end = bound.first + static_cast<std::uint32_t>(alias.size());
      }
      return bind(p.extra, bound, next);
    };
    if (p.text == PatternNode::Text::Metavar)
      return bind(p.atom, Bound{kNoNode, found.atom, found.first, found.end}, rest);
    return p.atom == found.atom && rest();
  }

  /// `import a.b` also stands for `from a import b`, `from a.b import c` and `import a.b.c`.
  bool python_import(const PatternNode& p, NodeIndex n, Next next) {
    const Node& found = ir_[n];
    if (p.text != PatternNode::Text::Exact) return children(p, n, next);
    const std::string_view wanted = file_.atoms().text(p.atom), module = file_.atoms().text(found.atom);
    if (module == wanted) {
      // An alias that the pattern names has to agree.
      const bool whole = found.sub == static_cast<std::uint8_t>(ImportSub::Module);
      return whole && aliased(p) ? children(p, n, next) : next();
    }
    if (aliased(p)) return false;
    if (module.size() > wanted.size() && module.starts_with(wanted) && module[wanted.size()] == '.') return next();
    if (wanted.size() <= module.size() || !wanted.starts_with(module) || wanted[module.size()] != '.') return false;
    const std::string_view rest = wanted.substr(module.size() + 1);
    for (NodeIndex item = ir_.first_child(n); item != kNoNode; item = ir_.next_sibling(item))
      if (file_.atoms().text(ir_[item].atom) == rest) return next();
    return false;
  }
  bool aliased(const PatternNode& import) const {
    if (import.children.empty()) return false;
    const PatternNode& item = at(import.children.front());
    if (item.extra == kNoAtom || item.extra == item.atom) return false;
    const std::string_view name = file_.atoms().text(item.extra), path = file_.atoms().text(import.atom);
    return name != path.substr(0, path.find('.'));
  }

  bool modifier(const PatternNode& p, NodeIndex n, Next next) {
    if (p.text == PatternNode::Text::Metavar) return bind(p.atom, name_of(n), next);
    if (p.atom == ir_[n].atom) return next();
    const std::string_view wanted = file_.atoms().text(p.atom), written = file_.atoms().text(ir_[n].atom);
    const bool variable = wanted == "var" && (written == "let" || written == "const");
    if (ir_.language == Language::Go) return variable && next();
    return variable && is_script() && options_.let_is_var && next();
  }

  bool metavariable(const PatternNode& p, NodeIndex n, Next next) {
    for (const auto& [metavar, type] : pattern_.types) {
      if (metavar != p.atom) continue;
      Bound bound;
      if (!has_type(n, at(type), bound)) return false;
      if (at(type).text == PatternNode::Text::Metavar) {
        auto then = [&] { return bind(p.atom, bound_of(n), next); };
        return bind(at(type).atom, bound, then);
      }
    }
    return bind(p.atom, bound_of(n), next);
  }

  bool has_type(NodeIndex n, const PatternNode& type, Bound& bound) const {
    std::string_view written;
    NodeIndex place = n;
    switch (ir_[n].kind) {
      case Kind::New:
      case Kind::Cast:
        place = ir_.child(n, Role::Type);
        if (place == kNoNode) place = ir_.child(n, Role::Callee);
        if (place == kNoNode) return false;
        written = file_.text_of(place);
        break;
      case Kind::String:
      case Kind::Interp:
        written = ir_.language == Language::Java                ? "String"
                  : ir_.language == Language::Python            ? "str"
                  : is_script() || ir_.language == Language::Go ? "string"
                                                                : "char*";
        break;
      case Kind::Bool:
        written = ir_.language == Language::Java || is_script() ? "boolean" : "bool";
        break;
      case Kind::Number:
        written = is_script() ? "number" : "int";
        if (type.text == PatternNode::Text::Exact && is_script() && file_.atoms().text(type.atom) == "float")
          return true;
        break;
      case Kind::Binary:
        if (!file_.is_constant_string(n)) return false;
        written = ir_.language == Language::Java ? "String" : "string";
        break;
      case Kind::Name:
      case Kind::Param: {
        place = file_.declared_type(n);
        if (place == kNoNode) {
          const NodeIndex value = file_.only_value(n);
          return value != kNoNode && ir_[value].kind != Kind::Name && has_type(value, type, bound);
        }
        written = file_.text_of(place);
        break;
      }
      default:
        return false;
    }
    bound = Bound{kNoNode, kNoAtom, ir_[place].first, ir_[place].end};
    if (type.text == PatternNode::Text::Metavar) return true;
    std::string plain;
    for (const char c : written)
      if (c != ' ') plain += c;
    if (ir_[place].kind == Kind::Type &&
        file_.type_is(file_.atoms().text(ir_[place].atom), file_.atoms().text(type.atom)))
      return true;
    return file_.type_is(plain, file_.atoms().text(type.atom));
  }

  bool deep(std::uint32_t p, NodeIndex n, Next next) {
    for (NodeIndex d = n; d < ir_[n].subtree_end; ++d)
      if (is_expression(ir_[d].kind) && node(p, d, next)) return true;
    return false;
  }

  bool string(std::uint32_t p_index, NodeIndex n, Next next) {
    const PatternNode& p = at(p_index);
    const Node& found = ir_[n];
    if (found.kind != Kind::String) {
      if (p.text == PatternNode::Text::Any && foldable(n)) return next();
      return propagated(p_index, n, next);
    }
    switch (p.text) {
      case PatternNode::Text::Any:
        return next();
      case PatternNode::Text::Metavar:
        return bind(p.atom, name_of(n), next);
      case PatternNode::Text::Regex: {
        if (!p.regex) return false;
        const auto outcome = p.regex->contains(file_.atoms().text(found.atom));
        if (outcome == source::Regex::Outcome::LimitReached) budget_.spent = MatchBudget::Spent::RegexLimit;
        return outcome == source::Regex::Outcome::Match && next();
      }
      default:
        return p.atom == found.atom && next();
    }
  }
  bool foldable(NodeIndex n) const {
    return options_.constant_propagation && (ir_[n].kind == Kind::Binary || ir_[n].kind == Kind::Name) &&
           file_.is_constant_string(n);
  }

  /// A literal matches the variable that can only have its value.
  bool propagated(std::uint32_t p_index, NodeIndex n, Next next) {
    if (!options_.constant_propagation || ir_[n].kind != Kind::Name) return symbolic(p_index, n, next);
    const NodeIndex value = file_.constant(n);
    if (value == kNoNode || ir_[value].kind == Kind::Name) return symbolic(p_index, n, next);
    if (ir_[value].kind == Kind::Binary) return at(p_index).text == PatternNode::Text::Any && next();
    return node(p_index, value, next);
  }

  bool symbolic(std::uint32_t p_index, NodeIndex n, Next next) {
    if (!options_.symbolic_propagation || ir_[n].kind != Kind::Name || symbolic_depth_ >= 4) return false;
    const NodeIndex value = file_.only_value(n);
    if (value == kNoNode || (n >= value && n < ir_[value].subtree_end)) return false;
    ++symbolic_depth_;
    const bool stop = node(p_index, value, next);
    --symbolic_depth_;
    return stop;
  }

  /// `$X = $E` against a declaration with an initialiser.
  bool definition_as_assignment(const PatternNode& p, NodeIndex n, Next next) {
    const NodeIndex value = ir_.child(n, Role::Value);
    if (value == kNoNode) return false;
    NodeIndex target = ir_.child(n, Role::Target);
    if (target == kNoNode) target = ir_.child(n, Role::Name);
    if (target == kNoNode) return false;
    std::optional<std::uint32_t> left, right;
    for (const std::uint32_t child : p.children) {
      if (at(child).role == Role::Left) left = child;
      if (at(child).role == Role::Right) right = child;
    }
    if (!left || !right) return false;
    auto then = [&] { return node(*right, value, next); };
    return node(*left, target, then);
  }

  bool function_as_lambda(const PatternNode& p, NodeIndex n, Next next) {
    NodeIndex lambda = n;
    if (ir_[n].kind == Kind::VarDef) {
      lambda = ir_.child(n, Role::Value);
      if (lambda == kNoNode || ir_[lambda].kind != Kind::Lambda) return false;
      auto then = [&] { return children(p, lambda, next); };
      if (p.text == PatternNode::Text::Metavar) return bind(p.atom, name_of(n), then);
      return p.atom == ir_[n].atom && then();
    }
    if (ir_[n].kind != Kind::Lambda || p.text == PatternNode::Text::Exact) return false;
    // `x = function () {}` was met at its definition.
    if (ir_[n].role == Role::Value && ir_[ir_[n].parent].kind == Kind::VarDef) return false;
    return children(p, n, next);
  }

  /// Compares what the node is called, then its children.
  bool named(const PatternNode& p, NodeIndex n, Next next) {
    const Node& found = ir_[n];
    auto rest = [&] { return children(p, n, next); };
    // A variable's name is its target child, too.
    if ((p.kind == Kind::VarDef || p.kind == Kind::Field) && has_child(p, Role::Target) &&
        ir_.child(n, Role::Target) != kNoNode)
      return rest();
    switch (p.text) {
      case PatternNode::Text::None:
      case PatternNode::Text::Any:
        return rest();
      case PatternNode::Text::Metavar:
        return found.atom != kNoAtom && bind(p.atom, name_of(n), rest);
      case PatternNode::Text::Exact:
        if (p.kind == Kind::Type)
          return (p.atom == found.atom || file_.type_is(file_.atoms().text(found.atom), file_.atoms().text(p.atom))) &&
                 rest();
        if (p.kind == Kind::Number) return (p.atom == found.atom) && rest();
        return p.atom == found.atom && rest();
      default:
        return false;
    }
  }
  bool has_child(const PatternNode& p, Role role) const {
    return std::any_of(p.children.begin(), p.children.end(), [&](std::uint32_t c) { return at(c).role == role; });
  }

  /// `for (...)` says nothing of what kind of loop it is.
  bool has_open_header(const PatternNode& p) const {
    return std::any_of(p.children.begin(), p.children.end(),
                       [&](std::uint32_t c) { return at(c).role == Role::Condition && at(c).kind == Kind::Ellipsis; });
  }
  bool loop_body(const PatternNode& p, NodeIndex n, Next next) {
    const NodeIndex body = ir_.child(n, Role::Body);
    for (const std::uint32_t child : p.children)
      if (at(child).role == Role::Body) return body != kNoNode && node(child, body, next);
    return next();
  }

  /// `$X. ... .f`: any calls and members between.
  bool chain(const PatternNode& p, NodeIndex n, Next next) {
    const std::uint32_t object = p.children.front();
    NodeIndex at_node = n;
    for (int step = 0; step < 64 && at_node != kNoNode; ++step) {
      if (node(object, at_node, next)) return true;
      const Kind kind = ir_[at_node].kind;
      at_node = kind == Kind::Member ? ir_.child(at_node, Role::Object)
                : kind == Kind::Call ? ir_.child(at_node, Role::Callee)
                                     : kNoNode;
    }
    return false;
  }

  bool binary_may_swap(const PatternNode& p) const {
    const auto op = static_cast<Op>(p.sub);
    if (op == Op::Eq || op == Op::NotEq || op == Op::StrictEq || op == Op::StrictNotEq) return options_.symmetric_eq;
    return options_.ac_matching && (op == Op::BitAnd || op == Op::BitOr || op == Op::BitXor);
  }
  bool swapped(const PatternNode& p, NodeIndex n, Next next) {
    if (p.children.size() != 2) return false;
    const NodeIndex left = ir_.child(n, Role::Left), right = ir_.child(n, Role::Right);
    if (left == kNoNode || right == kNoNode) return false;
    auto then = [&] { return node(p.children[1], left, next); };
    return node(p.children[0], right, then);
  }

  // --- children

  using PatternList = std::vector<std::uint32_t>;
  using NodeList = std::vector<NodeIndex>;
  struct Group {
    Role role;
    PatternList wanted;
    NodeList found;
  };

  bool children(const PatternNode& p, NodeIndex n, Next next) {
    // A plain `def` or `for` stands for both; what the pattern calls async must be.
    if ((p.flags & kFlagAsync) != 0 && (ir_[n].flags & kFlagAsync) == 0) return false;
    std::vector<Group> groups;
    for (const std::uint32_t child : p.children) {
      const Role role = at(child).role;
      if (role == Role::Name && p.text != PatternNode::Text::None) continue;
      auto group = std::find_if(groups.begin(), groups.end(), [&](const Group& g) { return g.role == role; });
      if (group == groups.end()) group = groups.insert(groups.end(), Group{role, {}, {}});
      group->wanted.push_back(child);
    }
    for (NodeIndex c = ir_.first_child(n); c != kNoNode; c = ir_.next_sibling(c)) {
      const Role role = ir_[c].role;
      const auto group = std::find_if(groups.begin(), groups.end(), [&](const Group& g) { return g.role == role; });
      if (group != groups.end()) {
        group->found.push_back(c);
      } else if (!may_omit(p.kind, role)) {
        return false;
      }
    }
    return match_groups(p, groups, 0, n, next);
  }

  bool match_groups(const PatternNode& p, const std::vector<Group>& groups, std::size_t i, NodeIndex n, Next next) {
    if (i == groups.size()) return next();
    const Group& group = groups[i];
    auto rest = [&] { return match_groups(p, groups, i + 1, n, next); };
    switch (group.role) {
      case Role::Arg:
        return p.kind == Kind::New && is_record(group.wanted)
                   ? some_of(group.wanted, group.found, 0, 0, Others::Allowed, rest)
                   : arguments(group.wanted, group.found, rest);
      case Role::Decorator:
      case Role::Modifier:
      case Role::Base:
      case Role::Handler:
      case Role::Attribute:
      case Role::TypeParam:
      case Role::From:
        return some_of(group.wanted, group.found, 0, 0, Others::Allowed, rest);
      case Role::Element:
        if (p.kind == Kind::Dict)
          return some_of(group.wanted, group.found, 0, 0, is_script() ? Others::Allowed : Others::Refused, rest);
        if (p.kind == Kind::Import) return some_of(group.wanted, group.found, 0, 0, Others::Allowed, rest);
        if (p.kind == Kind::New && is_record(group.wanted))
          return some_of(group.wanted, group.found, 0, 0, Others::Allowed, rest);
        if (p.kind == Kind::Namespace || p.kind == Kind::Module)
          return !group.found.empty() &&
                 statements(group.wanted, 0, group.found.front(), ir_[n].subtree_end, Tail::End, rest);
        return sequence(group.wanted, 0, group.found, 0, rest);
      default:
        return sequence(group.wanted, 0, group.found, 0, rest);
    }
  }

  bool is_record(const PatternList& wanted) const {
    return std::any_of(wanted.begin(), wanted.end(), [&](std::uint32_t p) { return at(p).kind == Kind::Pair; });
  }

  bool elements(const PatternNode& p, NodeIndex n, Next next) {
    NodeList found;
    for (NodeIndex c = ir_.first_child(n); c != kNoNode; c = ir_.next_sibling(c)) found.push_back(c);
    return sequence(p.children, 0, found, 0, next);
  }

  bool is_open(std::uint32_t p) const {
    const PatternNode& node = at(p);
    return node.kind == Kind::Ellipsis || node.kind == Kind::MetavarEllipsis;
  }

  /// In order, all of them, `...` for any run. In interpolated strings a "..." part is such a run.
  bool sequence(const PatternList& wanted, std::size_t i, const NodeList& found, std::size_t j, Next next) {
    if (!budget_.spend()) return true;
    if (i == wanted.size()) return j == found.size() && next();
    const PatternNode& p = at(wanted[i]);
    const bool run = is_open(wanted[i]) || (p.kind == Kind::String && p.text == PatternNode::Text::Any &&
                                            p.role == Role::Element && in_interpolation(found));
    if (!run) {
      auto rest = [&] { return sequence(wanted, i + 1, found, j + 1, next); };
      return j < found.size() && node(wanted[i], found[j], rest);
    }
    for (std::size_t end = j; end <= found.size(); ++end) {
      auto rest = [&] { return sequence(wanted, i + 1, found, end, next); };
      const bool stop = p.kind == Kind::MetavarEllipsis ? bind(p.atom, bound_run(found, j, end), rest) : rest();
      if (stop) return true;
    }
    return false;
  }
  bool in_interpolation(const NodeList& found) const {
    return !found.empty() && ir_[ir_[found.front()].parent].kind == Kind::Interp;
  }
  Bound bound_run(const NodeList& found, std::size_t from, std::size_t to) const {
    if (from == to) return Bound{};
    if (to == from + 1) return bound_of(found[from]);
    return Bound{kNoNode, kNoAtom, ir_[found[from]].first, ir_[found[to - 1]].end};
  }

  enum class Others { Allowed, Refused };
  /// Each wanted part matches another found one, in any order.
  bool some_of(const PatternList& wanted, const NodeList& found, std::size_t i, std::uint64_t used, Others others,
               Next next) {
    if (!budget_.spend()) return true;
    if (i == wanted.size()) {
      const bool open = std::any_of(wanted.begin(), wanted.end(), [&](std::uint32_t p) { return is_open(p); });
      if (others == Others::Refused && !open && found.size() != wanted.size()) return false;
      return next();
    }
    if (is_open(wanted[i])) return some_of(wanted, found, i + 1, used, others, next);
    // The mask bounds how many parts are told apart; more than 64 decorators or keys are matched by their first 64.
    for (std::size_t j = 0; j < std::min<std::size_t>(found.size(), 64); ++j) {
      if ((used >> j & 1U) != 0) continue;
      auto rest = [&] { return some_of(wanted, found, i + 1, used | std::uint64_t{1} << j, others, next); };
      if (node(wanted[i], found[j], rest)) return true;
    }
    return false;
  }

  /// Positional arguments in order, keywords in any order; without `...` nothing may be left over.
  bool arguments(const PatternList& wanted, const NodeList& found, Next next) {
    PatternList positional, keywords;
    for (const std::uint32_t p : wanted) (at(p).kind == Kind::KeywordArg ? keywords : positional).push_back(p);
    NodeList plain, named_ones;
    for (const NodeIndex n : found) (ir_[n].kind == Kind::KeywordArg ? named_ones : plain).push_back(n);
    const bool open = std::any_of(positional.begin(), positional.end(), [&](std::uint32_t p) { return is_open(p); });
    if (!open && named_ones.size() != keywords.size()) return false;
    auto rest = [&] { return sequence(positional, 0, plain, 0, next); };
    return some_of(keywords, named_ones, 0, 0, Others::Allowed, rest);
  }

  // --- statements

  enum class Tail { End, MayFollow };
  // As semgrep: what follows the last statement of a pattern's block isn't compared.
  static constexpr Tail kBlockTail = Tail::MayFollow;

  bool block(const PatternNode& p, NodeIndex n, Next next) {
    if (ir_[n].kind == Kind::Block && in_class(n)) return members(p, n, next);
    const NodeIndex last = last_;
    auto restored = [&] {
      const NodeIndex inner = last_;
      last_ = last;
      const bool stop = next();
      last_ = inner;
      return stop;
    };
    bool stop = false;
    if (ir_[n].kind == Kind::Block) {
      stop = statements(p.children, 0, n + 1, ir_[n].subtree_end, kBlockTail, restored);
    } else if (is_expression(ir_[n].kind)) {
      // An arrow's expression body: `{ ... }` and `{ return E }` say the same.
      stop = expression_body(p, n, restored);
    } else {
      stop = statements(p.children, 0, n, ir_[n].subtree_end, kBlockTail, restored);
    }
    last_ = last;
    return stop;
  }
  bool expression_body(const PatternNode& p, NodeIndex n, Next next) {
    if (std::all_of(p.children.begin(), p.children.end(), [&](std::uint32_t c) { return is_open(c); })) return next();
    for (const std::uint32_t child : p.children) {
      if (is_open(child)) continue;
      const PatternNode& only = at(child);
      if ((only.kind == Kind::Return || only.kind == Kind::ExprStmt) && only.children.size() == 1) {
        if (only.kind == Kind::Return) return node(only.children.front(), n, next);
        return deep(only.children.front(), n, next);
      }
      return false;
    }
    return false;
  }
  bool in_class(NodeIndex n) const {
    const NodeIndex parent = ir_[n].parent;
    return parent != kNoNode && (ir_[parent].kind == Kind::Class || ir_[parent].kind == Kind::New) &&
           ir_.language != Language::Python;
  }
  bool members(const PatternNode& p, NodeIndex n, Next next) {
    NodeList found;
    for (NodeIndex c = ir_.first_child(n); c != kNoNode; c = ir_.next_sibling(c)) found.push_back(c);
    return some_of(p.children, found, 0, 0, Others::Allowed, next);
  }

  /// Matches wanted[i..] against the statements from `from` on. After `...` statements inside nested blocks count as
  /// well, in the order of the text.
  bool statements(const PatternList& wanted, std::size_t i, NodeIndex from, NodeIndex limit, Tail tail, Next next) {
    if (!budget_.spend()) return true;
    if (i == wanted.size()) return (tail == Tail::MayFollow || file_.next_statement(from, limit) == kNoNode) && next();
    const PatternNode& p = at(wanted[i]);
    if (p.kind == Kind::Ellipsis || p.kind == Kind::MetavarEllipsis) return skip(wanted, i, from, limit, tail, next);
    const NodeIndex s = file_.next_statement(from, limit);
    if (s == kNoNode) return false;
    return one_of_statements(wanted, i, s, limit, tail, next);
  }

  bool one_of_statements(const PatternList& wanted, std::size_t i, NodeIndex s, NodeIndex limit, Tail tail, Next next) {
    const NodeIndex last = last_;
    auto rest = [&] {
      last_ = s;
      return statements(wanted, i + 1, ir_[s].subtree_end, limit, tail, next);
    };
    const bool stop = statement(wanted[i], s, rest);
    last_ = last;
    return stop;
  }

  bool skip(const PatternList& wanted, std::size_t i, NodeIndex from, NodeIndex limit, Tail tail, Next next) {
    const PatternNode& p = at(wanted[i]);
    std::size_t after = i + 1;
    while (after < wanted.size() && is_open(wanted[after])) ++after;
    const auto bound_until = [&](NodeIndex end) {
      Bound bound;
      const NodeIndex first = file_.next_statement(from, limit);
      if (first == kNoNode || first >= end) return bound;
      bound.first = ir_[first].first;
      for (NodeIndex s = first; s != kNoNode && s < end; s = file_.next_statement(ir_[s].subtree_end, limit))
        bound.end = ir_[s].end;
      return bound;
    };
    if (after == wanted.size()) {
      const NodeIndex last = last_;
      for (NodeIndex s = file_.next_statement(from, limit); s != kNoNode;
           s = file_.next_statement(ir_[s].subtree_end, limit))
        last_ = s;
      const bool stop = p.kind == Kind::MetavarEllipsis ? bind(p.atom, bound_until(limit), next) : next();
      last_ = last;
      return stop;
    }
    for (NodeIndex s = file_.next_statement(from, limit); s != kNoNode; s = file_.next_statement(s + 1, limit)) {
      if (!budget_.spend()) return true;
      // From the same state everything has been tried already.
      if (!visited_.insert(state_key(wanted, after, s, limit)).second) continue;
      auto rest = [&] { return one_of_statements(wanted, after, s, limit, tail, next); };
      const bool stop = p.kind == Kind::MetavarEllipsis ? bind(p.atom, bound_until(s), rest) : rest();
      if (stop) return true;
    }
    return false;
  }

  std::uint64_t state_key(const PatternList& wanted, std::size_t i, NodeIndex s, NodeIndex limit) const {
    std::uint64_t hash = 1469598103934665603ULL;
    const auto mix = [&](std::uint64_t value) {
      hash = (hash ^ value) * 1099511628211ULL;
      hash ^= hash >> 29;
    };
    mix(wanted[i]);
    mix(s);
    mix(limit);
    mix(last_);
    for (const auto& [metavar, bound] : bindings_) {
      mix(metavar);
      mix((static_cast<std::uint64_t>(bound.first) << 32) | bound.end);
    }
    return hash;
  }

  bool statement(std::uint32_t p_index, NodeIndex s, Next next) {
    const PatternNode& p = at(p_index);
    if (p.kind != Kind::ExprStmt) {
      if (ir_[s].kind == Kind::ExprStmt && is_expression(p.kind)) {
        const NodeIndex value = ir_.child(s, Role::Value);
        return value != kNoNode && node(p_index, value, next);
      }
      return node(p_index, s, next);
    }
    if (p.children.empty()) return false;
    const std::uint32_t inner = p.children.front();
    const PatternNode& wanted = at(inner);
    if (wanted.kind == Kind::Metavar || wanted.kind == Kind::Ellipsis) {
      if (wanted.kind == Kind::Ellipsis) return next();
      if (ir_[s].kind == Kind::ExprStmt) {
        const NodeIndex value = ir_.child(s, Role::Value);
        if (value != kNoNode) return node(inner, value, next);
      }
      return bind(wanted.atom, bound_of(s), next);
    }
    if (ir_[s].kind == Kind::VarDef || ir_[s].kind == Kind::Field) {
      if (node(inner, s, next)) return true;
    }
    if (ir_[s].kind == Kind::ExprStmt) {
      const NodeIndex value = ir_.child(s, Role::Value);
      if (value != kNoNode && node(inner, value, next)) return true;
    }
    if (!options_.implicit_deep_exprstmt) return false;
    return inside_statement(inner, s, next);
  }

  /// The expression anywhere in the statement's own expressions, not in statements nested in it.
  bool inside_statement(std::uint32_t inner, NodeIndex s, Next next) {
    const PatternNode& wanted = at(inner);
    const NodeIndex own = ir_[s].kind == Kind::ExprStmt ? ir_.child(s, Role::Value) : kNoNode;
    for (NodeIndex d = s + 1; d < ir_[s].subtree_end;) {
      const Node& candidate = ir_[d];
      if (candidate.kind == Kind::Block || (d != s + 1 && is_nested_statement(d))) {
        d = candidate.subtree_end;
        continue;
      }
      const bool same_kind = candidate.kind == wanted.kind || wanted.kind == Kind::String ||
                             wanted.kind == Kind::Name || wanted.kind == Kind::Member || wanted.kind == Kind::Deep ||
                             (wanted.kind == Kind::Assign && candidate.kind == Kind::VarDef);
      if (d != own && same_kind && candidate.role != Role::Name && node(inner, d, next)) return true;
      ++d;
    }
    return false;
  }
  bool is_nested_statement(NodeIndex d) const {
    const Node& candidate = ir_[d];
    const bool body = candidate.role == Role::Then || candidate.role == Role::Else || candidate.role == Role::Body ||
                      candidate.role == Role::Finally || candidate.role == Role::Handler;
    return body && !is_expression(candidate.kind);
  }

  const FileIndex& file_;
  const Ir& ir_;
  const Pattern& pattern_;
  const MatchOptions& options_;
  MatchBudget& budget_;
  Bindings bindings_;
  std::unordered_set<std::uint64_t> visited_;
  NodeIndex last_ = 0;
  int symbolic_depth_ = 0;
  std::size_t found_here_ = 0;
  std::vector<Match> out_;
};

bool equal_trees(const FileIndex& file, NodeIndex a, NodeIndex b) {
  const Ir& ir = file.ir();
  const NodeIndex size = ir[a].subtree_end - a;
  if (ir[b].subtree_end - b != size) return false;
  for (NodeIndex i = 0; i < size; ++i) {
    const Node& x = ir[a + i];
    const Node& y = ir[b + i];
    if (x.kind != y.kind || x.atom != y.atom || x.subtree_end - a != y.subtree_end - b) return false;
    if (x.kind != Kind::String && x.sub != y.sub) return false;
    if (x.kind == Kind::Other && x.symbol != y.symbol) return false;
    // Leaves without a name or number differ by their text alone.
    if (x.kind == Kind::Other && x.atom == kNoAtom && size == 1 && file.text_of(a + i) != file.text_of(b + i))
      return false;
  }
  return true;
}

}  // namespace

const Bound* find(const Bindings& bindings, Atom metavar) {
  for (const auto& [name, bound] : bindings)
    if (name == metavar) return &bound;
  return nullptr;
}

std::string_view text_of(const FileIndex& file, const Bound& bound) {
  return file.text().substr(bound.first, bound.end - bound.first);
}

bool agree(const FileIndex& file, const Bound& a, const Bound& b) {
  if (a.node != kNoNode && b.node != kNoNode && file.are_different_variables(a.node, b.node)) return false;
  if (a.atom != kNoAtom && b.atom != kNoAtom) return a.atom == b.atom;
  if (a.node != kNoNode && b.node != kNoNode) return equal_trees(file, a.node, b.node);
  return collapse_white_space(text_of(file, a)) == collapse_white_space(text_of(file, b));
}

std::vector<Match> match_pattern(const FileIndex& file, const Pattern& pattern, const MatchOptions& options,
                                 MatchBudget& budget) {
  return Matcher(file, pattern, options, budget).run();
}

}  // namespace wrench::code
