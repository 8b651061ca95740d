#include "wrench/history/blobs.hpp"

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <utility>

#include "blob_parser.hpp"
#include "nul_records.hpp"
#include "wrench/base/assert.hpp"
#include "wrench/base/text.hpp"

namespace wrench::history {
namespace {

constexpr std::size_t kListRecordBytesMax = 64 * 1024;
constexpr std::size_t kUnfetchedMax = 4'000'000;

Error bad_list() { return Error("history.git_failed", "git's list of a commit's files makes no sense"); }

/// "<mode> <type> <id>\t<path>"
Result<CommitFile> commit_file(std::string_view record) {
  const std::size_t tab = record.find('\t');
  if (tab == std::string_view::npos) return bad_list();
  const auto words = split(record.substr(0, tab), ' ');
  if (words.size() != 3 || !is_object_id(words[2])) return bad_list();
  const auto kind = words[0] == "160000"   ? CommitEntry::Submodule
                    : words[0] == "120000" ? CommitEntry::Symlink
                                           : CommitEntry::File;
  return CommitFile{std::string(record.substr(tab + 1)), kind, std::string(words[2])};
}

/// Calls take(line) for every line of a stream; longer ones than any id with its words are cut.
class Lines {
 public:
  template <class Take>
  Result<void> feed(std::string_view bytes, Take&& take) {
    for (std::size_t end = 0; (end = bytes.find('\n')) != std::string_view::npos; bytes.remove_prefix(end + 1)) {
      if (carry_.empty()) {
        WRENCH_TRY(take(bytes.substr(0, end)));
        continue;
      }
      carry_.append(bytes.substr(0, end));
      WRENCH_TRY(take(std::string_view(carry_)));
      carry_.clear();
    }
    if (carry_.size() + bytes.size() <= kLineBytesMax) carry_.append(bytes);
    return {};
  }

