#include "wrench/code/clones.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <numeric>
#include <optional>
#include <set>
#include <unordered_map>
#include <unordered_set>
#include <utility>

#include "clone_gaps.hpp"
#include "clone_pairs.hpp"
#include "clone_places.hpp"
#include "clone_prints.hpp"
#include "clone_state.hpp"
#include "clone_values.hpp"
#include "finding_maker.hpp"
#include "wrench/base/text.hpp"
#include "wrench/code/known_clones.hpp"
#include "wrench/source/file_class.hpp"
#include "wrench/source/source_text.hpp"

namespace wrench::code {

using namespace detail::clone_values;

namespace {

constexpr std::size_t kRenamesMax = 10;

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

using detail::CloneKey;
using detail::ClonePairs;
using detail::CloneState;
using detail::KnownClone;
using Range = detail::CloneRange;

class Finder {
 public:
  Finder(std::span<const CloneFile> files, const findings::SourceLookup& sources, const StopToken& stop,
         CloneState* known)
      : files_(files), sources_(sources), stop_(stop), known_(known) {}

  std::vector<Clone> run() {
    match_known();
    const ClonePairs none;
    ClonePairs pairs = detail::find_clone_pairs(files_, known_ == nullptr ? none : known_->pairs, before_, stop_);
    std::vector<Clone> out = classes(pairs.equal);
    add_near(out, pairs.near);
    if (known_ != nullptr) remember(std::move(pairs));
    return out;
  }

 private:
  std::uint32_t value(Place at) const { return files_[at.file].tokens->values[at.token]; }
  std::uint32_t size(std::uint32_t file) const {
    return static_cast<std::uint32_t>(files_[file].tokens->values.size());
  }

  // --- what an earlier search found

  /// Files stay in their order: one that moved past another is a new one.
  void match_known() {
    before_.assign(files_.size(), detail::kNoFile);
    if (known_ == nullptr) return;
    std::unordered_map<std::string_view, std::uint32_t> places;
    for (std::uint32_t i = 0; i < known_->files.size(); ++i) places.emplace(known_->files[i].id, i);
    std::vector<std::uint32_t> now(known_->files.size(), detail::kNoFile);
    std::uint32_t next = 0;
    for (std::uint32_t i = 0; i < files_.size(); ++i) {
      ids_.push_back(CloneState::id_of(files_[i]));
      hidden_.push_back(known_->hidden.contains(std::string(files_[i].path)));
      const auto found = places.find(ids_.back());
      if (found == places.end() || found->second < next || known_->files[found->second].tokens != size(i)) continue;
      next = found->second + 1;
      before_[i] = found->second;
      now[found->second] = i;
    }
    all_known_ = files_.size() == known_->files.size() && std::ranges::find(before_, detail::kNoFile) == before_.end();
    for (auto& [key, clone] : std::exchange(known_->classes, {})) {
      CloneKey moved = key;
      for (Range& member : moved.members) member.file = now[member.file];
      if (clone.run) clone.run->file = now[clone.run->file];
      const bool is_there = std::ranges::all_of(
          moved.members, [&](const Range& member) { return member.file != detail::kNoFile && !hidden_[member.file]; });
      if (is_there) known_classes_.emplace(std::move(moved), std::move(clone));
    }
  }

  void remember(ClonePairs pairs) {
    known_->is_new = !all_known_ || learned_;
    known_->files.clear();
    known_->pairs = {};
    known_->classes = std::move(next_classes_);
    if (!pairs.whole || stop_.stop_requested()) {
      known_->classes.clear();
      return;
    }
    for (std::uint32_t i = 0; i < files_.size(); ++i)
      known_->files.push_back(
          {std::string(files_[i].path), std::string(files_[i].content_id), std::move(ids_[i]), size(i)});
    known_->pairs = std::move(pairs);
  }

  std::optional<KnownClone> take_known(const CloneKey& key) {
    text_is_missing_ = false;
    const auto found = known_classes_.find(key);
    if (found == known_classes_.end()) return std::nullopt;
    return std::move(found->second);
  }
  void keep(CloneKey key, const KnownClone& clone) {
    if (known_ == nullptr || text_is_missing_) return;
    if (std::ranges::none_of(key.members, [&](const Range& member) { return hidden_[member.file]; }))
      next_classes_.emplace(std::move(key), clone);
  }

