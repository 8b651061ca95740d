#include "tree_argument.hpp"

#include <cerrno>
#include <climits>
#include <cstdlib>

#include "wrench/base/text.hpp"

namespace wrench::app {

Result<std::string> canonical_path(const std::string& path) {
  if (path.empty()) return Error("io.not_found", "PATH is empty");
  char buffer[PATH_MAX];
  if (::realpath(path.c_str(), buffer) == nullptr) return errno_error(errno, path);
  return std::string(buffer);
}

Result<codec::Json> tree_argument(const std::string& path) {
  const std::string root = WRENCH_TRY(canonical_path(path));
  if (!is_valid_utf8(root) || !is_valid_utf8(path))
    return Error("io.name_not_utf8", path + ": the folder's path isn't UTF-8, which a task can't hold")
        .with_help("wrench scan PATH");
  return codec::Json::object({{"path", path}, {"root", root}, {"working_directory", WRENCH_TRY(canonical_path("."))}});
}

}  // namespace wrench::app
