#include "generic_pattern.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <unordered_set>

#include "wrench/base/text.hpp"

namespace wrench::code {
namespace {

using What = GenericToken::What;

constexpr std::size_t kNeededBytesMin = 3;
constexpr std::uint32_t kTokensPerStep = 16;  ///< Tokens passed over cost less than a step of the budget.
constexpr std::size_t kMatchesMax = 20'000;   ///< Of one pattern in one text.

bool is_open(What what) { return what == What::Ellipsis || what == What::MetavarEllipsis; }
bool has_text(What what) { return what == What::Word || what == What::Mark; }

class GenericMatcher {
 public:
  GenericMatcher(const GenericPattern& pattern, std::string_view text, const std::vector<GenericToken>& tokens,
                 MatchBudget& budget)
      : pattern_(pattern), text_(text), tokens_(tokens), budget_(budget) {}

  std::vector<Match> run() {
    // Where it begins, any run before it is empty, and its own indentation means nothing.
    std::uint32_t p = 0;
    while (!has_text(pattern_.tokens[p].what) && pattern_.tokens[p].what != What::Metavar) ++p;
    for (std::uint32_t start = 0; start < tokens_.size(); ++start) {
      if (budget_.spent() != MatchBudget::Spent::No) break;
      if (!begins(p, start)) continue;
      if (out_.size() >= kMatchesMax) {
        budget_.leave_out_matches();
        break;
      }
      bindings_.clear();
      tried_.clear();
      outer_limits_.clear();
      match_first_ = tokens_[start].first;
      // What begins in a block stays in it.
      match({p, start, tokens_[start].partner}, start, {});
    }
    keep_shortest();
    return std::move(out_);
  }

 private:
  /// Of matches that end at the same place only the one that begins last is meant.
  void keep_shortest() {
    std::unordered_set<std::uint32_t> ends;
    std::vector<Match> kept;
    for (auto match = out_.rbegin(); match != out_.rend(); ++match)
      if (ends.insert(match->end).second) kept.push_back(std::move(*match));
    std::reverse(kept.begin(), kept.end());
    out_ = std::move(kept);
  }

  struct Place {
    std::uint32_t pattern;
    std::uint32_t token;
    std::uint32_t limit;  ///< The Close (or end) that nothing goes beyond.
  };
  /// A run of any tokens that has begun.
  struct Run {
    bool on = false;
    std::uint32_t line_max = 0;
    std::uint32_t first = 0;  ///< Token at which it began.
    Atom name = kNoAtom;
  };

  std::string_view text_of(const GenericToken& token) const {
    return text_.substr(token.first, token.end - token.first);
  }
  std::string_view wanted(const GenericToken& token) const {
    return std::string_view(pattern_.text).substr(token.first, token.end - token.first);
  }
  /// By the first two tokens: not worth a step of the budget.
  bool begins(std::uint32_t p, std::uint32_t start) const {
    if (!has_text(tokens_[start].what) || !fits(pattern_.tokens[p], tokens_[start])) return false;
    if (p + 1 == pattern_.tokens.size()) return true;
    const GenericToken& second = pattern_.tokens[p + 1];
    if (!has_text(second.what) && second.what != What::Metavar) return true;
    std::uint32_t t = start + 1;
    while (t < tokens_[start].partner && !has_text(tokens_[t].what)) ++t;
    return t < tokens_[start].partner && fits(second, tokens_[t]);
  }
  bool fits(const GenericToken& p, const GenericToken& found) const {
    return p.what == What::Metavar ? found.what == What::Word : equal(p, found);
  }
  bool equal(const GenericToken& p, const GenericToken& found) const {
    if (p.what != found.what) return false;
    const std::string_view a = wanted(p), b = text_of(found);
    if (!pattern_.options.caseless) return a == b;
    return a.size() == b.size() && to_lower_ascii(a) == to_lower_ascii(b);
  }

  /// Matches the pattern from `at` on; true when a match was recorded or the budget is spent. `last` is the token
  /// matched last. Recursion is as deep as the pattern has runs and metavariables.
  bool match(Place at, std::uint32_t last, Run run) {
    if (!budget_.spend()) return true;
    for (;;) {
      if (at.pattern == pattern_.tokens.size()) return finish(at, last, run);
      const GenericToken& p = pattern_.tokens[at.pattern];
      switch (p.what) {
        case What::Ellipsis:
        case What::MetavarEllipsis:
          run = extended(run, at, last);
          ++at.pattern;
          continue;
        case What::Open:
          return block(at, last, run);
        case What::Close:
          return close(at, last, run);
        default:
          break;
      }
      if (run.on) return search(at, run);
      while (at.token < at.limit && !has_text(tokens_[at.token].what)) ++at.token;
      if (at.token >= at.limit) return false;
      if (p.what == What::Metavar) return metavariable(at);
      if (!equal(p, tokens_[at.token])) return false;
      last = at.token++;
      ++at.pattern;
    }
  }

