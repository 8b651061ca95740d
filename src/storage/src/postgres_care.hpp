#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "wrench/base/clock.hpp"
#include "wrench/base/result.hpp"
#include "wrench/storage/care.hpp"

/// care.hpp for PostgreSQL.
namespace wrench::storage {

Result<std::vector<MigrationState>> list_postgres_migrations(const std::string& url, const Clock& clock,
                                                             std::span<const Migration> migrations);
Result<StatementAnalysis> analyze_postgres_statement(const std::string& url, const Statement& statement);

// What both databases share (care.cpp).
std::vector<MigrationState> pending_states(std::span<const Migration> migrations);
/// What is meant to be like it is needs no advice.
void excuse(StatementAnalysis& analysis, std::string_view exception);

}  // namespace wrench::storage
