#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "wrench/base/text.hpp"
#include "wrench/codec/json.hpp"
#include "wrench/runtime/subprocess.hpp"
#include "wrench/runtime/temp_dir.hpp"
#include "wrench/scan/fact_cache.hpp"
#include "wrench/scan/scan.hpp"
#include "wrench/secrets/secret_rules.hpp"

namespace wrench::scan {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::StartsWith;

class HistorySecretsTest : public testing::Test {
 protected:
  void SetUp() override {
    const auto program = runtime::find_program("git");
    ASSERT_TRUE(program.ok()) << describe(program.error());
    program_ = *program;
    fs::create_directories(tree());
    git({"init", "-q", "-b", "main"});
  }
  std::string tree() const { return dir_ / "tree"; }
  void write(const std::string& path, std::string_view text) const {
    fs::create_directories(fs::path(tree() + "/" + path).parent_path());
    std::ofstream(tree() + "/" + path, std::ios::binary) << text;
  }
  std::string git(std::vector<std::string> arguments, const std::string& day = "2024-03-02") const {
    const runtime::SubprocessSpec spec{
        .program = program_,
        .arguments = std::move(arguments),
        .environment = {"GIT_CONFIG_NOSYSTEM=1", "GIT_CONFIG_GLOBAL=/dev/null", "HOME=/nonexistent",
                        "PATH=/usr/bin:/bin", "GIT_AUTHOR_NAME=Ada", "GIT_AUTHOR_EMAIL=ada@example.org",
                        "GIT_COMMITTER_NAME=Ada", "GIT_COMMITTER_EMAIL=ada@example.org",
                        "GIT_AUTHOR_DATE=" + day + "T23:30:00-0500", "GIT_COMMITTER_DATE=" + day + "T23:30:00-0500"},
        .working_directory = tree()};
    const auto output = runtime::capture_subprocess(spec).value();
    EXPECT_TRUE(output.result.succeeded()) << output.err;
    return std::string(trim(output.out));
  }
  std::string commit(const std::string& day) const {
    git({"add", "-A"});
    git({"commit", "-q", "--allow-empty", "-m", "change"}, day);
    return git({"rev-parse", "HEAD"});
  }
  static std::string secret(std::uint64_t seed) {
    return "sk_live_" + secrets::expand_generators("{{alnum:24}}", seed).value();
  }
  ScanRequest request() const {
    ScanRequest out;
    out.paths = {tree()};
    out.analyses = {Analysis::Secrets};
    out.history_secrets = true;
    return out;
  }
  findings::Report scan(const ScanRequest& request, FactCache* cache = nullptr) {
    ScanContext context{.pool = pool_, .clock = clock_, .cache = cache};
    return run(request, context, {}).value();
  }
  // Of what stands in the history: path below the tree, what is known of it.
  std::vector<std::string> historic(const findings::Report& report) const {
    std::vector<std::string> out;
    for (const auto& finding : report.findings) {
      if (!finding.historic) continue;
      const auto& path = finding.where.path;
      out.push_back((path.starts_with(tree()) ? path.substr(tree().size() + 1) : path) + ":" +
                    std::to_string(finding.where.start.line) + " " + finding.historic->path + " " +
                    (finding.introduced ? finding.introduced->date + " " + finding.introduced->author : "nobody") +
                    (finding.historic->in_head ? " in head" : ""));
    }
    return out;
  }
  static std::string stable(findings::Report report) {
    report.run = {};
    report.summary.files_scanned += std::exchange(report.summary.files_cached, 0);
    return codec::write_json(findings::to_json(report), {.pretty = true});
  }

