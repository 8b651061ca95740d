#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "../core/decision_memory.hpp"
#include "../core/schemas.hpp"
#include "evidence.hpp"
#include "judgement.hpp"
#include "outline.hpp"
#include "quality.hpp"
#include "selection.hpp"
#include "wrench/agents/builtin.hpp"
#include "wrench/agents/reports.hpp"
#include "wrench/scan/tree_sources.hpp"

namespace wrench::agents {
namespace {

using codec::Json;
using findings::Category;
using findings::Finding;
using findings::Report;

Capability inspect_capability() {
  Capability inspect;
  inspect.id = "inspector.inspect";
  inspect.title = "Inspect and judge";
  inspect.why =
      "merges findings with one cause, drops what it can disprove and says why, remembers what people dismissed, and "
      "measures quality";
  inspect.input_schema = schema::object({{"code", schema::report()}, {"secrets?", schema::report()}});
  inspect.output_schema = schema::object({{"static_analysis", schema::of("object")},
                                          {"security_issues", schema::list_of(schema::of("string"))},
                                          {"best_practices", schema::list_of(schema::of("string"))},
                                          {"performance", schema::list_of(schema::of("string"))},
                                          {"quality", schema::of("object")},
                                          {"merged", schema::list_of(schema::of("object"))},
                                          {"dismissed", schema::list_of(schema::of("object"))},
                                          {"seen_before", schema::list_of(schema::of("object"))},
                                          {"dropped", schema::list_of(schema::of("object"))}});
  inspect.takes = {{"code", "report.code"}, {"secrets?", "report.secrets"}};
  inspect.gives = {{std::string(kWholeOutput), "inspection"}};
  inspect.effect = Effect::Pure;
  inspect.cost = {.base_ms = 20, .per_kloc_ms = 0.1};
  inspect.intent = {{"inspect", "review", "judge"}, {"quality", "practice", "code"}};
  return inspect;
}

Capability ask_capability() {
  Capability ask;
  ask.id = "inspector.ask";
  ask.title = "Ask for evidence";
  ask.why = "asks the journey who introduced the worst findings";
  ask.input_schema = schema::object(
      {{"code", schema::report()}, {"secrets?", schema::report()}, {"inspection", schema::of("object")}});
  ask.output_schema = schema::object({{"asked", schema::of("integer")}});
  ask.takes = {{"code", "report.code"}, {"secrets?", "report.secrets"}, {"inspection", "inspection"}};
  ask.gives = {{std::string(kWholeOutput), "question"}};
  ask.requires_fact = "git.commits";
  ask.effect = Effect::LocalTransactional;
  ask.cost = {.base_ms = 5};
  return ask;
}

Capability weigh_capability() {
  Capability weigh;
  weigh.id = "inspector.weigh";
  weigh.title = "Take the answers in";
  weigh.why = "puts what other agents answered beside the findings";
  // Who should have testified may have failed: then nobody said anything.
  weigh.input_schema = schema::object({{"testimony?", schema::of("object")}});
  weigh.output_schema = schema::object(
      {{"evidence", schema::list_of(schema::of("object"))}, {"unknown", schema::list_of(schema::of("object"))}});
  weigh.takes = {{"testimony", "testimony"}};
  weigh.gives = {{std::string(kWholeOutput), "evidence"}};
  weigh.effect = Effect::LocalTransactional;
  weigh.cost = {.base_ms = 5};
  return weigh;
}

Capability judge_capability() {
  Capability judge;
  judge.id = "inspector.judge";
  judge.title = "Check a result's evidence";
  judge.why = "answers one question: does each finding of a result still stand?";
  judge.input_schema = schema::object({{"report", schema::report()}});
  judge.output_schema =
      schema::object({{"verdict", Json::object({{"enum", Json::array({"accept", "revise", "reject"})}})},
                      {"score", schema::of("number")},
                      {"checks", schema::list_of(schema::of("object"))},
                      {"feedback", schema::list_of(schema::of("string"))},
                      {"judge", schema::of("object")}});
  judge.effect = Effect::Pure;
  judge.cost = {.base_ms = 20};
  return judge;
}

Json whole_number(std::int64_t min, std::int64_t max) {
  return Json::object({{"type", "integer"}, {"minimum", min}, {"maximum", max}});
}

constexpr std::int64_t kListedMax = 1000;  ///< Findings or places that one list of select and outline shows.

Json one_of(std::initializer_list<std::string_view> words) {
  Json list = Json::array();
  for (const auto word : words) list.push_back(word);
  return Json::object({{"enum", std::move(list)}});
}

Capability select_capability() {
  Capability select;
  select.id = "inspector.select";
  select.title = "Select the findings that a question is about";
  select.why = "answers one question: which findings are of these kinds, this severe, in these places, or new?";
  select.input_schema =
      schema::object({{"report", schema::report()},
                      {"categories?", schema::list_of(one_of({"security", "secret", "correctness", "performance",
                                                              "maintainability", "structure", "style"}))},
                      {"severity?", one_of({"info", "low", "medium", "high", "critical"})},
                      {"rules?", schema::list_of(schema::of("string"))},
                      {"paths?", schema::list_of(schema::of("string"))},
                      {"changes?", schema::of("object")},
                      {"limit?", whole_number(1, kListedMax)}});
  select.output_schema = schema::object({{"report", schema::report()},
                                         {"total", schema::of("integer")},
                                         {"counts", schema::of("object")},
                                         {"findings", schema::list_of(schema::of("object"))},
                                         {"left_out", schema::of("integer")},
                                         {"elsewhere?", schema::of("integer")}});
  select.effect = Effect::Pure;
  select.cost = {.base_ms = 10};
  return select;
}

Capability outline_capability() {
  Capability outline;
  outline.id = "inspector.outline";
  outline.title = "Outline a code base";
  outline.why = "answers one question: how large is this, and where is it complex, copied, tangled or often changed?";
  outline.input_schema = schema::object({{"report", schema::report()}, {"limit?", whole_number(1, kListedMax)}});
  const Json rows = schema::list_of(schema::of("object"));
  outline.output_schema = schema::object({{"size", schema::of("object")},
                                          {"languages", rows},
                                          {"hotspots", rows},
                                          {"hotspot_paths", schema::list_of(schema::of("string"))},
                                          {"complex_functions", rows},
                                          {"large_files", rows},
                                          {"copies", rows},
                                          {"cycles", rows}});
  outline.effect = Effect::Pure;
  outline.cost = {.base_ms = 10};
  return outline;
}

AgentSpec make_spec() {
  AgentSpec spec;
  spec.name = kDecisionAgent;
  spec.memory.enabled = true;
  spec.charter =
      "Judges what the other agents found: merges findings with one root cause, drops what it can disprove and says "
      "why, "
      "remembers what people dismissed, and measures the quality of the code from complexity, size, duplication, "
      "structure and defects.";
  spec.capabilities = {inspect_capability(), ask_capability(),    weigh_capability(),
                       judge_capability(),   select_capability(), outline_capability()};
  return spec;
}

Json dropped_json(const Judgement& judgement) {
  Json list = Json::array();
  for (const Disproved& one : judgement.disproved)
    list.push_back(Json::object({{"fingerprint", one.finding->fingerprint},
                                 {"rule", one.finding->rule},
                                 {"path", one.finding->where.path},
                                 {"line", one.finding->where.start.line},
                                 {"check", one.check},
                                 {"why", one.why},
                                 {"evidence", one.evidence}}));
  return list;
}

Json merged_json(const Judgement& judgement) {
  Json list = Json::array();
  for (const Merged& one : judgement.merged) {
    Json others = Json::array();
    for (const Finding* other : one.others) others.push_back(other->fingerprint);
    list.push_back(Json::object({{"kept", one.kept->fingerprint}, {"into", std::move(others)}, {"why", one.why}}));
  }
  return list;
}

/// What people decided about the findings that would be shown.
std::vector<findings::Recalled> recall(const std::vector<const Finding*>& all, const Judgement& judgement,
                                       const findings::Decisions& decisions, Micros now) {
  findings::MergedFindings merged;
  std::set<const Finding*> covered;
  for (const Merged& one : judgement.merged)
    for (const Finding* other : one.others) {
      merged[one.kept->fingerprint].push_back(other->fingerprint);
      covered.insert(other);
    }
  std::vector<const Finding*> shown;
  for (const Finding* finding : all)
    if (!covered.contains(finding)) shown.push_back(finding);
  return findings::recall(shown, decisions, merged, now);
}

/// A person's word counts for more than the inspector's own, and covers what was merged into a finding.
void leave_to_people(Judgement& judgement, const std::vector<findings::Recalled>& recalled) {
  std::set<const Finding*> dismissed;
  for (const findings::Recalled& one : recalled)
    if (one.why_shown.empty()) dismissed.insert(one.finding);
  std::erase_if(judgement.disproved, [&](const Disproved& one) { return dismissed.contains(one.finding); });
  for (const Merged& one : judgement.merged)
    if (dismissed.contains(one.kept)) dismissed.insert(one.others.begin(), one.others.end());
  std::erase_if(judgement.standing, [&](const Finding* one) { return dismissed.contains(one); });
}

Json dismissed_json(const std::vector<findings::Recalled>& recalled) {
  constexpr std::string_view kHow[] = {"same", "moved", "merged"};
  Json list = Json::array();
  for (const findings::Recalled& one : recalled)
    list.push_back(
        Json::object({{"fingerprint", one.finding->fingerprint},
                      {"finding_id", one.dismissal->finding_id},
                      {"decision", one.dismissal->decision},
                      {"reason", one.dismissal->reason},
                      {"source", one.dismissal->source},
                      {"until", one.dismissal->until ? Json(format_date(*one.dismissal->until - 1)) : Json()},
                      {"how", kHow[static_cast<std::size_t>(one.how)]},
                      {"why_shown", one.why_shown.empty() ? Json() : Json(one.why_shown)}}));
  return list;
}

/// Rules whose findings people dismissed here before as false positives, more than once, and that report again: whoever
/// reads those findings should know.
Result<Json> seen_before(const Judgement& judgement, std::string_view project, AgentContext& context) {
  constexpr std::size_t kDecisionsMax = 500, kTimesMin = 2;
  struct Past {
    std::size_t times = 0;
    std::string reason;  // The latest.
  };
  const auto decisions = WRENCH_TRY(context.recall(
      Json::object({{"$kind", kDecisionKind}, {"$scope", project}, {"decision", "false_positive"}}), kDecisionsMax));
  std::map<std::string, Past, std::less<>> past;
  for (const workflow::MemoryItem& item : decisions) {
    Past& of_rule = past[std::string(item.content.at("rule").as_string())];
    if (of_rule.times++ == 0) of_rule.reason = item.content.at("reason").as_string();
  }
  std::map<std::string_view, std::size_t> standing;
  for (const Finding* finding : judgement.standing) ++standing[finding->rule];
  Json list = Json::array();
  for (const auto& [rule, of_rule] : past) {
    const auto again = standing.find(rule);
    if (of_rule.times < kTimesMin || again == standing.end()) continue;
    list.push_back(Json::object({{"rule", rule},
                                 {"dismissed", of_rule.times},
                                 {"latest_reason", of_rule.reason},
                                 {"standing", again->second}}));
  }
  return list;
}

Result<Json> inspect(const Report& code, const Report* secrets, AgentContext& context) {
  const findings::Decisions decisions = WRENCH_TRY(context.decisions());
  std::vector<const Finding*> all;
  for (const Finding& finding : code.findings) all.push_back(&finding);
  if (secrets != nullptr)
    for (const Finding& finding : secrets->findings) all.push_back(&finding);
  const scan::TreeSources sources(code);
  Judgement judgement = judge_findings(all, code.root, sources);
  const auto recalled = recall(all, judgement, decisions, context.clock.now_us());
  leave_to_people(judgement, recalled);
  Json before = WRENCH_TRY(seen_before(judgement, decisions.project, context));

  Json security = Json::array();
  Json practices = Json::array();
  Json performance = Json::array();
  for (const Finding* finding : judgement.standing) {
    switch (finding->category) {
      case Category::Security:
      case Category::Secret:
        security.push_back(finding->fingerprint);
        break;
      case Category::Performance:
        performance.push_back(finding->fingerprint);
        break;
      default:
        practices.push_back(finding->fingerprint);
        break;
    }
  }
  return Json::object({{"static_analysis", Json::object({{"files", code.files.size()},
                                                         {"functions", code.functions.size()},
                                                         {"clone_classes", code.clones.size()},
                                                         {"import_cycles", code.cycles.size()},
                                                         {"findings", judgement.standing.size()}})},
                       {"security_issues", std::move(security)},
                       {"best_practices", std::move(practices)},
                       {"performance", std::move(performance)},
                       {"quality", measure_quality(code, judgement.standing)},
                       {"merged", merged_json(judgement)},
                       {"dismissed", dismissed_json(recalled)},
                       {"seen_before", std::move(before)},
                       {"dropped", dropped_json(judgement)}});
}

/// One check over every finding of a result: passes, or fails with the findings for which it does.
struct Check {
  std::string_view id, evidence, advice;
  std::vector<std::string> failing;

