#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "wrench/base/result.hpp"
#include "wrench/codec/json.hpp"

namespace wrench::history {

/// A file touched by a commit. `path` indexes HistoryFacts::files.
struct Change {
  std::uint32_t file = 0;
  std::uint32_t added = 0, deleted = 0;  ///< Lines; 0 where Commit::counted is false.
  char status = 'M';                     ///< A added, M modified, D deleted, T type changed.
  bool operator==(const Change&) const = default;
};

struct Commit {
  std::string id;
  std::int64_t time_s = 0;   ///< Of the commit, Unix.
  std::uint32_t author = 0;  ///< Index in HistoryFacts::authors.
  std::uint32_t first_change = 0, changes = 0;
  bool counted = false;  ///< Its line counts are known.
  bool operator==(const Commit&) const = default;
};

/// A person or bot as the mailmap names it. E-mail addresses aren't kept.
struct Author {
  std::string name;
  bool bot = false;
  bool operator==(const Author&) const = default;
};

struct FileEntry {
  std::string path;
  bool present = false;  ///< In the commit HistoryFacts::head.
  bool operator==(const FileEntry&) const = default;
};

/// Why a history is less than it could be: a stable word, and a sentence for people.
/// Words: no_commits, shallow, commits_max, log_cut, line_counts_missing, rewritten, pairs_max.
struct Degraded {
  std::string reason, detail;
  bool operator==(const Degraded&) const = default;
};

/// What one pass over the log says, in a form that can be kept and continued: merges and submodules left out, commits
/// by (time, id), files by path, authors by name. The same commits always give the same facts.
struct HistoryFacts {
  std::string head;  ///< Empty without commits.
  std::vector<Commit> commits;
  std::vector<Change> changes;
  std::vector<FileEntry> files;
  std::vector<Author> authors;
  std::vector<Degraded> degraded;

  std::span<const Change> changes_of(const Commit& commit) const {
    return std::span(changes).subspan(commit.first_change, commit.changes);
  }
  /// Of the newest commit; 0 without one. Windows and ages are counted from here, so that results don't depend on the
  /// day they are made.
  std::int64_t newest_s() const { return commits.empty() ? 0 : commits.back().time_s; }
  bool operator==(const HistoryFacts&) const = default;
};

/// For caches. from_json() checks everything: codes history.facts_invalid (also for another version's form).
codec::Json to_json(const HistoryFacts& facts);
Result<HistoryFacts> facts_from_json(const codec::Json& value);

}  // namespace wrench::history
