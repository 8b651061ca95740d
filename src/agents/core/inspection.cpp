#include "inspection.hpp"

namespace wrench::agents {

std::set<std::string> settled_by(const codec::Json& inspection) {
  std::set<std::string> settled;
  for (const auto& entry : inspection.at("dropped").as_array()) settled.emplace(entry.at("fingerprint").as_string());
  for (const auto& entry : inspection.at("dismissed").as_array())
    if (entry.at("why_shown").is_null()) settled.emplace(entry.at("fingerprint").as_string());
  for (const auto& entry : inspection.at("merged").as_array())
    for (const auto& other : entry.at("into").as_array()) settled.emplace(other.as_string());
  return settled;
}

}  // namespace wrench::agents
