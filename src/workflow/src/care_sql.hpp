#pragma once

#include "sql.hpp"

/// SQL of what looks after a store: restores and checks.
namespace wrench::workflow::sql {

extern const Statement kStepRows;  // sql.cpp, where the columns of a step are listed

/// restore.cpp
storage::StatementCatalogue::List of_restore();
/// execution_check.cpp
storage::StatementCatalogue::List of_execution_check();

}  // namespace wrench::workflow::sql
