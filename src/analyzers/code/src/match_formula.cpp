#include "match_formula.hpp"

#include <algorithm>
#include <utility>

#include "name_uses.hpp"
#include "text_analysis.hpp"
#include "wrench/base/text.hpp"

namespace wrench::code {
namespace {

constexpr std::size_t kStringPrefixMax = 3;  ///< Letters before a quote that say how the string is read, as in rb"".
constexpr std::size_t kRangesMax = 50'000;   ///< Matches of one operator of a rule in one file; more is a spent budget.

bool contains(const Match& outer, const Match& inner) { return outer.first <= inner.first && inner.end <= outer.end; }

bool before(const Match& a, const Match& b) { return a.first != b.first ? a.first < b.first : a.end < b.end; }

/// Whether all that it matches is only a place to be in: pattern-inside, or a choice of such.
bool only_confines(const Formula& formula) {
  if (formula.place == Formula::Place::Inside) return true;
  return formula.what == Formula::What::Any &&
         std::all_of(formula.parts.begin(), formula.parts.end(),
                     [](const Formula& part) { return part.place == Formula::Place::Inside; });
}

std::string without_escaped_backslashes(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    out += text[i];
    if (text.substr(i).starts_with("\\\\")) ++i;
  }
  return out;
}

}  // namespace

bool FormulaRun::same_text(const Bound& a, const Bound& b) const {
  if (file_ != nullptr) return agree(*file_, rule_.options, a, b);
  return text_.substr(a.first, a.end - a.first) == text_.substr(b.first, b.end - b.first);
}

bool FormulaRun::merge(Bindings& into, const Bindings& from) const {
  for (const auto& [metavar, bound] : from) {
    const Bound* old = find(into, metavar);
    if (old == nullptr) {
      into.emplace_back(metavar, bound);
      continue;
    }
    // Groups of regular expressions by number never conflict.
    const std::string_view name = atoms_.text(metavar);
    if (name.size() > 1 && name[1] >= '0' && name[1] <= '9') continue;
    if (!same_text(*old, bound)) return false;
  }
  return true;
}

std::vector<Match> FormulaRun::run_all(const Formula& formula) {
  const Window whole{0, static_cast<std::uint32_t>(text_.size())};
  std::vector<Match> found = evaluate(formula, whole, nullptr);
  std::stable_sort(found.begin(), found.end(), before);
  return found;
}

std::vector<Match> FormulaRun::run(const Formula& formula) {
  std::vector<Match> found = run_all(formula);
  found.erase(std::unique(found.begin(), found.end(),
                          [](const Match& a, const Match& b) { return a.first == b.first && a.end == b.end; }),
              found.end());
  return found;
}

std::vector<Match> FormulaRun::evaluate(const Formula& formula, const Window& window, const Bindings* outer) {
  std::vector<Match> out;
  switch (formula.what) {
    case Formula::What::Pattern:
      out = pattern(formula, window, outer);
      break;
    case Formula::What::Regex:
      out = regex(formula, window, outer);
      break;
    case Formula::What::All:
      out = all(formula, window, outer);
      break;
    case Formula::What::Any:
      for (const Formula& part : formula.parts) {
        std::vector<Match> found = evaluate(part, window, outer);
        out.insert(out.end(), std::make_move_iterator(found.begin()), std::make_move_iterator(found.end()));
      }
      break;
  }
  if (formula.place == Formula::Place::Inside)
    for (Match& match : out) match.inside = true;
  if (formula.place == Formula::Place::Anywhere)
    for (Match& match : out) match.anywhere = true;
  return out;
}