 private:
  static constexpr std::size_t kLineBytesMax = 4096;
  std::string carry_;
};

bool is_partial_clone(const GitRepo& repo) {
  // Of a linked work tree: <common>/worktrees/<name>.
  std::filesystem::path folder = repo.git_folder();
  std::error_code fault;
  if (std::filesystem::exists(folder / "commondir", fault)) folder = folder.parent_path().parent_path();
  for (std::filesystem::directory_iterator at(folder / "objects" / "pack", fault), end; !fault && at != end;
       at.increment(fault))
    if (at->path().extension() == ".promisor") return true;
  return false;
}

}  // namespace

Result<std::vector<CommitFile>> commit_files(const GitRepo& repo, std::string_view commit_id, const StopToken& stop,
                                             const Deadline& deadline) {
  WRENCH_ASSERT(is_object_id(commit_id));
  std::vector<CommitFile> files;
  NulRecords records(kListRecordBytesMax);
  const auto outcome = WRENCH_TRY(repo.run(
      {"ls-tree", "-r", "-z", "--full-tree", std::string(commit_id)}, {},
      [&](std::string_view bytes) {
        return records.feed(bytes, [&](std::string_view record) -> Result<void> {
          if (files.size() == kTrackedFilesMax)
            return Error("history.git_failed", "more than " + format_count(kTrackedFilesMax) + " files in a commit");
          files.push_back(WRENCH_TRY(commit_file(record)));
          return {};
        });
      },
      stop, deadline));
  if (outcome.exit_code != 0)
    return Error("history.repository_corrupt",
                 "git can't list the files of the commit " + std::string(commit_id) + ": " + outcome.complaint)
        .with_help("git fsck");
  std::ranges::sort(files, {}, &CommitFile::path);
  return files;
}

Result<std::unordered_set<std::string>> unfetched_objects(const GitRepo& repo, std::string_view commit_id,
                                                          const StopToken& stop, const Deadline& deadline) {
  WRENCH_ASSERT(is_object_id(commit_id));
  std::unordered_set<std::string> ids;
  if (!is_partial_clone(repo)) return ids;
  Lines lines;
  const auto outcome = WRENCH_TRY(repo.run(
      {"rev-list", "--objects", "--no-walk", "--no-object-names", "--missing=print", std::string(commit_id)}, {},
      [&](std::string_view bytes) {
        return lines.feed(bytes, [&](std::string_view line) -> Result<void> {
          if (line.starts_with('?') && is_object_id(line.substr(1)) && ids.size() < kUnfetchedMax)
            ids.emplace(line.substr(1));
          return {};
        });
      },
      stop, deadline));
  if (outcome.exit_code != 0)
    return Error("history.git_failed", "git can't say which objects weren't fetched: " + outcome.complaint);
  return ids;
}

Result<void> read_blobs(const GitRepo& repo, std::span<const std::string> ids, std::uint64_t bytes_max,
                        const BlobSink& sink, const StopToken& stop, const Deadline& deadline) {
  std::size_t next = 0;
  for (std::size_t damaged = 0; next < ids.size();) {
    std::string input;
    for (const auto& id : ids.subspan(next)) {
      WRENCH_ASSERT(is_object_id(id));
      input.append(id).append("\n");
    }
    BlobParser parser(bytes_max);
    const auto outcome = WRENCH_TRY(repo.run(
        {"cat-file", "--batch", "--buffer"}, std::move(input),
        [&](std::string_view bytes) {
          return parser.feed(bytes, [&](const BlobParser::Object& object) -> Result<void> {
            if (next == ids.size()) return Error("history.git_failed", "git names more objects than it was asked for");
            const auto state = !object.is_blob    ? BlobState::Missing
                               : object.too_large ? BlobState::TooLarge
                                                  : BlobState::Read;
            return sink(next++, state, object.bytes);
          });
        },
        stop, deadline));
    if (next == ids.size()) break;
    // git ends at the first object that it can't read; what stands behind it may be whole.
    if (outcome.exit_code == 0) return Error("history.git_failed", "git's answer about its objects ends early");
    if (++damaged > kDamagedBlobsMax)
      return Error("history.repository_corrupt",
                   "git can't read the objects of " + escape_for_display(repo.root()) + ": " + outcome.complaint)
          .with_help("git fsck");
    WRENCH_TRY(sink(next++, BlobState::Missing, {}));
  }
  return {};
}

Result<BlobList> all_blobs(const GitRepo& repo, std::uint64_t bytes_max, const StopToken& stop,
                           const Deadline& deadline) {
  BlobList out;
  Lines lines;
  const auto outcome = WRENCH_TRY(repo.run(
      {"cat-file", "--batch-check=%(objectname) %(objecttype) %(objectsize)", "--batch-all-objects", "--unordered",
       "--buffer"},
      {},
      [&](std::string_view bytes) {
        return lines.feed(bytes, [&](std::string_view line) -> Result<void> {
          const auto words = split(line, ' ');
          if (words.size() != 3 || words[1] != "blob") return {};
          std::uint64_t size = 0;
          const auto [end, fault] = std::from_chars(words[2].data(), words[2].data() + words[2].size(), size);
          if (!is_object_id(words[0]) || fault != std::errc() || (out.id_bytes != 0 && words[0].size() != out.id_bytes))
            return Error("history.git_failed", "git's list of its objects makes no sense");
          if (size > bytes_max) {
            ++out.too_large_count;
          } else if (out.size() == kBlobListMax) {
            out.cut = true;
          } else {
            out.id_bytes = words[0].size();
            out.ids.append(words[0]);
            out.bytes.push_back(size);
          }
          return {};
        });
      },
      stop, deadline));
  if (outcome.exit_code != 0)
    return Error("history.repository_corrupt",
                 "git can't list the objects of " + escape_for_display(repo.root()) + ": " + outcome.complaint)
        .with_help("git fsck");
  return out;
}

Result<std::unordered_set<std::string>> ancestors(const GitRepo& repo, std::string_view commit_id,
                                                  const StopToken& stop, const Deadline& deadline) {
  WRENCH_ASSERT(is_object_id(commit_id));
  std::unordered_set<std::string> ids;
  Lines lines;
  const auto outcome = WRENCH_TRY(repo.run(
      {"rev-list", std::string(commit_id), "--"}, {},
      [&](std::string_view bytes) {
        return lines.feed(bytes, [&](std::string_view line) -> Result<void> {
          if (is_object_id(line)) ids.emplace(line);
          return {};
        });
      },
      stop, deadline));
  if (outcome.exit_code != 0)
    return Error("history.git_failed",
                 "git can't list the commits before " + std::string(commit_id) + ": " + outcome.complaint);
  return ids;
}

}  // namespace wrench::history
