#include "backup_file.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "wrench/base/random.hpp"
#include "wrench/crypto/sha256.hpp"

namespace wrench::storage {
namespace {

using ::testing::HasSubstr;

const crypto::SealKey& key() {
  static const crypto::SealKey key = std::move(crypto::SealKey::parse(std::string(64, '7')).value());
  return key;
}

BackupManifest manifest() {
  BackupManifest m;
  m.method = "sqlite";
  m.store_id = "sto_1";
  m.epoch = 1;
  m.schema_version = 6;
  m.event_seq = 42;
  m.created_at = 1'764'000'000 * kMicrosPerSecond;
  m.program_version = "0.1.0";
  m.database_version = "3.40.1";
  m.rows = {{"events", 42}, {"tasks", 7}};
  return m;
}

std::string packed(std::string_view content, const crypto::SealKey* with = nullptr) {
  std::string bytes;
  BackupWriter writer(
      [&](std::string_view piece) -> Result<void> {
        bytes += piece;
        return {};
      },
      with);
  EXPECT_TRUE(writer.write(content.substr(0, content.size() / 3)).ok());
  EXPECT_TRUE(writer.write(content.substr(content.size() / 3)).ok());
  EXPECT_TRUE(writer.finish(manifest()).ok());
  return bytes;
}

/// The content, or the code of the error.
std::string unpacked(std::string_view bytes, const crypto::SealKey* with = nullptr) {
  std::string content;
  const auto read = read_backup(MemorySource(bytes), with, [&](std::string_view piece) -> Result<void> {
    content += piece;
    return {};
  });
  return read.ok() ? content : read.error().code;
}

/// Half of it compresses.
std::string content_of(std::size_t size) {
  SeededRandom random(7);
  std::string content;
  while (content.size() < size) content += std::string(8, 'x') + std::to_string(random.below(1'000'000'000));
  content.resize(size);
  return content;
}

TEST(BackupFile, GivesContentAndManifestBack) {
  for (const std::size_t size : {std::size_t{0}, std::size_t{1}, std::size_t{100'000}, 5 * kBackupFrameBytes}) {
    const std::string content = content_of(size);
    for (const crypto::SealKey* with : {static_cast<const crypto::SealKey*>(nullptr), &key()}) {
      const std::string bytes = packed(content, with);
      EXPECT_EQ(unpacked(bytes, with), content);
      const auto end = read_backup_end(MemorySource(bytes));
      ASSERT_TRUE(end.ok()) << describe(end.error());
      EXPECT_EQ(end->manifest.content_bytes, size);
      EXPECT_EQ(end->manifest.encrypted, with != nullptr);
      EXPECT_EQ(end->manifest.rows, manifest().rows);
      EXPECT_EQ(end->manifest.created_at, manifest().created_at);
    }
  }
}

TEST(BackupFile, AKeyOpensWhatItSealed) {
  const std::string bytes = packed(content_of(10'000), &key());
  const crypto::SealKey other = std::move(crypto::SealKey::parse(std::string(64, '8')).value());
  EXPECT_EQ(unpacked(bytes), "backup.key_needed");
  EXPECT_EQ(unpacked(bytes, &other), "backup.wrong_key");
  EXPECT_EQ(bytes.find("xxxxxxxx"), std::string::npos);
}

TEST(BackupFile, NoticesEveryFlippedBitAndEveryCut) {
  const std::string content = content_of(600);
  for (const crypto::SealKey* with : {static_cast<const crypto::SealKey*>(nullptr), &key()}) {
    const std::string bytes = packed(content, with);
    for (std::size_t bit = 0; bit < bytes.size() * 8; ++bit) {
      std::string flipped = bytes;
      flipped[bit / 8] = static_cast<char>(flipped[bit / 8] ^ (1U << (bit % 8)));
      const std::string got = unpacked(flipped, with);
      ASSERT_EQ(got, "backup.damaged") << bit << " of " << bytes.size() * 8;
    }
    for (std::size_t size = 0; size < bytes.size(); ++size)
      ASSERT_EQ(unpacked(bytes.substr(0, size), with), "backup.damaged") << size;
    ASSERT_EQ(unpacked(bytes + '\0', with), "backup.damaged");
    ASSERT_EQ(unpacked(bytes + bytes, with), "backup.damaged");
  }
}

TEST(BackupFile, NoticesAManifestOfAnotherBackup) {
  // A forger who can't open the sealed content, but can make digests.
  const std::string bytes = packed(content_of(600), &key());
  std::string forged = bytes;
  const std::size_t at = forged.find("\"epoch\":1");
  ASSERT_NE(at, std::string::npos);
  forged[at + 8] = '2';
  const std::size_t tail = forged.size() - kBackupTailBytes;
  const auto digest = crypto::sha256(std::string_view(forged).substr(0, tail));
  forged.replace(tail, digest.size(), reinterpret_cast<const char*>(digest.data()), digest.size());
  EXPECT_EQ(unpacked(forged, &key()), "backup.wrong_key");
}

TEST(BackupFile, RefusesManifestsThatLie) {
  const auto refused = [](const BackupManifest& m) {
    const auto read = decode_manifest(encode_manifest(m));
    return read.ok() ? std::string() : read.error().code;
  };
  BackupManifest good = manifest();
  good.content_sha256 = std::string(64, 'a');
  good.content_bytes = kBackupContentBytesMax;
  EXPECT_EQ(refused(good), "");
  BackupManifest m = good;
  m.content_bytes = kBackupContentBytesMax + 1;
  EXPECT_EQ(refused(m), "backup.damaged");
  m = good;
  m.content_sha256.pop_back();
  EXPECT_EQ(refused(m), "backup.damaged");
  m = good;
  m.store_id.clear();
  EXPECT_EQ(refused(m), "backup.damaged");
  m = good;
  m.rows.emplace_back("x", -1);
  EXPECT_EQ(refused(m), "backup.damaged");
  m = good;
  m.rows.clear();
  for (std::size_t i = 0; i < kBackupTablesMax; ++i) m.rows.emplace_back("t" + std::to_string(i), 0);
  EXPECT_EQ(refused(m), "");
  m.rows.emplace_back("one_more", 0);
  EXPECT_EQ(refused(m), "backup.damaged");
  EXPECT_EQ(decode_manifest("{}").error().code, "backup.damaged");
  EXPECT_EQ(decode_manifest("[[[[]]]]").error().code, "backup.damaged");
}

/// A megabyte that says it is a thousand: what comes out is bounded by the manifest, not by the bomb.
TEST(BackupFile, StopsAtTheSizeOfTheManifest) {
  const std::string small = packed(std::string(1'000, 'x'));
  const std::string large = packed(std::string(64 << 20, 'x'));
  EXPECT_LT(large.size(), std::size_t{100'000});
  // The body of the large one before the end of the small one.
  const auto manifest_at = [](const std::string& bytes) { return bytes.find("{\"method\"") - 4; };
  std::string bomb = large.substr(0, manifest_at(large)) +
                     small.substr(manifest_at(small), small.size() - kBackupTailBytes - manifest_at(small));
  const auto digest = crypto::sha256(bomb);
  std::string tail(reinterpret_cast<const char*>(digest.data()), digest.size());
  for (int i = 0; i < 8; ++i) tail += static_cast<char>(manifest_at(large) >> (8 * i));
  bomb += tail + std::string(kBackupEndMagic);
  std::size_t got = 0;
  const auto read = read_backup(MemorySource(bomb), nullptr, [&](std::string_view piece) -> Result<void> {
    got += piece.size();
    return {};
  });
  EXPECT_EQ(read.error().code, "backup.damaged");
  EXPECT_THAT(read.error().message, HasSubstr("more than its manifest says"));
  EXPECT_LE(got, std::size_t{1'000});
}

TEST(BackupFile, StopsWhenAsked) {
  StopSource stop;
  stop.request_stop();
  const auto read =
      read_backup(MemorySource(packed("x")), nullptr, [](std::string_view) { return Result<void>(); }, stop.token());
  EXPECT_EQ(read.error().code, "backup.stopped");
}

}  // namespace
}  // namespace wrench::storage