std::vector<Match> FormulaRun::pattern(const Formula& formula, const Window& window, const Bindings* outer) {
  if (formula.generic) return generic(formula, window, outer);
  if (file_ == nullptr) return {};
  std::vector<Match> out;
  if (subject_ != nullptr && subject_->atom != kNoAtom && outer != nullptr) {
    // A property's name is no node, a type's isn't an expression.
    if (auto match = name_only(*formula.pattern, *subject_)) {
      Bindings merged = *outer;
      if (merge(merged, match->bindings)) {
        match->bindings = std::move(merged);
        out.push_back(std::move(*match));
        return out;
      }
    }
  }
  auto& cached = leaves_[formula.leaf];
  if (!cached) cached = match_pattern(*file_, *formula.pattern, rule_.options, budget_);
  if (outer == nullptr && window.first == 0 && window.end == text_.size()) return *cached;
  // A declared name is no expression of the file, but it is one as the content of a metavariable.
  const PatternNode& root = formula.pattern->nodes[formula.pattern->roots.front()];
  if (outer != nullptr && formula.pattern->roots.size() == 1 && root.kind == Kind::Name &&
      root.text == PatternNode::Text::Exact &&
      text_.substr(window.first, window.end - window.first) == atoms_.text(root.atom)) {
    Match whole;
    whole.first = window.first;
    whole.end = window.end;
    whole.bindings = *outer;
    return {whole};
  }
  return confined(*cached, window, outer);
}

std::vector<Match> FormulaRun::confined(const std::vector<Match>& found, const Window& window,
                                        const Bindings* outer) const {
  std::vector<Match> out;
  for (const Match& match : found) {
    if (match.first < window.first || match.end > window.end) continue;
    Match kept = match;
    if (outer != nullptr) {
      Bindings merged = *outer;
      if (!merge(merged, match.bindings)) continue;
      kept.bindings = std::move(merged);
    }
    out.push_back(std::move(kept));
  }
  return out;
}

std::optional<Match> FormulaRun::name_only(const Pattern& pattern, const Bound& bound) const {
  if (pattern.roots.size() != 1 || pattern.shape != Pattern::Shape::Expression || !pattern.types.empty() ||
      (bound.node != kNoNode && is_expression(file_->ir()[bound.node].kind)))
    return std::nullopt;
  const PatternNode& root = pattern.nodes[pattern.roots.front()];
  Match match;
  match.first = bound.first;
  match.end = bound.end;
  match.node = bound.node;
  if (root.kind == Kind::Metavar) {
    match.bindings.emplace_back(root.atom, bound);
    return match;
  }
  const bool same = root.kind == Kind::Name && root.text == PatternNode::Text::Exact && root.atom == bound.atom;
  return same || root.kind == Kind::Ellipsis ? std::optional(std::move(match)) : std::nullopt;
}

std::vector<Match> FormulaRun::regex(const Formula& formula, const Window& window, const Bindings* outer) {
  std::vector<Match> out;
  std::vector<source::RegexSpan> groups;
  const std::string_view text = text_.substr(window.first, window.end - window.first);
  std::size_t from = 0;
  while (from <= text.size() && out.size() < kRangesMax) {
    if (!budget_.spend()) return out;
    const auto outcome = formula.regex->search(text, from, groups);
    if (outcome == source::Regex::Outcome::LimitReached) {
      budget_.exceed(MatchBudget::Spent::RegexLimit);
      return out;
    }
    if (outcome == source::Regex::Outcome::NoMatch) return out;
    Match match;
    match.from_regex = true;
    match.first = window.first + static_cast<std::uint32_t>(groups[0].first);
    match.end = window.first + static_cast<std::uint32_t>(groups[0].end);
    from = groups[0].end > groups[0].first ? groups[0].end : groups[0].end + 1;
    for (std::size_t group = 1; group < groups.size() && group - 1 < formula.groups.size(); ++group) {
      if (!groups[group].matched()) continue;
      Bound bound;
      bound.first = window.first + static_cast<std::uint32_t>(groups[group].first);
      bound.end = window.first + static_cast<std::uint32_t>(groups[group].end);
      match.bindings.emplace_back(formula.groups[group - 1], bound);
    }
    if (outer != nullptr) {
      Bindings merged = *outer;
      if (!merge(merged, match.bindings)) continue;
      match.bindings = std::move(merged);
    }
    out.push_back(std::move(match));
  }
  return out;
}