  runtime::TempDir dir_ = std::move(runtime::TempDir::create().value());
  runtime::WorkerPool pool_{{.threads = 4}};
  ManualClock clock_;
  std::string program_;
};

TEST_F(HistorySecretsTest, WhatWasRemovedIsStillThere) {
  write("src/a.py", "\nkey = '" + secret(1) + "'\n");
  write("kept.py", "key = '" + secret(2) + "'\n");
  const auto first = commit("2024-03-02");
  write("src/a.py", "import os\n\n\nkey = '" + secret(1) + "'\n");  // The same value in another content.
  commit("2024-03-05");
  write("src/a.py", "key = os.environ['KEY']\n");
  commit("2024-03-07");
  const auto report = scan(request());
  EXPECT_THAT(historic(report), ElementsAre("src/a.py@" + first.substr(0, 7) + ":2 src/a.py 2024-03-02 Ada"));
  ASSERT_EQ(report.findings.size(), 2U);
  // What the tree holds is told there, and since when.
  EXPECT_FALSE(report.findings[0].historic.has_value());
  EXPECT_EQ(report.findings[0].introduced->commit, first);
  const auto& gone = report.findings[1];
  EXPECT_EQ(gone.introduced->commit, first);
  EXPECT_EQ(gone.historic->blob, git({"rev-parse", first + ":src/a.py"}));
  EXPECT_THAT(gone.message, HasSubstr("removed from the files"));
  EXPECT_GT(gone.rank, 0);
  EXPECT_TRUE(report.run.complete);
  for (std::uint64_t seed = 1; seed <= 2; ++seed)
    EXPECT_THAT(codec::write_json(findings::to_json(report)), Not(HasSubstr(secret(seed).substr(8))));
  auto tree_only = request();
  tree_only.history_secrets = false;
  EXPECT_EQ(scan(tree_only).findings.size(), 1U);
}

TEST_F(HistorySecretsTest, EveryContentCountsHoweverItGotThere) {
  write("base.txt", "x\n");
  commit("2024-01-01");
  git({"checkout", "-q", "-b", "side"});
  write("side.py", "key = '" + secret(1) + "'\n");
  const auto side = commit("2024-01-02");
  write("both.txt", "side\n");
  commit("2024-01-03");
  git({"checkout", "-q", "main"});
  write("both.txt", "main\n");
  commit("2024-01-04");
  git({"merge", "-q", "-s", "ours", "--no-commit", "side"});
  write("both.txt", "merged by hand: " + secret(2) + "\n");
  const auto merge = commit("2024-01-05");
  write("both.txt", "clean\n");
  commit("2024-01-06");
  // Never committed.
  write("loose.txt", "key = '" + secret(3) + "'\n");
  const auto blob = git({"hash-object", "-w", "loose.txt"});
  fs::remove(tree() + "/loose.txt");
  EXPECT_THAT(historic(scan(request())),
              testing::UnorderedElementsAre("both.txt@" + merge.substr(0, 7) + ":1 both.txt 2024-01-05 Ada",
                                            "side.py@" + side.substr(0, 7) + ":1 side.py 2024-01-02 Ada",
                                            "blob@" + blob.substr(0, 7) + ":1  nobody"));
}

TEST_F(HistorySecretsTest, DirectivesExclusionsAndBinariesCountAsInFiles) {
  write("a.py", "key = '" + secret(1) + "'  # gitleaks:allow\n");
  write("out/b.py", "key = '" + secret(2) + "'\n");
  write("c.bin", std::string("\0\0", 2) + secret(3) + "\n");
  write(
      "wide.txt", "\xFF\xFE" + [] {
        std::string out;
        for (const char c : "key = '" + secret(4) + "'\n") out += {c, '\0'};
        return out;
      }());
  commit("2024-01-01");
  for (const char* path : {"a.py", "out", "c.bin", "wide.txt"}) fs::remove_all(tree() + "/" + path);
  write(".wrench.yaml", "exclude: [out/]\n");
  commit("2024-01-02");
  const auto report = scan(request());
  std::vector<std::string> found;
  for (const auto& finding : report.findings)
    found.push_back(finding.historic->path + (finding.suppressed ? " suppressed" : ""));
  EXPECT_THAT(found, ElementsAre("a.py suppressed", "wide.txt"));
  EXPECT_EQ(report.summary.suppressed, 1U);
}

TEST_F(HistorySecretsTest, IsTheSameForAnyJobsAndAKnownHistoryIsNotReadAgain) {
  for (std::uint64_t i = 0; i < 30; ++i) {
    write("f" + std::to_string(i % 4) + ".py", std::string(i, '\n') + "key = '" + secret(i) + "'\n");
    write("plain.txt", "nothing " + std::to_string(i) + "\n");
    commit("2024-01-" + std::string(i < 9 ? "0" : "") + std::to_string(i + 1));
  }
  auto one = request();
  one.jobs = 1;
  const std::string expected = stable(scan(one));
  EXPECT_THAT(expected, HasSubstr("\"in_head\""));
  EXPECT_EQ(stable(scan(request())), expected);
  for (int round = 0; round < 2; ++round) {
    const auto cache = FactCache::open(dir_ / "cache");
    EXPECT_EQ(stable(scan(request(), cache.get())), expected);
  }
  // A content that was found clean isn't asked for again: that it is damaged now goes unnoticed.
  const auto plain = git({"rev-parse", "HEAD:plain.txt"});
  const std::string object = tree() + "/.git/objects/" + plain.substr(0, 2) + "/" + plain.substr(2);
  fs::permissions(object, fs::perms::owner_all);
  std::string bytes;
  std::getline(std::ifstream(object, std::ios::binary), bytes, '\0');
  fs::resize_file(object, fs::file_size(object) - 5);
  const auto cache = FactCache::open(dir_ / "cache");
  EXPECT_EQ(stable(scan(request(), cache.get())), expected);
  const auto damaged = scan(request());
  ASSERT_FALSE(damaged.partial.empty());
  EXPECT_EQ(damaged.partial[0].code, "git_object_missing");
  EXPECT_FALSE(damaged.run.complete);
}

TEST_F(HistorySecretsTest, WhatTheHistoryOfARevisionHoldsIsOld) {
  write("a.py", "key = '" + secret(1) + "'\n");
  commit("2024-01-01");
  fs::remove(tree() + "/a.py");
  const auto second = commit("2024-01-02");
  write("b.py", "key = '" + secret(2) + "'\n");
  commit("2024-01-03");
  fs::remove(tree() + "/b.py");
  commit("2024-01-04");
  auto asked = request();
  asked.new_since = second;
  std::vector<std::string> found;
  for (const auto& finding : scan(asked).findings)
    found.push_back(finding.historic->path + (finding.is_new ? " new" : " old"));
  EXPECT_THAT(found, ElementsAre("a.py old", "b.py new"));
}

TEST_F(HistorySecretsTest, AFolderWithoutHistoryIsScannedAllTheSame) {
  fs::remove_all(tree() + "/.git");
  write("a.py", "key = '" + secret(1) + "'\n");
  const auto report = scan(request());
  EXPECT_EQ(report.findings.size(), 1U);
  EXPECT_THAT(report.notes, testing::Contains(StartsWith("no git repository")));
}

}  // namespace
}  // namespace wrench::scan
