#include <gmock/gmock.h>

#include <algorithm>
#include <filesystem>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "backup_file.hpp"
#include "backup_test.hpp"
#include "wrench/crypto/sha256.hpp"
#include "wrench/runtime/atomic_file.hpp"

namespace wrench::storage {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::IsSubsetOf;
using ::testing::SizeIs;
namespace fs = std::filesystem;

constexpr std::size_t kFileBytesMax = 8 << 20;
constexpr std::size_t kSpoiledBytesMax = 64;  ///< In one place.

/// A part of the format, as docs/reference/backup.md has it.
struct Section {
  std::string name;
  std::size_t at = 0, size = 0;
  std::size_t end() const { return at + size; }
};

std::uint64_t number_at(const std::string& bytes, std::size_t at, std::size_t size) {
  std::uint64_t value = 0;
  for (std::size_t i = 0; i < size; ++i)
    value |= std::uint64_t{static_cast<unsigned char>(bytes.at(at + i))} << (8 * i);
  return value;
}

/// Every byte is of one section.
std::vector<Section> sections_of(const std::string& bytes) {
  std::vector<Section> out;
  const auto add = [&](std::string name, std::size_t size) {
    const std::size_t at = out.empty() ? 0 : out.back().end();
    if (size > 0) out.push_back({std::move(name), at, size});
  };
  const auto add_sized = [&](const std::string& name) {
    const std::size_t size = number_at(bytes, out.back().end(), 4);
    add("length of " + name, 4);
    add(name, size);
    return size;
  };
  add("magic", kBackupMagic.size());
  for (int frame = 0; add_sized("frame " + std::to_string(frame)) > 0;) ++frame;
  add_sized("manifest");
  add_sized("seal");
  add("digest", kBackupDigestBytes);
  add("offset", 8);
  add("end magic", kBackupEndMagic.size());
  EXPECT_EQ(out.back().end(), bytes.size());
  return out;
}

/// A whole backup and where its parts are.
struct Whole {
  Whole() = default;
  explicit Whole(std::string of) : bytes(std::move(of)), sections(sections_of(bytes)) {}
  std::string bytes;
  std::vector<Section> sections;