  std::shared_ptr<const std::string> text_of(std::uint32_t file) const {
    auto out = sources_.text(files_[file].path);
    text_is_missing_ |= out == nullptr;
    return out;
  }

  /// Classes of type 3, in place of those that lie in them with each of their copies.
  void add_near(std::vector<Clone>& out, std::vector<detail::NearPair> pairs) {
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
    for (const detail::NearClass& group : detail::near_classes(std::move(pairs))) {
      if (stop_.stop_requested()) break;
      auto whole = known_near(group);
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

  std::optional<findings::CloneClass> known_near(const detail::NearClass& group) {
    CloneKey key{group.members, group.similarity};
    auto known = take_known(key);
    if (!known) {
      learned_ = true;
      known.emplace();
      if (auto whole = make_near(group)) known->clone.emplace().whole = std::move(*whole);
    }
    keep(std::move(key), *known);
    if (!known->clone) return std::nullopt;
    return std::move(known->clone->whole);
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

  /// Equal ranges of different pairs are one class. By size, then place.
  static std::vector<std::vector<Range>> groups_of(const std::vector<detail::ClonePair>& pairs) {
    std::vector<Range> ranges;
    ranges.reserve(pairs.size() * 2);
    for (const auto& [a, b] : pairs) {
      ranges.push_back(a);
      ranges.push_back(b);
    }
    std::ranges::sort(ranges);
    ranges.erase(std::unique(ranges.begin(), ranges.end()), ranges.end());
    const auto id = [&](const Range& range) {
      return static_cast<std::uint32_t>(std::ranges::lower_bound(ranges, range) - ranges.begin());
    };
    std::vector<std::uint32_t> parent(ranges.size());
    std::iota(parent.begin(), parent.end(), 0U);
    const auto top = [&](std::uint32_t x) {
      while (parent[x] != x) x = parent[x] = parent[parent[x]];
      return x;
    };
    for (const auto& [a, b] : pairs) parent[top(id(b))] = top(id(a));
    std::vector<std::vector<Range>> groups(ranges.size());
    for (std::uint32_t i = 0; i < ranges.size(); ++i) groups[top(i)].push_back(ranges[i]);
    std::erase_if(groups, [](const auto& group) { return group.empty(); });
    std::ranges::sort(groups, [](const auto& a, const auto& b) {
      const std::uint32_t x = a[0].end - a[0].first, y = b[0].end - b[0].first;
      return x != y ? x > y : a[0] < b[0];
    });
    return groups;
  }

  std::vector<Clone> classes(const std::vector<detail::ClonePair>& pairs) {
    // A class whose members all lie within larger clones says nothing new.
    std::vector<std::vector<bool>> covered(files_.size());
    std::vector<Clone> out;
    for (auto& group : groups_of(pairs)) {
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
      if (auto clone = known_class(std::move(group))) out.push_back(std::move(*clone));
    }
    return out;
  }

  std::optional<Clone> known_class(std::vector<Range> group) {
    CloneKey key{std::move(group), 0};
    auto known = take_known(key);
    if (!known) {
      learned_ = true;
      known = make_class(key.members);
    }
    // What is in two classes is proposed with the larger one.
    const bool is_proposed = known->run && merged_.insert(*known->run).second;
    if (is_proposed && !std::exchange(known->merge_is_known, true)) {
      learned_ = true;
      merge(key.members, *known->run, *known->clone);
    }
    keep(std::move(key), *known);
    if (!is_proposed && known->clone) known->clone->mergeable.reset();
    return std::move(known->clone);
  }

  KnownClone make_class(const std::vector<Range>& group) {
    KnownClone out;
    auto whole = make(group, Renames::All);
    if (!whole) return out;
    Clone& clone = out.clone.emplace();
    clone.whole = std::move(*whole);
    clone.has_more = clone.whole.members.size() == kCloneMembersMax && group.size() > kCloneMembersMax;
    if (const auto run = longest_run(group))
      out.run = Range{group[0].file, group[0].first + run->first, group[0].first + run->end};
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
    const auto text = text_of(range.file);
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

  /// `first`: what could be written once, in the first member.
  void merge(const std::vector<Range>& group, const Range& first, Clone& clone) {
    const Run run{first.first - group[0].first, first.end - group[0].first, depth_of(value({first.file, first.first}))};
    std::vector<Range> parts;
    for (const Range& range : group) parts.push_back({range.file, range.first + run.first, range.first + run.end});
    if (is_table(parts[0])) return;
    auto part = make(parts, Renames::Parameters);
    if (!part || part->renames.size() > kParametersMax || is_mirrored(*part)) return;
    if (is_chosen_from(parts[0].file, *part)) return;
    clone.types_differ = types_differ(parts);
    const auto members = static_cast<std::int64_t>(part->members.size());
    std::int64_t lines = INT64_MAX;
    for (const Range& range : parts) lines = std::min(lines, lines_with_code(range));
    // A head, an end and a call for each copy stay.
    const std::int64_t saved = (members - 1) * lines - members - 2;
    if (saved < kLinesSavedMin) return;
    const bool definitions = defines(group[0], run);
    part->proposal = proposal(*part, definitions);
    clone.in_product = in_product(parts);
    clone.jumps_out = jumps_out(parts[0]);
    if (const auto text = text_of(parts[0].file))
      clone.lines = detail::first_lines(*text, part->members[0].start.offset, part->members[0].end.offset);
    clone.mergeable = std::move(part);
    clone.lines_saved = static_cast<std::uint32_t>(saved);
  }

  std::optional<Run> longest_run(const std::vector<Range>& group) const {
    const Range& range = group[0];
    const std::uint32_t total = range.end - range.first;
    std::optional<Run> best;
    for (std::uint32_t i = 0; i + kCloneTokensMin <= total;) {
      const std::uint32_t first = token(range, i);
      if (!is_structure(first) || !starts_statement(first) || is_arm(kind_of(first))) {
        ++i;
        continue;
      }
      const Run run = run_from(group, i);
      const bool longer = run.size() >= kCloneTokensMin && (!best || run.size() > best->size());
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
      if (end - i >= kCloneTokensMin && statements > 1) return true;
    }
    return false;
  }

  std::uint32_t in_product(const std::vector<Range>& parts) const {
    std::uint32_t out = 0;
    for (const Range& part : parts) {
      const CloneFile& file = files_[part.file];
      if (source::is_test_path(file.project_path)) continue;
      const auto text = text_of(part.file);
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
  bool is_chosen_from(std::uint32_t file, const findings::CloneClass& part) const {
    const findings::Location& a = part.members[0];
    const findings::Location& b = part.members[1];
    const auto text = text_of(file);
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
    const auto text = text_of(part.file);
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
      const auto text = text_of(range.file);
      if (!text) continue;
      const auto [first, end] = bytes(range);
      if (end > text->size() || first >= end) continue;
      const source::LineTable& lines = places(range.file).lines(*text);
      const auto from = lines.position(*text, first);
      const auto to = lines.position(*text, end);
      if (to.line - from.line + 1 < kCloneLinesMin) continue;
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
    const auto text_a = text_of(a.file);
    const auto text_b = text_of(b.file);
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
  const StopToken& stop_;
  CloneState* known_;                                                      ///< Null: nothing is known, nothing is kept.
  mutable std::unordered_map<std::uint32_t, detail::ClonePlaces> places_;  ///< By file.
  std::set<Range> merged_;  ///< First members of what is proposed already.

  std::vector<std::string> ids_;       ///< By file.
  std::vector<bool> hidden_;           ///< By file.
  std::vector<std::uint32_t> before_;  ///< By file; its place in `known_`.
  std::unordered_map<CloneKey, KnownClone, detail::CloneKeyHash> known_classes_, next_classes_;
  bool all_known_ = false, learned_ = false;
  mutable bool text_is_missing_ = false;  ///< Of the class in hand.
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
  detail::add_prints(out);
  return out;
}

std::vector<Clone> find_clones(std::span<const CloneFile> files, const findings::SourceLookup& sources,
                               const StopToken& stop, KnownClones* known) {
  return Finder(files, sources, stop, known == nullptr ? nullptr : &known->state()).run();
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
  finding.lines = clone.lines;
  for (std::size_t i = 1; i < copies; ++i) finding.related.push_back({part.members[i], "the same code"});
  finding.fix.emplace();
  finding.fix->description = "write the code once";
  return finding;
}

}  // namespace wrench::code
