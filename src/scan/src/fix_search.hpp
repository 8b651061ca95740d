#pragma once

#include <algorithm>
#include <cstddef>
#include <string>
#include <utility>
#include <vector>

#include "fix_check.hpp"
#include "wrench/base/result.hpp"

namespace wrench::scan {

struct RejectedFix {
  TriedFix fix;
  std::string reason;
};

struct KeptFixes {
  std::vector<TriedFix> kept;  ///< Good all together; sorted as given.
  std::vector<RejectedFix> rejected;
};

/// As many of `all` (sorted by path and place) as are good together: `check(fixes)` judges a set. A set that isn't good
/// is divided, those that are to blame from the others, until the single fix is known that spoils it. After
/// `checks_max` what is left is rejected.
template <class Check>
Result<KeptFixes> keep_good(std::vector<TriedFix> all, std::size_t checks_max, Check check) {
  const auto by_place = [](const TriedFix& a, const TriedFix& b) {
    return a.path != b.path ? a.path < b.path : a.edit.first < b.edit.first;
  };
  KeptFixes out;
  std::vector<std::vector<TriedFix>> open;  // The last one is next.
  if (!all.empty()) open.push_back(std::move(all));
  for (std::size_t checks = 0; !open.empty(); ++checks) {
    std::vector<TriedFix> next = std::move(open.back());
    open.pop_back();
    if (checks == checks_max) {
      open.push_back(std::move(next));
      for (auto& rest : open)
        for (auto& fix : rest)
          out.rejected.push_back({std::move(fix), "it wasn't checked: " + std::to_string(checks_max) +
                                                      " checks were spent on finding out which fixes are wrong"});
      break;
    }
    std::vector<TriedFix> together = out.kept;
    together.insert(together.end(), next.begin(), next.end());
    std::sort(together.begin(), together.end(), by_place);
    const FixVerdict verdict = WRENCH_TRY(check(together));
    if (verdict.good()) {
      out.kept = std::move(together);
      continue;
    }
    if (next.size() == 1) {
      out.rejected.push_back({std::move(next.front()), verdict.problem});
      continue;
    }
    std::vector<TriedFix> blamed, others;
    for (auto& fix : next) {
      const bool to_blame = std::any_of(verdict.blamed.begin(), verdict.blamed.end(), [&](std::size_t i) {
        return together[i].path == fix.path && together[i].edit.first == fix.edit.first;
      });
      (to_blame ? blamed : others).push_back(std::move(fix));
    }
    if (blamed.empty() || others.empty()) {
      std::vector<TriedFix>& whole = blamed.empty() ? others : blamed;
      std::vector<TriedFix> half(std::make_move_iterator(whole.begin() + static_cast<std::ptrdiff_t>(whole.size() / 2)),
                                 std::make_move_iterator(whole.end()));
      whole.resize(whole.size() / 2);
      (blamed.empty() ? blamed : others) = std::move(half);
    }
    open.push_back(std::move(blamed));
    open.push_back(std::move(others));  // First the good ones.
  }
  return out;
}

}  // namespace wrench::scan
