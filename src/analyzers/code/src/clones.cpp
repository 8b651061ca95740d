#include "wrench/code/clones.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <unordered_map>
#include <unordered_set>

#include "clone_gaps.hpp"
#include "clone_places.hpp"
#include "clone_values.hpp"
#include "finding_maker.hpp"
#include "wrench/base/text.hpp"
#include "wrench/source/file_class.hpp"
#include "wrench/source/source_text.hpp"

namespace wrench::code {

using namespace detail::clone_values;

namespace {

constexpr std::uint32_t kGram = 25;
constexpr std::uint32_t kWindow = 26;
constexpr std::size_t kBucketMax = 100;  ///< Above it, extend against one representative and not pairwise.
constexpr std::size_t kRenamesMax = 10;
constexpr std::size_t kNearPairsMax = 100'000;
constexpr std::size_t kNearPairsOfFilesMax = 1'000;

/// A merge that needs more parameters than this is harder to read than the copies.
constexpr std::size_t kParametersMax = 5;
constexpr std::int64_t kLinesSavedMin = 6;
constexpr std::uint32_t kTableLiteralsMin = 50;  ///< Percent.
constexpr std::string_view kArrow = " -> ";

std::uint32_t hash_text(std::string_view text) {
  std::uint64_t h = 1469598103934665603ULL;
  for (const char c : text) h = (h ^ static_cast<unsigned char>(c)) * 1099511628211ULL;
  return static_cast<std::uint32_t>(h ^ (h >> 32)) & ~(kClassMask | kLocal | kTypeName);
}

bool is_name(Kind kind) {
  return kind == Kind::Name || kind == Kind::Member || kind == Kind::KeywordArg || kind == Kind::Type ||
         kind == Kind::ImportItem;
}
bool is_literal(Kind kind) {
  return kind == Kind::String || kind == Kind::Number || kind == Kind::Bool || kind == Kind::Char ||
         kind == Kind::Regex || kind == Kind::XmlText;
}
bool is_wrapper(Kind kind) { return kind == Kind::Module || kind == Kind::Block || kind == Kind::Import; }

/// What a file or class is made of: it can be shared, but not moved into a function.
bool is_definition(Kind kind) {
  return kind == Kind::Function || kind == Kind::Class || kind == Kind::Field || kind == Kind::EnumMember ||
         kind == Kind::TypeAlias || kind == Kind::Namespace;
}
/// Arms belong to what they are arms of.
bool is_arm(Kind kind) { return kind == Kind::Case || kind == Kind::Catch; }

struct Place {
  std::uint32_t file;
  std::uint32_t token;
};

using Range = detail::CloneRange;

class Finder {
 public:
  Finder(std::span<const CloneFile> files, const findings::SourceLookup& sources, const CloneOptions& options,
         const StopToken& stop)
      : files_(files), sources_(sources), options_(options), stop_(stop) {}

  std::vector<Clone> run() {
    fingerprint();
    std::ranges::sort(prints_, [](const Print& a, const Print& b) {
      return a.hash != b.hash               ? a.hash < b.hash
             : a.place.file != b.place.file ? a.place.file < b.place.file
                                            : a.place.token < b.place.token;
    });
    for (std::size_t i = 0; i < prints_.size() && !stop_.stop_requested();) {
      std::size_t end = i + 1;
      while (end < prints_.size() && prints_[end].hash == prints_[i].hash) ++end;
      if (end - i > 1) bucket(i, end);
      i = end;
    }
    prints_.clear();
    prints_.shrink_to_fit();
    std::vector<Clone> out = classes();
    add_near(out);
    return out;
  }

 private:
  struct Print {
    std::uint32_t hash;
    Place place;
  };

  std::uint32_t value(Place at) const { return files_[at.file].tokens->values[at.token]; }
  std::uint32_t size(std::uint32_t file) const {
    return static_cast<std::uint32_t>(files_[file].tokens->values.size());
  }

  void fingerprint() {
    std::vector<std::uint32_t> grams;
    for (std::uint32_t file = 0; file < files_.size(); ++file) {
      const auto& values = files_[file].tokens->values;
      if (values.size() < options_.tokens_min) continue;
      constexpr std::uint64_t kBase = 1'000'003;
      std::uint64_t power = 1;
      for (std::uint32_t i = 1; i < kGram; ++i) power *= kBase;
      grams.clear();
      std::uint64_t rolling = 0;
      for (std::uint32_t i = 0; i < values.size(); ++i) {
        if (i >= kGram) rolling -= power * (normal(values[i - kGram]) + 1ULL);
        rolling = rolling * kBase + normal(values[i]) + 1;
        if (i + 1 >= kGram) grams.push_back(static_cast<std::uint32_t>((rolling * 0x9e3779b97f4a7c15ULL) >> 32));
      }
      std::uint32_t last = UINT32_MAX;
      std::uint32_t best = 0;
      for (std::uint32_t i = 0; i < grams.size(); ++i) {
        // The rightmost smallest of the window that ends here.
        const std::uint32_t from = i + 1 >= kWindow ? i + 1 - kWindow : 0;
        if (i == 0 || best < from) {
          best = from;
          for (std::uint32_t j = from; j <= i; ++j)
            if (grams[j] <= grams[best]) best = j;
        } else if (grams[i] <= grams[best]) {
          best = i;
        }
        if (i + 1 < kWindow || best == last) continue;
        last = best;
        prints_.push_back({grams[best], {file, best}});
      }
    }
  }

