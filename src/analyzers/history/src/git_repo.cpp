#include "wrench/history/git_repo.hpp"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <string>
#include <utility>

#include "git_folder.hpp"
#include "nul_records.hpp"
#include "wrench/base/text.hpp"

namespace wrench::history {
namespace {

constexpr std::uint64_t kShortAnswerBytesMax = std::uint64_t{64} << 10;
constexpr std::size_t kComplaintBytesMax = 400;
constexpr std::size_t kShallowCommitsMax = 1'000'000;
constexpr Micros kShortAnswerWallMax =
    600 * kMicrosPerSecond;  // git may wait for a disk; a busy machine isn't a fault.

/// Nothing of the user's or the system's configuration is read, and nothing of ours is inherited.
/// GIT_ALLOW_PROTOCOL wins over every protocol.*.allow of the repository: a missing object of a partial clone must not
/// start a transport, because `ext::` transports are commands.
std::vector<std::string> git_environment() {
  return {"PATH=/usr/bin:/bin",
          "HOME=/nonexistent",
          "LC_ALL=C",
          "GIT_CONFIG_NOSYSTEM=1",
          "GIT_CONFIG_GLOBAL=/dev/null",
          "GIT_CONFIG_SYSTEM=/dev/null",
          "GIT_ATTR_NOSYSTEM=1",
          "GIT_TERMINAL_PROMPT=0",
          "GIT_ALLOW_PROTOCOL=none",
          "GIT_NO_LAZY_FETCH=1",
          "GIT_NO_REPLACE_OBJECTS=1",
          "GIT_GRAFT_FILE=/dev/null",
          "GIT_OPTIONAL_LOCKS=0",
          "GIT_PAGER=cat"};
}

/// Settings by which a repository could run a program, read a file elsewhere or change what the log shows.
constexpr std::string_view kOverrides[] = {"core.fsmonitor=false",
                                           "core.hooksPath=/dev/null",
                                           "core.untrackedCache=false",
                                           "core.attributesFile=/dev/null",
                                           "core.sshCommand=false",
                                           "core.gitProxy=false",
                                           "core.askPass=false",
                                           "credential.helper=",
                                           "gpg.program=false",
                                           "log.showSignature=false",
                                           "log.showRoot=true",
                                           "protocol.allow=never",
                                           "mailmap.file=/dev/null",
                                           "mailmap.blob=HEAD:.mailmap",
                                           "gc.auto=0",
                                           "maintenance.auto=false"};

std::string first_line(std::string_view text) {
  text = trim(text);
  return escape_for_display(text.substr(0, std::min(text.find('\n'), kComplaintBytesMax)));
}

Error git_failed(std::string_view what, const GitRepo& repo, const GitRepo::Outcome& outcome) {
  return Error("history.git_failed",
               "git can't " + std::string(what) + " of " + escape_for_display(repo.root()) + ": " +
                   (outcome.complaint.empty() ? "exit code " + std::to_string(outcome.exit_code) : outcome.complaint));
}

constexpr std::size_t kListRecordBytesMax = 64 * 1024;
constexpr std::string_view kSubmoduleMode = "160000 ";

/// "<mode> <anything>\t<path>": what ls-files --stage and ls-tree print.
Result<void> take_listed(std::string_view record, std::vector<std::string>& paths) {
  const std::size_t tab = record.find('\t');
  if (tab == std::string_view::npos) return Error("history.git_failed", "git's file list has an entry without a path");
  if (record.starts_with(kSubmoduleMode)) return {};
  if (paths.size() == kTrackedFilesMax)
    return Error("history.git_failed", "more than " + format_count(kTrackedFilesMax) + " tracked files");
  paths.emplace_back(record.substr(tab + 1));
  return {};
}

}  // namespace

bool is_object_id(std::string_view text) {
  return (text.size() == 40 || text.size() == 64) &&
         text.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

Result<GitRepo> GitRepo::open(const std::string& path, const StopToken& stop) {
  GitFolder found = WRENCH_TRY(find_git_folder(path));
  GitRepo repo;
  auto program = runtime::find_program("git");
  if (!program.ok())
    return Error("history.git_missing", "the program git isn't installed or not in PATH")
        .with_help("apt install git")
        .because(std::move(program).error());
  repo.program_ = std::move(*program);
  repo.root_ = std::move(found.root);
  repo.git_folder_ = std::move(found.folder);
  repo.bare_ = found.bare;
  WRENCH_TRY(repo.read_shallow_boundary());
  const Outcome outcome = WRENCH_TRY(repo.run({"rev-parse", "--git-dir"}, {}, {}, stop));
  if (outcome.exit_code != 0)
    return Error("history.repository_corrupt",
                 escape_for_display(repo.git_folder_) + " can't be read by git: " + outcome.complaint);
  return repo;
}

Result<GitRepo::Outcome> GitRepo::run(std::vector<std::string> arguments, std::string input,
                                      const runtime::OutputSink& on_output, const StopToken& stop,
                                      const Deadline& deadline) const {
  runtime::SubprocessSpec spec;
  spec.program = program_;
  spec.arguments = {"--no-pager", "--no-optional-locks", "--no-replace-objects", "--literal-pathspecs",
                    "--git-dir=" + git_folder_};
  if (!bare_) spec.arguments.push_back("--work-tree=" + root_);
  for (const std::string_view setting : kOverrides) {
    spec.arguments.emplace_back("-c");
    spec.arguments.emplace_back(setting);
  }
  spec.arguments.emplace_back("-c");
  spec.arguments.push_back("safe.directory=" + root_);
  std::ranges::move(arguments, std::back_inserter(spec.arguments));
  spec.environment = git_environment();
  spec.working_directory = root_;
  spec.input = std::move(input);
  std::string complaint;
  const auto on_complaint = [&](std::string_view bytes) -> Result<void> {
    if (complaint.size() < kComplaintBytesMax) complaint.append(bytes.substr(0, kComplaintBytesMax));
    return {};
  };
  const auto result = WRENCH_TRY(runtime::run_subprocess(spec, on_output, on_complaint, stop, deadline));
  switch (result.killed_by) {
    case runtime::KilledBy::Stop:
      return Error("history.stopped", "stopped while git was reading the repository");
    case runtime::KilledBy::Deadline:
      return Error("history.deadline", "git took too long on " + escape_for_display(root_));
    case runtime::KilledBy::OutputLimit:
      return Error("history.git_failed", "git's answer is over its size limit");
    default:
      break;
  }
  if (result.signal != 0) complaint = "ended by signal " + std::to_string(result.signal);
  return Outcome{result.exit_code, first_line(complaint)};
}

Result<std::string> GitRepo::run_for_text(std::vector<std::string> arguments, const StopToken& stop) const {
  const SystemClock clock;
  std::string text;
  const std::string what = arguments.front();
  const auto outcome = WRENCH_TRY(run(
      std::move(arguments), {},
      [&](std::string_view bytes) -> Result<void> {
        if (text.size() + bytes.size() > kShortAnswerBytesMax)
          return Error("history.git_failed", "git's answer is over its size limit");
        text.append(bytes);
        return {};
      },
      stop, Deadline::after(clock, kShortAnswerWallMax)));
  if (outcome.exit_code != 0) return git_failed("answer " + what, *this, outcome);
  return std::string(trim(text));
}

Result<void> GitRepo::read_shallow_boundary() {
  std::ifstream in(git_folder_ + "/shallow", std::ios::binary);
  std::string line;
  while (std::getline(in, line)) {
    const std::string_view id = trim(line);
    if (is_object_id(id)) shallow_boundary_.emplace_back(id);
    if (shallow_boundary_.size() > kShallowCommitsMax)
      return Error("history.repository_corrupt",
                   "the file shallow of " + escape_for_display(git_folder_) + " is too long");
  }
  std::ranges::sort(shallow_boundary_);
  return {};
}

namespace {

Error unknown_revision(std::string_view revision, std::string_view why) {
  return Error("history.unknown_revision", "no commit named '" + escape_for_display(revision.substr(0, 200)) + "'" +
                                               (why.empty() ? "" : ": " + std::string(why)));
}

bool can_be_a_revision(std::string_view revision) {
  return !revision.empty() && revision.size() <= kRevisionBytesMax && revision.find('\0') == std::string_view::npos;
}

}  // namespace

Result<std::string> GitRepo::resolve(std::string_view revision, const StopToken& stop) const {
  if (!can_be_a_revision(revision)) return unknown_revision(revision, "not a revision");
  // --end-of-options and the suffix: whatever it is, it is read as a revision, and must be a commit.
  auto id =
      run_for_text({"rev-parse", "--verify", "--quiet", "--end-of-options", std::string(revision) + "^{commit}"}, stop);
  if (!id.ok()) {
    if (id.error().code != "history.git_failed") return std::move(id).error();
    return unknown_revision(revision, "");
  }
  if (!is_object_id(*id)) return unknown_revision(revision, "ambiguous");
  return id;
}

Result<std::string> GitRepo::resolve_unambiguous(std::string_view revision, const StopToken& stop) const {
  if (!can_be_a_revision(revision)) return unknown_revision(revision, "not a revision");
  const SystemClock clock;
  std::string id;
  const auto outcome = WRENCH_TRY(run(
      {"-c", "core.warnAmbiguousRefs=true", "rev-parse", "--verify", "--end-of-options",
       std::string(revision) + "^{commit}"},
      {},
      [&](std::string_view bytes) -> Result<void> {
        id.append(bytes.substr(0, kRevisionBytesMax));
        return {};
      },
      stop, Deadline::after(clock, kShortAnswerWallMax)));
  id = trim(id);
  // git takes one of several without a word on its standard output.
  if (outcome.complaint.find("ambiguous") != std::string::npos)
    return Error("history.ambiguous_revision", "'" + escape_for_display(revision.substr(0, 200)) +
                                                   "' names more than one thing: " + outcome.complaint)
        .with_help("git show-ref");
  if (outcome.exit_code != 0 || !is_object_id(id)) return unknown_revision(revision, "");
  return id;
}

Result<std::string> GitRepo::head(const StopToken& stop) const {
  auto id = resolve("HEAD", stop);
  if (id.ok() || id.error().code != "history.unknown_revision") return id;
  // The name of a commit that isn't there: the repository had commits and lost them.
  if (const auto named = run_for_text({"rev-parse", "--verify", "--quiet", "HEAD"}, stop);
      named && is_object_id(*named))
    return Error("history.repository_corrupt",
                 escape_for_display(git_folder_) + ": the commit " + *named + " that HEAD names is missing or damaged")
        .with_help("git fsck");
  return Error("history.no_commits", escape_for_display(root_) + " has no commit that can be read")
      .because(std::move(id).error());
}

Result<std::string> GitRepo::branch(const StopToken& stop) const {
  const SystemClock clock;
  std::string text;
  const auto outcome = WRENCH_TRY(run(
      {"symbolic-ref", "--quiet", "--short", "HEAD"}, {},
      [&](std::string_view bytes) -> Result<void> {
        text.append(bytes.substr(0, kRevisionBytesMax));
        return {};
      },
      stop, Deadline::after(clock, kShortAnswerWallMax)));
  return outcome.exit_code == 0 ? std::string(trim(text)) : std::string();
}

Result<std::vector<std::string>> GitRepo::tracked_files(const StopToken& stop, const Deadline& deadline) const {
  std::vector<std::string> paths;
  if (bare_) return paths;
  NulRecords records(kListRecordBytesMax);
  const auto outcome = WRENCH_TRY(run(
      {"ls-files", "--cached", "--stage", "-z"}, {},
      [&](std::string_view bytes) {
        return records.feed(bytes, [&](std::string_view record) { return take_listed(record, paths); });
      },
      stop, deadline));
  if (outcome.exit_code != 0) return git_failed("list the files", *this, outcome);
  // A path in conflict has up to three stages, one after the other.
  paths.erase(std::unique(paths.begin(), paths.end()), paths.end());
  return paths;
}

Result<std::vector<std::string>> GitRepo::files_at(std::string_view commit_id, const StopToken& stop,
                                                   const Deadline& deadline) const {
  if (!is_object_id(commit_id)) return Error("history.unknown_revision", "files_at() needs a full commit id");
  std::vector<std::string> paths;
  NulRecords records(kListRecordBytesMax);
  const auto outcome = WRENCH_TRY(run(
      {"ls-tree", "-r", "-z", "--full-tree", std::string(commit_id)}, {},
      [&](std::string_view bytes) {
        return records.feed(bytes, [&](std::string_view record) { return take_listed(record, paths); });
      },
      stop, deadline));
  if (outcome.exit_code != 0) return git_failed("list the files", *this, outcome);
  return paths;
}

Result<bool> GitRepo::is_ancestor(std::string_view ancestor, std::string_view descendant, const StopToken& stop) const {
  if (!is_object_id(ancestor) || !is_object_id(descendant)) return false;
  const auto outcome =
      WRENCH_TRY(run({"merge-base", "--is-ancestor", std::string(ancestor), std::string(descendant)}, {}, {}, stop));
  return outcome.exit_code == 0;
}

}  // namespace wrench::history
