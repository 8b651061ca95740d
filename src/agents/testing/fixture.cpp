#include "fixture.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <fstream>
#include <system_error>

#include "suite_reader.hpp"
#include "wrench/base/text.hpp"
#include "wrench/crypto/sha256.hpp"
#include "wrench/runtime/atomic_file.hpp"
#include "wrench/runtime/rooted_dir.hpp"
#include "wrench/runtime/subprocess.hpp"

namespace wrench::agents {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kFolderDepthMax = 32;
constexpr unsigned kFolderMode = 0755;
constexpr unsigned kFileMode = 0644;

/// Folders above a file, one by one: an earlier link among them would lead out of the fixture.
Result<void> make_parents(const std::string& root, const std::string& path) {
  for (auto slash = path.find('/'); slash != std::string::npos; slash = path.find('/', slash + 1)) {
    const std::string folder = root + "/" + path.substr(0, slash);
    struct stat found{};
    if (::lstat(folder.c_str(), &found) == 0) {
      if (S_ISDIR(found.st_mode)) continue;
      return Error("agent.test_fixture", path + ": " + path.substr(0, slash) + " is no folder");
    }
    if (errno != ENOENT || ::mkdir(folder.c_str(), kFolderMode) != 0) return errno_error(errno, folder);
  }
  return {};
}

Result<void> remove_file(const std::string& root, const std::string& path) {
  WRENCH_TRY(make_parents(root, path));
  if (::unlink((root + "/" + path).c_str()) != 0) return errno_error(errno, "can't remove " + path);
  return {};
}

Result<void> write_file(const std::string& path, std::string_view bytes) {
  const int fd = ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, kFileMode);
  if (fd < 0) return errno_error(errno, path);
  int failed = 0;
  while (!bytes.empty() && failed == 0) {
    const auto written = ::write(fd, bytes.data(), bytes.size());
    if (written > 0)
      bytes.remove_prefix(static_cast<std::size_t>(written));
    else if (errno != EINTR)
      failed = errno;
  }
  if (::close(fd) != 0 && failed == 0) failed = errno;
  return failed == 0 ? Result<void>() : errno_error(failed, path);
}

Result<void> place(const std::string& root, const FixtureFile& file) {
  WRENCH_TRY(make_parents(root, file.path));
  const std::string path = root + "/" + file.path;
  if (::unlink(path.c_str()) != 0 && errno != ENOENT) return errno_error(errno, path);
  if (file.kind == FixtureFile::Kind::Regular) return write_file(path, file.content);
  if (::symlink(file.content.c_str(), path.c_str()) != 0) return errno_error(errno, path);
  return {};
}

class FolderCopy {
 public:
  FolderCopy(const runtime::RootedDir& from, const std::string& root) : from_(from), root_(root) {}

  Result<void> copy(const std::string& folder, std::size_t depth = 0) {
    if (depth > kFolderDepthMax) return Error("agent.test_fixture", folder + " is too deep");
    for (const auto& entry : WRENCH_TRY(from_.list(folder))) {
      const std::string path = folder.empty() ? entry.name : folder + "/" + entry.name;
      if (const auto problem = path_problem(path); !problem.empty())
        return Error("agent.test_fixture", path + ": " + problem);
      if (entry.kind == runtime::FileKind::Folder) {
        WRENCH_TRY(copy(path, depth + 1));
        continue;
      }
      if (entry.kind != runtime::FileKind::Regular)
        return Error("agent.test_fixture", path + " is no file; links are written in 'files'");
      if (++files_ > kFixtureFilesMax) return Error("agent.test_fixture", "the folder has more than 1000 files");
      auto bytes = WRENCH_TRY(from_.read(path, kFixtureBytesMax - bytes_));
      bytes_ += bytes.size();
      WRENCH_TRY(place(root_, {path, FixtureFile::Kind::Regular, std::move(bytes)}));
    }
    return {};
  }

 private:
  const runtime::RootedDir& from_;
  const std::string& root_;
  std::size_t files_ = 0, bytes_ = 0;
};

/// Git as if nobody had ever configured it, so that commits have the same ids everywhere.
class Git {
 public:
  Git(std::string program, const std::string& root, const StopToken& stop, const Deadline& deadline)
      : program_(std::move(program)), root_(root), stop_(stop), deadline_(deadline) {}