std::vector<Match> FormulaRun::intersect(const std::vector<Match>& a, const std::vector<Match>& b) {
  std::vector<Match> out;
  const auto keep = [&](const Match& inner, const Match& outer) {
    // A confining range survives as the inner one only against another confining range.
    if (inner.inside && !outer.inside) return;
    Match merged = inner;
    if (!merge(merged.bindings, outer.bindings)) return;
    merged.inside = inner.inside && outer.inside;
    out.push_back(std::move(merged));
  };
  // Both in source order: only ranges that overlap are compared.
  const auto is_anywhere = [](const Match& match) { return match.anywhere; };
  if (std::any_of(a.begin(), a.end(), is_anywhere) || std::any_of(b.begin(), b.end(), is_anywhere))
    return intersect_anywhere(a, b);
  std::vector<const Match*> right;
  right.reserve(b.size());
  for (const Match& match : b) right.push_back(&match);
  std::stable_sort(right.begin(), right.end(), [](const Match* x, const Match* y) { return before(*x, *y); });
  for (const Match& x : a) {
    for (const Match* y : right) {
      if (y->first > x.end) break;
      if (!budget_.spend() || out.size() >= kRangesMax) return out;
      if (contains(*y, x) && contains(x, *y))
        x.inside ? keep(*y, x) : keep(x, *y);
      else if (contains(*y, x))
        keep(x, *y);
      else if (contains(x, *y))
        keep(*y, x);
    }
  }
  return out;
}

/// What is anywhere in the file only lends its bindings.
std::vector<Match> FormulaRun::intersect_anywhere(const std::vector<Match>& a, const std::vector<Match>& b) {
  std::vector<Match> out;
  for (const Match& x : a) {
    for (const Match& y : b) {
      if (!budget_.spend() || out.size() >= kRangesMax) return out;
      const Match& kept = x.anywhere ? y : x;
      const Match& other = x.anywhere ? x : y;
      if (!other.anywhere && !contains(other, kept)) continue;
      Match merged = kept;
      if (merge(merged.bindings, other.bindings)) out.push_back(std::move(merged));
    }
  }
  return out;
}

std::vector<Match> FormulaRun::all(const Formula& formula, const Window& window, const Bindings* outer) {
  // Order doesn't change the result: what matches comes before what only confines, so that most rules stop early.
  std::vector<const Formula*> parts;
  for (const Formula& part : formula.parts) parts.push_back(&part);
  std::stable_partition(parts.begin(), parts.end(), [](const Formula* part) { return !only_confines(*part); });
  std::vector<Match> matches;
  if (parts.empty()) {
    // Only conditions or negatives, in metavariable-pattern: the whole content is what they speak of.
    Match whole;
    whole.first = window.first;
    whole.end = window.end;
    if (outer != nullptr) whole.bindings = *outer;
    matches.push_back(std::move(whole));
  }
  for (std::size_t i = 0; i < parts.size(); ++i) {
    std::vector<Match> found = evaluate(*parts[i], window, outer);
    matches = i == 0 ? std::move(found) : intersect(matches, found);
    if (matches.empty()) return matches;
  }
  for (const Formula& negative : formula.negatives) {
    drop(matches, negative, window, outer);
    if (matches.empty()) return matches;
  }
  for (const Condition& condition : formula.conditions)
    std::erase_if(matches, [&](Match& match) { return !holds(condition, match); });
  if (formula.focus.empty()) return matches;
  std::vector<Match> focused;
  for (const Match& match : matches) {
    std::vector<Match> narrowed = focus(match, formula.focus);
    focused.insert(focused.end(), std::make_move_iterator(narrowed.begin()), std::make_move_iterator(narrowed.end()));
  }
  return focused;
}

