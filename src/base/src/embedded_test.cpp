#include "wrench/base/embedded.hpp"

#include <gtest/gtest.h>

#include <span>

namespace wrench {

std::span<const EmbeddedFile> embedded_sample();

TEST(Embedded, FilesAreSortedAndWhole) {
  const auto files = embedded_sample();
  ASSERT_EQ(files.size(), 2U);
  EXPECT_EQ(files[0].path, "a.txt");
  EXPECT_EQ(files[0].bytes, "first\n");
  EXPECT_EQ(files[1].path, "sub/empty.txt");
  EXPECT_EQ(files[1].bytes, "");
}

}  // namespace wrench
