#pragma once

#include <cstddef>

#include "wrench/storage/rows.hpp"
#include "wrench/workflow/triage.hpp"

/// Rows of findings_sql.cpp.
namespace wrench::workflow::finding_rows {

inline constexpr std::size_t kTriageColumns = 11;
/// From the columns of a decision that begin at `at`.
TriageEntry triage_entry(const storage::Rows::Row& row, std::size_t at);

}  // namespace wrench::workflow::finding_rows
