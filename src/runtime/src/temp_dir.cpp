#include "wrench/runtime/temp_dir.hpp"

#include <stdlib.h>

#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <system_error>

namespace wrench::runtime {

std::string temporary_folder() {
  const char* base = std::getenv("TMPDIR");
  return base != nullptr && *base != '\0' ? base : "/tmp";
}

Result<TempDir> TempDir::create(std::string_view name_prefix) { return create_in(temporary_folder(), name_prefix); }

Result<TempDir> TempDir::create_in(const std::string& folder, std::string_view name_prefix) {
  std::string path = folder;
  path.append("/").append(name_prefix).append("-XXXXXX");
  if (::mkdtemp(path.data()) == nullptr) return errno_error(errno, "create a temporary folder " + path);
  return TempDir(std::move(path));
}

TempDir::~TempDir() {
  if (path_.empty()) return;
  std::error_code ignored;  // nobody is left to tell; the system cleans its temporary folder
  std::filesystem::remove_all(path_, ignored);
}

}  // namespace wrench::runtime