  Result<void> run(std::vector<std::string> words, const FixtureCommit& commit) const {
    runtime::SubprocessSpec spec;
    spec.program = program_;
    spec.arguments = {"-c", "core.hooksPath=/dev/null", "-c", "gc.auto=0", "-c", "commit.gpgsign=false"};
    spec.arguments.insert(spec.arguments.end(), words.begin(), words.end());
    const std::string date = "@" + std::to_string(commit.at / kMicrosPerSecond) + " +0000";
    spec.environment = {"PATH=/usr/bin:/bin",
                        "HOME=/nonexistent",
                        "GIT_CONFIG_GLOBAL=/dev/null",
                        "GIT_CONFIG_NOSYSTEM=1",
                        "GIT_TERMINAL_PROMPT=0",
                        "GIT_AUTHOR_NAME=" + commit.author_name,
                        "GIT_AUTHOR_EMAIL=" + commit.author_email,
                        "GIT_AUTHOR_DATE=" + date,
                        "GIT_COMMITTER_NAME=" + commit.author_name,
                        "GIT_COMMITTER_EMAIL=" + commit.author_email,
                        "GIT_COMMITTER_DATE=" + date};
    spec.working_directory = root_;
    const auto done = WRENCH_TRY(runtime::capture_subprocess(spec, stop_, deadline_));
    if (done.result.succeeded()) return {};
    return Error("agent.test_fixture", "git " + words.front() + " failed: " + std::string(trim(done.err)));
  }

 private:
  std::string program_;
  const std::string& root_;
  const StopToken& stop_;
  const Deadline& deadline_;
};

Result<void> commit_all(const Fixture& fixture, const std::string& root, const StopToken& stop,
                        const Deadline& deadline) {
  const Git git(WRENCH_TRY(runtime::find_program("git")), root, stop, deadline);
  WRENCH_TRY(git.run({"init", "-q", "-b", "main"}, {}));
  for (const FixtureCommit& commit : fixture.commits) {
    for (const auto& path : commit.removed) WRENCH_TRY(remove_file(root, path));
    for (const auto& file : commit.files) WRENCH_TRY(place(root, file));
    WRENCH_TRY(git.run({"add", "-A"}, commit));
    WRENCH_TRY(git.run({"commit", "-q", "--allow-empty", "-m", commit.message}, commit));
  }
  return {};
}

Result<std::string> state_of(const std::string& path) {
  struct stat found{};
  if (::lstat(path.c_str(), &found) != 0) return errno_error(errno, path);
  std::string out = std::to_string(found.st_mode) + " ";
  if (S_ISLNK(found.st_mode)) {
    std::error_code failed;
    out += fs::read_symlink(path, failed).string();
    if (failed) return errno_error(failed.value(), path);
  } else if (S_ISREG(found.st_mode)) {
    out += crypto::sha256_hex(WRENCH_TRY(runtime::read_file(path, 4 * kFixtureBytesMax)));
  }
  return out;
}

}  // namespace

Result<void> build_fixture(const Fixture& fixture, const std::string& suite_folder, const std::string& root,
                           const StopToken& stop, const Deadline& deadline) {
  if (!fixture.folder.empty()) {
    if (suite_folder.empty())
      return Error("agent.test_invalid", "'dir' is below the folder of the suite's file, and this suite has none");
    const auto above = WRENCH_TRY(runtime::RootedDir::open(suite_folder));
    WRENCH_TRY(above.list(fixture.folder));  // Follows no link, unlike opening its path.
    const auto from = WRENCH_TRY(runtime::RootedDir::open(suite_folder + "/" + fixture.folder));
    WRENCH_TRY(FolderCopy(from, root).copy(""));
  }
  if (!fixture.commits.empty()) WRENCH_TRY(commit_all(fixture, root, stop, deadline));
  for (const auto& file : fixture.files) WRENCH_TRY(place(root, file));
  return {};
}

Result<TreeState> tree_state(const std::string& root) {
  TreeState out;
  std::error_code failed;
  fs::recursive_directory_iterator at(root, fs::directory_options::none, failed);
  for (; !failed && at != fs::recursive_directory_iterator(); at.increment(failed)) {
    const std::string path = at->path().string();
    out.emplace(path.substr(root.size() + 1), WRENCH_TRY(state_of(path)));
  }
  if (failed) return errno_error(failed.value(), root);
  return out;
}

std::string difference(const TreeState& before, const TreeState& after) {
  for (const auto& [path, state] : before) {
    const auto now = after.find(path);
    if (now == after.end()) return path + " is gone";
    if (now->second != state) return path + " is different";
  }
  for (const auto& [path, state] : after)
    if (!before.contains(path)) return path + " is new";
  return {};
}

}  // namespace wrench::agents
