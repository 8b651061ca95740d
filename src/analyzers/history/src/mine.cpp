#include "wrench/history/mine.hpp"

#include <algorithm>
#include <mutex>
#include <span>
#include <string>
#include <unordered_map>
#include <utility>

#include "facts_builder.hpp"
#include "log_parser.hpp"
#include "wrench/base/text.hpp"

namespace wrench::history {
namespace {

/// Small enough to share the work evenly, large enough that starting git doesn't count.
constexpr std::size_t kCommitsPerShard = 256;

bool stopped(const Error& error) { return error.code == "history.stopped" || error.code == "history.deadline"; }

/// Pass one: which commit touched which files. Trees only, no blobs.
Result<void> read_log(const GitRepo& repo, const std::vector<std::string>& revisions, std::size_t commits_max,
                      FactsBuilder& builder, std::vector<Degraded>& degraded, const StopToken& stop,
                      const Deadline& deadline) {
  const auto& boundary = repo.shallow_boundary();
  LogParser parser([&](LoggedCommit&& commit) -> Result<void> {
    if (!std::ranges::binary_search(boundary, commit.id)) builder.add(std::move(commit));
    return {};
  });
  std::vector<std::string> arguments = {"log",
                                        "--no-merges",
                                        "--raw",
                                        "--no-renames",
                                        "--no-abbrev",
                                        "-z",
                                        "-O/dev/null",
                                        "--no-ext-diff",
                                        "--no-textconv",
                                        "--no-show-signature",
                                        "--no-notes",
                                        "--no-relative",
                                        "--encoding=UTF-8",
                                        "--max-count=" + std::to_string(commits_max),
                                        std::string(kLogFormat)};
  arguments.insert(arguments.end(), revisions.begin(), revisions.end());
  arguments.emplace_back("--");
  const auto outcome = WRENCH_TRY(
      repo.run(std::move(arguments), {}, [&](std::string_view bytes) { return parser.feed(bytes); }, stop, deadline));
  const bool complete = outcome.exit_code == 0;
  WRENCH_TRY(parser.finish(complete ? LogParser::Cut::Refused : LogParser::Cut::Allowed));
  if (!complete) degraded.push_back({"log_cut", "git could read only a part of the history: " + outcome.complaint});
  return {};
}

class LineCounter {
 public:
  LineCounter(const GitRepo& repo, HistoryFacts& facts, const StopToken& stop, const Deadline& deadline)
      : repo_(repo), facts_(facts), stop_(stop), deadline_(deadline) {
    file_of_path_.reserve(facts.files.size());
    for (std::uint32_t i = 0; i < facts.files.size(); ++i) file_of_path_.emplace(facts.files[i].path, i);
  }

  /// Pass two, of the newest commits that aren't counted yet. Each shard writes to its own commits only.
  Result<void> count(std::size_t commits_max, runtime::WorkerPool& pool) {
    std::vector<std::uint32_t> wanted;
    const std::size_t first = facts_.commits.size() - std::min(facts_.commits.size(), commits_max);
    for (std::size_t i = 0; i < first; ++i) forget(facts_.commits[i]);
    for (std::size_t i = first; i < facts_.commits.size(); ++i) {
      Commit& commit = facts_.commits[i];
      if (commit.changes == 0)
        commit.counted = true;
      else if (!commit.counted)
        wanted.push_back(static_cast<std::uint32_t>(i));
    }
    runtime::TaskGroup group(pool);
    for (std::span<const std::uint32_t> rest = wanted; !rest.empty();) {
      const auto shard = rest.first(std::min(rest.size(), kCommitsPerShard));
      rest = rest.subspan(shard.size());
      group.run([this, shard] { return count_shard(shard); });
    }
    WRENCH_TRY(group.wait());
    if (!complaint_.empty())
      facts_.degraded.push_back({"line_counts_missing", "some line counts can't be made: " + complaint_});
    return {};
  }

