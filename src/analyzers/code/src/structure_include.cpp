#include <algorithm>
#include <array>

#include "structure_resolver.hpp"

namespace wrench::code::detail {

namespace {

/// Of C, POSIX and Windows; copies for compilers without them lie in many trees and are meant by nobody else.
constexpr auto kSystemHeaders = std::to_array<std::string_view>(
    {"aio.h",       "alloca.h", "assert.h",   "complex.h", "cpio.h",        "ctype.h",    "dirent.h",    "dlfcn.h",
     "endian.h",    "errno.h",  "execinfo.h", "fcntl.h",   "fenv.h",        "float.h",    "fnmatch.h",   "ftw.h",
     "getopt.h",    "glob.h",   "grp.h",      "iconv.h",   "intrin.h",      "inttypes.h", "io.h",        "iso646.h",
     "langinfo.h",  "libgen.h", "limits.h",   "locale.h",  "malloc.h",      "math.h",     "memory.h",    "mqueue.h",
     "netdb.h",     "poll.h",   "process.h",  "pthread.h", "pwd.h",         "regex.h",    "sched.h",     "search.h",
     "semaphore.h", "setjmp.h", "signal.h",   "spawn.h",   "stdalign.h",    "stdarg.h",   "stdatomic.h", "stdbool.h",
     "stddef.h",    "stdint.h", "stdio.h",    "stdlib.h",  "stdnoreturn.h", "string.h",   "strings.h",   "syslog.h",
     "termios.h",   "tgmath.h", "threads.h",  "time.h",    "uchar.h",       "unistd.h",   "utime.h",     "wchar.h",
     "wctype.h",    "windows.h"});
static_assert(std::ranges::is_sorted(kSystemHeaders));
constexpr auto kSystemFolders =
    std::to_array<std::string_view>({"sys/", "netinet/", "arpa/", "net/", "linux/", "asm/", "mach/", "bits/"});

constexpr std::size_t kSameNameMax = 256;  ///< Files of one name; among more none is searched.

bool is_system(std::string_view name) {
  return std::ranges::binary_search(kSystemHeaders, name) ||
         std::ranges::any_of(kSystemFolders, [&](std::string_view folder) { return name.starts_with(folder); });
}

class IncludeResolver final : public Resolver {
 public:
  explicit IncludeResolver(const ProjectPaths& paths) : paths_(paths) {}

  Resolution resolve(const FileFacts& file, const ImportFact& import, std::vector<std::uint32_t>& out) override {
    const std::string_view written = import.module;
    // `#include MACRO`: a build decides.
    if (written.size() < 3 || (written.front() != '"' && written.front() != '<')) return Resolution::Outside;
    const bool quoted = written.front() == '"';
    std::string_view name = written.substr(1, written.size() - 2);
    if (quoted) {
      const auto beside = normal_path(in_folder(folder_of(file.project_path), name));
      if (beside && (paths_.find(*beside, out) || paths_.has_file(*beside + ".in"))) return Resolution::Inside;
    }
    if (is_system(name)) return Resolution::Outside;
    while (name.starts_with("../") || name.starts_with("./")) name.remove_prefix(name.find('/') + 1);
    if (below_some_root(file, name, out)) return Resolution::Inside;
    if (!quoted) return Resolution::Outside;
    const std::size_t slash = name.find('/');
    return slash != std::string_view::npos && !paths_.has_folder_named(name.substr(0, slash)) ? Resolution::Outside
                                                                                              : Resolution::Nothing;
  }

 private:
  static bool ends_with_path(std::string_view path, std::string_view end) {
    return path.ends_with(end) && (path.size() == end.size() || path[path.size() - end.size() - 1] == '/');
  }

  /// Include roots aren't written down where this could read them: the nearest file that fits is meant. Of several that
  /// are equally near none is.
  bool below_some_root(const FileFacts& file, std::string_view name, std::vector<std::uint32_t>& out) const {
    const ProjectPaths::Named* best = nullptr;
    std::size_t best_shared = 0;
    bool found = false, tie = false;
    const auto candidates = paths_.named(file_name(name));
    if (candidates.size() > kSameNameMax) return true;
    for (const ProjectPaths::Named& one : candidates) {
      // A wrapper of <glib.h> has its name, and doesn't include itself.
      if (!ends_with_path(one.path, name) || one.path == file.project_path) continue;
      found = true;
      const std::size_t shared = shared_folders(one.path, file.project_path);
      if (best != nullptr && shared < best_shared) continue;
      tie = best != nullptr && shared == best_shared;
      best = &one;
      best_shared = shared;
    }
    if (found && !tie && best->index != ProjectPaths::kNoTree) out.push_back(best->index);
    if (found) return true;
    // Made by configure or cmake.
    const std::string made_from = std::string(name) + ".in";
    return std::ranges::any_of(paths_.named(file_name(made_from)),
                               [&](const ProjectPaths::Named& one) { return ends_with_path(one.path, made_from); });
  }

  const ProjectPaths& paths_;
};

}  // namespace

std::unique_ptr<Resolver> include_resolver(const ProjectPaths& paths) {
  return std::make_unique<IncludeResolver>(paths);
}

}  // namespace wrench::code::detail