  /// Data tables and import blocks repeat the same few tokens.
  bool varied(std::uint32_t file, std::uint32_t first) const {
    const auto& values = files_[file].tokens->values;
    const std::uint32_t end =
        std::min<std::uint32_t>(first + options_.tokens_min, static_cast<std::uint32_t>(values.size()));
    std::vector<std::uint32_t> distinct;  // A few, and most of them at the beginning.
    for (std::uint32_t i = first; i < end && distinct.size() < options_.distinct_min; ++i)
      if (std::ranges::find(distinct, plain(values[i])) == distinct.end()) distinct.push_back(plain(values[i]));
    return distinct.size() >= options_.distinct_min && !periodic(values, first, end);
  }

  /// Rows of a table: the same few tokens again after a short way.
  static bool periodic(const std::vector<std::uint32_t>& values, std::uint32_t first, std::uint32_t end) {
    const std::uint32_t period_max = std::min(kGram, (end - first) / 2);
    for (std::uint32_t period = 1; period <= period_max; ++period) {
      const std::uint32_t different_max = (end - first - period) / 10;
      std::uint32_t different = 0;
      for (std::uint32_t i = first; i + period < end && different <= different_max; ++i)
        different += normal(values[i]) == normal(values[i + period]) ? 0 : 1;
      if (different <= different_max) return true;
    }
    return false;
  }

  bool same(Place a, Place b) const {
    const std::uint32_t x = value(a);
    return (x & kClassMask) != kFiller && normal(x) == normal(value(b));
  }

  void bucket(std::size_t first, std::size_t end) {
    // Asked only of what repeats: most prints stand alone.
    const auto kept = std::remove_if(prints_.begin() + static_cast<std::ptrdiff_t>(first),
                                     prints_.begin() + static_cast<std::ptrdiff_t>(end),
                                     [&](const Print& print) { return !varied(print.place.file, print.place.token); });
    end = static_cast<std::size_t>(kept - prints_.begin());
    const bool big = end - first > kBucketMax;
    for (std::size_t i = first; i < (big ? first + 1 : end); ++i)
      for (std::size_t j = i + 1; j < end; ++j) extend(prints_[i].place, prints_[j].place);
  }

  void extend(Place a, Place b) {
    // A pair that lies in a range already found gives the same range again.
    const auto key = std::pair{std::uint64_t{a.file} << 32 | b.file, static_cast<std::int64_t>(b.token) - a.token};
    if (const auto found = done_.find(key); found != done_.end() && a.token < found->second) return;
    for (std::uint32_t i = 0; i < kGram; ++i)
      if (!same({a.file, a.token + i}, {b.file, b.token + i})) return;
    std::uint32_t back = 0;
    while (back < a.token && back < b.token && same({a.file, a.token - back - 1}, {b.file, b.token - back - 1})) ++back;
    std::uint32_t length = kGram;
    while (a.token + length < size(a.file) && b.token + length < size(b.file) &&
           same({a.file, a.token + length}, {b.file, b.token + length}))
      ++length;
    done_[key] = a.token + length;
    std::uint32_t total = back + length;
    std::uint32_t from_a = a.token - back;
    std::uint32_t from_b = b.token - back;
    // A repeat that overlaps itself counts once.
    if (a.file == b.file) total = std::min(total, from_b - from_a);
    join(a, b, {a.file, from_a, b.file, from_b, total});
    // Whole statements only: else every pair of a class would end at another token.
    const auto whole_until = [&](std::uint32_t file, std::uint32_t from) {
      std::uint32_t end = total;
      while (end > 0 && from + end < size(file) && !starts_statement(value({file, from + end}))) --end;
      return end;
    };
    total = std::min(whole_until(a.file, from_a), whole_until(b.file, from_b));
    std::uint32_t skip = 0;
    while (skip < total && !starts_statement(value({a.file, from_a + skip}))) ++skip;
    total -= skip;
    from_a += skip;
    from_b += skip;
    if (total < options_.tokens_min || !varied(a.file, from_a)) return;
    const Range ra{a.file, from_a, from_a + total};
    const Range rb{b.file, from_b, from_b + total};
    pairs_.emplace_back(ra, rb);
  }

