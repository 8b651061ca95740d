#include "wrench/storage/archive.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <zstd.h>

#include <filesystem>
#include <fstream>

#include "wrench/runtime/atomic_file.hpp"
#include "wrench/runtime/temp_dir.hpp"

namespace wrench::storage {
namespace {

using codec::Json;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr Micros kNovember = 1'793'800'000 * kMicrosPerSecond;  // 2026-11-04

class ArchiveTest : public ::testing::Test {
 protected:
  ArchiveWriter writer(Micros now = kNovember) {
    auto out = ArchiveWriter::open(folder_, now);
    EXPECT_TRUE(out.ok()) << describe(out.error());
    return std::move(*out);
  }
  static void put(ArchiveWriter& to, const std::string& name, int lines) {
    ASSERT_TRUE(to.begin(Json::object({{"name", name}})).ok());
    for (int i = 0; i < lines; ++i)
      ASSERT_TRUE(to.line(R"({"name":")" + name + R"(","n":)" + std::to_string(i) + "}").ok());
    ASSERT_TRUE(to.end().ok());
  }
  std::vector<std::string> names() {
    std::vector<std::string> out;
    const auto files = list_archive_files(folder_);
    for (const auto& file : *files) {
      const auto walked = walk_archive(file, [&](const ArchiveEntry& entry) {
        out.emplace_back(entry.header.at("name").as_string());
        return true;
      });
      EXPECT_TRUE(walked.ok()) << describe(walked.error());
    }
    return out;
  }
  std::vector<std::string> problems() {
    auto checked = verify_archive(folder_, {});
    EXPECT_TRUE(checked.ok());
    return checked.ok() ? checked->problems : std::vector<std::string>{"?"};
  }
  std::string bytes() { return *runtime::read_file(file_, 1 << 24); }
  void set_bytes(std::string_view content) const {
    std::ofstream(file_, std::ios::binary | std::ios::trunc)
        .write(content.data(), static_cast<std::streamsize>(content.size()));
  }

