#include <algorithm>
#include <cstdint>
#include <iterator>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "../core/report_paths.hpp"
#include "../core/schemas.hpp"
#include "wrench/agents/builtin.hpp"
#include "wrench/agents/reports.hpp"
#include "wrench/base/text.hpp"
#include "wrench/findings/ranking.hpp"
#include "wrench/findings/summary.hpp"
#include "wrench/scan/hotspots.hpp"

namespace wrench::agents {

namespace {

using codec::Json;
using findings::Finding;
using findings::Report;

AgentSpec make_spec() {
  AgentSpec spec;
  spec.name = "super";
  spec.charter =
      "Turns a goal into a plan from facts about the input, explains every step it chose and every one it left out, "
      "and puts the results together.";
  spec.memory.enabled = true;
  Capability synthesise;
  synthesise.id = "super.synthesise";
  synthesise.title = "Put the results together";
  synthesise.why = "merges everything into one ranked report, with what was not possible";
  synthesise.input_schema = schema::object({{"code", schema::report()},
                                            {"secrets?", schema::report()},
                                            {"history?", schema::of("object")},
                                            {"inspection", schema::of("object")},
                                            {"evidence?", schema::of("object")},
                                            {"security?", schema::of("object")},
                                            {"insights?", schema::of("object")},
                                            {"parts?", schema::list_of(schema::of("string"))}});
  synthesise.output_schema = schema::object({{"report", schema::report()}});
  synthesise.takes = {{"code", "report.code"},          {"secrets?", "report.secrets"},
                      {"history?", "history.facts"},    {"inspection", "inspection"},
                      {"evidence?", "evidence"},        {"security?", "findings.security"},
                      {"insights?", "journey.insights"}};
  synthesise.gives = {{"report", "report.final"}};
  synthesise.effect = Effect::LocalTransactional;
  synthesise.cost = {.base_ms = 20, .per_kloc_ms = 0.1};
  spec.capabilities = {std::move(synthesise)};
  return spec;
}

/// Findings with the same cause: their rules go into the message, their other places beside the finding's own.
void take_in(Finding& kept, std::vector<Finding> others) {
  std::vector<std::string> rules;
  for (Finding& other : others) {
    if (other.rule != kept.rule && std::ranges::find(rules, other.rule) == rules.end()) rules.push_back(other.rule);
    for (findings::Related& related : other.related)
      if (std::ranges::find(kept.related, related) == kept.related.end()) kept.related.push_back(std::move(related));
  }
  if (!rules.empty()) kept.message += " Mended by the same change: " + join(rules, ", ") + ".";
}

/// "false positive, but it has grown from 18 to 34: the reason given then"
std::string reopened_text(const Json& entry) {
  return replace_all(std::string(entry.at("decision").as_string()), "_", " ") + ", but " +
         std::string(entry.at("why_shown").as_string()) + ": " + std::string(entry.at("reason").as_string());
}

/// Marks what people dismissed; of what is shown in spite of that, why.
void apply_decision(Finding& finding, const Json& entry) {
  if (!entry.at("why_shown").is_null()) {
    finding.reopened = reopened_text(entry);
    return;
  }
  findings::Suppressed& decided = finding.suppressed.emplace();
  decided.kind = entry.at("decision").as_string();
  decided.reason = entry.at("reason").as_string();
  decided.source = entry.at("source").as_string();
  decided.finding_id = entry.at("finding_id").as_string();
  decided.until = entry.at("until").as_string();
}

/// Decisions about other fingerprints than those of today.
std::vector<workflow::TakenOver> taken_over(const Json& inspection) {
  std::vector<workflow::TakenOver> out;
  for (const Json& entry : inspection.at("dismissed").as_array())
    if (const auto how = entry.at("how").as_string(); how != "same")
      out.push_back({std::string(entry.at("finding_id").as_string()), std::string(entry.at("fingerprint").as_string()),
                     how == "moved", entry.at("why_shown").is_null() ? std::string() : reopened_text(entry)});
  return out;
}

/// Marks what the inspection disproved or knows to be dismissed, with the reason, and puts merged findings under the
/// one that was kept.
void apply_inspection(Report& report, const Json& inspection) {
  std::map<std::string_view, const Json*> disproved;
  for (const Json& entry : inspection.at("dropped").as_array())
    disproved.emplace(entry.at("fingerprint").as_string(), &entry);
  std::map<std::string_view, const Json*> decided;
  for (const Json& entry : inspection.at("dismissed").as_array())
    decided.emplace(entry.at("fingerprint").as_string(), &entry);
  std::map<std::string_view, std::string_view> merged_into;
  for (const Json& entry : inspection.at("merged").as_array())
    for (const Json& other : entry.at("into").as_array())
      merged_into.emplace(other.as_string(), entry.at("kept").as_string());

  std::map<std::string, std::vector<Finding>> merged;
  std::vector<Finding> kept;
  for (Finding& finding : report.findings) {
    const auto target = merged_into.find(finding.fingerprint);
    const bool stays = finding.suppressed || target == merged_into.end();
    (stays ? kept : merged[std::string(target->second)]).push_back(std::move(finding));
  }
  report.findings = std::move(kept);
  for (Finding& finding : report.findings) {
    if (finding.suppressed) continue;
    if (const auto others = merged.find(finding.fingerprint); others != merged.end())
      take_in(finding, std::move(others->second));
    if (const auto decision = decided.find(finding.fingerprint); decision != decided.end())
      apply_decision(finding, *decision->second);
    if (const auto why = disproved.find(finding.fingerprint); why != disproved.end())
      finding.suppressed =
          findings::Suppressed{std::string(findings::kSetAside), std::string(why->second->at("why").as_string()),
                               std::string(why->second->at("evidence").as_string())};
  }
}

/// What other agents know about findings.
void apply_evidence(Report& report, const Json& evidence) {
  std::map<std::string_view, const Json*> known;
  for (const Json& entry : evidence.at("evidence").as_array())
    known.emplace(entry.at("fingerprint").as_string(), &entry);
  for (Finding& finding : report.findings) {
    const auto found = known.find(finding.fingerprint);
    if (found == known.end()) continue;
    const Json& entry = *found->second;
    finding.introduced =
        findings::Introduced{std::string(entry.at("commit").as_string()), std::string(entry.at("date").as_string()),
                             std::string(entry.at("author").as_string())};
  }
}

/// Adds what another scan of the same tree gave.
void add_report(Report& report, Report&& other) {
  for (auto& finding : other.findings) report.findings.push_back(std::move(finding));
  std::set<std::pair<std::string, std::string>> known;
  for (const auto& entry : report.partial) known.emplace(entry.path, entry.code);
  for (auto& entry : other.partial)
    if (known.emplace(entry.path, entry.code).second) report.partial.push_back(std::move(entry));
  for (auto& entry : other.errors) report.errors.push_back(std::move(entry));
  for (auto& note : other.notes)
    if (std::find(report.notes.begin(), report.notes.end(), note) == report.notes.end())
      report.notes.push_back(std::move(note));
  for (auto& name : other.run.analyses)
    if (std::find(report.run.analyses.begin(), report.run.analyses.end(), name) == report.run.analyses.end())
      report.run.analyses.push_back(std::move(name));
}

/// Joins the report's complexity with the churn in the output of journey.mine_history.
scan::Hotspots find_hotspots(const Report& report, const Json& history) {
  history::HistorySummary summary;
  for (const Json& file : history.at("files").as_array()) {
    history::FileHistory& entry = summary.files.emplace_back();
    entry.path = file.at("path").as_string();
    entry.recent_revisions =
        static_cast<std::uint32_t>(std::clamp<std::int64_t>(file.at("revisions").as_integer(), 0, UINT32_MAX));
    entry.main_author = file.at("main_author").as_string();
    entry.main_author_percent = file.at("main_author_percent").as_double();
  }
  std::ranges::sort(summary.files, {}, &history::FileHistory::path);
  std::map<std::string_view, std::uint32_t> found;
  for (const Finding& finding : report.findings)
    if (!finding.suppressed) ++found[finding.where.path];
  const ReportPaths paths(report.root);
  const std::string_view place = history.at("tree").as_string();
  std::vector<scan::HotspotInput> files;
  for (const findings::FileMetrics& file : report.files)
    files.push_back({file.path, paths.in_repository(file.path, place), file.cognitive, found[file.path]});
  return scan::find_hotspots(files, summary);
}

/// Why a part of the review isn't there: its step failed, or couldn't be planned. `parts` names those that the report
/// is meant to have; without it that is all of them.
void note_missing(Report& report, const Json& input) {
  constexpr std::pair<std::string_view, std::string_view> kParts[] = {
      {"secrets", "no search for secrets"},
      {"history", "no history: no hotspots, no ownership"},
      {"security", "no assessment of security"},
      {"insights", "no journey"}};
  const Json& parts = input.at("parts");
  const auto meant = [&](std::string_view member) {
    return parts.is_null() ||
           std::ranges::any_of(parts.as_array(), [&](const Json& p) { return p.as_string() == member; });
  };
  for (const auto& [member, note] : kParts)
    if (meant(member) && input.at(member).is_null()) report.notes.emplace_back(note);
}

/// What the history couldn't tell, as notes of the report.
void note_degraded_history(Report& report, const Json& history) {
  for (const Json& entry : history.at("summary").at("degraded").as_array())
    report.notes.push_back("history: " + std::string(entry.at("detail").as_string()));
}

Result<Report> synthesise(const Json& input, Reports& reports) {
  Report report = WRENCH_TRY(reports.take(input.at("code")));
  for (Finding& finding : report.findings) finding.agent = "code_analysis";
  if (!input.at("secrets").is_null()) {
    auto secrets = WRENCH_TRY(reports.take(input.at("secrets")));
    for (Finding& finding : secrets.findings) finding.agent = "infosec";
    add_report(report, std::move(secrets));
  }
  apply_inspection(report, input.at("inspection"));
  apply_evidence(report, input.at("evidence"));
  note_missing(report, input);
  for (const Json& entry : input.at("inspection").at("seen_before").as_array())
    report.notes.push_back(std::string(entry.at("rule").as_string()) + " was dismissed here " +
                           std::to_string(entry.at("dismissed").as_integer()) +
                           " times as false positive, last: " + std::string(entry.at("latest_reason").as_string()));

  const Json& history = input.at("history");
  findings::RankInputs ranks;
  if (history.is_object()) {
    note_degraded_history(report, history);
    report.repository = history.at("repository").as_string();
    report.revision = history.at("revision").as_string();
    scan::Hotspots hotspots = find_hotspots(report, history);
    report.hotspots = std::move(hotspots.best);
    ranks = std::move(hotspots.rank);
  }
  // What every file's churn was has become hotspots; the summary keeps the highest.
  Json mined = history;
  if (mined.is_object()) mined.object_ref().erase("files");
  report.history = Json::object({{"mined", std::move(mined)},
                                 {"quality", input.at("inspection").at("quality")},
                                 {"security", input.at("security")},
                                 {"journey", input.at("insights")}});
  findings::rank_all(report.findings, ranks);
  findings::sort_by_place(report.findings);
  findings::assign_groups(report.findings);
  report.summary.suppressed = static_cast<std::uint64_t>(
      std::ranges::count_if(report.findings, [](const Finding& finding) { return finding.suppressed.has_value(); }));
  report.run.complete = report.partial.empty();
  return report;
}

class Super final : public Agent {
 public:
  const AgentSpec& spec() const override { return spec_; }

  Result<AgentOutput> execute(const Capability&, const Json& input, AgentContext& context) const override {
    AgentOutput made;
    made.report = WRENCH_TRY(synthesise(input, context.reports));
    for (const workflow::MemoryBlock& block : context.blocks)
      made.report->notes.push_back(block.label + ": " + collapse_white_space(block.value));
    made.taken_over = taken_over(input.at("inspection"));
    made.report_kind = AgentOutput::ReportKind::Final;
    return made;
  }

 private:
  AgentSpec spec_ = make_spec();
};

}  // namespace

std::unique_ptr<Agent> make_super() { return std::make_unique<Super>(); }

}  // namespace wrench::agents
