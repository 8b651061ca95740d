#include "tar_reader.hpp"

#include <gtest/gtest.h>

#include <cstdio>
#include <filesystem>
#include <string>

#include "wrench/runtime/atomic_file.hpp"
#include "wrench/runtime/temp_dir.hpp"

namespace wrench::storage {
namespace {

namespace fs = std::filesystem;

/// A header as POSIX wants it.
std::string entry(const std::string& name, char type, const std::string& content, const std::string& prefix = {}) {
  std::string header(512, '\0');
  const auto put = [&](std::size_t at, const std::string& text) { header.replace(at, text.size(), text); };
  char size[13];
  std::snprintf(size, sizeof size, "%011zo", content.size());
  put(0, name);
  put(100, "0000600");
  put(124, size);
  put(156, std::string(1, type));
  put(257, "ustar");
  put(263, "00");
  put(345, prefix);
  put(148, "        ");
  unsigned sum = 0;
  for (const char c : header) sum += static_cast<unsigned char>(c);
  char checksum[8];
  std::snprintf(checksum, sizeof checksum, "%06o", sum);
  put(148, std::string(checksum) + std::string(1, '\0') + " ");
  std::string out = header + content;
  out.resize((out.size() + 511) / 512 * 512);
  return out;
}

class TarReaderTest : public ::testing::Test {
 protected:
  Result<void> unpack(const std::string& archive) {
    const MemorySource source(archive);
    return unpack_tar(source, 0, archive.size(), dir_.path(), {});
  }
  std::string code(const std::string& archive) {
    const auto done = unpack(archive);
    return done.ok() ? "" : done.error().code;
  }
  runtime::TempDir dir_ = *runtime::TempDir::create();
};

TEST_F(TarReaderTest, MakesFilesAndFolders) {
  const std::string large(1'500'000, 'x');
  const std::string end(1024, '\0');
  const auto done = unpack(entry("base/", '5', "") + entry("./base/1", '0', "one") + entry("empty", '0', "") +
                           entry("2", '0', large, "base") + end + "what comes after the end");
  ASSERT_TRUE(done.ok()) << describe(done.error());
  EXPECT_EQ(*runtime::read_file(dir_ / "base/1", 100), "one");
  EXPECT_EQ(*runtime::read_file(dir_ / "empty", 100), "");
  EXPECT_EQ(*runtime::read_file(dir_ / "base/2", 2'000'000), large);
  EXPECT_EQ(fs::status(dir_ / "base/1").permissions(), fs::perms::owner_read | fs::perms::owner_write);
}

TEST_F(TarReaderTest, NothingGetsOutOfTheFolder) {
  for (const char* name : {"/etc/x", "../x", "a/../../x", "././x", "a//x", "", "."})
    EXPECT_EQ(code(entry(name, '0', "x")), "backup.damaged") << name;
  for (const char type : {'1', '2', '3', '4', '6', '7', 'x', 'L'})
    EXPECT_EQ(code(entry("link", type, "")), "backup.damaged") << type;
  EXPECT_TRUE(fs::is_empty(dir_.path()));
  // What is there isn't overwritten.
  EXPECT_EQ(code(entry("a", '0', "1") + entry("a", '0', "2")), "storage.io");
}

TEST_F(TarReaderTest, DamageIsSeen) {
  const std::string good = entry("a", '0', "content");
  for (const std::size_t at : {std::size_t{0}, std::size_t{130}, std::size_t{150}, std::size_t{258}}) {
    std::string bad = good;
    bad[at] = static_cast<char>(bad[at] ^ 1);
    EXPECT_EQ(code(bad), "backup.damaged") << at;
  }
  EXPECT_EQ(code(good.substr(0, 600)), "backup.damaged");
  EXPECT_EQ(code(good.substr(0, 300)), "backup.damaged");
  const MemorySource source(good);
  EXPECT_EQ(unpack_tar(source, 0, good.size() + 1, dir_.path(), {}).error().code, "backup.damaged");
  EXPECT_EQ(unpack_tar(source, good.size() + 1, 0, dir_.path(), {}).error().code, "backup.damaged");
}

TEST_F(TarReaderTest, StopsWhenAsked) {
  StopSource stop;
  stop.request_stop();
  const std::string archive = entry("a", '0', "content");
  const MemorySource source(archive);
  EXPECT_EQ(unpack_tar(source, 0, archive.size(), dir_.path(), stop.token()).error().code, "backup.stopped");
}

}  // namespace
}  // namespace wrench::storage