void FormulaRun::drop(std::vector<Match>& matches, const Formula& negative, const Window& window,
                      const Bindings* outer) {
  const std::uint32_t left_out = budget_.left_out();
  const std::vector<Match> found = evaluate(negative, window, outer);
  std::erase_if(matches, [&](const Match& match) {
    return std::any_of(found.begin(), found.end(), [&](const Match& no) {
      if (no.anywhere) {
        Bindings merged = match.bindings;
        return budget_.spend() && merge(merged, no.bindings);
      }
      if (no.first > match.end || no.end < match.first) return false;
      bool hit;
      if (no.inside)
        hit = contains(no, match);
      else if (no.from_regex)
        hit = contains(no, match) || contains(match, no);
      else
        hit = no.first == match.first && no.end == match.end;
      if (!hit || !budget_.spend()) return false;
      Bindings merged = match.bindings;
      return merge(merged, no.bindings);
    });
  });
  // What wasn't checked to the end isn't reported: the part that is missing may speak against it.
  if (budget_.spent() != MatchBudget::Spent::No || budget_.left_out() != left_out) matches.clear();
}

std::vector<Match> FormulaRun::focus(const Match& match, const std::vector<std::vector<Atom>>& lists) const {
  std::vector<Match> open{match};
  for (const std::vector<Atom>& metavars : lists) {
    std::vector<Match> narrowed;
    for (const Match& from : open) {
      for (const Atom metavar : metavars) {
        const Bound* bound = find(match.bindings, metavar);
        if (bound == nullptr || bound->end <= bound->first) continue;
        Match to = from;
        to.first = std::max(from.first, bound->first);
        to.end = std::min(from.end, bound->end);
        if (to.first >= to.end) continue;
        if (bound->node != kNoNode) to.node = bound->node;
        narrowed.push_back(std::move(to));
      }
    }
    open = std::move(narrowed);
  }
  return open;
}

bool FormulaRun::holds(const Condition& condition, Match& match) {
  if (condition.what == Condition::What::Comparison)
    return compare(*condition.comparison, condition, match.bindings, file_, text_, atoms_);
  if (condition.what == Condition::What::As) {
    const Bound whole{match.node, kNoAtom, match.first, match.end};
    Bindings merged = match.bindings;
    if (!merge(merged, {{condition.metavar, whole}})) return false;
    match.bindings = std::move(merged);
    return true;
  }
  const Bound* found = find(match.bindings, condition.metavar);
  if (found == nullptr) return false;
  const Bound bound = *found;
  switch (condition.what) {
    case Condition::What::Regex:
      return holds_regex(condition, match, bound);
    case Condition::What::Formula:
      return condition.embedded ? holds_embedded(condition, match, bound) : holds_formula(condition, match, bound);
    case Condition::What::Type:
      return holds_type(condition, bound);
    case Condition::What::Module:
      return comes_from(condition, bound);
    default:
      return holds_analysis(condition, bound);
  }
}

bool FormulaRun::holds_regex(const Condition& condition, Match& match, const Bound& bound) {
  std::string_view text = text_.substr(bound.first, bound.end - bound.first);
  std::uint32_t first = bound.first;
  std::optional<std::string> value;
  if (condition.of_value && file_ != nullptr && bound.node != kNoNode) value = constant_text(*file_, bound);
  // What was imported is called what it is where it comes from.
  if (bound.node == kNoNode && bound.atom != kNoAtom && atoms_.text(bound.atom) != text)
    value = std::string(atoms_.text(bound.atom));
  if (value) text = *value;
  auto outcome = condition.regex->match_start(text);
  if (outcome == source::Regex::Outcome::Match && !condition.groups.empty() && !condition.negate && !value) {
    // The groups are bound, too. The first match is the one at the start, as there is one.
    std::vector<source::RegexSpan> groups;
    outcome = condition.regex->search(text, 0, groups);
    for (std::size_t group = 1; group < groups.size() && group - 1 < condition.groups.size(); ++group) {
      if (!groups[group].matched() || find(match.bindings, condition.groups[group - 1]) != nullptr) continue;
      Bound part;
      part.first = first + static_cast<std::uint32_t>(groups[group].first);
      part.end = first + static_cast<std::uint32_t>(groups[group].end);
      match.bindings.emplace_back(condition.groups[group - 1], part);
    }
  }
  if (outcome == source::Regex::Outcome::LimitReached) {
    budget_.exceed(MatchBudget::Spent::RegexLimit);
    return false;
  }
  return (outcome == source::Regex::Outcome::Match) != condition.negate;
}

