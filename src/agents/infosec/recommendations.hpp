#pragma once

#include <string_view>

namespace wrench::agents {

/// What to do about a weakness class, and where it stands in the OWASP Top 10 of 2021.
struct Recommendation {
  std::string_view cwe;
  std::string_view owasp;
  std::string_view advice;
};

/// Null for a class that isn't in the table.
const Recommendation* recommendation_for(std::string_view cwe);

}  // namespace wrench::agents
