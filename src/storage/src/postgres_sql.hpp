#pragma once

#include <span>
#include <string>
#include <string_view>

#include "wrench/base/result.hpp"
#include "wrench/storage/statement.hpp"
#include "wrench/storage/transaction.hpp"

namespace wrench::storage {

/// The statement's text for PostgreSQL: its variant if it has one, ?1 written as $1.
std::string postgres_sql(const Statement& statement);
/// How many parameters that text has.
std::size_t postgres_parameters(const Statement& statement);

/// The same statement for many groups of parameters at once: $1 is an array of the first parameter of every group, and
/// so on. `types`: names of the parameters' types.
///   INSERT … VALUES (?1)       INSERT … SELECT k.k1 FROM (SELECT unnest($1::bigint[]) AS k1) AS k
///   UPDATE t SET a WHERE b=?1  UPDATE t SET a FROM (SELECT unnest(…) AS k1, …) AS k WHERE b=ANY (ARRAY[k.k1])
///   DELETE FROM t WHERE b=?1   DELETE FROM t USING (SELECT unnest(…) AS k1, …) AS k WHERE b=ANY (ARRAY[k.k1])
///   SELECT …                   SELECT … FROM unnest(…) WITH ORDINALITY AS k(…), LATERAL (SELECT …), in the order of
///                              the groups; with RowLock::ForUpdate rows are locked in that order, too
/// Errors: storage.failed for a statement of another form; it needs another text, or a loop over exec().
Result<std::string> postgres_sql_for_many(const Statement& statement, std::span<const std::string_view> types,
                                          RowLock lock);

}  // namespace wrench::storage