  Json to_json() const {
    Json list = Json::array();
    for (const std::string& fingerprint : failing) list.push_back(fingerprint);
    return Json::object(
        {{"id", id},
         {"kind", "deterministic"},
         {"status", failing.empty() ? "pass" : "fail"},
         {"evidence", failing.empty() ? std::string(evidence)
                                      : std::to_string(failing.size()) + " findings: " + std::string(advice)},
         {"findings", std::move(list)}});
  }
};

Json judge(const Report& report) {
  const scan::TreeSources sources(report);
  Check location{
      "location", "every file is there with the content that was analysed", "the file is gone or changed", {}};
  Check range{"range", "every range lies in its file", "the range lies outside of its file", {}};
  Check rule{"rule", "every finding names its rule", "no rule is named", {}};
  Check duplicate{"duplicate", "no finding stands twice", "the same finding stands more than once", {}};
  Check silence{
      "partial", "nothing was left out silently", "the result says it is complete but names what is missing", {}};
  std::set<std::string_view> seen;
  std::set<const Finding*> failing;
  const auto fail = [&](Check& check, const Finding& finding) {
    check.failing.push_back(finding.fingerprint);
    failing.insert(&finding);
  };
  for (const Finding& finding : report.findings) {
    const auto text = sources.text(finding.where.path);
    if (text == nullptr)
      fail(location, finding);
    else if (finding.where.start.offset > finding.where.end.offset || finding.where.end.offset > text->size())
      fail(range, finding);
    if (finding.rule.empty()) fail(rule, finding);
    if (!seen.insert(finding.fingerprint).second) fail(duplicate, finding);
  }
  if (report.run.complete && !report.partial.empty()) silence.failing.emplace_back("run.complete");

  Json checks = Json::array();
  Json feedback = Json::array();
  bool all_pass = true;
  for (const Check* check : {&location, &range, &rule, &duplicate, &silence}) {
    checks.push_back(check->to_json());
    if (check->failing.empty()) continue;
    all_pass = false;
    feedback.push_back(std::string(check->id) + ": " + std::string(check->advice));
  }
  const double total = report.findings.empty() ? 1 : static_cast<double>(report.findings.size());
  const double score = 1 - static_cast<double>(failing.size()) / total;
  // Half of it wrong: nothing to mend, do it again.
  constexpr double kReviseScoreMin = 0.5;
  const std::string_view verdict = all_pass ? "accept" : score >= kReviseScoreMin ? "revise" : "reject";
  return Json::object({{"verdict", verdict},
                       {"score", score},
                       {"checks", std::move(checks)},
                       {"feedback", std::move(feedback)},
                       {"judge", Json::object({{"route", "deterministic"}, {"self_judged", false}})}});
}

class Inspector final : public Agent {
 public:
  const AgentSpec& spec() const override { return spec_; }

