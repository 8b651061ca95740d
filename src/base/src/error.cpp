#include "wrench/base/error.hpp"

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "wrench/base/assert.hpp"

namespace wrench {

namespace detail {
void assertion_failed(const char* expression, const char* file, int line) {
  std::fprintf(stderr, "wrench: internal error: %s failed at %s:%d\n", expression, file, line);
  std::abort();
}
}  // namespace detail

std::string describe(const Error& error) {
  std::string out;
  if (!error.place.file.empty()) {
    out += error.place.file;
    if (error.place.line > 0) out += ":" + std::to_string(error.place.line);
    if (error.place.column > 0) out += ":" + std::to_string(error.place.column);
    out += ": ";
  }
  out += error.message + " [" + error.code + "]";
  if (error.cause) out += ": because " + describe(*error.cause);
  return out;
}

Error errno_error(int errno_value, std::string_view what) {
  struct Name {
    int value;
    std::string_view code;
  };
  static constexpr Name kNames[] = {
      {ENOENT, "io.not_found"},
      {EACCES, "io.no_permission"},
      {EPERM, "io.no_permission"},
      {EEXIST, "io.exists"},
      {ENOSPC, "io.no_space"},
      {EDQUOT, "io.no_space"},
      {EROFS, "io.read_only"},
      {EISDIR, "io.is_directory"},
      {ENOTDIR, "io.not_directory"},
      {ELOOP, "io.symlink"},
      {EPIPE, "io.closed"},
      {EMFILE, "io.too_many_files"},
      {ENAMETOOLONG, "io.name_too_long"},
  };
  std::string_view code = "io.failed";
  for (const auto& name : kNames)
    if (name.value == errno_value) code = name.code;
  char buffer[128];
  return Error(code, std::string(what) + ": " + strerror_r(errno_value, buffer, sizeof buffer));
}

}  // namespace wrench
