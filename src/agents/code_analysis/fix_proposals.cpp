#include "fix_proposals.hpp"

#include <algorithm>

#include "../core/tree_input.hpp"
#include "wrench/agents/cache_shelf.hpp"
#include "wrench/scan/fixes.hpp"

namespace wrench::agents {
namespace {

using codec::Json;

Json fix_json(const findings::Finding& finding) {
  const Json whole = findings::to_json(finding);
  const Json& fix = whole.at("fix");
  return Json::object({{"fingerprint", finding.fingerprint},
                       {"rule", finding.rule},
                       {"path", finding.where.path},
                       {"line", finding.where.start.line},
                       {"safety", fix.at("safety")},
                       {"state", fix.at("state")},
                       {"reason", fix.at("reason")},
                       {"description", fix.at("description")}});
}

}  // namespace

Result<Json> propose_fixes(const Json& input, AgentContext& context) {
  const Json& tree = input.at("tree");
  const std::vector<scan::Analysis> analyses(std::begin(scan::kAllAnalyses), std::end(scan::kAllAnalyses));
  auto report = WRENCH_TRY(scan_tree(tree, analyses, context));
  scan::FixOptions options;
  options.which = scan::FixOptions::Which::All;  // A proposal is looked at.
  for (const auto& word : input.at("fingerprints").as_array()) {
    const std::string fingerprint(word.as_string());
    const bool known = std::any_of(report.findings.begin(), report.findings.end(),
                                   [&](const findings::Finding& f) { return f.fingerprint == fingerprint; });
    if (!known)
      return Error("agent.not_found",
                   "no finding '" + fingerprint + "' below " + std::string(tree.at("path").as_string()));
    options.fingerprints.push_back(fingerprint);
  }
  Json changes = Json::array(), fixes = Json::array();
  // An empty list asks for nothing.
  if (!input.at("fingerprints").is_array() || !options.fingerprints.empty()) {
    const auto cache = context.caches.of(std::string(tree.at("root").as_string()));
    scan::ScanContext scanning{.pool = context.pool, .clock = context.clock, .cache = cache.get()};
    WRENCH_TRY(
        scan::apply_fixes(scan_request(tree, analyses), report, options, scanning, context.stop, context.deadline));
    cache->flush();
    for (const auto& finding : report.findings) {
      const bool asked = options.fingerprints.empty() ||
                         std::find(options.fingerprints.begin(), options.fingerprints.end(), finding.fingerprint) !=
                             options.fingerprints.end();
      if (asked && !finding.suppressed && finding.fix && (!finding.fix->edits.empty() || !finding.fix->reason.empty()))
        fixes.push_back(fix_json(finding));
    }
    for (const auto& change : report.changes) changes.push_back(findings::to_json(change));
  }
  return Json::object({{"changes", std::move(changes)}, {"fixes", std::move(fixes)}});
}

}  // namespace wrench::agents
