#include "wrench/scan/tree_sources.hpp"

#include <map>
#include <mutex>
#include <span>
#include <utility>
#include <vector>

#include "wrench/base/text.hpp"
#include "wrench/crypto/sha256.hpp"
#include "wrench/history/blobs.hpp"
#include "wrench/history/git_repo.hpp"
#include "wrench/runtime/atomic_file.hpp"
#include "wrench/runtime/rooted_dir.hpp"
#include "wrench/scan/scan.hpp"
#include "wrench/source/source_text.hpp"

namespace wrench::scan {
namespace {

constexpr std::size_t kCandidatesMax = 64;
constexpr std::string_view kReplacement = "\xEF\xBF\xBD";

/// Reports repair names that aren't UTF-8: the paths on disk that `path` may stand for. Bounded; which one was meant is
/// told by the content.
std::vector<std::string> paths_on_disk(std::string_view path) {
  std::vector<std::string> found{path.starts_with('/') ? "/" : ""};
  for (const auto part : split(path, '/')) {
    if (part.empty()) continue;
    std::vector<std::string> longer;
    for (const auto& folder : found) {
      const auto join = [&](std::string_view name) {
        return folder + (folder.empty() || folder.ends_with('/') ? "" : "/") + std::string(name);
      };
      if (part.find(kReplacement) == std::string_view::npos) {
        longer.push_back(join(part));
        continue;
      }
      const auto dir = runtime::RootedDir::open(folder.empty() ? "." : folder);
      const auto entries = dir.ok() ? dir->list("") : Result<std::vector<runtime::DirEntry>>(dir.error());
      if (!entries.ok()) continue;
      for (const auto& entry : *entries)
        if (longer.size() < kCandidatesMax && repair_utf8(entry.name) == part) longer.push_back(join(entry.name));
    }
    found = std::move(longer);
  }
  return found;
}

}  // namespace

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
  for (const auto& candidate : paths_on_disk(path)) {
    auto bytes = runtime::read_file(candidate, ScanLimits{}.named_file_bytes_max);
    if (!bytes.ok()) continue;
    auto text = source::make_source_text(std::string(path), {}, std::move(*bytes));
    if (text.content_id != known->second) continue;
    state_->last_text = std::make_shared<const std::string>(std::move(text.text));
    break;
  }
  return state_->last_text;
}

EvidenceSources::EvidenceSources(const findings::Report& report) : tree_(report), root_(report.root) {
  for (const auto& finding : report.findings)
    if (finding.historic)
      historic_.try_emplace(finding.where.path, Content{finding.historic->blob, finding.where.content});
}

std::shared_ptr<const std::string> EvidenceSources::text(std::string_view path) const {
  const auto historic = historic_.find(path);
  if (historic == historic_.end()) return tree_.text(path);
  const auto root = project_root(root_);
  if (!root) return nullptr;
  const auto repo = history::GitRepo::open(*root);
  if (!repo) return nullptr;
  std::shared_ptr<const std::string> out;
  const auto read = history::read_blobs(
      *repo, std::span(&historic->second.blob, 1), ScanLimits{}.named_file_bytes_max,
      [&](std::size_t, history::BlobState state, std::string_view bytes) -> Result<void> {
        if (state == history::BlobState::Read && "sha256:" + crypto::sha256_hex(bytes) == historic->second.content_id)
          out = std::make_shared<const std::string>(source::decode_text(std::string(bytes)).text);
        return {};
      });
  return read ? out : nullptr;
}

}  // namespace wrench::scan
