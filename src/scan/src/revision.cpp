#include "revision.hpp"

#include <algorithm>
#include <map>
#include <utility>

#include "wrench/base/assert.hpp"
#include "wrench/base/clock.hpp"
#include "wrench/base/text.hpp"
#include "wrench/crypto/git_object_id.hpp"

namespace wrench::scan {

namespace {

using runtime::DirEntry;
using runtime::FileKind;

constexpr std::size_t kSha1HexBytes = 40;
constexpr Micros kBlobReadWallMax = 300 * kMicrosPerSecond;  // Of one file.

std::string blob_id_like(std::string_view bytes, std::string_view id) {
  return crypto::git_blob_id(bytes, id.size() == kSha1HexBytes ? crypto::GitHash::Sha1 : crypto::GitHash::Sha256);
}

Error not_there(std::string_view path) {
  return Error("io.not_found", escape_for_display(path) + " isn't in the commit");
}

std::pair<std::string_view, std::string_view> folder_and_name(std::string_view path) {
  const auto slash = path.rfind('/');
  if (slash == std::string_view::npos) return {"", path};
  return {path.substr(0, slash), path.substr(slash + 1)};
}

}  // namespace

/// Folders of a commit. A file's stamp has its number in `inode`, counted from 1: what it holds is told by its blob.
class Revision::CommitTree final : public Tree {
 public:
  CommitTree(history::GitRepo repo, std::vector<history::CommitFile> files, std::shared_ptr<const Tree> disk)
      : repo_(std::move(repo)), files_(std::move(files)), disk_(std::move(disk)) {
    folders_[""];
    for (std::size_t i = 0; i < files_.size(); ++i) {
      const auto& file = files_[i];
      if (file.kind == history::CommitEntry::Submodule) continue;
      const auto [folder, name] = folder_and_name(file.path);
      const auto kind = file.kind == history::CommitEntry::Symlink ? FileKind::Symlink : FileKind::Regular;
      entries_of(folder).push_back({std::string(name), kind, {.inode = i + 1}});
    }
    for (auto& [path, entries] : folders_) std::ranges::sort(entries, {}, &DirEntry::name);
  }

  Result<std::vector<DirEntry>> list(const std::string& relative) const override {
    const auto found = folders_.find(relative);
    if (found == folders_.end()) return not_there(relative);
    return found->second;
  }

  Result<DirEntry> stat(const std::string& relative) const override {
    if (folders_.contains(relative)) return DirEntry{relative, FileKind::Folder, {}};
    const auto [folder, name] = folder_and_name(relative);
    if (const auto found = folders_.find(folder); found != folders_.end())
      for (const auto& entry : found->second)
        if (entry.name == name) return entry;
    return not_there(relative);
  }

  /// From disk or through one process of git: for single files.
  Result<std::string> read(const std::string& relative, std::size_t bytes_max,
                           const runtime::Patience& patience) const override {
    const auto entry = WRENCH_TRY(stat(relative));
    if (entry.kind != FileKind::Regular) return not_there(relative);
    const auto& file = files_[entry.stamp.inode - 1];
    if (auto same = read_from_disk(file, bytes_max, patience)) return same;
    const SystemClock clock;  // git is a process, whatever clock the run has.
    auto state = history::BlobState::Missing;
    std::string out;
    WRENCH_TRY(history::read_blobs(
        repo_, std::span(&file.object_id, 1), bytes_max,
        [&](std::size_t, history::BlobState now, std::string_view bytes) -> Result<void> {
          state = now;
          out = bytes;
          return {};
        },
        patience.stop, Deadline::after(clock, kBlobReadWallMax)));
    if (state == history::BlobState::TooLarge)
      return Error("io.too_large", escape_for_display(relative) + " has more than " + format_bytes(bytes_max));
    if (state == history::BlobState::Missing)
      return Error("history.object_missing",
                   "the repository doesn't have the object " + file.object_id + ", " + escape_for_display(relative));
    return out;
  }

  Result<std::string> read_from_disk(const history::CommitFile& file, std::size_t bytes_max,
                                     const runtime::Patience& patience) const {
    auto bytes = WRENCH_TRY(disk_->read(file.path, bytes_max, patience));
    if (blob_id_like(bytes, file.object_id) != file.object_id)
      return Error("io.not_found", escape_for_display(file.path) + " isn't what the commit has");
    return bytes;
  }

  const history::CommitFile& file(const FoundFile& found) const {
    WRENCH_ASSERT(found.stamp.inode >= 1 && found.stamp.inode <= files_.size());
    return files_[found.stamp.inode - 1];
  }

 private:
  std::vector<DirEntry>& entries_of(std::string_view folder) {
    if (const auto found = folders_.find(folder); found != folders_.end()) return found->second;
    // Parents first; a path has as many of them as it has slashes.
    for (std::size_t slash = 0; slash != std::string_view::npos;) {
      slash = folder.find('/', slash == 0 ? 0 : slash + 1);
      const auto path = folder.substr(0, slash);
      if (folders_.contains(path)) continue;
      const auto [parent, name] = folder_and_name(path);
      folders_.find(parent)->second.push_back({std::string(name), FileKind::Folder, {}});
      folders_.emplace(path, std::vector<DirEntry>());
    }
    return folders_.find(folder)->second;
  }

  history::GitRepo repo_;
  std::vector<history::CommitFile> files_;
  std::shared_ptr<const Tree> disk_;
  std::map<std::string, std::vector<DirEntry>, std::less<>> folders_;
};

Result<std::shared_ptr<const Revision>> Revision::open(const std::string& project_root, std::string_view name,
                                                       const StopToken& stop, const Deadline& deadline) {
  auto repo = WRENCH_TRY(history::GitRepo::open(project_root, stop));
  if (repo.root() != project_root || repo.bare())
    return Error("history.not_a_repository", escape_for_display(project_root) + " isn't the root of a git work tree");
  auto commit = WRENCH_TRY(repo.resolve_unambiguous(name, stop));
  std::shared_ptr<Revision> out(new Revision(std::move(repo), std::move(commit)));
  auto files = WRENCH_TRY(history::commit_files(out->repo_, out->commit_, stop, deadline));
  out->unfetched_ = WRENCH_TRY(history::unfetched_objects(out->repo_, out->commit_, stop, deadline));
  for (const auto& file : files)
    if (file.kind == history::CommitEntry::Submodule) out->submodules_.push_back(file.path + "/");
  out->commit_tree_ =
      std::make_shared<const CommitTree>(out->repo_, std::move(files), WRENCH_TRY(disk_tree(project_root)));
  out->tree_ = out->commit_tree_;
  return std::shared_ptr<const Revision>(std::move(out));
}

const std::string& Revision::blob_of(const FoundFile& file) const { return commit_tree_->file(file).object_id; }

Result<std::string> Revision::read_from_disk(const FoundFile& file, std::size_t bytes_max,
                                             const runtime::Patience& patience) const {
  return commit_tree_->read_from_disk(commit_tree_->file(file), bytes_max, patience);
}

}  // namespace wrench::scan
