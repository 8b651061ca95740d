#include <algorithm>
#include <cmath>
#include <vector>

#include "../acting_user.hpp"
#include "../layout.hpp"
#include "../output.hpp"
#include "../tree_argument.hpp"
#include "../workspace.hpp"
#include "commands.hpp"
#include "wrench/agents/decisions.hpp"
#include "wrench/base/text.hpp"
#include "wrench/base/ulid.hpp"
#include "wrench/codec/json.hpp"
#include "wrench/findings/dismissal.hpp"
#include "wrench/findings/ranking.hpp"
#include "wrench/findings/summary.hpp"
#include "wrench/scan/scan.hpp"
#include "wrench/workflow/findings_store.hpp"

namespace wrench::app {

namespace {

using codec::Json;
using workflow::FindingState;
using workflow::StoredFinding;
using workflow::TriageDecision;
using workflow::TriageEntry;

constexpr std::size_t kSeverityColumns = 10;

std::string day_before(Micros until) { return format_date(until - 1); }

/// "false positive until 2026-12-24, user:ada, 2026-11-28: why"
std::string decision_text(const TriageEntry& entry) {
  std::string text = replace_all(std::string(workflow::name(entry.decision.state)), "_", " ");
  if (entry.decision.until) text += " until " + day_before(*entry.decision.until);
  text += ", " + entry.decision.actor + ", " + format_date(entry.at);
  if (!entry.decision.reason.empty()) text += ": " + entry.decision.reason;
  return Console::safe(collapse_white_space(text));
}

std::string id_of(const StoredFinding& one) { return std::string(short_id(one.finding.fingerprint)); }

std::string title_of(const findings::Finding& finding) {
  return Console::safe(finding.title.empty() ? finding.message.substr(0, finding.message.find_first_of(".\n"))
                                             : finding.title);
}

std::string place(const findings::Finding& finding) {
  return Console::safe(finding.where.path) + ":" + std::to_string(finding.where.start.line);
}

Json to_json(const TriageEntry& entry) {
  const auto time = [](const std::optional<Micros>& at) { return at ? Json(format_rfc3339(*at)) : Json(); };
  return Json::object({{"state", workflow::name(entry.decision.state)},
                       {"reason", entry.decision.reason},
                       {"by", entry.decision.actor},
                       {"at", format_rfc3339(entry.at)},
                       {"until", entry.decision.until ? Json(day_before(*entry.decision.until)) : Json()},
                       {"taken_over_from", entry.origin.empty() ? Json() : Json(entry.origin)},
                       {"undone_at", time(entry.undone_at)},
                       {"undone_by", entry.undone_by.empty() ? Json() : Json(entry.undone_by)}});
}

Json to_json(const StoredFinding& one, Micros now) {
  return Json::object({{"finding_id", one.finding_id},
                       {"state", workflow::name(one.state)},
                       {"dismissed", one.is_dismissed(now)},
                       {"gone", one.gone},
                       {"decision", one.decision ? to_json(*one.decision) : Json()},
                       {"repository", one.repository.empty() ? Json() : Json(one.repository)},
                       {"first_seen", format_rfc3339(one.first_seen)},
                       {"last_seen", format_rfc3339(one.last_seen)},
                       {"finding", findings::to_json(one.finding)}});
}

/// The project that holds `path`, as reviews name it.
Result<std::string> project_of(const std::string& path) { return scan::project_root(WRENCH_TRY(canonical_path(path))); }

Result<workflow::FindingPage> page_of(const Session& session, Workspace& space) {
  workflow::FindingFilter filter;
  filter.project_id = workflow::kDefaultProject;
  filter.state =
      workflow::parse_finding_state(session.invocation.value("--state", "open")).value_or(FindingState::Open);
  filter.rule = session.invocation.value("--rule");
  filter.severity_min = WRENCH_TRY(findings::parse_severity(session.invocation.value("--severity", "info")));
  filter.limit = static_cast<std::size_t>(session.invocation.number("--limit", 50));
  filter.cursor = session.invocation.value("--cursor");
  std::string root;
  if (!session.invocation.arguments.empty()) root = WRENCH_TRY(project_of(session.invocation.arguments.front()));
  return space.store().read([&](storage::ReadTx& tx) -> Result<workflow::FindingPage> {
    if (!root.empty())
      filter.repo_id = WRENCH_TRY(workflow::findings_store::find_repository(tx, filter.project_id, root));
    return workflow::findings_store::list(tx, filter, space.clock().now_us());
  });
}

std::string list_text(const workflow::FindingPage& page, const Session& session, Micros now) {
  if (page.findings.empty()) return "No such findings.\n";
  const Console& console = session.console;
  std::string text;
  for (const StoredFinding& one : page.findings) {
    text += id_of(one) + "  " + pad(findings::name(one.finding.severity), kSeverityColumns) + place(one.finding) +
            "  " + Console::safe(one.finding.rule) + (one.gone ? "  not in the latest review" : "") + "\n";
    const std::string margin(2 + one.finding.fingerprint.substr(0, 6).size() + kSeverityColumns, ' ');
    const auto room = console.width() - std::min(console.width() / 2, margin.size());
    text += margin + clip(title_of(one.finding), room, console.unicode()) + "\n";
    if (!one.decision) continue;
    const bool ended = workflow::is_dismissed(one.state) && !one.is_dismissed(now);
    for (const auto& line : wrap((ended ? "ended: " : "") + decision_text(*one.decision), room))
      text += margin + console.styled(Style::Dim, line) + "\n";
  }
  if (!page.next_cursor.empty()) text += "\nMore: wrench finding list --cursor " + page.next_cursor + "\n";
  return text;
}

struct Shown {
  StoredFinding stored;
  std::vector<TriageEntry> history;
};

Result<Shown> shown(Workspace& space, std::string_view id) {
  return space.store().read([&](storage::ReadTx& tx) -> Result<Shown> {
    Shown out;
    out.stored = WRENCH_TRY(workflow::findings_store::find(tx, id));
    out.history = WRENCH_TRY(workflow::triage::history(tx, out.stored.id));
    return out;
  });
}

std::string show_text(const Shown& one, const Console& console, Micros now) {
  const auto& [stored, history] = one;
  const findings::Finding& finding = stored.finding;
  const std::string margin = "  ";
  const auto prose = [&](std::string_view text) {
    std::string out;
    for (const auto& line : wrap(Console::safe(collapse_white_space(text)), console.width() - margin.size()))
      out += margin + line + "\n";
    return out;
  };
  const auto fact = [&](std::string_view label, const std::string& value) {
    return value.empty() ? std::string() : margin + pad(label, 12) + value + "\n";
  };
  std::string text = title_of(finding) + "\n";
  text += fact("id", stored.finding_id + "  " + id_of(stored));
  text += fact("where", place(finding) + ":" + std::to_string(finding.where.start.col));
  text += fact("rule", Console::safe(finding.rule));
  text += fact("severity", std::string(findings::name(finding.severity)) + ", confidence " +
                               std::string(findings::name(finding.confidence)));
  text += fact("rank", std::to_string(std::lround(finding.rank)) + " of 100");
  text += fact("project", Console::safe(stored.repository));
  text += fact("seen", format_date(stored.first_seen) + " to " + format_date(stored.last_seen) +
                           (stored.gone ? ", not in the latest review" : ""));
  text += fact("introduced", Console::safe(introduced_text(finding)));
  const bool ended = workflow::is_dismissed(stored.state) && !stored.is_dismissed(now);
  text += fact("state", replace_all(std::string(workflow::name(stored.state)), "_", " ") + (ended ? ", ended" : ""));
  text += "\n" + prose(finding.message);
  text += "\n" + prose("Why this rank: " + findings::explain_rank(finding) + ".");
  if (finding.fix && !finding.fix->description.empty()) text += "\n" + prose("Fix: " + finding.fix->description);
  if (!history.empty()) text += "\nDecisions\n";
  for (const TriageEntry& entry : history) {
    text += prose(decision_text(entry));
    if (entry.undone_at)
      text +=
          margin + margin + "undone by " + Console::safe(entry.undone_by) + ", " + format_date(*entry.undone_at) + "\n";
  }
  return text;
}

/// A day, which still counts, or how long from now.
Result<Micros> parse_until(std::string_view text, Micros now) {
  if (const auto duration = parse_duration(text)) return now + *duration;
  const auto at = parse_rfc3339(text);
  if (!at)
    return Error("cli.invalid_value", "--until: '" + escape_for_display(text) +
                                          "' is no day (2026-12-24) and no time from "
                                          "now (30d)");
  const bool whole_day = text.find_first_of("Tt ") == std::string_view::npos;
  return whole_day ? *at + kMicrosPerDay : *at;
}

Result<TriageDecision> decision_of(const Session& session, Micros now) {
  TriageDecision decision;
  const auto word = session.invocation.value("--state");
  if (word.empty())
    return Error("cli.missing_argument", "say what is decided: --state, or --undo")
        .with_help("wrench finding triage --help");
  decision.state = workflow::parse_finding_state(word).value_or(FindingState::Open);
  decision.reason = session.invocation.value("--reason");
  if (session.invocation.has("--until"))
    decision.until = WRENCH_TRY(parse_until(session.invocation.value("--until"), now));
  decision.actor = acting_user();
  return decision;
}

/// All of them or none.
Result<void> triage_all(Workspace& space, const std::vector<StoredFinding>& findings,
                        const std::optional<TriageDecision>& decision) {
  std::vector<storage::WriteBody> bodies;
  for (const StoredFinding& finding : findings)
    bodies.push_back(decision ? WRENCH_TRY(agents::deciding(space.memory(), finding, *decision))
                              : WRENCH_TRY(agents::undoing(space.memory(), finding, acting_user())));
  return space.store().write([&](storage::WriteTx& tx) -> Result<void> {
    for (const auto& body : bodies) WRENCH_TRY(body(tx));
    return {};
  });
}

}  // namespace

ExitCode run_finding_list(Session& session) {
  auto space = Workspace::open(session, Workspace::Use::Read);
  if (!space) return session.fail(space.error());
  const auto page = page_of(session, **space);
  if (!page) return session.fail(page.error());
  const Micros now = (*space)->clock().now_us();
  if (session.format() != "json") return delivered(session, list_text(*page, session, now));
  Json data = Json::array();
  for (const StoredFinding& one : page->findings) data.push_back(to_json(one, now));
  return delivered_json(session,
                        Json::object({{"schema", "wrench.finding_list/1"},
                                      {"data", std::move(data)},
                                      {"next_cursor", page->next_cursor.empty() ? Json() : Json(page->next_cursor)}}));
}

ExitCode run_finding_show(Session& session) {
  auto space = Workspace::open(session, Workspace::Use::Read);
  if (!space) return session.fail(space.error());
  const auto one = shown(**space, session.invocation.arguments.front());
  if (!one) return session.fail(one.error());
  const Micros now = (*space)->clock().now_us();
  if (session.format() != "json") return delivered(session, show_text(*one, session.console, now));
  Json json = to_json(one->stored, now);
  Json history = Json::array();
  for (const TriageEntry& entry : one->history) history.push_back(to_json(entry));
  return delivered_json(
      session,
      Json::object({{"schema", "wrench.finding/1"}, {"data", std::move(json)}, {"history", std::move(history)}}));
}

ExitCode run_finding_triage(Session& session) {
  const bool undo = session.invocation.has("--undo");
  std::optional<TriageDecision> decision;
  if (undo) {
    for (const auto* flag : {"--state", "--until", "--reason"})
      if (session.invocation.has(flag))
        return session.fail(Error("cli.invalid_value", std::string("--undo takes no ") + flag));
  } else {
    auto wanted = decision_of(session, SystemClock().now_us());
    if (!wanted) return session.fail(wanted.error());
    decision = std::move(*wanted);
  }
  auto space = Workspace::open(session, Workspace::Use::Write);
  if (!space) return session.fail(space.error());
  // All of them before anything is done to the first, so that a wrong id does nothing.
  std::vector<StoredFinding> chosen;
  for (const auto& id : session.invocation.arguments) {
    auto one = shown(**space, id);
    if (!one) return session.fail(one.error());
    if (std::ranges::find(chosen, one->stored.id, &StoredFinding::id) == chosen.end())
      chosen.push_back(std::move(one->stored));
  }
  if (auto done = triage_all(**space, chosen, decision); !done) return session.fail(done.error());
  Json data = Json::array();
  std::string text;
  const Micros now = (*space)->clock().now_us();
  for (const StoredFinding& before : chosen) {
    const auto one = (*space)->store().read(
        [&](storage::ReadTx& tx) { return workflow::findings_store::find_by_no(tx, before.id); });
    if (!one) return session.fail(one.error());
    data.push_back(to_json(*one, now));
    text += id_of(*one) + "  " + replace_all(std::string(workflow::name(one->state)), "_", " ") + "  " +
            place(one->finding) + "  " + Console::safe(one->finding.rule) + "\n";
  }
  if (session.format() == "json")
    return delivered_json(session, Json::object({{"schema", "wrench.finding_triage/1"}, {"data", std::move(data)}}));
  return delivered(session, text);
}

}  // namespace wrench::app
