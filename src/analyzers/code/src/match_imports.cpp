#include "match_matcher.hpp"

#include <algorithm>
#include <string>

namespace wrench::code::detail {

/// `requests.$F` against what was imported from requests, `$M.f` against an f that was imported from anywhere.
bool Matcher::imported_member(const PatternNode& p, NodeIndex n, Next next) {
  const PatternNode& object = at(p.children.front());
  const bool by_path = !object.dotted.empty() && p.text == PatternNode::Text::Metavar;
  // A module has no type that a typed metavariable could ask for.
  const bool by_name = object.kind == Kind::Metavar && ir_[n].kind == Kind::Name && !is_typed(object);
  std::vector<Atom> path;
  if ((!by_path && !by_name) || !file_.resolved(n, path) || path.size() < 2) return false;
  const std::vector<Atom>& wanted = object.dotted;
  if (by_path && (path.size() != wanted.size() + 1 || !std::equal(wanted.begin(), wanted.end(), path.begin())))
    return false;
  auto member = [&] {
    if (p.text == PatternNode::Text::Exact) return p.atom == path.back() && next();
    if (p.text != PatternNode::Text::Metavar) return false;
    Bound bound = ir_[n].kind == Kind::Member ? name_of(n) : Bound{kNoNode, kNoAtom, ir_[n].first, ir_[n].end};
    bound.atom = path.back();
    return bind(p.atom, bound, next);
  };
  if (by_path) return member();
  const Bound module{kNoNode, path.size() == 2 ? path.front() : kNoAtom, ir_[n].first, ir_[n].end};
  return bind(object.atom, module, member);
}

/// `import "a/b"` also stands for modules below a/b.
bool Matcher::is_below(Atom wanted, Atom module) const {
  const std::string_view folder = file_.atoms().text(wanted), path = file_.atoms().text(module);
  const char separator = ir_.language == source::Language::CSharp ? '.' : '/';
  return folder == path ||
         (path.size() > folder.size() && path.starts_with(folder) && path[folder.size()] == separator);
}

/// `import "a/b"` in a script or in Go, `using A.B;` in C#, without a name of its own.
bool Matcher::names_module_only(const PatternNode& import) const {
  if (import.text != PatternNode::Text::Exact) return false;
  if (is_script()) return import.sub == static_cast<std::uint8_t>(ImportSub::SideEffect);
  if (ir_.language == source::Language::CSharp)
    return import.children.size() == 1 && file_.atoms().text(at(import.children.front()).extra) == "*";
  if (ir_.language != source::Language::Go || import.children.size() != 1) return false;
  const std::string_view name = file_.atoms().text(at(import.children.front()).extra);
  const std::string_view path = file_.atoms().text(import.atom);
  const std::string_view folder = path.substr(path.rfind('/') + 1);
  // Without an alias the name is guessed from the last folder: `go-redis` is redis.
  return !name.empty() && folder.find(name) != std::string_view::npos;
}

bool Matcher::import_item(const PatternNode& p, NodeIndex n, Next next) {
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

bool Matcher::python_import(const PatternNode& p, NodeIndex n, Next next) {
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

bool Matcher::aliased(const PatternNode& import) const {
  if (import.children.empty()) return false;
  const PatternNode& item = at(import.children.front());
  if (item.extra == kNoAtom || item.extra == item.atom) return false;
  const std::string_view name = file_.atoms().text(item.extra), path = file_.atoms().text(import.atom);
  return name != path.substr(0, path.find('.'));
}

/// `import a.b` also stands for `import a.b._`, `import a.$X` for everything below a.
bool Matcher::scala_import(const PatternNode& p, NodeIndex n, Next next) {
  if (p.text != PatternNode::Text::Exact || p.children.size() != 1) return children(p, n, next);
  const PatternNode& item = at(p.children.front());
  const std::string_view wanted = file_.atoms().text(p.atom), module = file_.atoms().text(ir_[n].atom);
  if (module == wanted) return children(p, n, next);
  if (module.size() <= wanted.size() || !module.starts_with(wanted) || module[wanted.size()] != '.') return false;
  if (item.text == PatternNode::Text::Metavar) return bind(item.atom, bound_of(n), next);
  const NodeIndex own = ir_.first_child(n);
  const bool all = own != kNoNode && file_.atoms().text(ir_[own].atom) == "*";
  return all && module.substr(wanted.size() + 1) == file_.atoms().text(item.atom) && next();
}

}  // namespace wrench::code::detail