  std::string part(const std::string& name) const {
    for (const Section& section : sections)
      if (section.name == name) return bytes.substr(section.at, section.size);
    return "";
  }
};

/// What happens to a part of `whole`, somewhere in it; `other` is another backup of the same store.
struct Damage {
  const char* name;
  std::function<std::string(const Whole& whole, const Section& part, std::size_t at, const Whole& other, Random&)> make;
};

std::string spoiled(std::string bytes, std::size_t at, std::size_t end, const std::function<char()>& value) {
  for (std::size_t i = at; i < std::min(end, at + kSpoiledBytesMax); ++i) bytes[i] = value();
  return bytes;
}

const Damage kDamages[] = {
    {"a bit is flipped",
     [](const Whole& whole, const Section&, std::size_t at, const Whole&, Random& random) {
       std::string bytes = whole.bytes;
       bytes[at] = static_cast<char>(bytes[at] ^ (1U << random.below(8)));
       return bytes;
     }},
    {"zeros", [](const Whole& whole, const Section& part, std::size_t at, const Whole&,
                 Random&) { return spoiled(whole.bytes, at, part.end(), [] { return '\0'; }); }},
    {"noise",
     [](const Whole& whole, const Section& part, std::size_t at, const Whole&, Random& random) {
       return spoiled(whole.bytes, at, part.end(), [&] { return static_cast<char>(random.below(256)); });
     }},
    {"cut", [](const Whole& whole, const Section&, std::size_t at, const Whole&,
               Random&) { return whole.bytes.substr(0, at); }},
    {"a part is lost",
     [](const Whole& whole, const Section& part, std::size_t at, const Whole&, Random& random) {
       return std::string(whole.bytes).erase(at, 1 + random.below(part.end() - at));
     }},
    {"a part is there twice",
     [](const Whole& whole, const Section& part, std::size_t at, const Whole&, Random&) {
       return std::string(whole.bytes).insert(at, whole.bytes.substr(at, part.end() - at));
     }},
    {"a part is that of another backup",
     [](const Whole& whole, const Section& part, std::size_t, const Whole& other, Random&) {
       return std::string(whole.bytes).replace(part.at, part.size, other.part(part.name));
     }},
    {"the end is that of another backup",
     [](const Whole& whole, const Section& part, std::size_t, const Whole& other, Random&) {
       const auto same = std::ranges::find(other.sections, part.name, &Section::name);
       return whole.bytes.substr(0, part.at) + (same == other.sections.end() ? "" : other.bytes.substr(same->at));
     }},
    {"two parts are swapped",
     [](const Whole& whole, const Section& part, std::size_t, const Whole&, Random& random) {
       const Section& with = whole.sections[random.below(whole.sections.size())];
       const Section& first = with.at < part.at ? with : part;
       const Section& second = with.at < part.at ? part : with;
       const auto text = [&](std::size_t from, std::size_t to) { return whole.bytes.substr(from, to - from); };
       if (&first == &second) return whole.bytes;
       return text(0, first.at) + text(second.at, second.end()) + text(first.end(), second.at) +
              text(first.at, first.end()) + text(second.end(), whole.bytes.size());
     }},
};

/// With a digest that is right again, as of bytes that were spoiled before they were hashed.
std::string with_new_digest(std::string bytes) {
  const std::size_t tail = bytes.size() - kBackupTailBytes;
  const auto digest = crypto::sha256(std::string_view(bytes).substr(0, tail));
  return bytes.replace(tail, digest.size(), reinterpret_cast<const char*>(digest.data()), digest.size());
}

class BackupDamageTest : public BackupFixture {
 protected:
  /// Of text that doesn't get smaller than a frame.
  void SetUp() override {
    auto store = open_own();
    SeededRandom random(3);
    const auto written = store->write([&](WriteTx& tx) -> Result<void> {
      for (int i = 0; i < 80; ++i) {
        std::string reader;
        while (reader.size() < 8'000) reader += static_cast<char>('0' + random.below(64));
        WRENCH_TRY(tx.exec(kPut, {reader, i}));
      }
      return {};
    });
    ASSERT_TRUE(written.ok()) << describe(written.error());
    put(*store, "a", 1);
    const auto packed = [&](const crypto::SealKey* key) {
      BackupOptions with = options();
      with.key = key;
      return Whole(*runtime::read_file(backup(with).path, kFileBytesMax));
    };
    for (const bool sealed : {false, true}) whole_[sealed] = packed(sealed ? &key_ : nullptr);
    put(*store, "a", 2);
    for (const bool sealed : {false, true}) other_[sealed] = packed(sealed ? &key_ : nullptr);
    put(*store, "a", 3);
  }

  VerifyOptions verify_with(bool sealed) {
    VerifyOptions out = verify_options();
    if (sealed) out.key = &key_;
    return out;
  }
  void write_bad(const std::string& bytes) const { ASSERT_TRUE(runtime::write_file_atomically(bad_, bytes).ok()); }

  /// Every file of the folder.
  static std::map<std::string, std::string> content_of(const std::string& folder) {
    std::map<std::string, std::string> out;
    for (const auto& entry : fs::recursive_directory_iterator(folder))
      out[entry.path().string()] =
          entry.is_regular_file() ? *runtime::read_file(entry.path().string(), kFileBytesMax) : "";
    return out;
  }

  /// Neither verification nor restore take the bytes; says which section they are of, or nothing.
  void expect_refused(const std::string& bytes, bool sealed, const std::string& what) {
    SCOPED_TRACE(what);
    write_bad(bytes);
    // As if the file had been damaged after it was verified.
    ASSERT_TRUE(runtime::write_file_atomically(bad_ + ".verified", remembered_[sealed]).ok());
    const auto report = verify_backup(bad_, verify_with(sealed), clock_, random_);
    ASSERT_FALSE(report.ok());
    EXPECT_EQ(report.error().code, "backup.damaged") << report.error().message;
    EXPECT_THAT(report.error().message, AllOf(HasSubstr(bad_), ::testing::MatchesRegex(".*: .*[a-z].*")));
    const auto listed = look_at_backup(bad_);
    EXPECT_FALSE(listed.ok() && listed->verified) << "it was verified once, and isn't what it was";
    RestoreOptions replace = restore_options(data_);
    replace.replace = true;
    replace.verify = verify_with(sealed);
    EXPECT_EQ(restore_backup(bad_, replace, clock_, random_).error().code, "backup.damaged");
    RestoreOptions anew = replace;
    anew.replace = false;
    anew.into = dir_ / "anew";
    EXPECT_EQ(restore_backup(bad_, anew, clock_, random_).error().code, "backup.damaged");
  }
  /// A lock that everybody may leave, but no store, nor anything half-done.
  void expect_nothing_restored() {
    if (fs::exists(dir_ / "anew")) {
      EXPECT_THAT(names(dir_ / "anew"), IsSubsetOf({"store.wlock"}));
    }
    EXPECT_THAT(names(to_), ::testing::Not(::testing::Contains(::testing::MatchesRegex("\\.wrench-.*-.*"))));
  }
  void remember_whole(bool sealed) {
    write_bad(whole_[sealed].bytes);
    const auto report = verify_backup(bad_, verify_with(sealed), clock_, random_);
    ASSERT_TRUE(report.ok()) << describe(report.error());
    ASSERT_THAT(report->found.problems, IsEmpty());
    remembered_[sealed] = *runtime::read_file(bad_ + ".verified", kFileBytesMax);
  }

  const crypto::SealKey key_ = std::move(crypto::SealKey::parse(std::string(64, '7')).value());
  const std::string bad_ = to_ + "/bad.wbk";
  Whole whole_[2], other_[2];  ///< Plain and sealed.
  std::string remembered_[2];
};

TEST_F(BackupDamageTest, EveryDamageToEverySectionIsFoundAndNothingIsRestored) {
  SeededRandom random(11);
  for (const bool sealed : {false, true}) remember_whole(sealed);
  const auto before = content_of(data_);
  int damaged = 0;
  for (const bool sealed : {false, true}) {
    const Whole& whole = whole_[sealed];
    ASSERT_THAT(whole.sections, SizeIs(::testing::Ge(12U))) << "more than one frame";
    for (const Section& part : whole.sections)
      for (const Damage& damage : kDamages) {
        const std::size_t at = part.at + random.below(part.size);
        const std::string bytes = damage.make(whole, part, at, other_[sealed], random);
        // Both may have the same there (the magic, a length): then that is no damage. Any other byte is under the
        // digest, is the digest, or says where things are: there is none that doesn't matter.
        if (bytes == whole.bytes || bytes == other_[sealed].bytes) continue;
        ++damaged;
        expect_refused(bytes, sealed,
                       std::string(sealed ? "sealed" : "plain") + ", " + part.name + ": " + damage.name + " at " +
                           std::to_string(at) + " of " + std::to_string(whole.bytes.size()));
        if (HasFatalFailure()) return;
      }
    // What is sealed and what is plain don't mix, also for who has the key.
    for (const char* name : {"frame 0", "manifest", "digest"}) {
      const auto part = std::ranges::find(whole.sections, name, &Section::name);
      expect_refused(std::string(whole.bytes).replace(part->at, part->size, whole_[!sealed].part(name)), true, name);
      ++damaged;
    }
  }
  EXPECT_GE(damaged, 200);
  expect_nothing_restored();
  EXPECT_EQ(content_of(data_), before) << "not a byte of the store in use";
  EXPECT_EQ(get(*open_own(), "a"), 3);
}

/// As of a memory that failed before the bytes were hashed.
TEST_F(BackupDamageTest, WhatIsBehindARightDigestIsComparedWithItself) {
  SeededRandom random(12);
  int refused = 0, harmless = 0;
  for (const bool sealed : {false, true}) {
    const Whole& whole = whole_[sealed];
    const BackupManifest manifest = read_backup_end(MemorySource(whole.bytes))->manifest;
    for (const Section& part : whole.sections)
      for (int i = 0; i < 25; ++i) {
        const Damage& damage = kDamages[random.below(std::size(kDamages))];
        const std::size_t at = part.at + random.below(part.size);
        const std::string bytes = damage.make(whole, part, at, other_[sealed], random);
        if (bytes == whole.bytes || bytes == other_[sealed].bytes ||
            bytes.size() < kBackupMagic.size() + kBackupTailBytes)
          continue;
        SCOPED_TRACE(part.name + ": " + damage.name + " at " + std::to_string(at) + (sealed ? ", sealed" : ""));
        const std::string forged = with_new_digest(bytes);
        std::string content;
        const auto read =
            read_backup(MemorySource(forged), sealed ? &key_ : nullptr, [&](std::string_view piece) -> Result<void> {
              content += piece;
              return {};
            });
        if (!read.ok()) {
          ++refused;
          EXPECT_TRUE(read.error().code == "backup.damaged" || (sealed && read.error().code == "backup.wrong_key") ||
                      (!sealed && read.error().code == "backup.key_needed"))
              << describe(read.error());
          continue;
        }
        // The content has a digest of its own in the manifest. The plain manifest has nothing but the store that it
        // describes: what that can't contradict is when, and by which versions, the backup was made.
        EXPECT_EQ(crypto::to_hex(crypto::sha256(content)), manifest.content_sha256);
        write_bad(forged);
        const auto report = verify_backup(bad_, verify_with(sealed), clock_, random_);
        if (!report.ok() || !report->found.problems.empty()) {
          ++refused;
          continue;
        }
        ++harmless;
        BackupManifest same = *report->backup.manifest;
        same.created_at = manifest.created_at;
        same.program_version = manifest.program_version;
        same.database_version = manifest.database_version;
        EXPECT_EQ(encode_manifest(same), encode_manifest(manifest));
      }
  }
  EXPECT_GT(refused, 300);
  EXPECT_LT(harmless, refused / 4);
}

/// What a manifest says decides what is asked of the user: of a damaged one nothing must follow.
TEST_F(BackupDamageTest, AManifestIsBelievedOnlyOfAFileThatIsWhole) {
  for (const bool sealed : {false, true}) remember_whole(sealed);
  const struct {
    const char *member, *becomes;
  } changes[] = {{"\"method\":\"sqlite\"", "\"method\":\"sqlitd\""},
                 {"\"store_id\":\"sto_", "\"store_id\":\"sto-"},
                 {"\"content_bytes\":", "\"content_bytes\":99999"},
                 {"\"schema_version\":", "\"schema_version\":9"}};
  const auto before = content_of(data_);
  for (const bool sealed : {false, true})
    for (const auto& [member, becomes] : changes) {
      std::string bytes = whole_[sealed].bytes;
      const std::size_t at = bytes.find(member);
      if (at == std::string::npos) continue;
      const auto part = std::ranges::find(whole_[sealed].sections, "manifest", &Section::name);
      bytes.replace(at, std::string_view(member).size(), becomes);
      const std::size_t size = part->size + std::string_view(becomes).size() - std::string_view(member).size();
      for (std::size_t i = 0; i < 4; ++i) bytes[part->at - 4 + i] = static_cast<char>(size >> (8 * i));
      ASSERT_TRUE(read_backup_end(MemorySource(bytes)).ok()) << becomes;
      expect_refused(bytes, sealed, becomes);
    }
  EXPECT_EQ(content_of(data_), before);
  expect_nothing_restored();
}

}  // namespace
}  // namespace wrench::storage
