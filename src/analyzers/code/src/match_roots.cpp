#include "match_matcher.hpp"

#include <algorithm>

namespace wrench::code::detail {

namespace {

constexpr std::size_t kMatchesPerRootMax = 256;        ///< Ways in which one pattern matches at one place.
constexpr std::size_t kMatchesPerPatternMax = 20'000;  ///< Matches of one pattern in one file.

}  // namespace

std::vector<Match> Matcher::run() {
  for (const Atom name : pattern_.names)
    if (!file_.mentions(name)) return {};
  if (pattern_.shape == Pattern::Shape::Statements)
    is_command() ? find_commands() : find_statements();
  else
    find_nodes();
  std::stable_sort(out_.begin(), out_.end(), [](const Match& a, const Match& b) {
    return a.first != b.first ? a.first < b.first : a.end < b.end;
  });
  return std::move(out_);
}

bool Matcher::is_script() const {
  return ir_.language == source::Language::JavaScript || ir_.language == source::Language::TypeScript ||
         ir_.language == source::Language::Tsx;
}

void Matcher::find_nodes() {
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
      if (p.sub == 0 && (options_.flddef_assign || ir_.language == source::Language::Java)) try_kind(root, Kind::Field);
      return;
    case Kind::VarDef:
    case Kind::Field:
      try_kind(root, Kind::VarDef);
      try_kind(root, Kind::Field);
      return;
    case Kind::Set:
      try_kind(root, Kind::Set);
      try_kind(root, Kind::Dict);
      return;
    case Kind::List:
      try_kind(root, Kind::List);
      try_kind(root, Kind::Comprehension);
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
      try_named(root, Kind::Name);
      try_named(root, Kind::Member);
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

void Matcher::try_kind(std::uint32_t root, Kind kind) {
  for (const NodeIndex n : file_.nodes(kind)) {
    if (is_expression(kind) && !is_value_place(n)) continue;
    if (budget_.spent() != MatchBudget::Spent::No) return;
    try_root(root, n);
  }
}

/// Of names and members only those that are called so, here or where they were imported from: files are full of them.
void Matcher::try_named(std::uint32_t root, Kind kind) {
  const PatternNode& p = at(root);
  if (p.text != PatternNode::Text::Exact || options_.symbolic_propagation) return try_kind(root, kind);
  for (const NodeIndex n : file_.nodes(kind)) {
    if (ir_[n].atom != p.atom && (p.dotted.empty() || !file_.resolves_to(n, p.dotted))) continue;
    if (!is_value_place(n)) continue;
    if (budget_.spent() != MatchBudget::Spent::No) return;
    try_root(root, n);
  }
}

bool Matcher::is_value_place(NodeIndex n) const {
  const Node& node = ir_[n];
  if (!is_expression(node.kind)) return false;
  if (node.role == Role::Key && ir_.language == source::Language::Hcl) return false;
  return node.role != Role::Name && !(node.role == Role::Key && node.kind == Kind::Name && !keys_are_values());
}

Atom Matcher::callee_name(const PatternNode& call) const {
  for (const std::uint32_t child : call.children) {
    const PatternNode& callee = at(child);
    if (callee.role != Role::Callee) continue;
    if ((callee.kind == Kind::Name || callee.kind == Kind::Member) && callee.text == PatternNode::Text::Exact)
      return callee.atom;
  }
  return kNoAtom;
}

void Matcher::try_root(std::uint32_t root, NodeIndex n) {
  if (full_) return;
  if (!options_.attr_expr && ir_[n].role == Role::Value && ir_[ir_[n].parent].kind == Kind::Decorator) return;
  bindings_.clear();
  visited_.clear();
  found_here_ = 0;
  auto take = [&] { return record(ir_[n].first, ir_[n].end, n); };
  node(root, n, take);
}

bool Matcher::record(std::uint32_t first, std::uint32_t end, NodeIndex n) {
  for (std::size_t i = out_.size(); i > 0 && out_.size() - i < found_here_; --i) {
    const Match& old = out_[i - 1];
    if (old.first == first && old.end == end && same(old.bindings, bindings_)) return false;
  }
  // One more than there is room for: only now it is known that something is left out.
  full_ = out_.size() >= kMatchesPerPatternMax;
  if (full_ || found_here_ >= kMatchesPerRootMax) {
    budget_.leave_out_matches();
    return true;
  }
  Match match;
  match.first = first;
  match.end = end;
  match.node = n;
  match.bindings = bindings_;
  out_.push_back(std::move(match));
  ++found_here_;
  return false;
}

bool Matcher::same(const Bindings& a, const Bindings& b) {
  if (a.size() != b.size()) return false;
  for (std::size_t i = 0; i < a.size(); ++i)
    if (a[i].first != b[i].first || a[i].second.first != b[i].second.first || a[i].second.end != b[i].second.end)
      return false;
  return true;
}

void Matcher::find_statements() {
  const std::vector<std::uint32_t>& roots = pattern_.roots;
  const bool starts_open = at(roots.front()).kind == Kind::Ellipsis || at(roots.front()).kind == Kind::MetavarEllipsis;
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
    if (budget_.spent() != MatchBudget::Spent::No || full_) return;
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

const PatternNode* Matcher::first_call() const {
  const PatternNode& first = at(pattern_.roots.front());
  if (options_.symbolic_propagation || first.kind != Kind::ExprStmt || first.children.empty()) return nullptr;
  const PatternNode& call = at(first.children.front());
  return call.kind == Kind::Call ? &call : nullptr;
}

bool Matcher::is_list(NodeIndex block) const {
  const Kind kind = ir_[block].kind;
  return kind == Kind::Block || kind == Kind::Module || kind == Kind::Case || kind == Kind::Namespace;
}

}  // namespace wrench::code::detail
