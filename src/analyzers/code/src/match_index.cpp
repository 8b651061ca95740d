#include "match_index.hpp"

#include <algorithm>

#include "wrench/base/text.hpp"

namespace wrench::code {
namespace {

using source::Language;

constexpr int kMacroStepsMax = 4;      ///< Macros that stand for macros.
constexpr std::size_t kChainMax = 32;  ///< Parts of a.b.c that are looked at.

/// Module paths whose parts are names of their own: `a.b` imports what `a.b.c` names, too.
bool has_dotted_paths(Language language) {
  switch (language) {
    case Language::Python:
    case Language::Java:
    case Language::Php:
    case Language::CSharp:
    case Language::Rust:
    case Language::Kotlin:
    case Language::Scala:
      return true;
    default:
      return false;
  }
}

}  // namespace

bool holds_statements(Kind kind) {
  return kind == Kind::Module || kind == Kind::Block || kind == Kind::Case || kind == Kind::Namespace;
}

bool is_expression(Kind kind) {
  switch (kind) {
    case Kind::Lambda:
    case Kind::Name:
    case Kind::Member:
    case Kind::Index:
    case Kind::Slice:
    case Kind::Call:
    case Kind::New:
    case Kind::Unary:
    case Kind::Binary:
    case Kind::Assign:
    case Kind::AugAssign:
    case Kind::Ternary:
    case Kind::Await:
    case Kind::Yield:
    case Kind::Cast:
    case Kind::TypeTest:
    case Kind::Tuple:
    case Kind::List:
    case Kind::Set:
    case Kind::Dict:
    case Kind::Comprehension:
    case Kind::String:
    case Kind::Interp:
    case Kind::Number:
    case Kind::Bool:
    case Kind::Null:
    case Kind::Char:
    case Kind::Regex:
    case Kind::This:
    case Kind::Super:
    case Kind::AddressOf:
    case Kind::Deref:
    case Kind::Range:
    case Kind::XmlElement:
      return true;
    default:
      return false;
  }
}

FileIndex::FileIndex(const Ir& ir, Atoms& atoms, std::string_view text, const MacroTable* macros)
    : ir_(ir), atoms_(atoms), text_(text), other_macros_(macros) {
  by_kind_.resize(static_cast<std::size_t>(Kind::Other) + 1);
  if (ir.language == Language::C || ir.language == Language::Cpp) collect_macros();
  collect();
}

/// A macro that is another name's is as good as an import under that name.
void FileIndex::collect_macros() {
  std::vector<Macro> own = macros_in(text_);
  std::unordered_map<std::uint32_t, const Macro*> by_place;
  for (const Macro& macro : own) by_place.emplace(macro.first, &macro);
  for (NodeIndex n = 0; n < ir_.nodes.size() && !own.empty(); ++n) {
    if (ir_[n].kind != Kind::Directive) continue;
    const auto found = by_place.find(ir_[n].first);
    const NodeIndex value = ir_.child(n, Role::Value);
    if (found == by_place.end() || value == kNoNode) continue;
    const Atom name = atoms_.find(found->second->name);
    if (ir_[value].kind == Kind::Name) add_alias(name, n, {ir_[value].atom});
    if (ir_[value].kind != Kind::Other) macro_values_[name] = value;
  }
  macros_.add(std::move(own));
  std::erase_if(macro_values_, [&](const auto& entry) { return macros_.find(atoms_.text(entry.first)) == nullptr; });
  if (other_macros_ == nullptr) return;
  std::vector<bool> seen;
  for (NodeIndex n = 0; n < ir_.nodes.size(); ++n) {
    if (ir_[n].kind != Kind::Name) continue;
    Atom name = ir_[n].atom;
    if (name >= seen.size()) seen.resize(std::max<std::size_t>(name + 1, seen.size() * 2), false);
    if (seen[name]) continue;
    seen[name] = true;
    if (const Atom behind = name_behind_macro(name); behind != kNoAtom && !aliases_.contains(name))
      add_alias(name, 0, {behind});
  }
}

const Macro* FileIndex::macro(std::string_view name) const {
  if (const Macro* own = macros_.find(name)) return own;
  return other_macros_ == nullptr || macros_.defines(name) ? nullptr : other_macros_->find(name);
}

Atom FileIndex::name_behind_macro(Atom name) const {
  Atom behind = kNoAtom;
  for (int step = 0; step < kMacroStepsMax; ++step) {
    const Macro* found = macro(atoms_.text(behind == kNoAtom ? name : behind));
    const std::string_view other = found == nullptr ? std::string_view() : alias_of_macro(*found);
    if (other.empty()) break;
    behind = atoms_.intern(other);
  }
  return behind;
}

void FileIndex::collect() {
  for (NodeIndex n = 0; n < ir_.nodes.size(); ++n)
    if (ir_[n].kind == Kind::Import)
      collect_import(n);
    else if (ir_[n].kind == Kind::VarDef && is_script())
      collect_require(n);
  const auto mention = [&](Atom atom) {
    if (atom >= mentioned_.size()) mentioned_.resize(std::max<std::size_t>(atom + 1, mentioned_.size() * 2), false);
    mentioned_[atom] = true;
  };
  std::vector<Atom> path;
  for (NodeIndex n = 0; n < ir_.nodes.size(); ++n) {
    const Node& node = ir_[n];
    by_kind_[static_cast<std::size_t>(node.kind)].push_back(n);
    if (node.atom != kNoAtom) mention(node.atom);
    if (node.kind == Kind::ImportItem && node.extra != 0) mention(node.extra);
    if (node.parent != kNoNode) {
      const Kind parent = ir_[node.parent].kind;
      const bool listed = holds_statements(parent) && (node.role == Role::Element || node.role == Role::Body) &&
                          node.kind != Kind::Block;
      const bool single = (node.role == Role::Then || node.role == Role::Else || node.role == Role::Body) &&
                          node.kind != Kind::Block && !is_expression(node.kind) && !listed;
      if (listed || single || (node.kind == Kind::Block && node.role == Role::Element)) statements_.push_back(n);
    }
    if (node.kind == Kind::Call) {
      const NodeIndex callee = ir_.child(n, Role::Callee);
      if (callee == kNoNode) continue;
      const Atom last = ir_[callee].kind == Kind::Name || ir_[callee].kind == Kind::Member ? ir_[callee].atom : kNoAtom;
      calls_[last].push_back(n);
      path.clear();
      if (resolved(callee, path) && path.back() != last) calls_[path.back()].push_back(n);
    }
  }
  // What an alias stands for is mentioned too: `import m "crypto/md5"`.
  for (const auto& [alias, paths] : aliases_)
    for (const Alias& entry : paths)
      for (const Atom part : entry.path) mention(part);
  for (const auto& parts : wildcards_)
    for (const Atom part : parts) mention(part);
}

std::vector<Atom> FileIndex::split_path(std::string_view path) {
  std::vector<Atom> out;
  if (has_dotted_paths(ir_.language)) {
    for (const std::string_view part : split(path, '.'))
      if (!part.empty()) out.push_back(atoms_.intern(part));
  } else if (ir_.language == Language::Go) {
    std::vector<std::string_view> parts = split(path, '/');
    // A major version at the end isn't part of the package's name.
    if (parts.size() > 1 && parts.back().size() > 1 && parts.back()[0] == 'v' &&
        std::all_of(parts.back().begin() + 1, parts.back().end(), [](char c) { return c >= '0' && c <= '9'; }))
      parts.pop_back();
    std::string_view package = parts.back();
    if (package.starts_with("go-")) package.remove_prefix(3);
    if (package.ends_with("-go")) package.remove_suffix(3);
    if (const std::size_t version = package.rfind(".v"); version != std::string_view::npos && version > 0)
      package = package.substr(0, version);
    out.push_back(atoms_.intern(package));
  } else {
    // Node's own modules have two names.
    if (path.starts_with("node:")) path.remove_prefix(5);
    out.push_back(atoms_.intern(path));
  }
  if (out.size() > kChainMax) out.clear();
  return out;
}

void FileIndex::add_alias(Atom alias, NodeIndex import, std::vector<Atom> path) {
  if (alias == kNoAtom || path.empty()) return;
  aliases_[alias].push_back({import, std::move(path)});
}

/// `const {a, b: c} = require('m')` imports names; `const m = require('m')` the module.
void FileIndex::collect_require(NodeIndex definition) {
  const NodeIndex value = ir_.child(definition, Role::Value), target = ir_.child(definition, Role::Target);
  if (value == kNoNode || target == kNoNode || ir_[value].kind != Kind::Call) return;
  const NodeIndex callee = ir_.child(value, Role::Callee), file = ir_.child(value, Role::Arg);
  if (callee == kNoNode || file == kNoNode || ir_[callee].kind != Kind::Name || ir_[file].kind != Kind::String) return;
  if (atoms_.text(ir_[callee].atom) != "require" || ir_[file].atom == kNoAtom) return;
  if (ir_[target].kind == Kind::Name) return add_alias(ir_[target].atom, definition, {ir_[file].atom});
  if (ir_[target].kind != Kind::Dict) return;
  for (NodeIndex pair = ir_.first_child(target); pair != kNoNode; pair = ir_.next_sibling(pair)) {
    const NodeIndex key = ir_.child(pair, Role::Key), local = ir_.child(pair, Role::Value);
    if (ir_[pair].kind != Kind::Pair || key == kNoNode || local == kNoNode || ir_[local].kind != Kind::Name) continue;
    add_alias(ir_[local].atom, definition, {ir_[file].atom, ir_[key].atom});
  }
}

/// An import that certainly ran hides those before it; `try: import a except: import b` leaves both.
template <class Fits>
bool FileIndex::any_alias(NodeIndex name, Fits fits) const {
  const auto found = aliases_.find(ir_[name].atom);
  if (found == aliases_.end()) return false;
  const bool ordered = ir_.language == Language::Python || is_script();
  for (auto alias = found->second.rbegin(); alias != found->second.rend(); ++alias) {
    const Node& import = ir_[alias->import];
    const bool hoisted = is_script() && import.kind == Kind::Import;
    if (ordered && !hoisted && import.first > ir_[name].first) continue;
    if (fits(alias->path)) return true;
    const NodeIndex block = import.parent;
    if (ordered && block != kNoNode && block <= name && name < ir_[block].subtree_end) return false;
  }
  return false;
}

void FileIndex::collect_import(NodeIndex n) {
  std::string_view module = atoms_.text(ir_[n].atom);
  if (module.size() >= 2 && (module.front() == '"' || module.front() == '\''))
    module = module.substr(1, module.size() - 2);
  const std::vector<Atom> path = split_path(module);
  if (path.empty()) return;
  for (NodeIndex item = ir_.first_child(n); item != kNoNode; item = ir_.next_sibling(item)) {
    const Node& node = ir_[item];
    if (node.kind != Kind::ImportItem) continue;
    const std::string_view name = atoms_.text(node.atom);
    const Atom alias = node.extra;
    const bool whole = ir_[n].sub == static_cast<std::uint8_t>(ImportSub::Module) || node.atom == kNoAtom ||
                       name == "*" || name == "default";
    if (name == "*" && (alias == kNoAtom || alias == node.atom)) {
      wildcards_.push_back(path);
      continue;
    }
    if (whole) {
      // `import a.b` binds `a`, which stands for itself.
      if (alias != kNoAtom && (alias != path.front() || path.size() == 1)) add_alias(alias, n, path);
      continue;
    }
    std::vector<Atom> full = path;
    // `import {x} from './a/b'` is x of b.
    if (const std::size_t slash = module.rfind('/'); is_script() && slash != std::string_view::npos)
      full = {atoms_.intern(module.substr(slash + 1))};
    full.push_back(node.atom);
    add_alias(alias == kNoAtom ? node.atom : alias, n, std::move(full));
  }
}

const std::vector<NodeIndex>& FileIndex::calls(Atom last_name) const {
  static const std::vector<NodeIndex> kNone;
  const auto found = calls_.find(last_name);
  return found == calls_.end() ? kNone : found->second;
}

NodeIndex FileIndex::next_statement(NodeIndex from, NodeIndex limit) const {
  const auto at = std::lower_bound(statements_.begin(), statements_.end(), from);
  return at == statements_.end() || *at >= limit ? kNoNode : *at;
}

NodeIndex FileIndex::statement_of(NodeIndex n) const {
  for (; n != kNoNode; n = ir_[n].parent)
    if (std::binary_search(statements_.begin(), statements_.end(), n)) return n;
  return kNoNode;
}

bool FileIndex::dotted(NodeIndex n, std::vector<Atom>& out) const {
  out.clear();
  for (std::size_t i = 0; i < kChainMax; ++i) {
    const Node& node = ir_[n];
    if (node.kind == Kind::Name) {
      out.push_back(node.atom);
      std::reverse(out.begin(), out.end());
      return true;
    }
    if (node.kind != Kind::Member) return false;
    out.push_back(node.atom);
    const NodeIndex object = ir_.child(n, Role::Object);
    if (object == kNoNode) return false;
    n = object;
  }
  return false;
}

NodeIndex FileIndex::head_of(NodeIndex n) const {
  while (ir_[n].kind == Kind::Member) n = ir_.child(n, Role::Object);
  return n;
}

bool FileIndex::is_script() const {
  return ir_.language == Language::JavaScript || ir_.language == Language::TypeScript || ir_.language == Language::Tsx;
}

bool FileIndex::imported(NodeIndex n, std::vector<Atom>& out) const {
  if (aliases_.empty() || !dotted(n, out)) return false;
  std::vector<Atom> path;
  if (!any_alias(head_of(n), [&](const std::vector<Atom>& full) {
        path = full;
        return true;
      }))
    return false;
  path.insert(path.end(), out.begin() + 1, out.end());
  out = std::move(path);
  return true;
}

bool FileIndex::resolved(NodeIndex n, std::vector<Atom>& out) const {
  if (!imported(n, out)) return false;
  std::vector<Atom> written;
  return dotted(n, written) && written != out;
}

bool FileIndex::resolves_to(NodeIndex n, const std::vector<Atom>& wanted) const {
  if (aliases_.empty() && wildcards_.empty()) return false;
  std::vector<Atom> parts;
  if (!dotted(n, parts)) return false;
  const auto fits = [&](const std::vector<Atom>& head, std::size_t skip) {
    return head.size() + parts.size() - skip == wanted.size() && std::equal(head.begin(), head.end(), wanted.begin()) &&
           std::equal(parts.begin() + static_cast<std::ptrdiff_t>(skip), parts.end(),
                      wanted.begin() + static_cast<std::ptrdiff_t>(head.size()));
  };
  if (any_alias(head_of(n), [&](const std::vector<Atom>& path) { return fits(path, 1); })) return true;
  return std::any_of(wildcards_.begin(), wildcards_.end(), [&](const auto& path) { return fits(path, 0); });
}

bool FileIndex::type_is(std::string_view written, std::string_view wanted) const {
  const auto bare = [](std::string_view type) {
    if (const std::size_t generic = type.find('<'); generic != std::string_view::npos) type = type.substr(0, generic);
    return trim(type);
  };
  written = bare(written);
  wanted = bare(wanted);
  if (written == wanted) return true;
  const auto full_name = [&](const std::vector<Atom>& path) {
    std::string full;
    for (const Atom part : path) full += (full.empty() ? "" : ".") + std::string(atoms_.text(part));
    return full;
  };
  const auto alias = aliases_.find(atoms_.find(written));
  if (alias != aliases_.end() &&
      std::ranges::any_of(alias->second, [&](const Alias& entry) { return full_name(entry.path) == wanted; }))
    return true;
  const auto last = [](std::string_view type) {
    const std::size_t dot = type.find_last_of(".:");
    return dot == std::string_view::npos ? type : type.substr(dot + 1);
  };
  const bool pointer =
      written.ends_with('*') || wanted.ends_with('*') || written.starts_with('*') || wanted.starts_with('*');
  if (last(written) != last(wanted)) return false;
  if (pointer &&
      (written.ends_with('*') != wanted.ends_with('*') || written.starts_with('*') != wanted.starts_with('*')))
    return false;
  const bool written_plain = last(written) == written, wanted_plain = last(wanted) == wanted;
  if (written_plain || wanted_plain) {
    // An import that says otherwise wins.
    if (!written_plain) return true;
    return wanted_plain || alias == aliases_.end();
  }
  return false;
}

}  // namespace wrench::code
