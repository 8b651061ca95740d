#include "wrench/crypto/git_object_id.hpp"

#include <gtest/gtest.h>

namespace wrench::crypto {
namespace {

// The empty blob's ids are known to every git; the others are what `git hash-object --stdin` says.
TEST(GitBlobId, IsWhatGitSays) {
  EXPECT_EQ(git_blob_id("", GitHash::Sha1), "e69de29bb2d1d6434b8b29ae775ad8c2e48c5391");
  EXPECT_EQ(git_blob_id("", GitHash::Sha256), "473a0f4c3be8a93681a267e3b1e9a7dcda1185436fe141f7749120a303721813");
  EXPECT_EQ(git_blob_id("hello\n", GitHash::Sha1), "ce013625030ba8dba906f756967f9e9ca394464a");
}

}  // namespace
}  // namespace wrench::crypto
