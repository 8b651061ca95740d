#include "clone_pairs.hpp"

#include <algorithm>
#include <map>
#include <unordered_map>

#include "clone_prints.hpp"
#include "clone_values.hpp"

namespace wrench::code::detail {

using namespace clone_values;

namespace {

constexpr std::size_t kBucketMax = 100;  ///< Above it, extend against one representative and not pairwise.
constexpr std::size_t kNearPairsMax = 100'000;
constexpr std::size_t kNearPairsOfFilesMax = 1'000;

struct Place {
  std::uint32_t file = 0, token = 0;
};

struct Print {
  std::uint32_t hash = 0;
  Place place;
};

/// Some of all hashes; a bit for each of their ends tells most others apart at once.
class HashSet {
 public:
  void add(std::uint32_t hash) {
    hashes_.push_back(hash);
    bits_[hash % kBits] = true;
  }
  void settle() {
    std::ranges::sort(hashes_);
    hashes_.erase(std::unique(hashes_.begin(), hashes_.end()), hashes_.end());
  }
  bool contains(std::uint32_t hash) const { return bits_[hash % kBits] && std::ranges::binary_search(hashes_, hash); }

 private:
  static constexpr std::uint32_t kBits = 1U << 20;
  std::vector<bool> bits_ = std::vector<bool>(kBits);
  std::vector<std::uint32_t> hashes_;
};

class PairSearch {
 public:
  PairSearch(std::span<const CloneFile> files, const ClonePairs& known, std::span<const std::uint32_t> before,
             const StopToken& stop)
      : files_(files), known_(known), before_(before), stop_(stop), is_new_(files.size()) {
    for (std::uint32_t i = 0; i < files.size(); ++i) is_new_[i] = before[i] == kNoFile;
  }

  ClonePairs run() {
    collect();
    // A file whose crowded prints changed has to be looked at like a new one.
    if (find_crowded()) collect();
    take_known();
    for (std::size_t i = 0; i < prints_.size() && !stop_.stop_requested();) {
      const std::size_t end = end_of_bucket(i);
      if (end - i > 1) bucket(i, end);
      i = end;
    }
    if (near_is_full() && std::ranges::find(is_new_, false) != is_new_.end() && !stop_.stop_requested()) {
      // Which ones are left out depends on the order of all.
      const std::vector<std::uint32_t> none(files_.size(), kNoFile);
      return PairSearch(files_, {}, none, stop_).run();
    }
    out_.whole = !near_is_full() && !stop_.stop_requested();
    return std::move(out_);
  }

 private:
  std::uint32_t value(Place at) const { return files_[at.file].tokens->values[at.token]; }
  std::uint32_t size(std::uint32_t file) const {
    return static_cast<std::uint32_t>(files_[file].tokens->values.size());
  }
  bool near_is_full() const { return out_.near.size() >= kNearPairsMax; }

  std::size_t end_of_bucket(std::size_t first) const {
    std::size_t end = first + 1;
    while (end < prints_.size() && prints_[end].hash == prints_[first].hash) ++end;
    return end;
  }

  /// All prints like one of a new file, and those that were crowded.
  void collect() {
    const bool all = std::ranges::find(is_new_, false) == is_new_.end();
    HashSet wanted;
    if (!all) {
      for (std::uint32_t i = 0; i < files_.size(); ++i)
        if (is_new_[i])
          for (const ClonePrint& print : files_[i].tokens->prints) wanted.add(print.hash);
      for (const auto& of_file : known_.crowded)
        for (const CrowdedPrint& print : of_file) wanted.add(print.hash);
      wanted.settle();
    }
    prints_.clear();
    for (std::uint32_t i = 0; i < files_.size(); ++i)
      for (const ClonePrint& print : files_[i].tokens->prints)
        if (all || wanted.contains(print.hash)) prints_.push_back({print.hash, {i, print.token}});
    // They come by file and token.
    std::ranges::stable_sort(prints_, {}, &Print::hash);
  }

  /// True when that makes files new.
  bool find_crowded() {
    out_.crowded.assign(files_.size(), {});
    for (std::size_t i = 0; i < prints_.size();) {
      const std::size_t end = end_of_bucket(i);
      for (std::size_t k = i; k < end && end - i > kBucketMax; ++k) {
        auto& of_file = out_.crowded[prints_[k].place.file];
        if (of_file.empty() || of_file.back().hash != prints_[k].hash) of_file.push_back({prints_[k].hash, k == i});
      }
      i = end;
    }
    bool changed = false;
    for (std::uint32_t i = 0; i < files_.size(); ++i)
      if (!is_new_[i] && out_.crowded[i] != known_.crowded[before_[i]]) changed = is_new_[i] = true;
    return changed;
  }

