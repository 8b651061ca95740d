#include "known_contents.hpp"

#include <gtest/gtest.h>

#include "wrench/runtime/temp_dir.hpp"

namespace wrench::scan {
namespace {

constexpr Micros kNow = 1'000'000 * kMicrosPerSecond;

FoundFile file_changed_at(Micros at_us, std::uint64_t inode = 7) {
  FoundFile file;
  file.stamp = {.size = 10, .modified_ns = at_us * 1000, .changed_ns = at_us * 1000, .device = 1, .inode = inode};
  return file;
}

FileBytes with_id(std::string id) {
  FileBytes bytes;
  bytes.content_id = std::move(id);
  return bytes;
}

class KnownContentsTest : public testing::Test {
 protected:
  void save(const FoundFile& file, const std::string& id) {
    const std::vector files{file};
    std::vector<FileBytes> bytes;
    bytes.push_back(with_id(id));
    KnownContents(*cache_, kNow).save(*cache_, files, bytes);
  }
  std::optional<std::string> of(const FoundFile& file) const { return KnownContents(*cache_, kNow).of(file); }

  runtime::TempDir folder_ = runtime::TempDir::create().value();
  std::unique_ptr<FactCache> cache_ = FactCache::open(folder_ / "cache");
};

TEST_F(KnownContentsTest, KnowsAFileThatNobodyTouched) {
  const auto file = file_changed_at(kNow - 3 * kMicrosPerSecond);
  EXPECT_EQ(of(file), std::nullopt);
  save(file, "sha256:aa");
  EXPECT_EQ(of(file), "sha256:aa");
  save(file_changed_at(0, 8), "sha256:bb");
  EXPECT_EQ(of(file), "sha256:aa") << "another part of the tree was looked at since";
}

TEST_F(KnownContentsTest, AnyChangeOfTheStampMakesItUnknown) {
  const auto file = file_changed_at(0);
  save(file, "sha256:aa");
  for (const auto change : std::initializer_list<void (*)(runtime::FileStamp&)>{
           [](auto& stamp) { ++stamp.size; }, [](auto& stamp) { ++stamp.modified_ns; },
           [](auto& stamp) { ++stamp.changed_ns; }, [](auto& stamp) { ++stamp.device; },
           [](auto& stamp) { ++stamp.inode; }}) {
    auto other = file;
    change(other.stamp);
    EXPECT_EQ(of(other), std::nullopt);
  }
}

TEST_F(KnownContentsTest, AFileThatChangedJustNowIsReadAgain) {
  const auto fresh = file_changed_at(kNow - kSettledAfter);
  save(fresh, "sha256:aa");
  EXPECT_EQ(of(fresh), std::nullopt);
  save(file_changed_at(0), "");
  EXPECT_EQ(of(file_changed_at(0)), std::nullopt) << "it couldn't be read";
}

TEST_F(KnownContentsTest, ADamagedRecordIsNoRecord) {
  cache_->put("contents/1", "\xff\xff\xff");
  EXPECT_EQ(of(file_changed_at(0)), std::nullopt);
}

}  // namespace
}  // namespace wrench::scan
