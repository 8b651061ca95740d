#include <algorithm>

#include "match_matcher.hpp"

// What is particular to languages that configure: records, and commands in Dockerfiles.
namespace wrench::code::detail {

bool Matcher::mapping(const PatternNode& p, const PatternList& wanted, const NodeList& found, Next next) {
  // A block's body says what it wants to say; a mapping is complete unless the pattern says `...`.
  const bool open = p.role == Role::Body || ir_.language == source::Language::Css ||
                    std::any_of(wanted.begin(), wanted.end(), [&](std::uint32_t w) { return is_open(w); });
  if (!open && wanted.size() != found.size()) return false;
  return members_of(wanted, 0, found, next);
}

bool Matcher::members_of(const PatternList& wanted, std::size_t i, const NodeList& found, Next next) {
  if (!budget_.spend()) return true;
  while (i < wanted.size() && is_open(wanted[i])) ++i;
  if (i == wanted.size()) return next();
  for (const NodeIndex n : found) {
    if (has_other_name(wanted[i], n) || !taken_.insert(n).second) continue;
    auto rest = [&] { return members_of(wanted, i + 1, found, next); };
    const bool stop = node(wanted[i], n, rest);
    taken_.erase(n);
    if (stop) return true;
  }
  return false;
}

/// Most members are told apart by their names, without a step of the budget.
bool Matcher::has_other_name(std::uint32_t wanted, NodeIndex member) const {
  const PatternNode& p = at(wanted);
  if (p.kind != ir_[member].kind) return false;
  if (p.kind == Kind::ConfigBlock) return p.text == PatternNode::Text::Exact && p.atom != ir_[member].atom;
  if (p.kind != Kind::Pair || p.children.empty()) return false;
  const PatternNode& key = at(p.children.front());
  const NodeIndex found = ir_.first_child(member);
  return key.kind == Kind::String && key.text == PatternNode::Text::Exact && found != kNoNode &&
         ir_[found].kind == Kind::String && ir_[found].atom != key.atom;
}

bool Matcher::shell_words(const PatternList& wanted, const NodeList& found, Next next) {
  if (sequence(wanted, 0, found, 0, next)) return true;
  const bool names_operator =
      std::any_of(wanted.begin(), wanted.end(), [&](std::uint32_t w) { return at(w).kind == Kind::Other; });
  if (names_operator || !options_.implicit_deep_exprstmt) return false;
  for (auto first = found.begin(); first != found.end();) {
    const auto end = std::find_if(first, found.end(), [&](NodeIndex n) { return ir_[n].kind == Kind::Other; });
    const bool part = first != found.begin() || end != found.end();
    if (part && first != end && sequence(wanted, 0, NodeList(first, end), 0, next)) return true;
    first = end == found.end() ? end : end + 1;
  }
  return false;
}

bool Matcher::is_command() const {
  return ir_.language == source::Language::Dockerfile &&
         std::none_of(pattern_.roots.begin(), pattern_.roots.end(),
                      [&](std::uint32_t root) { return at(root).kind == Kind::ConfigBlock; });
}

void Matcher::find_commands() {
  NodeList command;
  const auto flush = [&] {
    if (!command.empty() && !full_) {
      bindings_.clear();
      found_here_ = 0;
      auto take = [&] { return record(ir_[command.front()].first, ir_[command.back()].end, command.front()); };
      sequence(pattern_.roots, 0, command, 0, take);
    }
    command.clear();
  };
  for (const NodeIndex block : file_.nodes(Kind::ConfigBlock)) {
    if (budget_.spent() != MatchBudget::Spent::No) return;
    for (NodeIndex c = ir_.first_child(block); c != kNoNode; c = ir_.next_sibling(c)) {
      if (ir_[c].role != Role::Arg) continue;
      if (ir_[c].kind == Kind::Other)
        flush();
      else
        command.push_back(c);
    }
    flush();
  }
}

}  // namespace wrench::code::detail
