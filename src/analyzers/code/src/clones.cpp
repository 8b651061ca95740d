#include "wrench/code/clones.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <optional>

#include "wrench/base/text.hpp"
#include "wrench/source/source_text.hpp"

namespace wrench::code {

namespace {

constexpr std::uint32_t kGram = 25;
constexpr std::uint32_t kWindow = 26;
constexpr std::uint32_t kClassMask = 0xc0000000;
constexpr std::uint32_t kStructure = 0x00000000;
constexpr std::uint32_t kName = 0x40000000;
constexpr std::uint32_t kLiteral = 0x80000000;
constexpr std::uint32_t kFiller = 0xc0000000;  ///< Stands for distance only; never part of a clone.
constexpr std::size_t kBucketMax = 100;        ///< Above it, extend against one representative and not pairwise.
constexpr std::size_t kRenamesMax = 10;
constexpr std::size_t kMembersMax = 100;

std::uint32_t hash_text(std::string_view text) {
  std::uint64_t h = 1469598103934665603ULL;
  for (const char c : text) h = (h ^ static_cast<unsigned char>(c)) * 1099511628211ULL;
  return static_cast<std::uint32_t>(h ^ (h >> 32)) & ~kClassMask;
}

/// Names and literals look alike to a type-2 comparison.
std::uint32_t normal(std::uint32_t value) {
  const std::uint32_t kind = value & kClassMask;
  return kind == kStructure ? value : kind;
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

bool starts_statement(std::uint32_t value) {
  if ((value & kClassMask) == kFiller) return true;
  if ((value & kClassMask) != kStructure || value == 0) return false;
  const auto kind = static_cast<Kind>((value - 1) >> 8);
  const bool declaration = kind == Kind::Function || kind == Kind::Class || kind == Kind::Field ||
                           kind == Kind::VarDef || kind == Kind::EnumMember;
  return declaration || (kind >= Kind::ExprStmt && kind <= Kind::Directive);
}

struct Place {
  std::uint32_t file;
  std::uint32_t token;
};

struct Range {
  std::uint32_t file, first, end;  ///< Tokens.
  auto operator<=>(const Range&) const = default;
};

class Finder {
 public:
  Finder(std::span<const CloneFile> files, const findings::SourceLookup& sources, const CloneOptions& options,
         const StopToken& stop)
      : files_(files), sources_(sources), options_(options), stop_(stop) {}

  std::vector<findings::CloneClass> run() {
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
    return classes();
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
        if (varied(file, best)) prints_.push_back({grams[best], {file, best}});
      }
    }
  }

  /// Data tables and import blocks repeat the same few tokens.
  bool varied(std::uint32_t file, std::uint32_t first) const {
    const auto& values = files_[file].tokens->values;
    const std::uint32_t end =
        std::min<std::uint32_t>(first + options_.tokens_min, static_cast<std::uint32_t>(values.size()));
    std::vector<std::uint32_t> distinct(values.begin() + first, values.begin() + end);
    std::ranges::sort(distinct);
    distinct.erase(std::unique(distinct.begin(), distinct.end()), distinct.end());
    return distinct.size() >= options_.distinct_min && !periodic(values, first, end);
  }

  /// Rows of a table: the same few tokens again after a short way.
  static bool periodic(const std::vector<std::uint32_t>& values, std::uint32_t first, std::uint32_t end) {
    const std::uint32_t period_max = std::min(kGram, (end - first) / 2);
    for (std::uint32_t period = 1; period <= period_max; ++period) {
      std::uint32_t equal = 0;
      for (std::uint32_t i = first; i + period < end; ++i)
        equal += normal(values[i]) == normal(values[i + period]) ? 1 : 0;
      if (equal * 10 >= (end - first - period) * 9) return true;
    }
    return false;
  }

  bool same(Place a, Place b) const {
    const std::uint32_t x = value(a);
    return (x & kClassMask) != kFiller && normal(x) == normal(value(b));
  }

  void bucket(std::size_t first, std::size_t end) {
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

  /// Equal ranges of different pairs are one class.
  std::vector<findings::CloneClass> classes() {
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
    std::vector<findings::CloneClass> out;
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
      if (auto made = make(group)) out.push_back(std::move(*made));
    }
    return out;
  }

  std::pair<std::uint64_t, std::uint64_t> bytes(const Range& range) const {
    const CloneTokens& tokens = *files_[range.file].tokens;
    // Starts are summed up from the file's beginning: clones are few.
    std::int64_t at = 0;
    std::uint64_t first = UINT64_MAX, end = 0;
    for (std::uint32_t i = 0; i < range.end; ++i) {
      at += static_cast<std::int16_t>(tokens.steps[i]);
      if (i < range.first) continue;
      const auto start = static_cast<std::uint64_t>(std::max<std::int64_t>(at, 0));
      first = std::min(first, start);
      end = std::max(end, start + tokens.sizes[i]);
    }
    return {first, end};
  }

