#include "wrench/crypto/sha256.hpp"

#include <gtest/gtest.h>

namespace wrench::crypto {
namespace {

// FIPS 180-4 examples, as published by NIST.
TEST(Sha256, MatchesTheStandardsExamples) {
  EXPECT_EQ(sha256_hex(""), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  EXPECT_EQ(sha256_hex("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(sha256_hex("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq"),
            "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
  EXPECT_EQ(sha256_hex(std::string(1'000'000, 'a')),
            "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

TEST(Sha256, GivesTheSameForPiecesAndStartsAgainAfterFinish) {
  Sha256 hash;
  hash.update("ab");
  hash.update("");
  hash.update("c");
  EXPECT_EQ(hash.finish(), sha256("abc"));
  hash.update("abc");
  EXPECT_EQ(hash.finish(), sha256("abc"));
  EXPECT_EQ(hash.finish(), sha256(""));
}

TEST(Sha256, KeepsItsStateWhenMoved) {
  Sha256 first;
  first.update("ab");
  Sha256 second = std::move(first);
  second.update("c");
  EXPECT_EQ(to_hex(second.finish()), sha256_hex("abc"));
}

}  // namespace
}  // namespace wrench::crypto
