#include "wrench/crypto/sealed_stream.hpp"

#include <gtest/gtest.h>

#include <vector>

namespace wrench::crypto {
namespace {

SealKey key(char digit = '7') { return std::move(SealKey::parse(std::string(64, digit) + "\n").value()); }

TEST(SealKey, IsSixtyFourHexDigits) {
  EXPECT_TRUE(SealKey::parse(std::string(64, 'a')).ok());
  EXPECT_TRUE(SealKey::parse("  " + std::string(64, 'F') + "\n").ok());
  for (const std::string& text : {std::string(), std::string(63, 'a'), std::string(66, 'a'), std::string(64, 'g'),
                                  std::string(32, 'a') + " " + std::string(32, 'a')})
    EXPECT_EQ(SealKey::parse(text).error().code, "crypto.invalid_key") << text;
}

TEST(SealedStream, GivesTheMessagesBack) {
  StreamSealer sealer(key());
  const std::string first = sealer.seal("first", SealTag::Message);
  const std::string empty = sealer.seal("", SealTag::Message);
  const std::string last = sealer.seal("", SealTag::Last, "also");
  EXPECT_EQ(first.size(), 5 + kSealOverheadBytes);
  StreamOpener opener = std::move(StreamOpener::open(key(), sealer.header()).value());
  EXPECT_EQ(opener.message(first, SealTag::Message).value(), "first");
  EXPECT_EQ(opener.message(empty, SealTag::Message).value(), "");
  EXPECT_EQ(opener.message(last, SealTag::Last, "also").value(), "");
}

TEST(SealedStream, TwoOfTheSameDiffer) { EXPECT_NE(StreamSealer(key()).header(), StreamSealer(key()).header()); }

/// Every way to change a stream of two messages ends in the same error.
TEST(SealedStream, NoticesEveryChange) {
  StreamSealer sealer(key());
  const std::string first = sealer.seal("first", SealTag::Message);
  const std::string last = sealer.seal("last", SealTag::Last, "also");
  const auto fails = [&](const std::vector<std::string>& messages, const SealKey& with, std::string_view also) {
    auto opener = StreamOpener::open(with, sealer.header());
    for (std::size_t i = 0; i < messages.size(); ++i) {
      const bool is_last = i + 1 == messages.size();
      const auto got =
          opener->message(messages[i], is_last ? SealTag::Last : SealTag::Message, is_last ? also : std::string_view());
      if (!got.ok()) return got.error().code == "crypto.seal_broken";
    }
    return false;
  };
  EXPECT_FALSE(fails({first, last}, key(), "also"));
  EXPECT_TRUE(fails({first, last}, key('8'), "also"));
  EXPECT_TRUE(fails({first, last}, key(), "other"));
  EXPECT_TRUE(fails({first}, key(), "also"));
  EXPECT_TRUE(fails({last}, key(), "also"));
  EXPECT_TRUE(fails({first, first, last}, key(), "also"));
  EXPECT_TRUE(fails({first, last.substr(0, 5)}, key(), "also"));
  for (std::size_t bit = 0; bit < first.size() * 8; ++bit) {
    std::string flipped = first;
    flipped[bit / 8] = static_cast<char>(flipped[bit / 8] ^ (1U << (bit % 8)));
    EXPECT_TRUE(fails({flipped, last}, key(), "also")) << bit;
  }
  EXPECT_EQ(StreamOpener::open(key(), "short").error().code, "crypto.seal_broken");
}

}  // namespace
}  // namespace wrench::crypto
