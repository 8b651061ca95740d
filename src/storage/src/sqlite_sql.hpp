#pragma once

#include <cstddef>
#include <string>

#include "wrench/storage/statement.hpp"

namespace wrench::storage {

/// An INSERT … VALUES of a catalogue as one for `rows` rows, each of which takes the next `width` parameters:
///   INSERT INTO t (a, b) VALUES (?1, ?2)     INSERT OR FAIL INTO t (a, b) VALUES (?1, ?2), (?3, ?4), …
/// It opens its b-trees once. OR FAIL spares SQLite the copies of pages that would undo a part of a statement: whoever
/// gets an error gives up the transaction or its savepoint. Empty for any other statement.
std::string sqlite_insert_of_many(const Statement& statement, std::size_t width, std::size_t rows);

}  // namespace wrench::storage
