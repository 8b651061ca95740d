#include "wrench/base/error.hpp"

#include <gtest/gtest.h>

#include <cerrno>
#include <string>

#include "wrench/base/result.hpp"

namespace wrench {
namespace {

Result<int> half(int n) {
  if (n % 2 != 0) return Error("test.odd", "odd");
  return n / 2;
}
Result<std::string> quarter(int n) {
  const int once = WRENCH_TRY(half(n));
  return std::to_string(WRENCH_TRY(half(once)));
}
Result<> check(int n) {
  WRENCH_TRY(half(n));
  return {};
}

TEST(Result, CarriesAValueOrAnError) {
  EXPECT_EQ(quarter(8).value(), "2");
  EXPECT_EQ(quarter(6).error().code, "test.odd");
  EXPECT_TRUE(check(2).ok());
  EXPECT_EQ(check(1).error().code, "test.odd");
  EXPECT_EQ(half(3).value_or(-1), -1);
  EXPECT_EQ(half(4).value_or(-1), 2);
}

TEST(Result, HoldsMoveOnlyValues) {
  const auto make = []() -> Result<std::unique_ptr<int>> { return std::make_unique<int>(7); };
  const auto pass_on = [&make]() -> Result<int> {
    auto owned = WRENCH_TRY(make());
    return *owned;
  };
  EXPECT_EQ(pass_on().value(), 7);
}

TEST(ResultDeathTest, AssertsOnUncheckedAccess) {
  EXPECT_DEATH({ half(1).value(); }, "internal error: ok\\(\\) failed");
  EXPECT_DEATH({ static_cast<void>(half(2).error()); }, "internal error: !ok\\(\\) failed");
}

TEST(Error, DescribesPlaceAndCause) {
  const auto error = Error("rules.invalid", "pattern doesn't parse")
                         .at("x.yaml", 12, 3)
                         .because(Error("code.syntax", "unexpected ')'"));
  EXPECT_EQ(describe(error),
            "x.yaml:12:3: pattern doesn't parse [rules.invalid]: because unexpected ')' [code.syntax]");
  EXPECT_EQ(describe(Error("a.b", "text").at("f")), "f: text [a.b]");
}

TEST(Error, NamesSystemErrors) {
  EXPECT_EQ(errno_error(ENOENT, "x").code, "io.not_found");
  EXPECT_EQ(errno_error(EACCES, "x").code, "io.no_permission");
  EXPECT_EQ(errno_error(ENOSPC, "x").code, "io.no_space");
  EXPECT_EQ(errno_error(EIO, "can't read 'a'").code, "io.failed");
  EXPECT_EQ(errno_error(ENOENT, "can't open 'a'").message, "can't open 'a': No such file or directory");
}

}  // namespace
}  // namespace wrench