  runtime::TempDir dir_ = *runtime::TempDir::create();
  const std::string folder_ = dir_ / "archive";
  const std::string file_ = folder_ + "/2026-11.jsonl.zst";
};

TEST_F(ArchiveTest, GivesBackWhatWasPutIn) {
  EXPECT_THAT(*list_archive_files(folder_), IsEmpty()) << "there is no folder yet";
  {
    auto to = writer();
    put(to, "a", 3);
    put(to, "b", 100'000);
    EXPECT_THAT(names(), IsEmpty()) << "not before it is safe";
    EXPECT_GT(to.unsynced_bytes(), 1'000U);
    ASSERT_TRUE(to.sync().ok());
    EXPECT_EQ(to.unsynced_bytes(), 0U);
    EXPECT_THAT(names(), ElementsAre("a", "b"));
    put(to, "c", 0);
    ASSERT_TRUE(to.sync().ok());
  }
  {
    auto to = writer(kNovember + 40 * kMicrosPerDay);
    put(to, "d", 1);
    ASSERT_TRUE(to.sync().ok());
  }
  EXPECT_THAT(names(), ElementsAre("a", "b", "c", "d"));
  EXPECT_THAT(problems(), IsEmpty());
  std::vector<std::string> lines;
  EXPECT_TRUE(walk_archive(file_, [&](const ArchiveEntry& entry) {
                EXPECT_EQ(entry.header.at("lines").as_integer(), 3);
                EXPECT_TRUE(read_archived(entry, [&](std::string_view line) -> Result<void> {
                              lines.emplace_back(line);
                              return {};
                            }).ok());
                return false;
              }).ok());
  EXPECT_THAT(lines, ElementsAre(R"({"name":"a","n":0})", R"({"name":"a","n":1})", R"({"name":"a","n":2})"));
  const auto checked = verify_archive(folder_, {});
  EXPECT_EQ(checked->files, 2);
  EXPECT_EQ(checked->records, 4);
  EXPECT_EQ(checked->lines, 100'004);
}

TEST_F(ArchiveTest, AFileIsPlainZstd) {
  {
    auto to = writer();
    put(to, "a", 1);
    put(to, "b", 2);
    ASSERT_TRUE(to.sync().ok());
  }
  const std::string packed = bytes();
  std::string out(1'000, '\0');
  ZSTD_DCtx* zstd = ZSTD_createDCtx();
  ZSTD_inBuffer from{packed.data(), packed.size(), 0};
  ZSTD_outBuffer to{out.data(), out.size(), 0};
  while (from.pos < from.size) ASSERT_FALSE(ZSTD_isError(ZSTD_decompressStream(zstd, &to, &from)));
  ZSTD_freeDCtx(zstd);
  out.resize(to.pos);
  EXPECT_EQ(out, "{\"name\":\"a\",\"n\":0}\n{\"name\":\"b\",\"n\":0}\n{\"name\":\"b\",\"n\":1}\n");
}

TEST_F(ArchiveTest, ARecordThatWasBegunIsTakenBack) {
  auto to = writer();
  put(to, "a", 1);
  ASSERT_TRUE(to.begin(Json::object({{"name", "b"}})).ok());
  ASSERT_TRUE(to.line(std::string(500'000, 'x')).ok());
  ASSERT_TRUE(to.abandon().ok());
  put(to, "c", 1);
  ASSERT_TRUE(to.sync().ok());
  EXPECT_THAT(names(), ElementsAre("a", "c"));
  EXPECT_THAT(problems(), IsEmpty());
}

TEST_F(ArchiveTest, WhatACrashLeftHalfDoneGoes) {
  std::string safe, all, unsynced;
  {
    auto to = writer();
    put(to, "a", 2);
    ASSERT_TRUE(to.sync().ok());
    safe = bytes();
    put(to, "b", 3);
    put(to, "c", 1);
    unsynced = bytes();
    ASSERT_TRUE(to.sync().ok());
    all = bytes();
  }
  ASSERT_EQ(all.size(), unsynced.size());
  const auto survives = [&](const std::string& content) {
    set_bytes(content);
    EXPECT_EQ(names().at(0), "a");
    const auto before = names();
    {
      auto again = writer();
      EXPECT_EQ(names(), before);
      put(again, "d", 1);
      ASSERT_TRUE(again.sync().ok());
    }
    auto expected = before;
    expected.emplace_back("d");
    EXPECT_EQ(names(), expected);
    EXPECT_THAT(problems(), IsEmpty());
  };
  for (std::size_t cut = safe.size(); cut <= all.size(); cut += 5) {
    survives(unsynced.substr(0, cut));
    EXPECT_THAT(names(), ElementsAre("a", "d")) << cut;
  }
  for (std::size_t cut = safe.size(); cut < all.size(); cut += 17) survives(all.substr(0, cut));
  survives(safe + std::string(5'000, '\0'));
  // The headers of what was synced last come back in any order.
  std::string later = unsynced;
  later.replace(all.size() - 200, 200, all.substr(all.size() - 200));
  survives(later);
  EXPECT_THAT(names(), ElementsAre("a", "d"));
}

TEST_F(ArchiveTest, DamageIsFound) {
  {
    auto to = writer();
    put(to, "a", 5);
    put(to, "b", 5);
    ASSERT_TRUE(to.sync().ok());
  }
  const std::string whole = bytes();
  std::vector<ArchiveEntry> entries;
  ASSERT_TRUE(walk_archive(file_, [&](ArchiveEntry entry) {
                entries.push_back(std::move(entry));
                return true;
              }).ok());
  for (const auto& entry : entries)
    for (std::uint64_t at = entry.frame_at; at < entry.frame_at + entry.frame_bytes; ++at) {
      std::string damaged = whole;
      damaged[static_cast<std::size_t>(at)] = static_cast<char>(damaged[static_cast<std::size_t>(at)] ^ 0x10);
      set_bytes(damaged);
      EXPECT_THAT(problems(),
                  ElementsAre(HasSubstr("2026-11.jsonl.zst is damaged at byte " + std::to_string(entry.at))))
          << at;
    }
  std::string damaged = whole;
  damaged[static_cast<std::size_t>(entries[1].at)] = 'x';
  set_bytes(damaged);
  EXPECT_THAT(problems(), ElementsAre(HasSubstr("no record begins there")));
  EXPECT_EQ(ArchiveWriter::open(folder_, kNovember).error().code, "storage.archive_damaged") << "nothing is cut off";
  EXPECT_EQ(bytes(), damaged);
}

TEST_F(ArchiveTest, OneProcessAppendsAtATime) {
  auto to = writer();
  EXPECT_EQ(ArchiveWriter::open(folder_, kNovember).error().code, "runtime.locked");
}

TEST_F(ArchiveTest, BoundsWhatIsPutIn) {
  auto to = writer();
  EXPECT_EQ(to.begin(Json::object({{"name", std::string(kArchiveHeaderBytesMax, 'x')}})).error().code,
            "storage.too_big");
  ASSERT_TRUE(to.begin(Json::object({{"name", "a"}})).ok());
  EXPECT_EQ(to.line(std::string(kArchiveLineBytesMax, 'x')).error().code, "storage.too_big");
  EXPECT_TRUE(to.line(std::string(kArchiveLineBytesMax - 1, 'x')).ok());
  ASSERT_TRUE(to.end().ok());
  ASSERT_TRUE(to.sync().ok());
  EXPECT_THAT(problems(), IsEmpty());
}

TEST_F(ArchiveTest, AFullDiskIsTold) {
  std::filesystem::create_directories(folder_);
  std::filesystem::create_symlink("/dev/full", file_);
  auto to = ArchiveWriter::open(folder_, kNovember);
  ASSERT_TRUE(to.ok()) << describe(to.error());
  EXPECT_EQ(to->begin(Json::object({{"name", "a"}})).error().code, "storage.full");
}

}  // namespace
}  // namespace wrench::storage