 private:
  Result<void> count_shard(std::span<const std::uint32_t> shard) {
    std::string input;
    std::unordered_map<std::string_view, std::uint32_t> commit_of_id;
    for (const std::uint32_t index : shard) {
      input += facts_.commits[index].id;
      input += '\n';
      commit_of_id.emplace(facts_.commits[index].id, index);
    }
    Commit* commit = nullptr;
    std::uint32_t cursor = 0;
    NumstatParser parser(
        [&](std::string_view id) -> Result<void> {
          const auto found = commit_of_id.find(id);
          if (found == commit_of_id.end()) return Error("history.log_invalid", "git counted a commit nobody asked for");
          // Known only when the next one begins: git may die in the middle of this one.
          if (commit != nullptr) commit->counted = true;
          commit = &facts_.commits[found->second];
          cursor = 0;
          return {};
        },
        [&](std::string_view path, LineCount count) { store(*commit, cursor, path, count); });
    const auto outcome = WRENCH_TRY(repo_.run(
        {"diff-tree", "--stdin", "-r", "--root", "--numstat", "-z", "--no-renames", "--no-ext-diff", "--no-textconv",
         "-O/dev/null", "--no-relative"},
        std::move(input), [&](std::string_view bytes) { return parser.feed(bytes); }, stop_, deadline_));
    if (outcome.exit_code == 0) {
      for (const std::uint32_t index : shard) facts_.commits[index].counted = true;
      return {};
    }
    const std::lock_guard lock(complaint_mutex_);
    if (complaint_.empty() || outcome.complaint < complaint_) complaint_ = outcome.complaint;
    return {};
  }

  /// So that continuing earlier facts gives the same as starting afresh.
  void forget(Commit& commit) {
    commit.counted = false;
    for (std::uint32_t c = 0; c < commit.changes; ++c) {
      Change& change = facts_.changes[commit.first_change + c];
      change.added = change.deleted = 0;
    }
  }

  /// Both passes list a commit's files by path, so the next one is nearly always right at the cursor.
  void store(const Commit& commit, std::uint32_t& cursor, std::string_view path, LineCount count) {
    const auto file = file_of_path_.find(path);
    if (file == file_of_path_.end()) return;  // A submodule.
    for (std::uint32_t tried = 0; tried < commit.changes; ++tried) {
      Change& change = facts_.changes[commit.first_change + cursor];
      cursor = (cursor + 1) % commit.changes;
      if (change.file != file->second) continue;
      change.added = count.added;
      change.deleted = count.deleted;
      return;
    }
  }

  const GitRepo& repo_;
  HistoryFacts& facts_;
  const StopToken& stop_;
  const Deadline& deadline_;
  std::unordered_map<std::string_view, std::uint32_t> file_of_path_;
  std::mutex complaint_mutex_;
  std::string complaint_;
};

void add_reasons(const GitRepo& repo, std::size_t commits_max, HistoryFacts& facts) {
  if (repo.shallow())
    facts.degraded.push_back(
        {"shallow", "a shallow clone: older commits aren't here ('git fetch --unshallow' gets them)"});
  if (facts.commits.size() == commits_max)
    facts.degraded.push_back({"commits_max", "only the newest " + format_count(commits_max) + " commits were read"});
}

}  // namespace

Result<HistoryFacts> mine(const GitRepo& repo, const MineOptions& options, const HistoryFacts* previous,
                          runtime::WorkerPool& pool, const StopToken& stop, const Deadline& deadline) {
  const std::size_t commits_max = std::min(options.commits_max, kCommitsMax);
  auto head = repo.head(stop);
  if (!head.ok()) {
    if (head.error().code != "history.no_commits") return std::move(head).error();
    HistoryFacts nothing;
    nothing.degraded.push_back({"no_commits", "the repository has no commit yet"});
    return nothing;
  }

  FactsBuilder builder(options.bots);
  std::vector<Degraded> degraded;
  std::vector<std::string> revisions = {*head};
  // Degraded facts aren't continued: what was missing then may be there now.
  if (previous != nullptr && !previous->head.empty() && previous->degraded.empty()) {
    if (WRENCH_TRY(repo.is_ancestor(previous->head, *head, stop))) {
      builder.add_all(*previous);
      revisions.push_back("^" + previous->head);
    } else {
      degraded.push_back({"rewritten", "the commit seen last isn't part of the history any more: read from the start"});
    }
  }
  if (previous == nullptr || previous->head != *head || revisions.size() == 1)
    WRENCH_TRY(read_log(repo, revisions, commits_max, builder, degraded, stop, deadline));
  auto present = repo.files_at(*head, stop, deadline);
  if (!present.ok()) {
    if (stopped(present.error())) return std::move(present).error();
    degraded.push_back({"log_cut", "the newest commit's files can't be listed: " + present.error().message});
  }
  HistoryFacts facts = std::move(builder).build(std::move(present).value_or({}), commits_max);
  facts.head = std::move(*head);
  facts.degraded = std::move(degraded);
  add_reasons(repo, commits_max, facts);
  LineCounter counter(repo, facts, stop, deadline);
  WRENCH_TRY(counter.count(options.counted_commits_max, pool));
  return facts;
}

}  // namespace wrench::history