  /// What goes on behind gaps. Stretches of many anchors are found once.
  void join(const Place& a, const Place& b, const detail::Anchor& anchor) {
    const auto key = std::pair{a.file, b.file};
    auto& known = near_of_[key];
    const auto lies_in = [&](const detail::NearPair& pair) {
      return pair.a.first <= a.token && a.token < pair.a.end && pair.b.first <= b.token && b.token < pair.b.end;
    };
    if (std::ranges::any_of(known, [&](std::size_t i) { return lies_in(near_[i]); })) return;
    if (near_.size() >= kNearPairsMax || known.size() >= kNearPairsOfFilesMax) return;
    auto pair = detail::join_over_gaps(files_[a.file].tokens->values, files_[b.file].tokens->values, anchor);
    if (!pair || pair->a.end - pair->a.first < options_.tokens_min || pair->b.end - pair->b.first < options_.tokens_min)
      return;
    if (!varied(pair->a.file, pair->a.first)) return;
    known.push_back(near_.size());
    near_.push_back(*pair);
  }

  /// Classes of type 3, in place of those that lie in them with each of their copies.
  void add_near(std::vector<Clone>& out) {
    const auto within = [](const findings::CloneClass& inner, const findings::CloneClass& outer) {
      return inner.members.size() <= outer.members.size() &&
             std::ranges::all_of(inner.members, [&](const findings::Location& part) {
               return std::ranges::any_of(outer.members, [&](const findings::Location& all) {
                 return part.path == all.path && all.start.offset <= part.start.offset &&
                        part.end.offset <= all.end.offset;
               });
             });
    };
    // What lies within another shares its files: only those are compared.
    std::unordered_map<std::string, std::vector<std::size_t>> exact_of, near_of;  // By path: first member, any member.
    for (std::size_t i = 0; i < out.size(); ++i) exact_of[out[i].whole.members[0].path].push_back(i);
    std::vector<Clone> near;
    for (const detail::NearClass& group : detail::near_classes(std::move(near_))) {
      if (stop_.stop_requested()) break;
      auto whole = make_near(group);
      if (!whole || std::ranges::any_of(near_of[whole->members[0].path],
                                        [&](std::size_t larger) { return within(*whole, near[larger].whole); }))
        continue;
      std::set<std::string_view> paths;
      for (const findings::Location& member : whole->members) paths.insert(member.path);
      for (const std::string_view path : paths) {
        near_of[std::string(path)].push_back(near.size());
        if (const auto inner = exact_of.find(std::string(path)); inner != exact_of.end())
          for (const std::size_t i : inner->second) out[i].in_larger |= within(out[i].whole, *whole);
      }
      near.emplace_back().whole = std::move(*whole);
      near.back().has_more =
          near.back().whole.members.size() == kCloneMembersMax && group.members.size() > kCloneMembersMax;
    }
    std::ranges::move(near, std::back_inserter(out));
    std::ranges::stable_sort(out, std::ranges::greater{}, [](const Clone& clone) { return clone.whole.tokens; });
  }

  std::optional<findings::CloneClass> make_near(const detail::NearClass& group) const {
    findings::CloneClass out;
    out.type = 3;
    out.tokens = group.members[0].end - group.members[0].first;
    out.similarity = group.similarity;
    out.members = locations(group.members);
    if (out.members.size() < 2) return std::nullopt;
    out.proposal =
        fmt::format("Compare them line by line: {} % is the same, so what differs may be a mistake in one of them.",
                    out.similarity);
    return out;
  }

