#include "tree_input.hpp"

#include <climits>
#include <cstdlib>

#include "wrench/agents/cache_shelf.hpp"

namespace wrench::agents {

namespace {

/// One JSON object a line: where something was found, and by which rule. No text of the file: the secrets of other
/// files aren't known yet.
std::string told(const findings::Finding& finding) {
  return codec::write_json(codec::Json::object({{"rule", finding.rule},
                                                {"severity", findings::name(finding.severity)},
                                                {"path", finding.where.path},
                                                {"line", finding.where.start.line},
                                                {"col", finding.where.start.col}})) +
         "\n";
}

/// The path as typed when it still means the same folder, so that reports read as the user expects; else the absolute
/// one.
std::string usable_path(const codec::Json& tree) {
  const std::string typed(tree.at("path").as_string()), root(tree.at("root").as_string());
  char buffer[PATH_MAX];
  return ::realpath(typed.c_str(), buffer) != nullptr && root == buffer ? typed : root;
}

bool is_for_secrets(const std::vector<scan::Analysis>& analyses) {
  return analyses == std::vector{scan::Analysis::Secrets};
}

}  // namespace

scan::ScanRequest scan_request(const codec::Json& tree, std::vector<scan::Analysis> analyses) {
  scan::ScanRequest request;
  request.paths = {usable_path(tree)};
  request.analyses = std::move(analyses);
  request.use_builtin_rules = tree.at("builtin_rules").as_boolean(true);
  request.use_project_config = tree.at("project_config").as_boolean(true);
  for (const auto& path : tree.at("rules").as_array()) request.rule_paths.emplace_back(path.as_string());
  request.jobs = static_cast<int>(tree.at("jobs").as_integer());
  request.new_since = tree.at("since").at("commit").as_string();
  // One step looks for them, as one reports those of the files.
  request.history_secrets = is_for_secrets(request.analyses) && tree.at("history_secrets").as_boolean(false);
  return request;
}

Result<findings::Report> scan_tree(const codec::Json& tree, std::vector<scan::Analysis> analyses,
                                   AgentContext& context) {
  const auto cache = context.caches.of(std::string(tree.at("root").as_string()));
  const codec::Json& since = tree.at("since");
  if (since.is_object()) cache->hold(scan::kFactsHeldBytesMax);  // Most files are looked at twice.
  scan::ScanContext scan_context{.pool = context.pool, .clock = context.clock, .cache = cache.get()};
  scan_context.rules = &context.caches.rules();
  scan_context.progress = [&](const scan::ScanProgress& at) {
    const double total = at.files_total == 0 ? 1 : static_cast<double>(at.files_total);
    context.progress(static_cast<double>(at.files_done) / total,
                     std::to_string(at.files_done) + "/" + std::to_string(at.files_total) + " files");
  };
  const bool secrets_only = is_for_secrets(analyses);
  scan_context.found = [&](const findings::Finding& finding) {
    if (!secrets_only && finding.category == findings::Category::Secret) return;  // Infosec reports them.
    context.say(told(finding));
  };
  auto report = scan::run(scan_request(tree, std::move(analyses)), scan_context, context.stop, context.deadline);
  cache->flush();
  if (report && report->summary.since) report->summary.since->revision = since.at("revision").as_string();
  return report;
}

}  // namespace wrench::agents
