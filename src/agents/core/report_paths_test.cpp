#include "report_paths.hpp"

#include <gtest/gtest.h>

namespace wrench::agents {
namespace {

TEST(ReportPaths, InTheRepository) {
  EXPECT_EQ(ReportPaths(".").in_repository("a/b.c", ""), "a/b.c");
  EXPECT_EQ(ReportPaths(".").in_repository("b.c", "sub"), "sub/b.c");
  EXPECT_EQ(ReportPaths("./sub/").in_repository("sub/b.c", "sub"), "sub/b.c");
  EXPECT_EQ(ReportPaths("/repo").in_repository("/repo/a.c", ""), "a.c");
  EXPECT_EQ(ReportPaths("sub/a.c").in_repository("sub/a.c", "sub/a.c"), "sub/a.c");
  EXPECT_EQ(ReportPaths("sub").in_repository("subway/a.c", "sub"), "sub/subway/a.c");
}

TEST(ReportPaths, BelowTheRoot) {
  EXPECT_EQ(ReportPaths("/home/tests/shop").below_root("/home/tests/shop/src/a.py"), "src/a.py");
  EXPECT_EQ(ReportPaths("tests/a.py").below_root("tests/a.py"), "a.py");
  EXPECT_EQ(ReportPaths(".").below_root("tests/a.py"), "tests/a.py");
  EXPECT_EQ(ReportPaths("/").below_root("/etc/a.py"), "etc/a.py");
}

}  // namespace
}  // namespace wrench::agents