  /// Equal ranges of different pairs are one class.
  std::vector<Clone> classes() {
    std::map<Range, std::uint32_t> index;
    std::vector<Range> ranges;
    std::vector<std::uint32_t> parent;
    const auto id = [&](const Range& range) {
      const auto [at, fresh] = index.try_emplace(range, static_cast<std::uint32_t>(ranges.size()));
      if (fresh) {
        ranges.push_back(range);
        parent.push_back(at->second);
      }
      return at->second;
    };
    const auto top = [&](std::uint32_t x) {
      while (parent[x] != x) x = parent[x] = parent[parent[x]];
      return x;
    };
    for (const auto& [a, b] : pairs_) parent[top(id(b))] = top(id(a));
    std::map<std::uint32_t, std::vector<Range>> groups;
    for (const auto& [range, i] : index) groups[top(i)].push_back(range);

    std::vector<std::vector<Range>> sorted;
    for (auto& [root, group] : groups) sorted.push_back(std::move(group));
    std::ranges::stable_sort(sorted, [](const auto& a, const auto& b) {
      const std::uint32_t x = a[0].end - a[0].first, y = b[0].end - b[0].first;
      return x != y ? x > y : a[0] < b[0];
    });
    // A class whose members all lie within larger clones says nothing new.
    std::vector<std::vector<bool>> covered(files_.size());
    std::vector<Clone> out;
    for (const auto& group : sorted) {
      if (stop_.stop_requested()) break;
      std::size_t fresh = 0;
      for (const Range& range : group) {
        auto& marks = covered[range.file];
        marks.resize(size(range.file));
        const auto from = marks.begin() + range.first;
        const auto to = marks.begin() + range.end;
        if (std::count(from, to, true) * 2 < to - from) ++fresh;
      }
      if (fresh == 0 || (fresh < 2 && group.size() == 2)) continue;
      for (const Range& range : group)
        std::fill(covered[range.file].begin() + range.first, covered[range.file].begin() + range.end, true);
      auto whole = make(group, Renames::All);
      if (!whole) continue;
      Clone& clone = out.emplace_back();
      clone.whole = std::move(*whole);
      clone.has_more = clone.whole.members.size() == kCloneMembersMax && group.size() > kCloneMembersMax;
      merge(group, clone);
    }
    return out;
  }

  detail::ClonePlaces& places(std::uint32_t file) const {
    return places_.try_emplace(file, *files_[file].tokens).first->second;
  }

  std::pair<std::uint64_t, std::uint64_t> bytes(const Range& range) const {
    const CloneTokens& tokens = *files_[range.file].tokens;
    std::uint64_t first = UINT64_MAX, end = 0;
    places(range.file).each(range.first, range.end, [&](std::uint32_t i, std::uint64_t start) {
      first = std::min(first, start);
      end = std::max(end, start + tokens.sizes[i]);
    });
    return {first, end};
  }

  /// Lines on which something of the range begins or ends: neither comments nor blank lines.
  std::int64_t lines_with_code(const Range& range) const {
    const auto text = sources_.text(files_[range.file].path);
    if (!text) return 0;
    auto& places_of_file = places(range.file);
    const source::LineTable& lines = places_of_file.lines(*text);
    const CloneTokens& tokens = *files_[range.file].tokens;
    std::set<std::uint32_t> found;
    places_of_file.each(range.first, range.end, [&](std::uint32_t i, std::uint64_t start) {
      if (tokens.sizes[i] > 0 && start < text->size()) found.insert(lines.position(*text, start).line);
    });
    if (found.empty()) return 0;
    std::int64_t count = 0;
    for (std::uint32_t line = *found.begin(); line <= *found.rbegin(); ++line) {
      const std::string_view content = trim(lines.line(*text, line));
      count += found.contains(line) || content.starts_with('}') || content.starts_with(')') ? 1 : 0;
    }
    return count;
  }

  // --- what could be written once

  std::uint32_t token(const Range& range, std::uint32_t i) const { return value({range.file, range.first + i}); }

  /// Statements that stand side by side, as offsets into each member of a class.
  struct Run {
    std::uint32_t first = 0, end = 0;
    std::uint32_t depth = 0;
    std::uint32_t size() const { return end - first; }
  };

  void merge(const std::vector<Range>& group, Clone& clone) {
    const std::optional<Run> run = longest_run(group);
    if (!run) return;
    std::vector<Range> parts;
    for (const Range& range : group) parts.push_back({range.file, range.first + run->first, range.first + run->end});
    if (!merged_.insert(parts[0]).second || is_table(parts[0])) return;
    auto part = make(parts, Renames::Parameters);
    if (!part || part->renames.size() > kParametersMax || is_mirrored(*part) || is_chosen_from(*part)) return;
    clone.types_differ = types_differ(parts);
    const auto members = static_cast<std::int64_t>(part->members.size());
    std::int64_t lines = INT64_MAX;
    for (const Range& range : parts) lines = std::min(lines, lines_with_code(range));
    // A head, an end and a call for each copy stay.
    const std::int64_t saved = (members - 1) * lines - members - 2;
    if (saved < kLinesSavedMin) return;
    const bool definitions = defines(group[0], *run);
    part->proposal = proposal(*part, definitions);
    clone.in_product = in_product(parts);
    clone.jumps_out = jumps_out(parts[0]);
    clone.mergeable = std::move(part);
    clone.lines_saved = static_cast<std::uint32_t>(saved);
  }

