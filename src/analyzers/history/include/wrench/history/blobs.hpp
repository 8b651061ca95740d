#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "wrench/base/result.hpp"
#include "wrench/base/stop.hpp"
#include "wrench/history/git_repo.hpp"

/// The files of a commit and the contents of a repository, without a work tree: nothing is checked out, so no filter of
/// the repository's attributes runs.
namespace wrench::history {

/// How often reading goes on behind an object that git can't read.
inline constexpr std::size_t kDamagedBlobsMax = 1'000;

enum class CommitEntry : std::uint8_t { File, Symlink, Submodule };

struct CommitFile {
  std::string path;  ///< Relative to the repository's root, bytes as git has them.
  CommitEntry kind = CommitEntry::File;
  std::string object_id;  ///< Of the blob; of the commit for a submodule.
};
/// All files of a commit, given by its full id, sorted by path. Error codes as for GitRepo.
Result<std::vector<CommitFile>> commit_files(const GitRepo& repo, std::string_view commit_id,
                                             const StopToken& stop = {}, const Deadline& deadline = {});

/// Objects that a commit needs and that a partial clone didn't fetch. Empty for every other repository, whose missing
/// objects show when they are read. Asking for one of these would make git start a transport for each.
Result<std::unordered_set<std::string>> unfetched_objects(const GitRepo& repo, std::string_view commit_id,
                                                          const StopToken& stop = {}, const Deadline& deadline = {});

enum class BlobState : std::uint8_t { Read, TooLarge, Missing };
/// One call for each id, in their order: `index` is the id's. `bytes` holds the content when it was read, and only
/// until the call ends. An Error ends the reading and is returned.
using BlobSink = std::function<Result<void>(std::size_t index, BlobState state, std::string_view bytes)>;

/// Contents by their full ids, through one `git cat-file`: ids in the order of a pack are read at the speed of the
/// disk. Larger ones than `bytes_max` are passed over without being held. An object that is missing, no blob, or
/// damaged is Missing. The sink is called on the thread of the caller. Error codes as for GitRepo;
/// history.repository_corrupt for more than kDamagedBlobsMax damaged ones.
Result<void> read_blobs(const GitRepo& repo, std::span<const std::string> ids, std::uint64_t bytes_max,
                        const BlobSink& sink, const StopToken& stop = {}, const Deadline& deadline = {});

inline constexpr std::size_t kBlobListMax = 20'000'000;

/// Contents by id, one after the other in one text: a repository can have millions.
struct BlobList {
  std::size_t id_bytes = 0;           ///< Of each id: 40 or 64.
  std::string ids;                    ///< Hex digits.
  std::vector<std::uint64_t> bytes;   ///< Size of each.
  std::uint64_t too_large_count = 0;  ///< Left out.
  bool cut = false;                   ///< There are more than kBlobListMax.
  std::size_t size() const { return bytes.size(); }
  std::string_view id(std::size_t i) const { return std::string_view(ids).substr(i * id_bytes, id_bytes); }
};
/// Every content that the repository holds, reachable or not, in the order of its packs, which is the cheap one to read
/// them in; those over `bytes_max` left out. Error codes as for GitRepo.
Result<BlobList> all_blobs(const GitRepo& repo, std::uint64_t bytes_max, const StopToken& stop = {},
                           const Deadline& deadline = {});

/// Where a content comes from.
struct BlobOrigin {
  std::string commit;  ///< Full id.
  std::string date;    ///< "YYYY-MM-DD", of its author's clock.
  std::string author;
  std::string path;  ///< In that commit, bytes as git has them.
};
/// The oldest commit, as `git log` orders them, that gave a file each of these contents, among all that branches, tags
/// and HEAD lead to; merges that made one count, too. Contents that no commit has aren't in the answer. One reading of
/// the log, whatever is wanted. Error codes as for GitRepo.
Result<std::unordered_map<std::string, BlobOrigin>> blob_origins(const GitRepo& repo,
                                                                 const std::unordered_set<std::string>& blobs,
                                                                 const StopToken& stop = {},
                                                                 const Deadline& deadline = {});

/// Ids of all commits that lead to this one (given by its full id), and its own. Error codes as for GitRepo.
Result<std::unordered_set<std::string>> ancestors(const GitRepo& repo, std::string_view commit_id,
                                                  const StopToken& stop = {}, const Deadline& deadline = {});

}  // namespace wrench::history
