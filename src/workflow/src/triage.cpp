#include "wrench/workflow/triage.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include "finding_rows.hpp"
#include "forks.hpp"
#include "row_store.hpp"
#include "sql.hpp"
#include "wrench/base/text.hpp"
#include "wrench/codec/json.hpp"

namespace wrench::workflow {

using codec::Json;
using storage::Bind;
using storage::ReadTx;
using storage::Rows;
using storage::WriteTx;

namespace {

constexpr std::array<std::string_view, 5> kWords = {"open", "accepted_risk", "false_positive", "snoozed", "fixed"};
constexpr std::string_view kSystem = "system";
constexpr std::size_t kHistoryMax = 1000;

Error invalid(std::string message) { return {"workflow.invalid_triage", std::move(message)}; }

Result<void> check(const TriageDecision& decision, Micros now) {
  if (decision.reason.size() > kTriageReasonBytesMax)
    return invalid("the reason has " + format_bytes(decision.reason.size()) + "; at most " +
                   format_bytes(kTriageReasonBytesMax) + " are kept");
  if (!is_valid_utf8(decision.reason) || decision.reason.find('\0') != std::string::npos)
    return invalid("the reason isn't UTF-8 text");
  if (is_dismissed(decision.state) && trim(decision.reason).empty())
    return invalid("say why: the next reader will ask");
  if (decision.state == FindingState::Snoozed && !decision.until)
    return invalid("a snooze needs a day on which it ends");
  if (!decision.until) return {};
  if (!is_dismissed(decision.state)) return invalid("only a dismissal ends by itself");
  if (*decision.until <= now) return invalid(format_date(*decision.until - 1) + " is over");
  if (*decision.until > now + kTriageUntilMax)
    return invalid(format_date(*decision.until - 1) + " is too far away: leave the end out");
  return {};
}

/// The finding as decisions see it.
struct Decided {
  std::int64_t no = 0;
  std::string finding_id;
  std::int64_t project_id = 0;
  std::optional<std::int64_t> task_no;
  std::string state;
  std::optional<std::int64_t> triage;
  std::string basis, move_fingerprint;
};

Result<Decided> load(ReadTx& tx, std::int64_t finding) {
  const Rows rows = WRENCH_TRY(tx.query(sql::kFindingDecided, {finding}));
  if (rows.empty()) return Error("workflow.finding_not_found", "there is no such finding any more");
  const auto row = rows.front();
  const auto json = WRENCH_TRY(codec::parse_json(row.text(5)));
  const auto body = WRENCH_TRY(findings::finding_from_json(json));
  return Decided{finding,
                 std::string(row.text(0)),
                 row.integer(1),
                 row.optional_integer(2),
                 std::string(row.text(3)),
                 row.optional_integer(4),
                 codec::write_json(to_json(findings::basis_of(body))),
                 body.move_fingerprint};
}

Result<void> announce(WriteTx& tx, const Decided& finding, std::string_view state, std::string_view actor,
                      std::string_view reason) {
  storage::EventDraft event;
  event.type = "finding.triaged";
  event.project_id = finding.project_id;
  event.task_id = finding.task_no;
  event.subject_kind = "finding";
  event.subject_id = finding.finding_id;
  event.actor = actor;
  event.payload = codec::write_json(Json::object({{"from", finding.state}, {"state", state}, {"reason", reason}}));
  return tx.append_event(event);
}

Result<void> append(WriteTx& tx, const Decided& finding, const TriageDecision& decision, std::string_view basis,
                    std::string_view origin) {
  const std::int64_t no = WRENCH_TRY(tx.query(sql::kNextTriage)).front().integer(0);
  WRENCH_TRY(tx.exec(sql::kInsertTriage, {no, finding.no, tx.now(), decision.actor, name(decision.state),
                                          decision.reason, decision.until, basis, finding.move_fingerprint,
                                          origin.empty() ? Bind(std::nullopt) : Bind(origin), finding.triage}));
  WRENCH_TRY(tx.exec(sql::kSetFindingState, {name(decision.state), no, finding.no}));
  return announce(tx, finding, name(decision.state), decision.actor, decision.reason);
}

/// Where an execution's findings belong, and when it began to look.
struct Place {
  std::int64_t project_id = 0, repo_id = 0;
  Micros started_at = 0;
};

Result<Place> place_of(ReadTx& tx, std::int64_t execution_no) {
  const Rows execution = WRENCH_TRY(tx.query(sql::kExecutionRow, {execution_no}));
  if (execution.empty()) return Error("workflow.task_not_found", "there is no such execution");
  const ExecutionRow row = row_store::execution_from(execution.front());
  const Rows task = WRENCH_TRY(tx.query(sql::kTaskRow, {row.task_no}));
  return Place{task.front().integer(2), task.front().optional_integer(3).value_or(0), row.started_at};
}

/// The row of the new place becomes part of the old one, which goes on with its id, decision and history.
Result<void> move(WriteTx& tx, std::int64_t from, std::int64_t to, const std::string& fingerprint) {
  const Rows rows = WRENCH_TRY(tx.query(sql::kFindingRow, {to}));
  const auto row = rows.front();
  WRENCH_TRY(tx.exec(sql::kMoveSightings, {from, to}));
  WRENCH_TRY(tx.exec(sql::kDeleteFinding, {to}));
  WRENCH_TRY(tx.exec(sql::kMoveFinding, {fingerprint, row.optional_integer(0), row.integer(1), row.text(2), row.text(3),
                                         row.real(4), row.text(5), row.integer(6), from}));
  return {};
}

}  // namespace

std::string_view name(FindingState state) { return kWords[static_cast<std::size_t>(state)]; }

std::optional<FindingState> parse_finding_state(std::string_view word) {
  const auto found = std::ranges::find(kWords, word);
  if (found == kWords.end()) return std::nullopt;
  return static_cast<FindingState>(found - kWords.begin());
}

bool is_dismissed(FindingState state) { return findings::is_dismissal(name(state)); }

TriageEntry finding_rows::triage_entry(const Rows::Row& row, std::size_t at) {
  TriageEntry out;
  out.id = row.integer(at);
  out.at = row.integer(at + 1);
  out.decision.actor = row.text(at + 2);
  out.decision.state = parse_finding_state(row.text(at + 3)).value_or(FindingState::Open);
  out.decision.reason = row.text(at + 4);
  out.decision.until = row.optional_integer(at + 5);
  out.origin = row.text_or_empty(at + 6);
  out.undone_at = row.optional_integer(at + 7);
  out.undone_by = row.text_or_empty(at + 8);
  return out;
}

namespace triage {

Result<void> decide(WriteTx& tx, std::int64_t finding, const TriageDecision& decision) {
  WRENCH_TRY(check(decision, tx.now()));
  const Decided now = WRENCH_TRY(load(tx, finding));
  if (decision.state == FindingState::Open && now.state == name(FindingState::Open))
    return Error("workflow.invalid_transition", "the finding " + now.finding_id + " is open already");
  return append(tx, now, decision, now.basis, {});
}

Result<std::optional<TriageEntry>> undo(WriteTx& tx, std::int64_t finding, std::string_view actor) {
  const Decided now = WRENCH_TRY(load(tx, finding));
  if (!now.triage) return Error("workflow.nothing_to_undo", "nobody decided about the finding " + now.finding_id);
  const Rows undone = WRENCH_TRY(tx.query(sql::kTriageOf, {*now.triage}));
  const auto previous = undone.front().optional_integer(finding_rows::kTriageColumns);
  std::optional<TriageEntry> standing;
  if (previous) {
    const Rows rows = WRENCH_TRY(tx.query(sql::kTriageOf, {*previous}));
    standing = finding_rows::triage_entry(rows.front(), 0);
  }
  const std::string_view state = standing ? name(standing->decision.state) : name(FindingState::Open);
  WRENCH_TRY(tx.exec(sql::kUndoTriage, {tx.now(), actor, *now.triage}));
  WRENCH_TRY(tx.exec(sql::kSetFindingState, {state, previous, finding}));
  WRENCH_TRY(announce(tx, now, state, actor, "undone"));
  return standing;
}

Result<std::vector<TriageEntry>> history(ReadTx& tx, std::int64_t finding) {
  std::vector<TriageEntry> out;
  const Rows rows = WRENCH_TRY(tx.query(sql::kTriageHistory, {finding, kHistoryMax}));
  for (const auto row : rows) out.push_back(finding_rows::triage_entry(row, 0));
  return out;
}

Result<findings::Decisions> decisions_for(ReadTx& tx, std::int64_t execution_no) {
  findings::Decisions out;
  const Place place = WRENCH_TRY(place_of(tx, execution_no));
  const Rows repository = WRENCH_TRY(tx.query(sql::kRepositoryByNo, {place.repo_id}));
  if (!repository.empty()) out.project = repository.front().text(0);
  const Rows rows = WRENCH_TRY(tx.query(sql::kDismissalsOfRepository, {place.project_id, place.repo_id}));
  for (const auto row : rows) {
    const TriageEntry entry = finding_rows::triage_entry(row, 2);
    findings::Dismissal dismissal;
    dismissal.finding_id = row.text(0);
    dismissal.fingerprint = row.text(1);
    dismissal.decision = name(entry.decision.state);
    dismissal.reason = entry.decision.reason;
    dismissal.source = entry.decision.actor + ", " + format_date(entry.at);
    dismissal.until = entry.decision.until;
    const auto basis = WRENCH_TRY(codec::parse_json(row.text(11)));
    dismissal.basis = WRENCH_TRY(findings::basis_from_json(basis));
    dismissal.move_fingerprint = row.text(12);
    out.dismissals.push_back(std::move(dismissal));
  }
  if (out.dismissals.empty()) return out;
  const Rows reported = WRENCH_TRY(tx.query(sql::kReportedFingerprints, {place.project_id, place.repo_id}));
  for (const auto row : reported) out.reported.emplace(row.text(0));
  return out;
}

Result<void> after_review(WriteTx& tx, std::int64_t execution_no, const std::vector<TakenOver>& all) {
  const Place place = WRENCH_TRY(place_of(tx, execution_no));
  // What a fork took from an earlier execution is reported as well.
  const std::int64_t first = WRENCH_TRY(forks::first_of(tx, execution_no));
  WRENCH_TRY(tx.exec(sql::kSetLatestReview, {first, place.repo_id}));
  for (const TakenOver& one : all) {
    const Rows decided = WRENCH_TRY(tx.query(sql::kFindingNoById, {one.finding_id}));
    const Rows reported =
        WRENCH_TRY(tx.query(sql::kFindingByFingerprint, {place.project_id, place.repo_id, one.fingerprint}));
    if (decided.empty() || reported.empty()) continue;
    const std::int64_t from = decided.front().integer(0), to = reported.front().integer(0);
    const bool untouched = from != to && !reported.front().optional_integer(3);
    if (!untouched) continue;
    if (one.moved) {
      WRENCH_TRY(move(tx, from, to, one.fingerprint));
      if (!one.why_shown.empty()) WRENCH_TRY(reopen(tx, from, one.why_shown, place.started_at));
      continue;
    }
    const Decided origin = WRENCH_TRY(load(tx, from));
    if (!origin.triage || !one.why_shown.empty()) continue;
    const Rows rows = WRENCH_TRY(tx.query(sql::kTriageOf, {*origin.triage}));
    const TriageEntry entry = finding_rows::triage_entry(rows.front(), 0);
    if (!is_dismissed(entry.decision.state)) continue;
    const Decided target = WRENCH_TRY(load(tx, to));
    WRENCH_TRY(append(tx, target, entry.decision, target.basis, origin.finding_id));
  }
  return {};
}

Result<void> reopen(WriteTx& tx, std::int64_t finding, std::string_view why, Micros seen_at) {
  const Decided now = WRENCH_TRY(load(tx, finding));
  if (now.state == name(FindingState::Open)) return {};
  if (now.triage) {
    const Rows rows = WRENCH_TRY(tx.query(sql::kTriageOf, {*now.triage}));
    if (finding_rows::triage_entry(rows.front(), 0).at > seen_at) return {};
  }
  return append(tx, now, {FindingState::Open, std::string(why), std::nullopt, std::string(kSystem)}, now.basis, {});
}

}  // namespace triage
}  // namespace wrench::workflow