  std::optional<Run> longest_run(const std::vector<Range>& group) const {
    const Range& range = group[0];
    const std::uint32_t total = range.end - range.first;
    std::optional<Run> best;
    for (std::uint32_t i = 0; i + options_.tokens_min <= total;) {
      const std::uint32_t first = token(range, i);
      if (!is_structure(first) || !starts_statement(first) || is_arm(kind_of(first))) {
        ++i;
        continue;
      }
      const Run run = run_from(group, i);
      const bool longer = run.size() >= options_.tokens_min && (!best || run.size() > best->size());
      if (longer && worth_sharing(range, run)) best = run;
      // What begins within a run is part of it.
      i = std::max(i + 1, run.end);
    }
    return best;
  }

  /// The longest run of siblings that begins with the statement at `from`.
  Run run_from(const std::vector<Range>& group, std::uint32_t from) const {
    const Range& range = group[0];
    const std::uint32_t total = range.end - range.first;
    Run run{from, from, depth_of(token(range, from))};
    for (std::uint32_t i = from + 1; i <= total; ++i) {
      bool ends_statement = true, ends_run = i == total;
      for (const Range& member : group) {
        const std::uint32_t at = member.first + i;
        if (at >= size(member.file)) continue;  // The file's end ends everything.
        const std::uint32_t next = value({member.file, at});
        if ((next & kClassMask) == kFiller) {
          ends_run = true;
          continue;
        }
        const std::int64_t depth = std::int64_t{depth_of(next)} - depth_of(token(member, from));
        const bool statement = is_structure(next) && starts_statement(next);
        if (!statement || depth > 0) {
          ends_statement = false;
        } else if (depth < 0 || (next & kBeginsBlock) != 0) {
          ends_run = true;
        }
      }
      if (ends_statement) run.end = i;
      if (ends_run && ends_statement) break;
    }
    return run;
  }

  bool defines(const Range& range, const Run& run) const {
    for (std::uint32_t i = run.first; i < run.end; ++i) {
      const std::uint32_t one = token(range, i);
      if (is_structure(one) && depth_of(one) == run.depth && is_definition(kind_of(one))) return true;
    }
    return false;
  }

  /// Fields and functions of a line are what interfaces and data types are made of: one of the definitions has to be
  /// worth it by itself.
  bool worth_sharing(const Range& range, const Run& run) const {
    if (!defines(range, run)) return true;
    for (std::uint32_t i = run.first; i < run.end; ++i) {
      const std::uint32_t first = token(range, i);
      if (!is_structure(first) || kind_of(first) != Kind::Function) continue;
      std::uint32_t end = i + 1, statements = 0;
      while (end < run.end) {
        const std::uint32_t next = token(range, end);
        if (is_structure(next) && starts_statement(next)) {
          if (depth_of(next) <= depth_of(first)) break;
          // Of a docstring only the statement is a token.
          const std::uint32_t inside = end + 1 < run.end ? token(range, end + 1) : next;
          const bool empty = kind_of(next) == Kind::ExprStmt && is_structure(inside) && starts_statement(inside);
          statements += empty ? 0 : 1;
        }
        ++end;
      }
      // However many parameters it passes on, one statement forwards a call.
      if (end - i >= options_.tokens_min && statements > 1) return true;
    }
    return false;
  }

  std::uint32_t in_product(const std::vector<Range>& parts) const {
    std::uint32_t out = 0;
    for (const Range& part : parts) {
      const CloneFile& file = files_[part.file];
      if (source::is_test_path(file.project_path)) continue;
      const auto text = sources_.text(file.path);
      const bool self_test = text && detail::within(detail::self_tests(*text, file.language),
                                                    static_cast<std::uint32_t>(bytes(part).first));
      out += self_test ? 0 : 1;
    }
    return out;
  }

  bool types_differ(const std::vector<Range>& parts) const {
    for (const Range& other : parts)
      for (std::uint32_t i = 0; i < other.end - other.first; ++i) {
        const std::uint32_t x = token(parts[0], i), y = token(other, i);
        const bool types = (x & kClassMask) == kName && (x & y & kTypeName) != 0;
        if (types && plain(x) != plain(y)) return true;
      }
    return false;
  }

  bool is_table(const Range& range) const {
    std::uint32_t literals = 0;
    for (std::uint32_t i = range.first; i < range.end; ++i)
      literals += (value({range.file, i}) & kClassMask) == kLiteral ? 1 : 0;
    return literals * 100 >= (range.end - range.first) * kTableLiteralsMin;
  }

  /// left for right and right for left: no parameter says that.
  static bool is_mirrored(const findings::CloneClass& part) {
    return std::ranges::any_of(part.renames, [&](const std::string& rename) {
      const std::size_t arrow = rename.find(kArrow);
      const std::string back = rename.substr(arrow + kArrow.size()) + std::string(kArrow) + rename.substr(0, arrow);
      return std::ranges::find(part.renames, back) != part.renames.end();
    });
  }

