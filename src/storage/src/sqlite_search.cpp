#include "sqlite_search.hpp"

#include <sqlite3.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <vector>

namespace wrench::storage {
namespace {

constexpr double kK1 = 1.2, kB = 0.75;
constexpr int kClassesMax = 4096;
/// Words of more than half of the rows: little, but never against a row.
constexpr double kIdfMin = 1e-6;

/// Of one query, for all of its rows.
struct Query {
  std::vector<double> idf;     ///< By phrase.
  std::vector<double> length;  ///< By class: what the row's length adds below the line.
};

void destroy(void* query) { delete static_cast<Query*>(query); }

int make_query(const Fts5ExtensionApi* api, Fts5Context* fts, sqlite3_value** given, std::unique_ptr<Query>& out) {
  sqlite3_int64 rows = 0, tokens = 0;
  if (const int rc = api->xRowCount(fts, &rows); rc != SQLITE_OK) return rc;
  if (const int rc = api->xColumnTotalSize(fts, 0, &tokens); rc != SQLITE_OK) return rc;
  out = std::make_unique<Query>();
  const double n = static_cast<double>(std::max<sqlite3_int64>(rows, 1));
  const double average = std::max(1.0, static_cast<double>(tokens) / n);
  const auto* const text = reinterpret_cast<const char*>(sqlite3_value_text(given[0]));
  const char* at = text == nullptr ? "" : text;
  for (int i = api->xPhraseCount(fts); i > 0; --i) {
    char* end = nullptr;
    const double df = std::min(n, std::strtod(at, &end));
    at = end;
    out->idf.push_back(df <= 0 ? 0 : std::max(kIdfMin, std::log((n - df + 0.5) / (df + 0.5))));
  }
  const auto classes = static_cast<std::size_t>(std::clamp(sqlite3_value_int(given[1]), 1, kClassesMax));
  const double step = sqlite3_value_double(given[2]);
  for (std::size_t i = 0; i < classes; ++i)
    out->length.push_back(kK1 * (1 - kB + kB * std::pow(step, static_cast<double>(i)) / average));
  return SQLITE_OK;
}

int score(const Fts5ExtensionApi* api, Fts5Context* fts, const Query& query, double& out) {
  const auto row = static_cast<std::uint64_t>(api->xRowid(fts));
  const double length = query.length[static_cast<std::size_t>(row % query.length.size())];
  for (std::size_t i = 0; i < query.idf.size(); ++i) {
    if (query.idf[i] <= 0) continue;
    Fts5PhraseIter at{};
    int column = 0, offset = 0, hits = 0;
    if (const int rc = api->xPhraseFirst(fts, static_cast<int>(i), &at, &column, &offset); rc != SQLITE_OK) return rc;
    for (; column == 0; api->xPhraseNext(fts, &at, &column, &offset)) ++hits;
    out += query.idf[i] * (hits * (kK1 + 1)) / (hits + length);
  }
  return SQLITE_OK;
}

void bm25_given(const Fts5ExtensionApi* api, Fts5Context* fts, sqlite3_context* context, int count,
                sqlite3_value** given) {
  if (count != 3) {
    sqlite3_result_error(context, "bm25_given(table, rows, classes, step)", -1);
    return;
  }
  auto* query = static_cast<Query*>(api->xGetAuxdata(fts, 0));
  int rc = SQLITE_OK;
  if (query == nullptr) {
    std::unique_ptr<Query> made;
    rc = make_query(api, fts, given, made);
    query = made.get();
    if (rc == SQLITE_OK) rc = api->xSetAuxdata(fts, made.release(), destroy);  // If it fails it destroys it.
  }
  double sum = 0;
  if (rc == SQLITE_OK) rc = score(api, fts, *query, sum);
  if (rc == SQLITE_OK)
    sqlite3_result_double(context, sum);
  else
    sqlite3_result_error_code(context, rc);
}

}  // namespace

int register_search_functions(sqlite3* db) {
  // sqlite.org/fts5.html, section 7: a pointer to the API comes through a statement.
  fts5_api* api = nullptr;
  sqlite3_stmt* stmt = nullptr;
  int rc = sqlite3_prepare_v2(db, "SELECT fts5(?1)", -1, &stmt, nullptr);
  if (rc == SQLITE_OK) rc = sqlite3_bind_pointer(stmt, 1, static_cast<void*>(&api), "fts5_api_ptr", nullptr);
  if (rc == SQLITE_OK) rc = sqlite3_step(stmt) == SQLITE_ROW ? SQLITE_OK : sqlite3_errcode(db);
  sqlite3_finalize(stmt);
  if (rc != SQLITE_OK) return rc;
  if (api == nullptr) return SQLITE_ERROR;
  return api->xCreateFunction(api, "bm25_given", nullptr, bm25_given, nullptr);
}

}  // namespace wrench::storage
