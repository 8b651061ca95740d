#pragma once

#include <string_view>

namespace wrench {

/// A file of the repository that the build put into the program (cmake/WrenchEmbed.cmake).
struct EmbeddedFile {
  std::string_view path;  ///< Relative to the folder it was embedded from, '/' separated.
  std::string_view bytes;
};

}  // namespace wrench
