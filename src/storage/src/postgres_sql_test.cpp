#include "postgres_sql.hpp"

#include <gtest/gtest.h>

namespace wrench::storage {
namespace {

std::string one(std::string_view sql) { return postgres_sql({.id = "t", .sql = sql}); }

std::string many(std::string_view sql, RowLock lock = RowLock::None) {
  static constexpr std::string_view kTypes[] = {"bigint", "text"};
  Result<std::string> out = postgres_sql_for_many({.id = "t", .sql = sql}, kTypes, lock);
  return out.ok() ? *out : out.error().code;
}

TEST(PostgresSql, WritesPlaceholdersItsWay) {
  EXPECT_EQ(one("SELECT ?1, '?2', \"?3\", a ? b, ?12 -- ?4"), "SELECT $1, '?2', \"?3\", a ? b, $12 -- ?4");
  EXPECT_EQ(postgres_sql({.id = "t", .sql = "SELECT 1", .postgres = {.sql = "SELECT ?1"}}), "SELECT $1");
}

TEST(PostgresSql, MakesOneStatementOfMany) {
  EXPECT_EQ(many("INSERT INTO t (a, b) VALUES (?1, coalesce(?2, 'x'), ?1) ON CONFLICT (a) DO NOTHING"),
            "INSERT INTO t (a, b) SELECT k.k1, coalesce(k.k2, 'x'), k.k1 FROM (SELECT unnest($1::bigint[]) AS k1, "
            "unnest($2::text[]) AS k2) AS k ON CONFLICT (a) DO NOTHING");
  EXPECT_EQ(
      many("UPDATE t SET b = ?2, n = n + 1 WHERE a = ?1 AND n > (SELECT 1 WHERE true)"),
      "UPDATE t SET b = k.k2, n = n + 1 FROM (SELECT unnest($1::bigint[]) AS k1, unnest($2::text[]) AS k2) AS k WHERE "
      "a = ANY (ARRAY[k.k1]) AND n > (SELECT 1 WHERE true)");
  EXPECT_EQ(many("DELETE FROM t WHERE a = ?1 AND b = ?2"),
            "DELETE FROM t USING (SELECT unnest($1::bigint[]) AS k1, unnest($2::text[]) AS k2) AS k WHERE a = ANY "
            "(ARRAY[k.k1]) AND b = k.k2");
  EXPECT_EQ(many("DELETE FROM t WHERE a IN (?1, ?2) AND b = 'x' AND c >= ?1 AND d=?2"),
            "DELETE FROM t USING (SELECT unnest($1::bigint[]) AS k1, unnest($2::text[]) AS k2) AS k WHERE a IN (k.k1, "
            "k.k2) AND b = 'x' AND c >= k.k1 AND d=ANY (ARRAY[k.k2])");
  EXPECT_EQ(
      many("SELECT b FROM t WHERE a = ?1 ORDER BY b LIMIT 2"),
      "SELECT r.* FROM unnest($1::bigint[], $2::text[]) WITH ORDINALITY AS k(k1, k2, n) CROSS JOIN LATERAL (SELECT "
      "* FROM (SELECT b FROM t WHERE a = k.k1 ORDER BY b LIMIT 2) AS q OFFSET 0) AS r ORDER BY k.n");
  EXPECT_EQ(
      many("SELECT b FROM t WHERE a = ?1", RowLock::ForUpdate),
      "SELECT r.* FROM unnest($1::bigint[], $2::text[]) WITH ORDINALITY AS k(k1, k2, n) CROSS JOIN LATERAL (SELECT "
      "b FROM t WHERE a = k.k1 FOR UPDATE) AS r ORDER BY k.n");
}

TEST(PostgresSql, RefusesWhatItCanNotPutTogether) {
  for (const char* sql :
       {"", "INSERT INTO t SELECT ?1", "INSERT INTO t (a) VALUES (?1) ON CONFLICT (a) DO UPDATE SET b = ?2",
        "UPDATE t SET a = ?1", "UPDATE t SET a = ?1 FROM u WHERE t.b = u.b", "DELETE FROM t USING u WHERE a = ?1",
        "TRUNCATE t WHERE", "INSERT INTO t VALUES (?1"})
    EXPECT_EQ(many(sql), "storage.failed") << sql;
}

}  // namespace
}  // namespace wrench::storage
