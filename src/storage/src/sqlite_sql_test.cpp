#include "sqlite_sql.hpp"

#include <gtest/gtest.h>

namespace wrench::storage {
namespace {

std::string many(std::string_view sql) { return sqlite_insert_of_many({.id = "t", .sql = sql}, 3, 2); }

TEST(SqliteSql, MakesOneInsertOfMany) {
  EXPECT_EQ(many("INSERT INTO t (a, b, c) VALUES (?1, coalesce(?2, 'x)'), ?3)"),
            "INSERT OR FAIL INTO t (a, b, c) VALUES (?1, coalesce(?2, 'x)'), ?3), (?4, coalesce(?5, 'x)'), ?6)");
  EXPECT_EQ(many("INSERT INTO t (a, b, c, d) VALUES (?1, ?2, ?3, ?1)"),
            "INSERT OR FAIL INTO t (a, b, c, d) VALUES (?1, ?2, ?3, ?1), (?4, ?5, ?6, ?4)");
}

TEST(SqliteSql, LeavesAloneWhatIsNoPlainInsert) {
  for (const char* sql : {"INSERT OR IGNORE INTO t (a) VALUES (?1)", "INSERT INTO t (a) SELECT ?1",
                          "INSERT INTO t (a) VALUES (?1) ON CONFLICT (a) DO NOTHING", "INSERT INTO t (a) VALUES (?1",
                          "INSERT INTO t (a) VALUES (?1) RETURNING a", "UPDATE t SET a = ?1", "", "INSERT", "SELECT 1"})
    EXPECT_EQ(many(sql), "") << sql;
}

}  // namespace
}  // namespace wrench::storage
