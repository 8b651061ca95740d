#include "acting_user.hpp"

#include <pwd.h>
#include <unistd.h>

#include <array>

#include "wrench/base/text.hpp"

namespace wrench::app {

std::string acting_user() {
  std::array<char, 4096> buffer{};
  passwd entry{};
  passwd* found = nullptr;
  const bool known = ::getpwuid_r(::geteuid(), &entry, buffer.data(), buffer.size(), &found) == 0 && found != nullptr;
  return "user:" + (known ? repair_utf8(entry.pw_name) : std::to_string(::geteuid()));
}

}  // namespace wrench::app
