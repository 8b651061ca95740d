#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "wrench/base/clock.hpp"

namespace wrench::workflow {

/// How one dimension of one scope stands.
struct BudgetRow {
  std::optional<std::int64_t> cap;  ///< Nothing: it is only counted.
  std::int64_t reserved = 0, spent = 0;
  bool stored = false;  ///< There is a row.
  bool operator==(const BudgetRow&) const = default;
};
using BudgetDims = std::map<std::string, BudgetRow, std::less<>>;

/// One line of the ledger.
struct BudgetEntry {
  std::string scope, dim;
  std::int64_t execution_no = 0, step_no = 0, epoch = 0, call_no = 0;
  std::int64_t reserved = 0;
  std::optional<std::int64_t> settled;
  bool estimated = false;
  bool stored = false;
};

/// What a flush does to budgets.
struct BudgetMoves {
  struct Row {
    std::string scope, dim;
    BudgetRow row;
  };
  struct Wait {
    std::int64_t execution_no = 0, step_no = 0;
    std::string scope, dim;
    bool spent = false;  ///< Only a raise helps; else what others have reserved may come back.
  };
  std::vector<Row> rows;
  std::vector<BudgetEntry> entries;  ///< New, or settled.
  std::vector<Wait> waits_begun;
  std::vector<std::pair<std::int64_t, std::int64_t>> waits_over;  ///< (execution, step)
  std::set<std::pair<std::string, std::string>> freed, raised;    ///< (scope, dimension): who waits for it looks again.
  std::vector<std::string> refusals;                              ///< Dimensions.
};

}  // namespace wrench::workflow