  /// Whether a preprocessor compiles only one of the first two members: code for one system is kept apart from that for
  /// another on purpose.
  bool is_chosen_from(const findings::CloneClass& part) const {
    const findings::Location& a = part.members[0];
    const findings::Location& b = part.members[1];
    const auto text = sources_.text(a.path);
    if (a.path != b.path || !text || a.end.offset > b.start.offset || b.start.offset > text->size()) return false;
    // How deep in conditionals, seen from a; the outermost one reached; whether b's arm of that one is another.
    int depth = 0, outermost = 0;
    bool other_arm = false;
    // A copy may begin with the directive of its arm.
    const std::size_t end = std::min(text->find('\n', b.start.offset), text->size());
    for (std::string_view line : split(std::string_view(*text).substr(a.end.offset, end - a.end.offset), '\n')) {
      line = trim(line);
      if (!line.starts_with('#')) continue;
      line = trim(line.substr(1));
      if (line.starts_with("if")) ++depth;
      if (line.starts_with("el")) other_arm |= depth == outermost;
      if (line.starts_with("endif") && --depth < outermost) {
        outermost = depth;
        other_arm = false;
      }
    }
    return other_arm;
  }

  /// A `continue` at the end of which the loop's body ends as well is a return.
  bool jumps_out(const Range& part) const {
    const auto text = sources_.text(files_[part.file].path);
    if (!text) return false;
    const std::vector<std::string> texts = words(part, *text);
    const std::uint32_t size_of_file = size(part.file);
    const std::uint32_t behind = part.end < size_of_file ? value({part.file, part.end}) : 0;
    const bool ends_block = !is_structure(behind) || depth_of(behind) < depth_of(token(part, 0));
    std::vector<std::pair<std::uint32_t, Kind>> around;  // Depth and kind of loops and switches.
    for (std::uint32_t i = 0; i < part.end - part.first; ++i) {
      const std::uint32_t one = token(part, i);
      if (!is_structure(one)) continue;
      while (!around.empty() && around.back().first >= depth_of(one)) around.pop_back();
      const Kind kind = kind_of(one);
      if (kind == Kind::Loop || kind == Kind::ForEach || kind == Kind::Switch) around.emplace_back(depth_of(one), kind);
      const bool in_loop = std::ranges::any_of(around, [](const auto& outer) { return outer.second != Kind::Switch; });
      const bool labelled = texts[i].find(' ') != std::string::npos;
      if (kind == Kind::Goto || ((kind == Kind::Break || kind == Kind::Continue) && labelled)) return true;
      if (kind == Kind::Break && around.empty()) return true;
      if (kind == Kind::Continue && !in_loop && !ends_block) return true;
    }
    return false;
  }

  static std::string proposal(const findings::CloneClass& part, bool definitions) {
    const std::size_t parameters = part.renames.size();
    if (definitions && parameters == 0) return "Keep it once, where all of them can use it.";
    if (parameters == 0) return "Move it into one function.";
    return fmt::format("{} that takes what differs.", definitions ? "Keep one" : "Move it into one function");
  }

  enum class Renames {
    All,
    Parameters,  ///< Without what a function declares itself.
  };

  /// Of members that are long enough, the first kCloneMembersMax.
  std::vector<findings::Location> locations(const std::vector<Range>& group) const {
    std::vector<findings::Location> out;
    for (const Range& range : group) {
      if (out.size() >= kCloneMembersMax) break;
      const auto text = sources_.text(files_[range.file].path);
      if (!text) continue;
      const auto [first, end] = bytes(range);
      if (end > text->size() || first >= end) continue;
      const source::LineTable& lines = places(range.file).lines(*text);
      const auto from = lines.position(*text, first);
      const auto to = lines.position(*text, end);
      if (to.line - from.line + 1 < options_.lines_min) continue;
      out.push_back({std::string(files_[range.file].path),
                     {from.line, from.col, first},
                     {to.line, to.col, end},
                     std::string(files_[range.file].content_id)});
    }
    return out;
  }

  std::optional<findings::CloneClass> make(const std::vector<Range>& group, Renames renames) const {
    findings::CloneClass out;
    out.tokens = group[0].end - group[0].first;
    out.members = locations(group);
    if (out.members.size() < 2) return std::nullopt;
    out.type = 1;
    for (const Range& other : group)
      for (std::uint32_t i = 0; i < out.tokens && out.type == 1; ++i)
        if (plain(token(group[0], i)) != plain(token(other, i))) out.type = 2;
    if (out.type == 2) list_renames(group[0], group[1], renames, out);
    out.proposal = out.type == 1
                       ? fmt::format("Extract the {} equal tokens into one function.", out.tokens)
                       : fmt::format("Extract one function with {} for what differs.",
                                     out.renames.size() == 1 ? std::string("a parameter") : std::string("parameters"));
    return out;
  }

