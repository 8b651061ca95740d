#include "fix_check.hpp"

#include <algorithm>
#include <map>
#include <set>
#include <tuple>

namespace wrench::scan {
namespace {

using findings::EditedPlaces;
using findings::Finding;

class Judge {
 public:
  Judge(std::span<const Finding> before, std::span<const TriedFix> fixes, std::span<const Finding> after)
      : before_(before), fixes_(fixes), after_(after), free_(before.size(), true) {
    for (std::size_t i = 0; i < fixes.size(); ++i) fixes_of_[fixes[i].path].push_back(i);
    for (const auto& [path, indexes] : fixes_of_) {
      std::vector<findings::TextEdit> edits;
      for (const std::size_t i : indexes) edits.push_back(fixes[i].edit);
      places_.emplace(path, EditedPlaces(edits));
    }
  }

  FixVerdict run() {
    verdict_.before_of.assign(after_.size(), kNoFinding);
    for (std::size_t i = 0; i < before_.size(); ++i)
      if (is_fixed(before_[i])) free_[i] = false;
    find_survivors();
    match([](const Finding& f, const Range& at) { return std::tuple(f.rule, f.where.path, at.first, at.end); });
    match([](const Finding& f, const Range&) { return std::tuple(f.fingerprint); });
    match([](const Finding& f, const Range&) { return std::tuple(f.rule, f.where.path, f.move_fingerprint); });
    match([](const Finding& f, const Range& at) { return std::tuple(f.rule, f.where.path, at.first); });
    find_new();
    std::sort(verdict_.blamed.begin(), verdict_.blamed.end());
    verdict_.blamed.erase(std::unique(verdict_.blamed.begin(), verdict_.blamed.end()), verdict_.blamed.end());
    return std::move(verdict_);
  }

 private:
  struct Range {
    std::uint64_t first, end;
  };

  bool is_fixed(const Finding& finding) const {
    const auto of_file = fixes_of_.find(finding.where.path);
    return of_file != fixes_of_.end() &&
           std::any_of(of_file->second.begin(), of_file->second.end(), [&](std::size_t i) {
             return fixes_[i].rule == finding.rule && fixes_[i].fingerprint == finding.fingerprint;
           });
  }

  Range place_after(const findings::Location& where) const {
    const auto places = places_.find(where.path);
    if (places == places_.end()) return {where.start.offset, where.end.offset};
    return {places->second.of(where.start.offset), places->second.of_end(where.end.offset)};
  }

  static std::string shown_place(const Finding& finding) {
    return finding.where.path + ":" + std::to_string(finding.where.start.line);
  }

  void blame(std::string problem, std::size_t fix) {
    if (verdict_.problem.empty()) verdict_.problem = std::move(problem);
    verdict_.blamed.push_back(fix);
  }

  /// The finding that was to go, at the place of what the fix put there.
  void find_survivors() {
    for (std::size_t i = 0; i < after_.size(); ++i) {
      const Finding& finding = after_[i];
      if (finding.suppressed) continue;
      const auto of_file = fixes_of_.find(finding.where.path);
      if (of_file == fixes_of_.end()) continue;
      for (const std::size_t f : of_file->second) {
        const TriedFix& fix = fixes_[f];
        const EditedPlaces& places = places_.at(fix.path);
        const Range now{places.of(fix.edit.first), places.of_end(fix.edit.end)};
        if (fix.rule != finding.rule || finding.where.start.offset != now.first) continue;
        if (finding.where.end.offset != now.end && finding.move_fingerprint != fix.move_fingerprint) continue;
        survivors_.insert(i);
        blame("the finding is still there after it", f);
      }
    }
  }

  /// Pairs what has the same key before and after, in order.
  template <class Key>
  void match(Key key) {
    std::map<decltype(key(before_[0], Range{})), std::vector<std::size_t>> open;
    for (std::size_t i = before_.size(); i-- > 0;)
      if (free_[i]) open[key(before_[i], place_after(before_[i].where))].push_back(i);
    for (std::size_t i = 0; i < after_.size(); ++i) {
      if (verdict_.before_of[i] != kNoFinding || survivors_.contains(i)) continue;
      const auto& where = after_[i].where;
      const auto found = open.find(key(after_[i], Range{where.start.offset, where.end.offset}));
      if (found == open.end() || found->second.empty()) continue;
      verdict_.before_of[i] = found->second.back();
      free_[found->second.back()] = false;
      found->second.pop_back();
    }
  }

  void find_new() {
    for (std::size_t i = 0; i < after_.size(); ++i) {
      const Finding& finding = after_[i];
      if (survivors_.contains(i) || finding.suppressed || finding.severity < findings::Severity::Low) continue;
      const std::size_t old = verdict_.before_of[i];
      // What was suppressed and isn't any more is news, too.
      if (old != kNoFinding && !before_[old].suppressed && finding.severity <= before_[old].severity) continue;
      std::string problem = "it brings a finding: [" + finding.rule + "] at " + shown_place(finding);
      if (old != kNoFinding) problem = "it makes a finding worse: [" + finding.rule + "] at " + shown_place(finding);
      const auto of_file = fixes_of_.find(finding.where.path);
      if (of_file == fixes_of_.end()) {
        // Something in another file: any of them may be to blame.
        if (verdict_.problem.empty()) verdict_.problem = std::move(problem);
        for (std::size_t f = 0; f < fixes_.size(); ++f) verdict_.blamed.push_back(f);
        continue;
      }
      blame_near(std::move(problem), finding, of_file->second);
    }
  }

  /// Those whose text the finding touches, else all of its file.
  void blame_near(std::string problem, const Finding& finding, const std::vector<std::size_t>& fixes) {
    const EditedPlaces& places = places_.at(finding.where.path);
    bool touched = false;
    for (const std::size_t f : fixes) {
      const Range now{places.of(fixes_[f].edit.first), places.of_end(fixes_[f].edit.end)};
      if (finding.where.end.offset < now.first || now.end < finding.where.start.offset) continue;
      blame(problem, f);
      touched = true;
    }
    if (touched) return;
    for (const std::size_t f : fixes) blame(problem, f);
  }

  std::span<const Finding> before_;
  std::span<const TriedFix> fixes_;
  std::span<const Finding> after_;
  std::vector<bool> free_;
  std::map<std::string, std::vector<std::size_t>, std::less<>> fixes_of_;
  std::map<std::string, EditedPlaces, std::less<>> places_;
  std::set<std::size_t> survivors_;
  FixVerdict verdict_;
};

}  // namespace

FixVerdict judge_fixes(std::span<const Finding> before, std::span<const TriedFix> fixes,
                       std::span<const Finding> after) {
  return Judge(before, fixes, after).run();
}

std::string newly_partial(std::span<const findings::Partial> before, std::span<const findings::Partial> after) {
  for (const auto& partial : after) {
    const bool known = std::any_of(before.begin(), before.end(), [&](const findings::Partial& other) {
      return other.code == partial.code && other.path == partial.path && other.subject == partial.subject;
    });
    if (!known) return "it can't be checked: " + partial.code + (partial.path.empty() ? "" : " in " + partial.path);
  }
  return {};
}

}  // namespace wrench::scan