  /// Of two files that are both not new.
  void take_known() {
    std::vector<std::uint32_t> now(known_.crowded.size(), kNoFile);
    for (std::uint32_t i = 0; i < files_.size(); ++i)
      if (!is_new_[i]) now[before_[i]] = i;
    const auto moved = [&](CloneRange& a, CloneRange& b) {
      a.file = now[a.file];
      b.file = now[b.file];
      return a.file != kNoFile && b.file != kNoFile;
    };
    for (ClonePair pair : known_.equal)
      if (moved(pair.first, pair.second)) out_.equal.push_back(pair);
    for (NearPair pair : known_.near)
      if (moved(pair.a, pair.b)) out_.near.push_back(pair);
  }

  bool same(Place a, Place b) const {
    const std::uint32_t x = value(a);
    return (x & kClassMask) != kFiller && normal(x) == normal(value(b));
  }

  void bucket(std::size_t first, std::size_t end) {
    const bool big = end - first > kBucketMax;
    for (std::size_t i = first; i < (big ? first + 1 : end); ++i)
      for (std::size_t j = i + 1; j < end; ++j) {
        const Place a = prints_[i].place, b = prints_[j].place;
        if (is_new_[a.file] || is_new_[b.file]) extend(a, b);
      }
  }

  void extend(Place a, Place b) {
    // A pair that lies in a range already found gives the same range again.
    const auto key = std::pair{std::uint64_t{a.file} << 32 | b.file, static_cast<std::int64_t>(b.token) - a.token};
    if (const auto found = done_.find(key); found != done_.end() && a.token < found->second) return;
    for (std::uint32_t i = 0; i < kCloneGram; ++i)
      if (!same({a.file, a.token + i}, {b.file, b.token + i})) return;
    std::uint32_t back = 0;
    while (back < a.token && back < b.token && same({a.file, a.token - back - 1}, {b.file, b.token - back - 1})) ++back;
    std::uint32_t length = kCloneGram;
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
    if (total < kCloneTokensMin || !is_varied(files_[a.file].tokens->values, from_a)) return;
    out_.equal.push_back({{a.file, from_a, from_a + total}, {b.file, from_b, from_b + total}});
  }

  /// What goes on behind gaps. Stretches of many anchors are found once.
  void join(const Place& a, const Place& b, const Anchor& anchor) {
    auto& known = near_of_[{a.file, b.file}];
    const auto lies_in = [&](const NearPair& pair) {
      return pair.a.first <= a.token && a.token < pair.a.end && pair.b.first <= b.token && b.token < pair.b.end;
    };
    if (std::ranges::any_of(known, [&](std::size_t i) { return lies_in(out_.near[i]); })) return;
    if (near_is_full() || known.size() >= kNearPairsOfFilesMax) return;
    const auto& values = files_[a.file].tokens->values;
    auto pair = join_over_gaps(values, files_[b.file].tokens->values, anchor);
    if (!pair || pair->a.end - pair->a.first < kCloneTokensMin || pair->b.end - pair->b.first < kCloneTokensMin) return;
    if (!is_varied(values, pair->a.first)) return;
    known.push_back(out_.near.size());
    out_.near.push_back(*pair);
  }

  std::span<const CloneFile> files_;
  const ClonePairs& known_;
  std::span<const std::uint32_t> before_;
  const StopToken& stop_;
  std::vector<bool> is_new_;  ///< By file.
  std::vector<Print> prints_;
  ClonePairs out_;
  std::map<std::pair<std::uint64_t, std::int64_t>, std::uint32_t> done_;
  std::map<std::pair<std::uint32_t, std::uint32_t>, std::vector<std::size_t>> near_of_;  ///< Of two files.
};

}  // namespace

ClonePairs find_clone_pairs(std::span<const CloneFile> files, const ClonePairs& known,
                            std::span<const std::uint32_t> before, const StopToken& stop) {
  return PairSearch(files, known, before, stop).run();
}

}  // namespace wrench::code::detail