  Run extended(Run run, Place at, std::uint32_t last) const {
    if (!run.on) {
      run.on = true;
      run.line_max = tokens_[last].line;
      run.first = at.token;
    }
    run.line_max += pattern_.options.ellipsis_span_max;
    if (const Atom name = pattern_.names[at.pattern]; name != kNoAtom) run.name = name;
    return run;
  }

  /// Whether the same was tried before, in vain.
  bool tried(const Place& at, const Run& run) {
    std::uint64_t hash = 1469598103934665603ULL;
    const auto mix = [&](std::uint64_t value) {
      hash = (hash ^ value) * 1099511628211ULL;
      hash ^= hash >> 29;
    };
    mix(at.pattern);
    mix(at.token);
    mix(at.limit);
    mix(run.line_max);
    mix(run.name == kNoAtom ? 0 : run.first);
    for (const std::uint32_t limit : outer_limits_) mix(limit);
    for (const auto& [name, bound] : bindings_) {
      mix(name);
      mix((static_cast<std::uint64_t>(bound.first) << 32) | bound.end);
    }
    return !tried_.insert(hash).second;
  }

  /// The next token of the pattern somewhere further on.
  bool search(const Place& at, const Run& run) {
    if (tried(at, run)) return false;
    const GenericToken& p = pattern_.tokens[at.pattern];
    for (std::uint32_t t = at.token; t < at.limit && tokens_[t].line <= run.line_max; ++t) {
      if (t % kTokensPerStep == 0 && !budget_.spend()) return true;
      if (!has_text(tokens_[t].what) || !fits(p, tokens_[t])) continue;
      auto rest = [&] {
        const Place next{at.pattern, t, at.limit};
        return p.what == What::Metavar ? metavariable(next) : match({at.pattern + 1, t + 1, at.limit}, t, {});
      };
      if (bind_run(run, t, rest)) return true;
    }
    return false;
  }

  template <class F>
  bool bind_run(const Run& run, std::uint32_t end, F rest) {
    if (run.name == kNoAtom) return rest();
    Bound bound;
    std::uint32_t first = run.first, stop = end;
    while (first < stop && !has_text(tokens_[first].what)) ++first;
    while (stop > first && !has_text(tokens_[stop - 1].what)) --stop;
    if (first < stop) {
      bound.first = tokens_[first].first;
      bound.end = tokens_[stop - 1].end;
    } else {
      bound.first = bound.end = end < tokens_.size() ? tokens_[end].first : static_cast<std::uint32_t>(text_.size());
    }
    return bind(run.name, bound, rest);
  }
  template <class F>
  bool bind(Atom name, const Bound& bound, F rest) {
    if (const Bound* old = find(bindings_, name); old != nullptr)
      return text_.substr(old->first, old->end - old->first) == text_.substr(bound.first, bound.end - bound.first) &&
             rest();
    bindings_.emplace_back(name, bound);
    const bool stop = rest();
    if (!stop) bindings_.pop_back();
    return stop;
  }

  bool metavariable(const Place& at) {
    const GenericToken& found = tokens_[at.token];
    if (found.what != What::Word) return false;
    auto rest = [&] { return match({at.pattern + 1, at.token + 1, at.limit}, at.token, {}); };
    const Atom name = pattern_.names[at.pattern];
    if (name == kNoAtom) return rest();
    Bound bound;
    bound.first = found.first;
    bound.end = found.end;
    return bind(name, bound, rest);
  }

  /// A block of the pattern: here, or after a run at any block further on.
  bool block(const Place& at, std::uint32_t last, const Run& run) {
    if (run.on && tried(at, run)) return false;
    for (std::uint32_t t = at.token; t < at.limit; ++t) {
      if (t % kTokensPerStep == 0 && !budget_.spend()) return true;
      if (run.on && tokens_[t].line > run.line_max) break;
      if (tokens_[t].what == What::Open) {
        auto rest = [&] { return inside(at, t, last); };
        if (bind_run(run, t, rest)) return true;
      }
      // Blocks end where they will, but no word is passed over.
      if (!run.on && has_text(tokens_[t].what)) break;
    }
    // `f(...)` also is `f()` over two lines, which has no block.
    const std::uint32_t close = pattern_.tokens[at.pattern].partner;
    const auto first = pattern_.tokens.begin() + at.pattern + 1;
    if (!std::all_of(first, pattern_.tokens.begin() + close, [](const GenericToken& t) { return is_open(t.what); }))
      return false;
    return match({close + 1, at.token, at.limit}, last, run);
  }
  bool inside(const Place& at, std::uint32_t open, std::uint32_t last) {
    outer_limits_.push_back(at.limit);
    const bool stop = match({at.pattern + 1, open + 1, tokens_[open].partner}, last, {});
    if (!stop) outer_limits_.pop_back();
    return stop;
  }

