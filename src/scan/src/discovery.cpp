#include "wrench/scan/discovery.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <cstdlib>
#include <tuple>
#include <unordered_set>
#include <utility>

#include "wrench/base/text.hpp"
#include "wrench/runtime/atomic_file.hpp"
#include "wrench/scan/scan.hpp"
#include "wrench/source/file_class.hpp"
#include "wrench/source/ignore_rules.hpp"

namespace wrench::scan {

namespace {

using runtime::DirEntry;
using runtime::FileKind;
using runtime::RootedDir;
using source::IgnoreRules;

std::string joined(std::string_view folder, std::string_view name) {
  if (folder.empty() || folder == ".") return std::string(name);
  if (folder.ends_with('/')) return std::string(folder) + std::string(name);
  return std::string(folder) + "/" + std::string(name);
}

std::string_view parent_of(std::string_view path) {
  const auto slash = path.rfind('/');
  return slash == std::string_view::npos ? std::string_view{} : slash == 0 ? path.substr(0, 1) : path.substr(0, slash);
}

/// The path without "./" at its start and '/' at its end, as it shall be reported.
std::string as_reported(std::string_view typed) {
  while (typed.starts_with("./")) {
    typed.remove_prefix(2);
    while (typed.starts_with('/')) typed.remove_prefix(1);
  }
  while (typed.size() > 1 && typed.ends_with('/')) typed.remove_suffix(1);
  return typed.empty() ? "." : std::string(typed);
}

Result<std::string> absolute(const std::string& path) {
  char buffer[PATH_MAX];
  if (::realpath(path.c_str(), buffer) == nullptr) return errno_error(errno, path);
  return std::string(buffer);
}

bool exists(const std::string& path) {
  struct stat status{};
  return ::lstat(path.c_str(), &status) == 0;
}

std::string relative_to(std::string_view root, std::string_view path) {
  if (path == root) return {};
  if (root == "/") return std::string(path.substr(1));
  return std::string(path.substr(root.size() + 1));
}

/// Ignore rules from the project root down to one folder. Shared by the folders below: levels are never copied.
struct IgnoreLevel {
  std::shared_ptr<const IgnoreLevel> above;
  std::string folder;  // Relative to the project root; "" is the root.
  std::vector<IgnoreRules> rules;
};

IgnoreRules::Verdict verdict(const IgnoreLevel* level, std::string_view project_path, bool is_folder) {
  for (; level != nullptr; level = level->above.get()) {
    const auto below = level->folder.empty() ? project_path : project_path.substr(level->folder.size() + 1);
    for (auto rules = level->rules.rbegin(); rules != level->rules.rend(); ++rules)
      if (const auto decided = rules->decide(below, is_folder); decided != IgnoreRules::Verdict::Undecided)
        return decided;
  }
  return IgnoreRules::Verdict::Undecided;
}

/// The git work tree that holds the folder, and whether there is one.
std::pair<std::string, bool> root_above(const std::string& folder) {
  for (std::string_view at = folder; !at.empty(); at = at == "/" ? std::string_view{} : parent_of(at))
    if (exists(joined(at, ".git"))) return {std::string(at), true};
  return {folder, false};
}

class Walk {
 public:
  Walk(const DiscoveryOptions& options, const StopToken& stop) : options_(options), stop_(stop) {}

  Result<Discovery> run() {
    auto paths = options_.paths;
    if (paths.empty()) paths.emplace_back(".");
    WRENCH_TRY(check(paths));
    for (const auto& typed : paths) WRENCH_TRY(one(typed));
    auto& files = out_.files;
    std::sort(files.begin(), files.end(), [](const FoundFile& a, const FoundFile& b) { return a.path < b.path; });
    files.erase(std::unique(files.begin(), files.end(),
                            [](const FoundFile& a, const FoundFile& b) { return a.path == b.path; }),
                files.end());
    std::sort(out_.skipped.begin(), out_.skipped.end(), [](const auto& a, const auto& b) { return a.path < b.path; });
    return std::move(out_);
  }

 private:
  static Result<void> check(const std::vector<std::string>& paths) {
    std::string message;
    std::string code;
    for (const auto& path : paths) {
      struct stat status{};
      Error error("", "");
      if (path.empty()) {
        error = Error("io.not_found", "PATH is empty");
      } else if (::stat(path.c_str(), &status) != 0) {
        error = errno_error(errno, path);
      } else if (!S_ISREG(status.st_mode) && !S_ISDIR(status.st_mode)) {
        error = Error("io.not_regular", path + ": neither a file nor a folder");
      } else if (::access(path.c_str(), S_ISDIR(status.st_mode) ? R_OK | X_OK : R_OK) != 0) {
        error = errno_error(errno, path);
      } else {
        continue;
      }
      if (code.empty()) code = error.code;
      message += (message.empty() ? "" : "; ") + error.message;
    }
    if (!code.empty()) return Error(code, message);
    return {};
  }

