#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "wrench/base/result.hpp"

namespace wrench::history {

/// What LogParser reads: `git log --raw -z --no-abbrev` with this format.
inline constexpr std::string_view kLogFormat = "--format=%x01%H%x00%ct%x00%aN%x00%aE";
inline constexpr std::size_t kLogFieldBytesMax = 64 * 1024;

struct LoggedChange {
  std::string path;
  char status = 'M';  ///< A, M, D or T, as git has it.
};
struct LoggedCommit {
  std::string id;
  std::int64_t time_s = 0;  ///< Of the commit, Unix.
  std::string author, email;
  std::vector<LoggedChange> changes;
};
using CommitSink = std::function<Result<void>(LoggedCommit&&)>;

/// Streamed reader of the log. Author names may hold any byte but NUL; only NUL bytes and the order of fields count.
/// Error code: history.log_invalid.
class LogParser {
 public:
  explicit LogParser(CommitSink sink) : sink_(std::move(sink)) {}
  Result<void> feed(std::string_view bytes);
  /// At the end of the log. `Cut::Allowed`: git died in the middle, what is incomplete is dropped.
  enum class Cut { Refused, Allowed };
  Result<void> finish(Cut cut);

 private:
  enum class Expect : std::uint8_t { Id, Time, Author, Email, Change, Path };
  Result<void> take(std::string_view field);
  Result<void> take_change(std::string_view field);
  Result<void> emit();

  CommitSink sink_;
  std::string carry_;
  Expect expect_ = Expect::Id;
  LoggedCommit commit_;
  bool in_commit_ = false;
  bool submodule_ = false;
  char status_ = 'M';
};

struct LineCount {
  std::uint32_t added = 0, deleted = 0;  ///< 0 for binary files.
};
/// Reader of `git diff-tree --stdin --numstat -z`: a commit's id, then a record for each file.
class NumstatParser {
 public:
  using CommitStart = std::function<Result<void>(std::string_view id)>;
  using FileCount = std::function<void(std::string_view path, LineCount count)>;
  NumstatParser(CommitStart on_commit, FileCount on_file)
      : on_commit_(std::move(on_commit)), on_file_(std::move(on_file)) {}
  Result<void> feed(std::string_view bytes);

 private:
  Result<void> take(std::string_view record);
  CommitStart on_commit_;
  FileCount on_file_;
  std::string carry_;
  bool in_commit_ = false;
};

}  // namespace wrench::history
