#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "wrench/storage/migrations.hpp"
#include "wrench/storage/statement.hpp"

namespace wrench::storage::testing {

/// EXPLAINs every statement of the list on an empty database with this schema and returns what is wrong, one line each:
/// SQL that doesn't compile, ids given twice, a plan that isn't the declared one, and, without a reason in
/// `plan_exception`, a SCAN, a temporary b-tree or an automatic index.
std::vector<std::string> check_plans(StatementCatalogue::List statements,
                                     std::span<const Migration> migrations = embedded_migrations());

/// EXPLAINs every statement of the list after `fill` (SQL of SQLite) and ANALYZE: statistics of large tables must not
/// lead to a SCAN, a temporary b-tree or an automatic index either, where no `plan_exception` gives a reason. What is
/// read from end to end by intent may: the declared plan says SCAN. (The store itself keeps no statistics.)
std::vector<std::string> check_filled_plans(StatementCatalogue::List statements, const std::string& fill,
                                            std::span<const Migration> migrations = embedded_migrations());

/// The same on PostgreSQL (PostgresServer::shared()), with the generic plans and the settings that the store runs with:
/// a variant's plan that isn't the declared one, and, without a reason in `plan_exception` or
/// `postgres.plan_exception`, a sequential scan, a sort, a hash, and of tables that `fill` (SQL) has put something into
/// a scan of a whole index: fill every table that can grow. First on empty tables, because a plan lives on while its
/// table grows; then on filled ones, also of what exec_many() and query_many() make of the statement. A plan is written
/// as its nodes with their index conditions, outermost first: "Limit; Index Scan using tasks_pkey on tasks (id > $1)".
std::vector<std::string> check_postgres_plans(
    StatementCatalogue::List statements, std::string_view fill = {},
    std::span<const Migration> migrations = embedded_migrations(Dialect::Postgres));

}  // namespace wrench::storage::testing
