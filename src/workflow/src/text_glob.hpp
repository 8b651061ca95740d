#pragma once

#include <string_view>

namespace wrench::workflow {

/// Linear in the text for each '*' at most: only the last one is tried again.
bool glob_fits(std::string_view glob, std::string_view text);

}  // namespace wrench::workflow
