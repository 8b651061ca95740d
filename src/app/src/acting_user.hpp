#pragma once

#include <string>

namespace wrench::app {

/// "user:ada": whom this process runs for, as the system knows them.
std::string acting_user();

}  // namespace wrench::app