  std::optional<findings::CloneClass> make(const std::vector<Range>& group) const {
    findings::CloneClass out;
    out.tokens = group[0].end - group[0].first;
    std::vector<std::shared_ptr<const std::string>> texts;
    for (const Range& range : group) {
      if (out.members.size() >= kMembersMax) break;
      const auto text = sources_.text(files_[range.file].path);
      if (!text) continue;
      const auto [first, end] = bytes(range);
      if (end > text->size() || first >= end) continue;
      const source::LineTable lines(*text);
      const auto from = lines.position(*text, first);
      const auto to = lines.position(*text, end);
      if (to.line - from.line + 1 < options_.lines_min) continue;
      out.members.push_back({std::string(files_[range.file].path),
                             {from.line, from.col, first},
                             {to.line, to.col, end},
                             std::string(files_[range.file].content_id)});
      texts.push_back(text);
    }
    if (out.members.size() < 2) return std::nullopt;
    out.type = 1;
    for (const Range& other : group)
      for (std::uint32_t i = 0; i < out.tokens && out.type == 1; ++i)
        if (value({group[0].file, group[0].first + i}) != value({other.file, other.first + i})) out.type = 2;
    if (out.type == 2) list_renames(group[0], group[1], out);
    out.proposal = out.type == 1
                       ? fmt::format("Extract the {} equal tokens into one function.", out.tokens)
                       : fmt::format("Extract one function with {} for what differs.",
                                     out.renames.size() == 1 ? std::string("a parameter") : std::string("parameters"));
    return out;
  }

  void list_renames(const Range& a, const Range& b, findings::CloneClass& out) const {
    const auto text_a = sources_.text(files_[a.file].path);
    const auto text_b = sources_.text(files_[b.file].path);
    if (!text_a || !text_b) return;
    const std::vector<std::string> words_a = words(a, *text_a);
    const std::vector<std::string> words_b = words(b, *text_b);
    for (std::uint32_t i = 0; i < out.tokens && out.renames.size() < kRenamesMax; ++i) {
      if (value({a.file, a.first + i}) == value({b.file, b.first + i}) || words_a[i].empty() || words_b[i].empty())
        continue;
      std::string rename = words_a[i] + " -> " + words_b[i];
      if (std::ranges::find(out.renames, rename) == out.renames.end()) out.renames.push_back(std::move(rename));
    }
  }

  std::vector<std::string> words(const Range& range, const std::string& text) const {
    constexpr std::size_t kWordBytesMax = 40;
    const CloneTokens& tokens = *files_[range.file].tokens;
    std::vector<std::string> out;
    std::int64_t at = 0;
    for (std::uint32_t i = 0; i < range.end; ++i) {
      at += static_cast<std::int16_t>(tokens.steps[i]);
      if (i < range.first) continue;
      const auto start = static_cast<std::size_t>(std::max<std::int64_t>(at, 0));
      out.push_back(start < text.size() ? text.substr(start, std::min<std::size_t>(tokens.sizes[i], kWordBytesMax))
                                        : std::string());
    }
    return out;
  }

  std::span<const CloneFile> files_;
  const findings::SourceLookup& sources_;
  const CloneOptions& options_;
  const StopToken& stop_;
  std::vector<Print> prints_;
  std::map<std::pair<std::uint64_t, std::int64_t>, std::uint32_t> done_;
  std::vector<std::pair<Range, Range>> pairs_;
};

}  // namespace

CloneTokens clone_tokens(const Ir& ir, const Atoms& atoms) {
  CloneTokens out;
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
    if (is_name(node.kind)) {
      // An inner Member or Type gives its own name only; what is below it follows.
      push(kName | hash_text(atoms.text(node.atom)), node.first, size);
    } else if (is_literal(node.kind)) {
      const std::string_view text = node.kind == Kind::Bool ? (node.sub ? "true" : "false") : atoms.text(node.atom);
      push(kLiteral | hash_text(text), node.first, size);
    } else {
      push(kStructure | ((static_cast<std::uint32_t>(node.kind) << 8 | node.sub) + 1), node.first, size);
    }
  }
  return out;
}

std::vector<findings::CloneClass> find_clones(std::span<const CloneFile> files, const findings::SourceLookup& sources,
                                              const CloneOptions& options, const StopToken& stop) {
  return Finder(files, sources, options, stop).run();
}

}  // namespace wrench::code