  /// The end of a block of the pattern: the text's block must end, too, unless nothing of the pattern follows.
  bool close(Place at, std::uint32_t last, Run run) {
    const bool ends = std::all_of(pattern_.tokens.begin() + at.pattern, pattern_.tokens.end(),
                                  [](const GenericToken& t) { return t.what == What::Close; });
    if (ends) {
      at.pattern = static_cast<std::uint32_t>(pattern_.tokens.size());
      return finish(at, last, run);
    }
    std::uint32_t t = at.token;
    for (; t < at.limit; ++t) {
      if (!has_text(tokens_[t].what)) continue;
      if (!run.on || tokens_[t].line > run.line_max) return false;
      last = t;
    }
    // A pattern may begin in a block that it leaves.
    const bool entered = !outer_limits_.empty();
    if (!entered && at.limit >= tokens_.size()) return false;
    const std::uint32_t limit = entered ? outer_limits_.back() : tokens_[at.limit].partner;
    if (entered) outer_limits_.pop_back();
    auto rest = [&] { return match({at.pattern + 1, at.limit + 1, limit}, last, {}); };
    const bool stop = bind_run(run, at.limit, rest);
    if (!stop && entered) outer_limits_.push_back(limit);
    return stop;
  }

  bool finish(const Place& at, std::uint32_t last, const Run& run) {
    std::uint32_t stop = last + 1;
    if (run.on)
      for (std::uint32_t t = at.token; t < at.limit && tokens_[t].line <= run.line_max; ++t)
        if (has_text(tokens_[t].what)) stop = t + 1;
    auto take = [&] {
      Match match;
      match.first = match_first_;
      match.end = tokens_[stop - 1].end;
      match.bindings = bindings_;
      out_.push_back(std::move(match));
      return true;
    };
    return bind_run(run, stop, take);
  }

  const GenericPattern& pattern_;
  std::string_view text_;
  const std::vector<GenericToken>& tokens_;
  MatchBudget& budget_;
  Bindings bindings_;
  std::uint32_t match_first_ = 0;
  std::vector<std::uint32_t> outer_limits_;
  std::unordered_set<std::uint64_t> tried_;
  std::vector<Match> out_;
};

}  // namespace

Result<GenericPattern> compile_generic(std::string_view text, const GenericOptions& options, Atoms& atoms) {
  if (text.size() > kPatternBytesMax)
    return Error("rules.pattern_limit", fmt::format("the pattern has more than {} bytes", kPatternBytesMax));
  GenericPattern out;
  out.text = text;
  out.options = options;
  out.tokens = read_generic(out.text, GenericOptions::Comments::None, GenericSyntax::Pattern);
  if (out.tokens.size() > kPatternNodesMax)
    return Error("rules.pattern_limit", fmt::format("the pattern has more than {} words and marks", kPatternNodesMax));
  const bool open = std::all_of(out.tokens.begin(), out.tokens.end(), [](const GenericToken& token) {
    return is_open(token.what) || token.what == What::Open || token.what == What::Close;
  });
  if (open) return Error("rules.invalid_pattern", "the pattern has no word, mark or metavariable");
  for (const GenericToken& token : out.tokens) {
    const std::string_view written = std::string_view(out.text).substr(token.first, token.end - token.first);
    const bool named = token.what == What::Metavar || token.what == What::MetavarEllipsis;
    const bool anonymous = written == "$_" || written == "$..._";
    out.names.push_back(named && !anonymous ? atoms.intern(written) : kNoAtom);
    if (token.what == What::Word && written.size() >= std::max(kNeededBytesMin, out.needed.size() + 1) &&
        !options.caseless)
      out.needed = written;
  }
  return out;
}

bool may_match(const GenericPattern& pattern, std::string_view text) {
  return pattern.needed.empty() || text.find(pattern.needed) != std::string_view::npos;
}

std::vector<Match> match_generic(const GenericPattern& pattern, std::string_view text,
                                 const std::vector<GenericToken>& tokens, MatchBudget& budget) {
  return GenericMatcher(pattern, text, tokens, budget).run();
}

}  // namespace wrench::code
