#include <algorithm>
#include <array>
#include <cmath>
#include <iterator>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "../core/inspection.hpp"
#include "../core/schemas.hpp"
#include "place.hpp"
#include "testimony.hpp"
#include "wrench/agents/builtin.hpp"
#include "wrench/agents/cache_shelf.hpp"
#include "wrench/agents/mail.hpp"
#include "wrench/agents/reports.hpp"
#include "wrench/base/text.hpp"
#include "wrench/history/changes.hpp"
#include "wrench/history/git_repo.hpp"
#include "wrench/history/mine.hpp"
#include "wrench/history/summary.hpp"

namespace wrench::agents {

namespace {

using codec::Json;
using findings::Report;

constexpr std::size_t kFilesMax = 100'000;
constexpr std::size_t kShortIdBytes = 7;
constexpr std::size_t kInsightsMax = 20;  ///< Of one review.
constexpr std::size_t kEvidenceMax = 10;
constexpr std::size_t kPairsMax = 5;
constexpr double kStrongCouplingPercent = 70;
constexpr double kKnowledgeLossPercent = 30;
constexpr std::int64_t kTruckFactorLow = 2;
constexpr std::int64_t kTrendRevisionsMin = 10;
constexpr std::int64_t kTrendGrowth = 2;
constexpr std::size_t kPhaseMonths = 6;

AgentSpec make_spec() {
  AgentSpec spec;
  spec.name = "journey";
  spec.charter =
      "Tells how the code came to be what it is: activity, ownership, coupling and progress since the last look. Each "
      "statement names its evidence.";
  spec.memory.enabled = true;
  Capability mine;
  mine.id = "journey.mine_history";
  mine.title = "Read the version history";
  mine.why = "shows which files change most, together and by whom, so that attention goes where change is";
  mine.input_schema = schema::object({{"tree", schema::tree()}});
  mine.output_schema = schema::object({{"history", schema::of("object")}});
  mine.takes = {{"tree", "repo.tree"}};
  mine.gives = {{"history", "history.facts"}};
  mine.requires_fact = "git.commits";
  mine.effect = Effect::Pure;
  mine.slot = "io";
  mine.cost = {.base_ms = 300, .per_kloc_ms = 0.5};
  mine.intent = {{"mine", "track", "explain"}, {"history", "churn", "ownership", "hotspot"}};
  Capability track;
  track.id = "journey.track";
  track.title = "State, progress and insights";
  track.why = "tells state, progress since the last review and insights, each with evidence";
  track.input_schema = schema::object({{"tree", schema::tree()},
                                       {"code", schema::report()},
                                       {"secrets?", schema::report()},
                                       {"history?", schema::of("object")},
                                       {"inspection?", schema::of("object")}});
  track.output_schema = schema::object({{"journey_id", schema::of("string")},
                                        {"current_state", schema::of("object")},
                                        {"progress", schema::of("object")},
                                        {"insights", schema::list_of(schema::of("object"))}});
  track.takes = {{"tree", "repo.tree"},
                 {"code", "report.code"},
                 {"secrets?", "report.secrets"},
                 {"history?", "history.facts"},
                 {"inspection?", "inspection"}};
  track.gives = {{std::string(kWholeOutput), "journey.insights"}};
  track.effect = Effect::Idempotent;
  track.cost = {.base_ms = 10};
  Capability changes;
  changes.id = "journey.changes";
  changes.title = "What changed since a commit";
  changes.why = "answers one question: which lines did the commits since another one change?";
  changes.input_schema = schema::object({{"tree", schema::tree()}, {"since", schema::of("string")}});
  changes.output_schema = schema::object({{"changes", schema::of("object")}});
  changes.takes = {{"tree", "repo.tree"}};
  changes.requires_fact = "git.commits";
  changes.effect = Effect::Pure;
  changes.slot = "io";
  changes.cost = {.base_ms = 50};
  Capability testify;
  testify.id = "journey.testify";
  testify.title = "Say who introduced what was found";
  testify.why =
      "answers other agents: which commit made the lines of the worst findings what they are, and who wrote it";
  // Who should have asked may have failed: then nobody asks anything.
  testify.input_schema = schema::object({{"tree", schema::tree()}, {"question?", schema::of("object")}});
  testify.output_schema = schema::object(
      {{"questions", schema::of("integer")}, {"answered", schema::of("integer")}, {"unknown", schema::of("integer")}});
  testify.takes = {{"tree", "repo.tree"}, {"question", "question"}};
  testify.gives = {{std::string(kWholeOutput), "testimony"}};
  testify.requires_fact = "git.commits";
  testify.effect = Effect::LocalTransactional;
  testify.slot = "io";
  testify.cost = {.base_ms = 200};
  spec.capabilities = {std::move(mine), std::move(track), std::move(changes), std::move(testify)};
  return spec;
}

/// Facts of an earlier run, continued: only what is new is read from git.
Result<history::HistoryFacts> mine_with_cache(const history::GitRepo& repo, AgentContext& context) {
  const auto cache = context.caches.of(repo.root());
  constexpr std::string_view kKey = "history/1";
  std::optional<history::HistoryFacts> previous;
  if (const auto kept = cache->get(kKey))
    if (auto json = codec::parse_json(*kept))
      if (auto facts = history::facts_from_json(*json)) previous = std::move(*facts);
  auto facts = WRENCH_TRY(
      history::mine(repo, {}, previous ? &*previous : nullptr, context.pool, context.stop, context.deadline));
  if (!previous || previous->head != facts.head) {
    cache->put(kKey, codec::write_json(history::to_json(facts)));
    cache->flush();
  }
  return facts;
}

Result<AgentOutput> mine_history(const Json& input, AgentContext& context) {
  const std::string root(input.at("tree").at("root").as_string());
  const auto repo = WRENCH_TRY(history::GitRepo::open(root, context.stop));
  const auto summary = history::summarise(WRENCH_TRY(mine_with_cache(repo, context)));
  Json files = Json::array();
  for (const auto& file : summary.files) {
    if (file.recent_revisions == 0) continue;
    if (files.as_array().size() == kFilesMax) break;
    files.push_back(Json::object({{"path", repair_utf8(file.path)},
                                  {"revisions", file.recent_revisions},
                                  {"main_author", file.main_author},
                                  {"main_author_percent", file.main_author_percent}}));
  }
  const auto branch = WRENCH_TRY(repo.branch(context.stop));
  AgentOutput made;
  made.output.set(
      "history",
      Json::object({{"summary", history::to_json(summary)},
                    {"files", std::move(files)},
                    {"tree", place_in(repo, root)},
                    {"repository", repair_utf8(std::string_view(repo.root()).substr(repo.root().rfind('/') + 1))},
                    {"revision", (branch.empty() ? "" : branch + "@") + summary.head.substr(0, kShortIdBytes)}}));
  return made;
}

Result<AgentOutput> changes_of(const Json& input, AgentContext& context) {
  const std::string root(input.at("tree").at("root").as_string());
  const auto repo = WRENCH_TRY(history::GitRepo::open(root, context.stop));
  const auto changes =
      WRENCH_TRY(history::changes_since(repo, input.at("since").as_string(), context.stop, context.deadline));
  Json files = Json::array();
  std::int64_t added = 0;
  std::int64_t removed = 0;
  for (const auto& file : changes.files) {
    Json lines = Json::array();
    for (const auto& range : file.lines) lines.push_back(Json::array({range.first, range.last}));
    files.push_back(Json::object({{"path", repair_utf8(file.path)},
                                  {"state", file.deleted ? "deleted" : "changed"},
                                  {"added", file.added},
                                  {"removed", file.removed},
                                  {"lines", std::move(lines)}}));
    added += file.added;
    removed += file.removed;
  }
  AgentOutput made;
  made.output.set("changes", Json::object({{"base", changes.base.substr(0, kShortIdBytes)},
                                           {"head", changes.head.substr(0, kShortIdBytes)},
                                           {"commits", changes.commits},
                                           {"added", added},
                                           {"removed", removed},
                                           {"tree", place_in(repo, root)},
                                           {"files", std::move(files)},
                                           {"cut", changes.cut}}));
  return made;
}

using SeverityCounts = std::array<std::int64_t, 5>;

/// Findings that stand: neither suppressed nor settled by the inspection.
std::vector<const findings::Finding*> standing(const Report& report, const Json& inspection) {
  const std::set<std::string> settled = settled_by(inspection);
  std::vector<const findings::Finding*> out;
  for (const findings::Finding& finding : report.findings)
    if (!finding.suppressed && !settled.contains(finding.fingerprint)) out.push_back(&finding);
  return out;
}

SeverityCounts counts(const std::vector<const findings::Finding*>& standing) {
  SeverityCounts out{};
  for (const auto* finding : standing) ++out[static_cast<std::size_t>(finding->severity)];
  return out;
}

Json counts_json(const SeverityCounts& counted) {
  Json out = Json::object();
  for (std::size_t i = counted.size(); i-- > 0;)
    out.set(findings::name(static_cast<findings::Severity>(i)), counted[i]);
  return out;
}

/// A statement and the ids (commits, fingerprints, paths) that show it. Without evidence nothing is said.
void add_insight(Json& insights, std::string kind, std::string text, Json evidence) {
  if (insights.as_array().size() >= kInsightsMax || evidence.as_array().empty()) return;
  insights.push_back(
      Json::object({{"kind", std::move(kind)}, {"text", std::move(text)}, {"evidence", std::move(evidence)}}));
}

std::string percent(double value) { return std::to_string(std::lround(value)) + " %"; }
Json commit_evidence(std::string_view commit) { return Json::array({"commit:" + std::string(commit)}); }

std::string text(const Json& value) { return std::string(value.as_string()); }

void ownership_insights(Json& insights, const Json& summary) {
  const std::string_view head = summary.at("head").as_string();
  const Json& truck = summary.at("truck_factor");
  if (const auto value = truck.at("value").as_integer(); value >= 1 && value <= kTruckFactorLow) {
    std::vector<std::string> people;
    for (const Json& name : truck.at("authors").as_array()) people.push_back(text(name));
    add_insight(
        insights, "ownership",
        "without " + join(people, " and ") + " more than half of the files have no author left who knows them well",
        commit_evidence(head));
  }
  if (const double lost = summary.at("knowledge_loss").at("percent").as_double(); lost >= kKnowledgeLossPercent)
    add_insight(insights, "knowledge", percent(lost) + " of the code has a main author without a commit in half a year",
                commit_evidence(head));
}

/// Of the strong pairs those with most behind them: two files that changed together five times say little.
void coupling_insights(Json& insights, const Json& summary) {
  std::vector<const Json*> strong;
  for (const Json& pair : summary.at("coupling").as_array())
    if (pair.at("percent").as_double() >= kStrongCouplingPercent && pair.at("files").as_array().size() == 2)
      strong.push_back(&pair);
  std::ranges::stable_sort(
      strong, [](const Json* a, const Json* b) { return a->at("shared").as_integer() > b->at("shared").as_integer(); });
  for (std::size_t i = 0; i < std::min(strong.size(), kPairsMax); ++i) {
    const Json& pair = *strong[i];
    const auto& files = pair.at("files").as_array();
    add_insight(insights, "coupling",
                text(files[0]) + " and " + text(files[1]) + " change together in " +
                    percent(pair.at("percent").as_double()) + " of their changes",
                Json::array({pair.at("evidence")}));
  }
}

/// Files that change clearly more often than in the year before.
void trend_insights(Json& insights, const Json& summary) {
  std::size_t shown = 0;
  for (const Json& file : summary.at("churn").as_array()) {
    const auto recent = file.at("recent_revisions").as_integer();
    const auto before = file.at("previous_revisions").as_integer();
    if (recent < kTrendRevisionsMin || recent < kTrendGrowth * before || before == 0) continue;
    if (shown++ == kPairsMax) break;
    add_insight(insights, "trend",
                text(file.at("path")) + " changed " + std::to_string(recent) + " times in the last year of work, " +
                    std::to_string(before) + " times in the year before",
                Json::array({"path:" + text(file.at("path"))}));
  }
}

/// Commits of the last `count` months before the newest one's, and of as many before those.
std::pair<std::int64_t, std::int64_t> recent_and_before(const Json& summary, std::size_t count) {
  const auto& months = summary.at("activity").as_array();
  std::pair<std::int64_t, std::int64_t> sums{0, 0};
  for (std::size_t back = 0; back < 2 * count && back < months.size(); ++back)
    (back < count ? sums.first : sums.second) += months[months.size() - 1 - back].at("commits").as_integer();
  return sums;
}

/// Where the project stands, from its own pace: commits of half a year against the half year before.
Json activity_phase(const Json& summary) {
  const auto& months = summary.at("activity").as_array();
  if (months.empty()) return nullptr;
  const auto [recent, before] = recent_and_before(summary, kPhaseMonths);
  std::string_view phase = "steady";
  if (months.size() <= kPhaseMonths)
    phase = "young";
  else if (recent >= kTrendGrowth * before)
    phase = "growing";
  else if (kTrendGrowth * recent <= before)
    phase = "slowing";
  return Json::object({{"phase", phase}, {"commits", recent}, {"commits_before", before}, {"months", kPhaseMonths}});
}

Json history_insights(const Json& history) {
  Json insights = Json::array();
  const Json& summary = history.at("summary");
  ownership_insights(insights, summary);
  coupling_insights(insights, summary);
  trend_insights(insights, summary);
  return insights;
}

void report_insights(Json& insights, const Report& report, const std::vector<const findings::Finding*>& standing) {
  Json severe = Json::array();
  Json cycles = Json::array();
  std::size_t severe_count = 0;
  for (const auto* finding : standing) {
    if (finding->severity < findings::Severity::High) continue;
    if (++severe_count <= kEvidenceMax) severe.push_back("finding:" + finding->fingerprint);
  }
  add_insight(insights, "risk",
              severe_count == 1 ? "one finding is high or critical"
                                : std::to_string(severe_count) + " findings are high or critical",
              std::move(severe));
  for (const auto& cycle : report.cycles)
    if (!cycle.modules.empty() && cycles.as_array().size() < kEvidenceMax)
      cycles.push_back("path:" + cycle.modules.front());
  add_insight(insights, "structure",
              report.cycles.size() == 1
                  ? "one group of modules imports itself in a circle"
                  : std::to_string(report.cycles.size()) + " groups of modules import themselves in circles",
              std::move(cycles));
}

/// Counts now, and against the ones remembered from the last look at this tree.
Json progress_since(const SeverityCounts& now, const std::vector<workflow::MemoryItem>& memories) {
  Json progress = Json::object({{"first_look", memories.empty()}, {"findings", counts_json(now)}});
  if (memories.empty()) return progress;
  const workflow::MemoryItem& before = memories.front();
  Json change = Json::object();
  for (std::size_t i = now.size(); i-- > 0;) {
    const auto word = findings::name(static_cast<findings::Severity>(i));
    change.set(word, now[i] - before.content.at(word).as_integer());
  }
  progress.set("since", format_rfc3339(before.created_at));
  progress.set("change", std::move(change));
  return progress;
}

Result<AgentOutput> track(const Json& input, AgentContext& context) {
  const auto code = WRENCH_TRY(context.reports.read(input.at("code")));
  auto findings = standing(*code, input.at("inspection"));
  std::shared_ptr<const Report> secrets;
  if (!input.at("secrets").is_null()) {
    secrets = WRENCH_TRY(context.reports.read(input.at("secrets")));
    std::ranges::copy(standing(*secrets, input.at("inspection")), std::back_inserter(findings));
  }
  const SeverityCounts now = counts(findings);
  const Json& history = input.at("history");
  const Json& summary = history.at("summary");
  Json insights = history.is_object() ? history_insights(history) : Json::array();
  report_insights(insights, *code, findings);

  const std::string root(input.at("tree").at("root").as_string());
  AgentOutput made;
  made.output = Json::object(
      {{"journey_id", "journey:" + root},
       {"current_state", Json::object({{"revision", history.at("revision")},
                                       {"nloc", code->summary.nloc},
                                       {"files", code->files.size()},
                                       {"commits", summary.at("commits")},
                                       {"activity", history.is_object() ? activity_phase(summary) : Json()},
                                       {"truck_factor", summary.at("truck_factor")}})},
       {"progress", progress_since(now, context.memories)},
       {"insights", std::move(insights)}});
  workflow::MemoryDraft& episode = made.memories.emplace_back();
  episode.kind = "episode";
  episode.scope = root;
  episode.content = counts_json(now);
  return made;
}

class Journey final : public Agent {
 public:
  const AgentSpec& spec() const override { return spec_; }

  Result<AgentOutput> execute(const Capability& capability, const Json& input, AgentContext& context) const override {
    if (capability.id == "journey.mine_history") return mine_history(input, context);
    if (capability.id == "journey.changes") return changes_of(input, context);
    if (capability.id == "journey.testify") return testify(input, context);
    return track(input, context);
  }
  std::vector<std::string> mail() const override { return {std::string(kEvidenceWanted)}; }
  Result<AgentOutput> answer(const workflow::Message& message, AgentContext& context) const override {
    return answer_question(message, context);
  }

 private:
  AgentSpec spec_ = make_spec();
};

}  // namespace

std::unique_ptr<Agent> make_journey() { return std::make_unique<Journey>(); }

}  // namespace wrench::agents