  void list_renames(const Range& a, const Range& b, Renames renames, findings::CloneClass& out) const {
    const auto text_a = sources_.text(files_[a.file].path);
    const auto text_b = sources_.text(files_[b.file].path);
    if (!text_a || !text_b) return;
    const std::vector<std::string> words_a = words(a, *text_a);
    const std::vector<std::string> words_b = words(b, *text_b);
    for (std::uint32_t i = 0; i < out.tokens && out.renames.size() < kRenamesMax; ++i) {
      const std::uint32_t x = token(a, i), y = token(b, i);
      if (plain(x) == plain(y) || words_a[i].empty() || words_b[i].empty()) continue;
      const bool local = (x & kClassMask) == kName && (y & kClassMask) == kName && (x & y & kLocal) != 0;
      if (renames == Renames::Parameters && local) continue;
      std::string rename = words_a[i] + std::string(kArrow) + words_b[i];
      if (std::ranges::find(out.renames, rename) == out.renames.end()) out.renames.push_back(std::move(rename));
    }
  }

  std::vector<std::string> words(const Range& range, const std::string& text) const {
    constexpr std::size_t kWordBytesMax = 40;
    const CloneTokens& tokens = *files_[range.file].tokens;
    std::vector<std::string> out;
    places(range.file).each(range.first, range.end, [&](std::uint32_t i, std::uint64_t start) {
      out.push_back(start < text.size() ? text.substr(start, std::min<std::size_t>(tokens.sizes[i], kWordBytesMax))
                                        : std::string());
    });
    return out;
  }

  std::span<const CloneFile> files_;
  const findings::SourceLookup& sources_;
  const CloneOptions& options_;
  const StopToken& stop_;
  std::vector<Print> prints_;
  std::map<std::pair<std::uint64_t, std::int64_t>, std::uint32_t> done_;
  std::vector<std::pair<Range, Range>> pairs_;
  std::vector<detail::NearPair> near_;
  std::map<std::pair<std::uint32_t, std::uint32_t>, std::vector<std::size_t>> near_of_;  ///< Of two files, in near_.
  mutable std::unordered_map<std::uint32_t, detail::ClonePlaces> places_;                ///< By file.
  std::set<Range> merged_;  ///< First members of what is proposed already.
};

}  // namespace

namespace {

/// The names that functions declare: their own, parameters and variables.
class LocalNames {
 public:
  explicit LocalNames(const Ir& ir) : ir_(ir) {}

  /// To be asked in the order of the nodes.
  bool declares(NodeIndex i) {
    const Node& node = ir_[i];
    if (i >= end_ && node.kind == Kind::Function) enter(i);
    return i < end_ && names_.contains(node.atom);
  }

 private:
  void enter(NodeIndex function) {
    end_ = ir_[function].subtree_end;
    names_.clear();
    for (NodeIndex i = function; i < end_; ++i) {
      const Node& node = ir_[i];
      const bool named = node.kind == Kind::Function || node.kind == Kind::Param;
      const Node& parent = ir_[node.parent];
      const bool assigned = parent.kind == Kind::Assign && node.role == Role::Left &&
                            (parent.sub == 1 || ir_.language == source::Language::Python);
      if (named || (node.kind == Kind::Name && (node.role == Role::Target || assigned))) names_.insert(node.atom);
    }
  }

