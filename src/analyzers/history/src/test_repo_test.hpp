#pragma once

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <utility>
#include <vector>

#include "wrench/base/text.hpp"
#include "wrench/runtime/subprocess.hpp"
#include "wrench/runtime/temp_dir.hpp"
#include "wrench/runtime/worker_pool.hpp"

namespace wrench::history {

/// A real repository in a temporary folder, made by the real git with times and people under the test's control.
class TestRepo {
 public:
  explicit TestRepo(std::vector<std::string> init_arguments = {}) : folder_(runtime::TempDir::create().value()) {
    init_arguments.insert(init_arguments.begin(), {"init", "-q", "-b", "main"});
    git(init_arguments);
  }
  const std::string& path() const { return folder_.path(); }
  std::string operator/(std::string_view name) const { return folder_ / name; }

  void write(const std::string& name, std::string_view text) const {
    const std::string path = folder_ / name;
    std::filesystem::create_directories(std::filesystem::path(path).parent_path());
    std::ofstream(path, std::ios::binary) << text;
  }
  void remove(const std::string& name) const { std::filesystem::remove(folder_ / name); }

  /// Commits all that is there. `at_s` is the commit's time; returns its id.
  std::string commit(const std::string& author, std::int64_t at_s, const std::string& message = "change") {
    git({"add", "-A"});
    const std::string date = std::to_string(at_s) + " +0000";
    git({"commit", "-q", "--allow-empty", "-m", message},
        {"GIT_AUTHOR_NAME=" + author, "GIT_AUTHOR_EMAIL=" + author + "@example.org", "GIT_COMMITTER_NAME=" + author,
         "GIT_COMMITTER_EMAIL=" + author + "@example.org", "GIT_AUTHOR_DATE=" + date, "GIT_COMMITTER_DATE=" + date});
    return git({"rev-parse", "HEAD"});
  }

  /// Plain git, as its user would run it; the test fails if git does.
  std::string git(const std::vector<std::string>& arguments, const std::vector<std::string>& environment = {},
                  const std::string& folder = {}) const {
    runtime::SubprocessSpec spec;
    spec.program = runtime::find_program("git").value();
    spec.arguments = {"-c", "protocol.file.allow=always", "-c", "gc.auto=0"};
    spec.arguments.insert(spec.arguments.end(), arguments.begin(), arguments.end());
    spec.environment = {"PATH=/usr/bin:/bin",          "HOME=/nonexistent",
                        "GIT_CONFIG_GLOBAL=/dev/null", "GIT_CONFIG_NOSYSTEM=1",
                        "GIT_AUTHOR_NAME=Test",        "GIT_AUTHOR_EMAIL=t@example.org",
                        "GIT_COMMITTER_NAME=Test",     "GIT_COMMITTER_EMAIL=t@example.org"};
    spec.environment.insert(spec.environment.begin(), environment.begin(), environment.end());
    // The first of two equal names counts for getenv(), so the caller's go first and ours are dropped.
    std::vector<std::string> unique;
    for (const std::string& one : spec.environment) {
      const std::string name = one.substr(0, one.find('=') + 1);
      bool seen = false;
      for (const std::string& other : unique) seen |= other.starts_with(name);
      if (!seen) unique.push_back(one);
    }
    spec.environment = std::move(unique);
    spec.working_directory = folder.empty() ? path() : folder;
    const auto run = runtime::capture_subprocess(spec);
    if (!run.ok()) {
      ADD_FAILURE() << describe(run.error());
      return {};
    }
    EXPECT_EQ(run->result.exit_code, 0) << join(arguments, " ") << "\n" << run->err;
    return std::string(trim(run->out));
  }

 private:
  runtime::TempDir folder_;
};

inline runtime::WorkerPool& test_pool() {
  static runtime::WorkerPool pool({.threads = 2});
  return pool;
}

}  // namespace wrench::history
