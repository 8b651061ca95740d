#include "rule_loading.hpp"

#include <sys/stat.h>

#include <algorithm>
#include <cerrno>

#include "wrench/runtime/atomic_file.hpp"
#include "wrench/runtime/rooted_dir.hpp"

namespace wrench::scan {
namespace {

constexpr std::size_t kFolderDepthMax = 32;  ///< Folders within folders of rules.

bool is_yaml(std::string_view name) { return name.ends_with(".yaml") || name.ends_with(".yml"); }
// "x.test.yaml" beside "x.yaml" is what the rule is tested on.
bool is_test_target(std::string_view name) {
  return name.find(".test.") != std::string_view::npos || name.find(".fixed.") != std::string_view::npos;
}

Error unreadable(const std::string& path, const Error& cause) {
  return Error("scan.rules_unreadable", "rules '" + path + "' can't be read: " + cause.message)
      .with_help("wrench rules list");
}

Result<void> read_folder(const std::string& folder, std::vector<RuleFile>& out, const StopToken& stop) {
  auto root = runtime::RootedDir::open(folder);
  if (!root.ok()) return unreadable(folder, root.error());
  std::vector<std::pair<std::string, std::size_t>> stack{{"", 0}};
  while (!stack.empty()) {
    if (stop.stop_requested()) return Error("scan.stopped", "stopped");
    const auto [relative, depth] = std::move(stack.back());
    stack.pop_back();
    auto entries = root->list(relative);
    if (!entries.ok()) return unreadable(folder + "/" + relative, entries.error());
    for (const auto& entry : *entries) {
      const std::string path = relative.empty() ? entry.name : relative + "/" + entry.name;
      if (entry.kind == runtime::FileKind::Folder && depth < kFolderDepthMax && !entry.name.starts_with('.'))
        stack.emplace_back(path, depth + 1);
      if (entry.kind != runtime::FileKind::Regular || !is_yaml(entry.name) || is_test_target(entry.name)) continue;
      auto bytes = root->read(path, secrets::kRuleFileBytesMax);
      if (!bytes.ok()) return unreadable(folder + "/" + path, bytes.error());
      if (out.size() >= kRuleFilesMax)
        return Error("scan.rules_unreadable",
                     "more than " + std::to_string(kRuleFilesMax) + " rule files below '" + folder + "'");
      out.push_back({folder + "/" + path, std::move(*bytes), true});
    }
  }
  return {};
}

}  // namespace

Result<std::vector<RuleFile>> read_rule_files(const std::vector<std::string>& paths, const StopToken& stop) {
  std::vector<RuleFile> out;
  for (std::string path : paths) {
    while (path.size() > 1 && path.ends_with('/')) path.pop_back();
    struct stat info{};
    if (::stat(path.c_str(), &info) != 0) return unreadable(path, errno_error(errno, path));
    if (S_ISDIR(info.st_mode)) {
      const auto first = static_cast<std::ptrdiff_t>(out.size());
      WRENCH_TRY(read_folder(path, out, stop));
      std::sort(out.begin() + first, out.end(), [](const RuleFile& a, const RuleFile& b) { return a.path < b.path; });
      continue;
    }
    auto bytes = runtime::read_file(path, secrets::kRuleFileBytesMax);
    if (!bytes.ok()) return unreadable(path, bytes.error());
    out.push_back({path, std::move(*bytes), false});
  }
  return out;
}

}  // namespace wrench::scan
