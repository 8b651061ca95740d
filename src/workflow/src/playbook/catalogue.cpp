#include <algorithm>
#include <utility>

#include "wrench/base/text.hpp"
#include "wrench/workflow/playbook.hpp"

namespace wrench::workflow {

namespace {

bool is_upper(char c) { return c >= 'A' && c <= 'Z'; }
bool is_lower(char c) { return c >= 'a' && c <= 'z'; }

std::string without_underscores(std::string_view name) {
  std::string out(name);
  std::erase(out, '_');
  return out;
}

}  // namespace

std::string normal_agent_name(std::string_view written) {
  std::string out;
  for (std::size_t i = 0; i < written.size(); ++i) {
    const char c = written[i];
    if (c == ' ' || c == '-' || c == '_') {
      if (!out.empty() && out.back() != '_') out += '_';
      continue;
    }
    // A word begins at a capital after a small letter, and at the last capital of several: UXDesigner.
    const bool begins =
        is_upper(c) && i > 0 && (!is_upper(written[i - 1]) || (i + 1 < written.size() && is_lower(written[i + 1])));
    if (begins && !out.empty() && out.back() != '_') out += '_';
    out += is_upper(c) ? static_cast<char>(c - 'A' + 'a') : c;
  }
  while (out.ends_with('_')) out.pop_back();
  constexpr std::string_view kSuffix = "_agent";
  if (out.ends_with(kSuffix)) out.resize(out.size() - kSuffix.size());
  return out;
}

void CapabilityCatalogue::add(CatalogueEntry entry) {
  auto& operations = agents_[entry.agent];
  std::string operation = entry.operation;
  operations.insert_or_assign(std::move(operation), std::move(entry));
}

const CatalogueEntry* CapabilityCatalogue::find(std::string_view agent, std::string_view operation) const {
  const auto operations = agents_.find(agent);
  if (operations == agents_.end()) return nullptr;
  const auto entry = operations->second.find(operation);
  return entry == operations->second.end() ? nullptr : &entry->second;
}

std::optional<std::string> CapabilityCatalogue::agent(std::string_view written) const {
  std::string normal = normal_agent_name(written);
  if (agents_.contains(normal)) return normal;
  // Where the words of an acronym end is a matter of taste: InfoSec, Infosec.
  const std::string bare = without_underscores(normal);
  for (const auto& [name, operations] : agents_)
    if (without_underscores(name) == bare) return name;
  return std::nullopt;
}

std::vector<std::string_view> CapabilityCatalogue::agents() const {
  std::vector<std::string_view> out;
  for (const auto& [name, operations] : agents_) out.push_back(name);
  return out;
}

std::vector<std::string_view> CapabilityCatalogue::operations(std::string_view agent) const {
  std::vector<std::string_view> out;
  if (const auto found = agents_.find(agent); found != agents_.end())
    for (const auto& [name, entry] : found->second) out.push_back(name);
  return out;
}

}  // namespace wrench::workflow
