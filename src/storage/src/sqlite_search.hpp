#pragma once

struct sqlite3;

namespace wrench::storage {

/// Gives a connection the FTS5 function `bm25_given(table, rows, classes, step)`: Okapi BM25 (k1 1.2, b 0.75) like
/// FTS5's own bm25(), where a better match scores higher and only the table's first column counts. It costs a fraction,
/// because it is told what the other looks up:
/// - `rows`: in how many rows each phrase of the query stands, numbers with spaces between; 0: it scores nothing. The
///   other reads the whole list of each phrase, for common words most of the table.
/// - the length of a row: `step` to the power of its rowid modulo `classes`.
/// SQLite result code.
int register_search_functions(sqlite3* db);

}  // namespace wrench::storage
