#include "wrench/scan/fact_cache.hpp"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>

#include "wrench/runtime/atomic_file.hpp"
#include "wrench/runtime/temp_dir.hpp"

namespace wrench::scan {
namespace {

class FactCacheTest : public testing::Test {
 protected:
  std::string folder() const { return dir_ / "cache"; }
  std::string pack() const { return folder() + "/facts.pack"; }
  std::string bytes() const { return runtime::read_file(pack(), 1 << 20).value(); }
  void overwrite(const std::string& with) { ASSERT_TRUE(runtime::write_file_atomically(pack(), with)); }
  void fill() {
    const auto cache = FactCache::open(folder());
    cache->put("a", "one");
    cache->put("b", std::string(1000, 'x'));
  }
  runtime::TempDir dir_ = std::move(runtime::TempDir::create().value());
};

TEST_F(FactCacheTest, GivesBackWhatAnEarlierRunPut) {
  fill();
  const auto cache = FactCache::open(folder());
  EXPECT_EQ(cache->get("a"), "one");
  EXPECT_EQ(cache->get("b"), std::string(1000, 'x'));
  EXPECT_FALSE(cache->get("c"));
  EXPECT_EQ(cache->warning(), "");
}

TEST_F(FactCacheTest, TheLastValueOfAKeyCountsBeforeAndAfterWriting) {
  const auto cache = FactCache::open(folder());
  cache->put("a", "one");
  cache->put("a", "two");
  EXPECT_EQ(cache->get("a"), "two");
  cache->flush();
  EXPECT_EQ(cache->get("a"), "two");
}

TEST_F(FactCacheTest, EveryTornEndIsCutAndTheRestStays) {
  fill();
  const std::string whole = bytes();
  for (std::size_t cut = whole.size() - 1100; cut < whole.size(); cut += 7) {
    overwrite(whole.substr(0, cut));
    const auto cache = FactCache::open(folder());
    if (const auto a = cache->get("a")) EXPECT_EQ(*a, "one");
    EXPECT_FALSE(cache->get("b"));
    cache->put("c", "three");
    cache->flush();
    EXPECT_EQ(cache->get("c"), "three");
  }
}

TEST_F(FactCacheTest, ADamagedValueIsNoValue) {
  fill();
  std::string whole = bytes();
  whole[whole.size() - 5] ^= 1;
  overwrite(whole);
  const auto cache = FactCache::open(folder());
  EXPECT_EQ(cache->get("a"), "one");
  EXPECT_FALSE(cache->get("b"));
}

TEST_F(FactCacheTest, NoByteOfAValueChangesUnseen) {
  std::string value;
  for (int i = 0; i < 71; ++i) value += static_cast<char>(i * 37);  // Whole turns of the checksum, words, and a rest.
  {
    FactCache::open(folder())->put("k", value);
  }
  const std::string whole = bytes();
  const std::size_t first = whole.size() - value.size();
  for (std::size_t at = first; at < whole.size(); ++at)
    for (const char change : {'\x01', '\x80'}) {
      std::string bad = whole;
      bad[at] = static_cast<char>(bad[at] ^ change);
      std::ofstream(pack(), std::ios::binary) << bad;
      ASSERT_FALSE(FactCache::open(folder())->get("k")) << at - first;
    }
  // Nor what two of them held changes places.
  std::string swapped = whole;
  std::swap_ranges(swapped.end() - 71, swapped.end() - 63, swapped.end() - 63);
  std::ofstream(pack(), std::ios::binary) << swapped;
  EXPECT_FALSE(FactCache::open(folder())->get("k"));
}

TEST_F(FactCacheTest, AForeignFileIsReplacedWithAWarning) {
  fill();
  overwrite("not a cache at all");
  const auto cache = FactCache::open(folder());
  EXPECT_FALSE(cache->get("a"));
  EXPECT_NE(cache->warning(), "");
  cache->put("a", "new");
  cache->flush();
  EXPECT_EQ(FactCache::open(folder())->get("a"), "new");
}

TEST_F(FactCacheTest, ASecondProcessReadsAndDoesntWrite) {
  fill();
  const auto writer = FactCache::open(folder());
  const auto reader = FactCache::open(folder());
  EXPECT_EQ(reader->get("a"), "one");
  reader->put("z", "lost");
  EXPECT_FALSE(reader->get("z"));
  EXPECT_EQ(reader->warning(), "");
}

TEST_F(FactCacheTest, WhatIsSharedStandsBesideTheFoldersOfTrees) {
  const auto one = FactCache::open(folder());
  EXPECT_EQ(one->get_shared("thing"), "");
  one->put_shared("thing", "bytes");
  EXPECT_EQ(FactCache::open(dir_ / "other")->get_shared("thing"), "bytes");
  EXPECT_EQ(FactCache::open("")->get_shared("thing"), "");
}

TEST_F(FactCacheTest, AnUnusableFolderIsAnEmptyCacheWithAWarning) {
  ASSERT_TRUE(runtime::write_file_atomically(dir_ / "file", "x"));
  const auto cache = FactCache::open(dir_ / "file/cache");
  cache->put("a", "x");
  EXPECT_FALSE(cache->get("a"));
  EXPECT_NE(cache->warning(), "");
}

TEST_F(FactCacheTest, ALinkInPlaceOfThePackIsNotFollowed) {
  ASSERT_TRUE(runtime::make_directories(folder()));
  ASSERT_TRUE(runtime::write_file_atomically(dir_ / "victim", "precious"));
  ASSERT_EQ(::symlink((dir_ / "victim").c_str(), pack().c_str()), 0);
  FactCache::open(folder())->put("a", "x");
  EXPECT_EQ(runtime::read_file(dir_ / "victim", 100).value(), "precious");
}

}  // namespace
}  // namespace wrench::scan