bool FormulaRun::holds_formula(const Condition& condition, Match& match, const Bound& bound) {
  const Bound* outer_subject = std::exchange(subject_, &bound);
  const std::vector<Match> found = evaluate(*condition.formula, Window{bound.first, bound.end}, &match.bindings);
  subject_ = outer_subject;
  if (found.empty()) return false;
  match.bindings = found.front().bindings;
  return true;
}

std::string_view FormulaRun::contents(const Bound& bound) const {
  if (file_ != nullptr && bound.node != kNoNode) {
    const Node& node = file_->ir()[bound.node];
    if (node.kind == Kind::String || node.kind == Kind::Regex || node.kind == Kind::Char) return atoms_.text(node.atom);
  }
  return text_.substr(bound.first, bound.end - bound.first);
}

bool FormulaRun::holds_analysis(const Condition& condition, const Bound& bound) const {
  const std::string_view text = contents(bound);
  if (condition.what == Condition::What::Entropy) return looks_random(text);
  return may_backtrack_forever(is_escaped(bound) ? without_escaped_backslashes(text) : std::string(text))
      .value_or(false);
}

/// Whether a backslash in it is written as two: in a string, with its quotes or between them, that isn't raw.
bool FormulaRun::is_escaped(const Bound& bound) const {
  constexpr std::string_view kQuotes = "\"'`";
  if (file_ == nullptr) return false;
  const bool whole = bound.node != kNoNode && file_->ir()[bound.node].kind == Kind::String;
  std::size_t quote = whole ? text_.find_first_of(kQuotes, bound.first) : bound.first - std::size_t{1};
  if (quote >= bound.end || kQuotes.find(text_[quote]) == std::string_view::npos) return false;
  if (text_[quote] == '`' && file_->ir().language == source::Language::Go) return false;
  while (quote > 0 && text_[quote - 1] == text_[quote]) --quote;
  std::size_t prefix = quote;
  while (prefix > 0 && (detail::is_word_char(text_[prefix - 1]) || text_[prefix - 1] == '@')) --prefix;
  return quote - prefix > kStringPrefixMax ||
         text_.substr(prefix, quote - prefix).find_first_of("rR@") == std::string_view::npos;
}

bool FormulaRun::holds_type(const Condition& condition, const Bound& bound) {
  if (file_ == nullptr || bound.node == kNoNode) return false;
  return std::any_of(condition.words.begin(), condition.words.end(), [&](const std::string& type) {
    return has_type(*file_, bound.node, type, rule_.options, budget_);
  });
}

bool FormulaRun::comes_from(const Condition& condition, const Bound& bound) const {
  std::vector<Atom> path;
  if (file_ == nullptr || bound.node == kNoNode || !file_->imported(bound.node, path)) return false;
  std::string name;
  for (const Atom part : path) name += (name.empty() ? "" : ".") + std::string(atoms_.text(part));
  return std::any_of(condition.words.begin(), condition.words.end(), [&](const std::string& module) {
    return name == module || (name.starts_with(module) && name[module.size()] == '.');
  });
}

std::optional<std::string> constant_text(const FileIndex& file, const Bound& bound) {
  NodeIndex node = bound.node;
  if (node == kNoNode) return std::nullopt;
  if (file.ir()[node].kind == Kind::Name) node = file.constant(node);
  if (node == kNoNode) return std::nullopt;
  switch (file.ir()[node].kind) {
    case Kind::String:
    case Kind::Char:
    case Kind::Number:
      return std::string(file.atoms().text(file.ir()[node].atom));
    case Kind::Bool:
    case Kind::Unary:
    case Kind::Null:
      return std::string(file.text_of(node));
    default:
      return std::nullopt;
  }
}

}  // namespace wrench::code