  const Ir& ir_;
  NodeIndex end_ = 0;
  std::unordered_set<Atom> names_;
};

bool begins_block(const Ir& ir, NodeIndex i) {
  const Node& node = ir[i];
  const Kind parent = ir[node.parent].kind;
  if (parent == Kind::Block || parent == Kind::Module) return node.parent + 1 == i;
  return node.role == Role::Then || node.role == Role::Else || node.role == Role::Body;
}

}  // namespace

CloneTokens clone_tokens(const Ir& ir, const Atoms& atoms) {
  CloneTokens out;
  LocalNames locals(ir);
  std::int64_t last = 0;
  const auto push = [&](std::uint32_t value, std::uint32_t first, std::uint32_t size) {
    std::int64_t step = static_cast<std::int64_t>(first) - last;
    while (step > INT16_MAX || step < INT16_MIN) {
      const std::int64_t part = std::clamp<std::int64_t>(step, INT16_MIN, INT16_MAX);
      out.values.push_back(kFiller);
      out.steps.push_back(static_cast<std::uint16_t>(static_cast<std::int16_t>(part)));
      out.sizes.push_back(0);
      step -= part;
    }
    out.values.push_back(value);
    out.steps.push_back(static_cast<std::uint16_t>(static_cast<std::int16_t>(step)));
    out.sizes.push_back(static_cast<std::uint8_t>(std::min<std::uint32_t>(size, 255)));
    last = first;
  };
  for (NodeIndex i = 1; i < ir.nodes.size(); ++i) {
    const Node& node = ir[i];
    if (node.kind == Kind::Import) {
      // Import blocks repeat everywhere by nature.
      push(kFiller, node.first, 0);
      i = node.subtree_end - 1;
      continue;
    }
    if (node.kind == Kind::String && node.sub == static_cast<std::uint8_t>(StringSub::Doc)) continue;
    if (is_wrapper(node.kind)) continue;
    const bool leaf = node.subtree_end == i + 1;
    const std::uint32_t size = leaf ? node.end - node.first : 0;
    const bool local = locals.declares(i);
    if (is_name(node.kind)) {
      // An inner Member or Type gives its own name only; what is below it follows.
      const std::string_view name = atoms.text(node.atom);
      const std::uint32_t where =
          (node.kind == Kind::Type ? kTypeName : 0) | (local && node.kind == Kind::Name ? kLocal : 0);
      const bool named_last = node.kind == Kind::Member && name.size() <= node.end - node.first;
      const auto length = static_cast<std::uint32_t>(name.size());
      push(kName | where | hash_text(name), named_last ? node.end - length : node.first,
           leaf ? size : std::min(length, node.end - node.first));
    } else if (is_literal(node.kind)) {
      const std::string_view text = node.kind == Kind::Bool ? (node.sub ? "true" : "false") : atoms.text(node.atom);
      push(kLiteral | hash_text(text), node.first, size);
    } else {
      const std::uint32_t kind = (static_cast<std::uint32_t>(node.kind) << 8 | node.sub) + 1;
      const std::uint32_t depth = std::min<std::uint32_t>(node.depth, kDepthMax) << kDepthShift;
      push(kStructure | kind | depth | (begins_block(ir, i) ? kBeginsBlock : 0), node.first, size);
    }
  }
  return out;
}

std::vector<Clone> find_clones(std::span<const CloneFile> files, const findings::SourceLookup& sources,
                               const CloneOptions& options, const StopToken& stop) {
  return Finder(files, sources, options, stop).run();
}

namespace {

std::string place(const findings::Location& where) {
  return fmt::format("{}:{}", std::string_view(where.path).substr(where.path.rfind('/') + 1), where.start.line);
}

findings::Confidence confidence_in(const Clone& clone) {
  constexpr std::uint32_t kSavesMuch = 20, kSavesLittle = 10;
  constexpr std::size_t kDiffersLittle = 2;
  const std::size_t parameters = clone.mergeable->renames.size();
  if (clone.jumps_out) return findings::Confidence::Low;
  // A function for several types needs generics, templates or macros.
  const bool saves_much = clone.lines_saved >= kSavesMuch && !clone.types_differ;
  if (parameters > kDiffersLittle) return saves_much ? findings::Confidence::Medium : findings::Confidence::Low;
  if (saves_much || (parameters == 0 && clone.lines_saved >= kSavesLittle)) return findings::Confidence::High;
  return findings::Confidence::Medium;
}

}  // namespace

findings::Finding clone_finding(const Clone& clone) {
  const findings::CloneClass& part = *clone.mergeable;
  findings::Finding finding;
  finding.rule = "code.duplicate";
  // Tests say the same thing again on purpose, and take copies of the product for examples.
  finding.severity = clone.in_product < 2 ? findings::Severity::Info : findings::Severity::Low;
  finding.confidence = confidence_in(clone);
  finding.category = findings::Category::Maintainability;
  const findings::Location& first = part.members[0];
  const std::uint32_t lines = first.end.line - first.start.line + 1;
  const std::size_t copies = part.members.size();
  finding.title = copies == 2
                      ? fmt::format("The same {} lines in {} and {}", lines, place(first), place(part.members[1]))
                      : fmt::format("The same {} lines in {} places", lines, copies);
  finding.message = fmt::format("{} tokens are repeated{}. {} That saves about {} lines.", part.tokens,
                                part.type == 1         ? " word for word"
                                : part.renames.empty() ? " but for the names of variables"
                                                       : " with other names or values",
                                part.proposal, clone.lines_saved);
  if (clone.jumps_out) finding.message += " It jumps out of itself: the callers have to do that, on what it returns.";
  if (!part.renames.empty()) finding.message += fmt::format(" Differs: {}.", fmt::join(part.renames, ", "));
  finding.measure = static_cast<double>(copies);
  finding.where = first;
  for (std::size_t i = 1; i < copies; ++i) finding.related.push_back({part.members[i], "the same code"});
  finding.fix.emplace();
  finding.fix->description = "write the code once";
  return finding;
}

}  // namespace wrench::code