  Result<void> find_root(const std::string& folder) {
    if (!out_.project_root.empty()) return {};
    std::tie(out_.project_root, out_.in_git) = root_above(folder);
    if (!options_.commit) out_.folders.push_back(out_.project_root);  // Its configuration.
    if (options_.tracked_files && out_.in_git) {
      tracked_ = options_.tracked_files(out_.project_root);
      for (const auto& file : tracked_)
        for (auto folder_of = parent_of(file); !folder_of.empty(); folder_of = parent_of(folder_of))
          if (!tracked_folders_.emplace(folder_of).second) break;
    }
    return {};
  }

  /// Levels from the project root to `project_folder`, or none when the folder itself is ignored there: who names an
  /// ignored folder wants to see into it.
  std::shared_ptr<const IgnoreLevel> levels_above(const std::string& project_folder) const {
    std::shared_ptr<const IgnoreLevel> level;
    std::string folder;
    auto rest = std::string_view(project_folder);
    for (;;) {
      if (rest.empty()) return level;
      level = with_level(level, folder, out_.project_root);
      const auto slash = rest.find('/');
      folder = joined(folder, rest.substr(0, slash));
      rest = slash == std::string_view::npos ? std::string_view{} : rest.substr(slash + 1);
      if (verdict(level.get(), folder, true) == IgnoreRules::Verdict::Ignored) return nullptr;
    }
  }

  /// `level` with the ignore files of one more folder. They are read like any hostile file: bounded, no links.
  std::shared_ptr<const IgnoreLevel> with_level(std::shared_ptr<const IgnoreLevel> level, const std::string& folder,
                                                const std::string& root) const {
    auto dir = RootedDir::open(folder.empty() ? root : joined(root, folder));
    if (!dir) return level;
    std::vector<IgnoreRules> rules;
    const auto add = [&](const char* name) {
      if (auto text = dir->read(name, source::kIgnoreFileBytesMax)) {
        IgnoreRules parsed(*text);
        if (!parsed.empty()) rules.push_back(std::move(parsed));
      }
    };
    if (folder.empty()) add(".git/info/exclude");
    if (out_.in_git || folder.empty()) add(".gitignore");
    add(".wrenchignore");
    if (rules.empty()) return level;
    auto next = std::make_shared<IgnoreLevel>();
    next->above = std::move(level);
    next->folder = folder;
    next->rules = std::move(rules);
    return next;
  }

  Result<void> one(const std::string& typed) {
    const auto real = WRENCH_TRY(absolute(typed));
    struct stat status{};
    if (::stat(real.c_str(), &status) != 0) return errno_error(errno, typed);
    const auto reported = as_reported(typed);
    if (options_.commit) return one_of_commit(real, reported, S_ISDIR(status.st_mode) ? Kind::Folder : Kind::File);
    if (!S_ISDIR(status.st_mode)) {
      const std::string folder(parent_of(real));
      WRENCH_TRY(find_root(folder));
      out_.folders.push_back(folder);
      auto base = WRENCH_TRY(disk_tree(folder));
      FoundFile file;
      file.path = repair_utf8(reported);
      file.relative = real.substr(real.rfind('/') + 1);
      file.project_path = repair_utf8(project_path_of(real));
      file.base = std::move(base);
      file.stamp = WRENCH_TRY(file.base->stat(file.relative)).stamp;
      file.named = true;
      out_.files.push_back(std::move(file));
      return {};
    }
    WRENCH_TRY(find_root(real));
    auto base = WRENCH_TRY(disk_tree(real));
    const auto project_folder = project_path_of(real);
    return walk(base, real, reported, project_folder, levels_above(project_folder));
  }

  enum class Kind { File, Folder };
  Result<void> one_of_commit(const std::string& real, const std::string& reported, Kind kind) {
    WRENCH_TRY(find_root(kind == Kind::Folder ? real : std::string(parent_of(real))));
    const auto& root = out_.project_root;
    if (!in_project(real))
      return Error("scan.outside_project",
                   escape_for_display(reported) + " isn't in the work tree " + escape_for_display(root));
    const auto relative = relative_to(root, real);
    const auto entry = options_.commit->stat(relative);
    const auto wanted = kind == Kind::Folder ? runtime::FileKind::Folder : runtime::FileKind::Regular;
    if (!entry || entry->kind != wanted) return {};  // It came later.
    if (kind == Kind::Folder) return walk(subtree(options_.commit, relative), real, reported, relative, nullptr);
    FoundFile file;
    file.path = repair_utf8(reported);
    file.relative = relative;
    file.project_path = repair_utf8(relative);
    file.base = options_.commit;
    file.stamp = entry->stamp;
    file.named = true;
    out_.files.push_back(std::move(file));
    return {};
  }

