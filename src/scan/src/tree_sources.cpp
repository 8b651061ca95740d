#include "wrench/scan/tree_sources.hpp"

#include <map>
#include <mutex>
#include <utility>

#include "wrench/runtime/atomic_file.hpp"
#include "wrench/scan/scan.hpp"
#include "wrench/source/source_text.hpp"

namespace wrench::scan {

struct TreeSources::State {
  std::map<std::string, std::string, std::less<>> content_ids;  // By path, of files that findings name.
  mutable std::string last_path;
  mutable std::shared_ptr<const std::string> last_text;  // Writers go file by file.
  mutable std::mutex mutex;
};

TreeSources::TreeSources(const findings::Report& report) : state_(std::make_unique<State>()) {
  const auto add = [&](const findings::Location& where) {
    if (!where.content.empty()) state_->content_ids.emplace(where.path, where.content);
  };
  for (const auto& finding : report.findings) {
    add(finding.where);
    for (const auto& step : finding.trace) add(step.where);
    for (const auto& related : finding.related) add(related.where);
  }
  for (const auto& clone : report.clones)
    for (const auto& member : clone.members) add(member);
  for (const auto& cycle : report.cycles)
    for (const auto& where : cycle.evidence) add(where);
}

TreeSources::~TreeSources() = default;

std::shared_ptr<const std::string> TreeSources::text(std::string_view path) const {
  const auto known = state_->content_ids.find(path);
  if (known == state_->content_ids.end()) return nullptr;
  const std::lock_guard lock(state_->mutex);
  if (state_->last_path == path) return state_->last_text;
  state_->last_path = path;
  state_->last_text = nullptr;
  auto bytes = runtime::read_file(std::string(path), ScanLimits{}.named_file_bytes_max);
  if (!bytes.ok()) return nullptr;
  auto text = source::make_source_text(std::string(path), {}, std::move(*bytes));
  if (text.content_id == known->second) state_->last_text = std::make_shared<const std::string>(std::move(text.text));
  return state_->last_text;
}

}  // namespace wrench::scan
