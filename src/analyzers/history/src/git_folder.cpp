#include "git_folder.hpp"

#include <filesystem>
#include <fstream>
#include <optional>
#include <system_error>

#include "wrench/base/text.hpp"

namespace wrench::history {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kPointerBytesMax = 8192;  ///< Of the one-line files that name a path.
constexpr std::string_view kGitFilePrefix = "gitdir:";

std::string shown(const fs::path& path) { return escape_for_display(path.string()); }

Error foreign(const fs::path& git, std::string_view reason) {
  return Error("history.foreign_git_folder", shown(git) + " " + std::string(reason) + ": not read");
}

bool is_folder(const fs::path& path) {
  std::error_code ignored;
  return fs::is_directory(path, ignored);
}

/// Folders and files that every git folder has; git's own test.
bool looks_like_git_folder(const fs::path& folder) {
  std::error_code ignored;
  const fs::file_status head = fs::symlink_status(folder / "HEAD", ignored);
  return (fs::is_regular_file(head) || fs::is_symlink(head)) && is_folder(folder / "objects") &&
         is_folder(folder / "refs");
}

/// The text of a small file without its line end; nothing when it isn't a plain, small file.
std::optional<std::string> read_line(const fs::path& path) {
  std::error_code ignored;
  if (!fs::is_regular_file(fs::symlink_status(path, ignored)) || fs::file_size(path, ignored) > kPointerBytesMax)
    return std::nullopt;
  std::ifstream in(path, std::ios::binary);
  std::string text((std::istreambuf_iterator<char>(in)), std::istreambuf_iterator<char>());
  if (!in.good() && !in.eof()) return std::nullopt;
  while (text.ends_with('\n') || text.ends_with('\r')) text.pop_back();
  return text;
}

bool same_place(const fs::path& a, const fs::path& b) {
  std::error_code ignored;
  return fs::equivalent(a, b, ignored);
}

/// The value of core.worktree in a submodule's git folder, read by hand: git isn't asked before the folder is trusted
/// to belong here. Only the plain form that git itself writes is understood.
std::optional<std::string> core_worktree(const fs::path& git_folder) {
  std::error_code ignored;
  const fs::path path = git_folder / "config";
  if (!fs::is_regular_file(fs::symlink_status(path, ignored))) return std::nullopt;
  std::ifstream in(path, std::ios::binary);
  std::string line;
  bool in_core = false;
  std::optional<std::string> value;
  for (std::size_t bytes = 0; bytes < (std::size_t{1} << 20) && std::getline(in, line); bytes += line.size() + 1) {
    const std::string_view text = trim(line);
    if (text.starts_with('[')) in_core = equals_ignoring_case_ascii(text, "[core]");
    const std::size_t equals = text.find('=');
    if (!in_core || equals == std::string_view::npos) continue;
    if (equals_ignoring_case_ascii(trim(text.substr(0, equals)), "worktree"))
      value = std::string(trim(text.substr(equals + 1)));
  }
  return value;
}

/// A linked work tree: <common>/worktrees/<name>, whose file `gitdir` names our `.git` file.
bool is_linked_work_tree(const fs::path& git_file, const fs::path& git_folder) {
  const auto back = read_line(git_folder / "gitdir");
  const auto common = read_line(git_folder / "commondir");
  if (!back || !common || git_folder.parent_path().filename() != "worktrees") return false;
  const fs::path common_folder = git_folder.parent_path().parent_path();
  return same_place(git_folder / *back, git_file) && same_place(git_folder / *common, common_folder) &&
         looks_like_git_folder(common_folder);
}

bool is_submodule(const fs::path& work_tree, const fs::path& git_folder) {
  const auto back = core_worktree(git_folder);
  return back && !fs::exists(git_folder / "commondir") && looks_like_git_folder(git_folder) &&
         same_place(git_folder / *back, work_tree);
}

Result<GitFolder> follow_git_file(const fs::path& work_tree, const fs::path& git_file) {
  const auto text = read_line(git_file);
  if (!text || !text->starts_with(kGitFilePrefix))
    return Error("history.repository_corrupt", shown(git_file) + " isn't a git folder and doesn't name one");
  const fs::path named(trim(std::string_view(*text).substr(kGitFilePrefix.size())));
  std::error_code failure;
  const fs::path folder = fs::canonical(work_tree / named, failure);
  if (failure) return Error("history.repository_corrupt", shown(git_file) + " names a folder that isn't there");
  if (!is_linked_work_tree(git_file, folder) && !is_submodule(work_tree, folder))
    return foreign(git_file, "names a git folder that doesn't point back");
  return GitFolder{work_tree.string(), folder.string(), false};
}

Result<GitFolder> use_folder(const fs::path& root, const fs::path& folder, bool bare) {
  if (!looks_like_git_folder(folder))
    return Error("history.repository_corrupt", shown(folder) + " isn't a git folder: HEAD, objects or refs is missing");
  std::error_code ignored;
  if (fs::exists(fs::symlink_status(folder / "commondir", ignored)))
    return foreign(folder, "borrows another repository's folder (commondir)");
  if (fs::is_symlink(fs::symlink_status(folder / "objects", ignored)) ||
      fs::is_symlink(fs::symlink_status(folder / "refs", ignored)) ||
      fs::is_symlink(fs::symlink_status(folder / "config", ignored)))
    return foreign(folder, "links to another place");
  return GitFolder{root.string(), folder.string(), bare};
}

}  // namespace

Result<GitFolder> find_git_folder(const std::string& path) {
  std::error_code failure;
  fs::path folder = fs::canonical(path, failure);
  if (failure) return errno_error(failure.value(), "can't open " + escape_for_display(path));
  if (!is_folder(folder)) folder = folder.parent_path();
  const fs::path start = folder;
  for (;; folder = folder.parent_path()) {
    const fs::path git = folder / ".git";
    std::error_code ignored;
    const fs::file_status status = fs::symlink_status(git, ignored);
    if (fs::is_directory(status)) return use_folder(folder, git, false);
    if (fs::is_regular_file(status)) return follow_git_file(folder, git);
    if (fs::is_symlink(status)) return foreign(git, "is a symbolic link");
    if (folder == start && looks_like_git_folder(folder)) return use_folder(folder, folder, true);
    if (folder == folder.parent_path()) break;
  }
  return Error("history.not_a_repository", shown(start) + " isn't in a git repository");
}

}  // namespace wrench::history