  bool in_project(const std::string& real) const {
    const auto& root = out_.project_root;
    return real == root || root == "/" || (real.starts_with(root) && real[root.size()] == '/');
  }

  std::string project_path_of(const std::string& real) const {
    const auto& root = out_.project_root;
    if (in_project(real)) return relative_to(root, real);
    return real.substr(1);  // A second PATH outside the first one's project.
  }

  struct Folder {
    std::string relative;  // Below base, bytes as on disk.
    std::string project_path;
    std::size_t depth = 0;
    std::shared_ptr<const IgnoreLevel> level;
  };

  Result<void> walk(const std::shared_ptr<const Tree>& base, const std::string& real, const std::string& reported,
                    const std::string& project_folder, std::shared_ptr<const IgnoreLevel> level) {
    std::vector<Folder> stack;
    stack.push_back({"", project_folder, 0, std::move(level)});
    while (!stack.empty()) {
      if (stop_.stop_requested()) return Error("scan.stopped", "stopped");
      Folder folder = std::move(stack.back());
      stack.pop_back();
      const auto shown = [&](const std::string& relative) {
        return repair_utf8(relative.empty() ? reported : joined(reported, relative));
      };
      auto entries = base->list(folder.relative);
      if (!entries) {
        out_.partial.push_back({"file_unreadable", shown(folder.relative), "", entries.error().message});
        continue;
      }
      if (!options_.commit) out_.folders.push_back(folder.relative.empty() ? real : joined(real, folder.relative));
      const auto has_entry = [&](std::string_view name) {
        return std::any_of(entries->begin(), entries->end(), [&](const DirEntry& entry) { return entry.name == name; });
      };
      if (folder.depth > 0) {
        if (source::is_vendored_folder(folder.relative, has_entry)) {
          out_.skipped.push_back({shown(folder.relative) + "/", "vendored"});
          continue;
        }
      }
      if (!options_.commit && (has_entry(".gitignore") || has_entry(".wrenchignore") || folder.project_path.empty()))
        folder.level = with_level(folder.level, folder.project_path, project_root_for(real, folder));
      for (auto& entry : *entries) {
        const auto relative = joined(folder.relative, entry.name);
        const auto project_path = joined(folder.project_path, entry.name);
        if (entry.kind == FileKind::Folder) {
          if (entry.name == ".git" || entry.name == ".hg" || entry.name == ".svn") continue;
          if (ignored(folder.level.get(), project_path, true)) {
            out_.skipped.push_back({shown(relative) + "/", "ignored"});
          } else if (folder.depth + 1 > kDirDepthMax) {
            out_.partial.push_back({"nesting_too_deep", shown(relative), "", "more than 128 folders deep"});
          } else {
            stack.push_back({relative, project_path, folder.depth + 1, folder.level});
          }
          continue;
        }
        if (entry.kind == FileKind::Symlink || entry.kind == FileKind::Special) {
          out_.skipped.push_back({shown(relative), entry.kind == FileKind::Symlink ? "symlink" : "special_file"});
          continue;
        }
        if (ignored(folder.level.get(), project_path, false)) {
          out_.skipped.push_back({shown(relative), "ignored"});
          continue;
        }
        if (out_.files.size() >= kFilesMax)
          return Error("scan.too_many_files", "more than 2,000,000 files; name the folders to analyse");
        FoundFile file;
        file.path = shown(relative);
        file.project_path = repair_utf8(project_path);
        file.relative = relative;
        file.base = base;
        file.stamp = entry.stamp;
        out_.files.push_back(std::move(file));
      }
    }
    return {};
  }

  /// Where `folder.project_path` starts: the project root, or the file system's for a PATH outside of it.
  std::string project_root_for(const std::string& real, const Folder& folder) const {
    const auto& root = out_.project_root;
    if (in_project(real)) return root;
    return folder.project_path.empty() ? root : "/";
  }

  bool ignored(const IgnoreLevel* level, const std::string& project_path, bool is_folder) const {
    if (verdict(level, project_path, is_folder) != IgnoreRules::Verdict::Ignored) return false;
    return is_folder ? !tracked_folders_.contains(project_path) : !tracked_.contains(project_path);
  }

  const DiscoveryOptions& options_;
  const StopToken& stop_;
  std::unordered_set<std::string> tracked_, tracked_folders_;
  Discovery out_;
};

}  // namespace

Result<std::string> project_root(const std::string& path) {
  const auto real = WRENCH_TRY(absolute(path));
  struct stat status{};
  if (::stat(real.c_str(), &status) != 0) return errno_error(errno, path);
  return root_above(S_ISDIR(status.st_mode) ? real : std::string(parent_of(real))).first;
}

Result<Discovery> discover(const DiscoveryOptions& options, const StopToken& stop) { return Walk(options, stop).run(); }

}  // namespace wrench::scan