  Result<AgentOutput> execute(const Capability& capability, const Json& input, AgentContext& context) const override {
    AgentOutput made;
    if (capability.id == "inspector.weigh") return weigh_evidence(context);
    if (capability.id == "inspector.judge") {
      made.output = judge(*WRENCH_TRY(context.reports.read(input.at("report"))));
      return made;
    }
    if (capability.id == "inspector.outline") {
      constexpr std::int64_t kShown = 10;
      const auto report = WRENCH_TRY(context.reports.read(input.at("report")));
      made.output = outline_of(*report, static_cast<std::size_t>(input.at("limit").as_integer(kShown)));
      return made;
    }
    if (capability.id == "inspector.select") {
      auto whole = WRENCH_TRY(context.reports.take(input.at("report")));
      auto selection = WRENCH_TRY(select_findings(std::move(whole), input));
      made.output = std::move(selection.told);
      made.report = std::move(selection.report);
      return made;
    }
    const auto code = WRENCH_TRY(context.reports.read(input.at("code")));
    std::shared_ptr<const Report> secrets;
    if (!input.at("secrets").is_null()) secrets = WRENCH_TRY(context.reports.read(input.at("secrets")));
    if (capability.id == "inspector.ask") return ask_for_evidence(*code, secrets.get(), input.at("inspection"));
    made.output = WRENCH_TRY(inspect(*code, secrets.get(), context));
    return made;
  }

 private:
  AgentSpec spec_ = make_spec();
};

}  // namespace

std::unique_ptr<Agent> make_inspector() { return std::make_unique<Inspector>(); }

}  // namespace wrench::agents
