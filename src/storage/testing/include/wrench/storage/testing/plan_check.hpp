#pragma once

#include <span>
#include <string>
#include <vector>

#include "wrench/storage/migrations.hpp"
#include "wrench/storage/statement.hpp"

namespace wrench::storage::testing {

/// EXPLAINs every statement of the list on an empty database with this schema and returns what is wrong, one line each:
/// SQL that doesn't compile, ids given twice, a plan that isn't the declared one, and, without a reason in
/// `plan_exception`, a SCAN, a temporary b-tree or an automatic index.
std::vector<std::string> check_plans(StatementCatalogue::List statements,
                                     std::span<const Migration> migrations = embedded_migrations());

}  // namespace wrench::storage::testing
