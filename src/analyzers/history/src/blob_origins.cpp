#include <algorithm>
#include <utility>

#include "nul_records.hpp"
#include "wrench/base/text.hpp"
#include "wrench/history/blobs.hpp"

namespace wrench::history {
namespace {

constexpr std::size_t kFieldBytesMax = 64 * 1024;

/// Reads `git log --raw -c -z` with a format of "\x01<id>", date and author: of each change the content that it leaves.
class OriginReader {
 public:
  OriginReader(const std::unordered_set<std::string>& wanted, std::unordered_map<std::string, BlobOrigin>& found)
      : wanted_(wanted), found_(found) {}

  Result<void> take(std::string_view field) {
    switch (expect_) {
      case Expect::Date:
        commit_.date = field.substr(0, kDateBytes);
        expect_ = Expect::Author;
        return {};
      case Expect::Author:
        commit_.author = repair_utf8(field);
        expect_ = Expect::Any;
        return {};
      case Expect::Path:
        if (!blob_.empty()) note(field);
        expect_ = Expect::Any;
        return {};
      case Expect::Any:
        break;
    }
    if (field.starts_with('\n')) field.remove_prefix(1);
    if (field.empty()) return {};
    if (field.starts_with('\x01')) {
      commit_.commit = field.substr(1);
      if (!is_object_id(commit_.commit)) return fault();
      expect_ = Expect::Date;
      return {};
    }
    return take_change(field);
  }

 private:
  enum class Expect : std::uint8_t { Any, Date, Author, Path };
  static constexpr std::size_t kDateBytes = 10;

  static Error fault() { return Error("history.log_invalid", "git's log of changed files isn't as expected"); }

  /// ":<mode> <mode> <id> <id> <status>", of a merge with a colon, a mode and an id more for each parent.
  Result<void> take_change(std::string_view field) {
    const std::size_t parents = std::min(field.find_first_not_of(':'), field.size());
    const auto words = split(field.substr(parents), ' ');
    if (parents == 0 || words.size() != 2 * (parents + 1) + 1) return fault();
    blob_ = words[2 * parents + 1];
    if (!is_object_id(blob_)) return fault();
    if (!wanted_.contains(blob_)) blob_.clear();
    expect_ = Expect::Path;
    return {};
  }

  /// Commits come newest first: the last one that is seen is the first that was made. Of several paths its first.
  void note(std::string_view path) {
    auto& origin = found_[blob_];
    if (origin.commit == commit_.commit) return;
    origin = commit_;
    origin.path = path;
  }

  const std::unordered_set<std::string>& wanted_;
  std::unordered_map<std::string, BlobOrigin>& found_;
  Expect expect_ = Expect::Any;
  BlobOrigin commit_;
  std::string blob_;
};

}  // namespace

Result<std::unordered_map<std::string, BlobOrigin>> blob_origins(const GitRepo& repo,
                                                                 const std::unordered_set<std::string>& blobs,
                                                                 const StopToken& stop, const Deadline& deadline) {
  std::unordered_map<std::string, BlobOrigin> found;
  if (blobs.empty()) return found;
  OriginReader reader(blobs, found);
  NulRecords records(kFieldBytesMax);
  const auto outcome = WRENCH_TRY(repo.run(
      {"log", "--all", "-c", "--raw", "--no-renames", "--no-abbrev", "-z", "-O/dev/null", "--no-ext-diff",
       "--no-textconv", "--no-show-signature", "--no-notes", "--no-relative", "--encoding=UTF-8",
       "--format=%x01%H%x00%as%x00%aN", "--"},
      {},
      [&](std::string_view bytes) {
        return records.feed(bytes, [&](std::string_view field) { return reader.take(field); });
      },
      stop, deadline));
  if (outcome.exit_code != 0)
    return Error("history.git_failed",
                 "git can't read the log of " + escape_for_display(repo.root()) + ": " + outcome.complaint);
  // A shallow clone's boundary looks as if it had added every file.
  std::erase_if(
      found, [&](const auto& item) { return std::ranges::binary_search(repo.shallow_boundary(), item.second.commit); });
  return found;
}

}  // namespace wrench::history
