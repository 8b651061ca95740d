#include "wrench/workflow/findings_store.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <limits>
#include <tuple>
#include <utility>

#include "finding_rows.hpp"
#include "row_store.hpp"
#include "sql.hpp"
#include "wrench/base/text.hpp"
#include "wrench/codec/json.hpp"
#include "wrench/workflow/queries.hpp"

namespace wrench::workflow {

using storage::ReadTx;
using storage::Rows;

bool StoredFinding::is_dismissed(Micros now) const {
  return workflow::is_dismissed(state) && decision && !(decision->decision.until && *decision->decision.until <= now);
}

namespace findings_store {
namespace {

constexpr std::size_t kShortIdBytes = 6;
static_assert(kShortIdBytes == kIdSuffixMin);
constexpr std::size_t kIdBytesMax = 64;

Result<StoredFinding> stored(const Rows::Row& row) {
  constexpr std::size_t kTriageAt = 10;
  StoredFinding out;
  out.id = row.integer(0);
  out.finding_id = row.text(1);
  out.state = parse_finding_state(row.text(2)).value_or(FindingState::Open);
  out.first_seen = row.integer(3);
  out.last_seen = row.integer(4);
  const auto body = WRENCH_TRY(codec::parse_json(row.text(5)));
  out.finding = WRENCH_TRY(findings::finding_from_json(body));
  out.finding.rank = row.real(6);
  out.project_id = row.integer(7);
  out.repository = row.text_or_empty(8);
  out.gone = !row.is_null(9) && row.integer(9) != 0;
  if (!row.is_null(kTriageAt)) out.decision = finding_rows::triage_entry(row, kTriageAt);
  return out;
}

Result<void> add_stored(const Rows& rows, std::vector<StoredFinding>& out) {
  for (const auto row : rows) out.push_back(WRENCH_TRY(stored(row)));
  return {};
}

/// "<rank>:<id>" of the last finding shown.
struct PageKey {
  double rank = std::numeric_limits<double>::max();
  std::int64_t id = std::numeric_limits<std::int64_t>::max();
};

std::string cursor_of(const StoredFinding& last) {
  std::array<char, 32> digits{};
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), last.finding.rank).ptr;
  return std::string(digits.data(), end) + ":" + std::to_string(last.id);
}

Result<PageKey> parse_cursor(std::string_view cursor) {
  PageKey key;
  if (cursor.empty()) return key;
  const char* const end = cursor.data() + cursor.size();
  const auto rank = std::from_chars(cursor.data(), end, key.rank);
  if (rank.ec == std::errc() && rank.ptr != end && *rank.ptr == ':') {
    const auto id = std::from_chars(rank.ptr + 1, end, key.id);
    if (id.ec == std::errc() && id.ptr == end) return key;
  }
  return Error("workflow.invalid_cursor", "'" + escape_for_display(cursor) + "' is no cursor of a list of findings");
}

/// `ended_by` not 0: only those whose decision held until then.
Result<void> add_of_state(ReadTx& tx, const FindingFilter& filter, const PageKey& key, FindingState state,
                          Micros ended_by, std::size_t limit, std::vector<StoredFinding>& out) {
  std::array<std::string_view, 5> severities;
  for (std::size_t i = 0; i < severities.size(); ++i)
    severities[i] = findings::name(std::max(static_cast<findings::Severity>(i), filter.severity_min));
  const auto& [s1, s2, s3, s4, s5] = severities;
  const Rows rows =
      WRENCH_TRY(tx.query(sql::kFindingsOfState, {filter.project_id, name(state), key.rank, key.id, filter.repo_id,
                                                  filter.rule, s1, s2, s3, s4, s5, ended_by, limit}));
  return add_stored(rows, out);
}

std::string lower(std::string_view text) { return to_lower_ascii(text); }

std::string upper(std::string_view text) {
  std::string out(text);
  for (char& c : out)
    if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
  return out;
}

Error not_found(std::string_view id) {
  return Error("workflow.finding_not_found", "there is no finding '" + escape_for_display(id) + "'")
      .with_help("wrench finding list");
}

}  // namespace

Row prepare(const findings::Finding& finding, std::string finding_id) {
  return {std::move(finding_id), finding.fingerprint,
          finding.rule,          findings::name(finding.severity),
          finding.rank,          codec::write_json(findings::to_json(finding)),
          finding.reopened};
}

Result<void> upsert(storage::WriteTx& tx, const Seen& seen, const std::vector<Row>& rows) {
  if (rows.empty()) return {};
  const Rows found = WRENCH_TRY(tx.query(sql::kExecutionRow, {seen.execution_no}));
  if (found.empty()) return Error("workflow.task_not_found", "findings of an execution that doesn't exist");
  const ExecutionRow execution = row_store::execution_from(found.front());
  for (const Row& row : rows) {
    WRENCH_TRY(tx.exec(sql::kUpsertFinding,
                       {row.finding_id, seen.project_id, seen.repo_id, execution.task_no, seen.execution_no,
                        row.fingerprint, row.rule, row.severity, row.rank, row.body, tx.now()}));
    const Rows stored =
        WRENCH_TRY(tx.query(sql::kFindingByFingerprint, {seen.project_id, seen.repo_id, row.fingerprint}));
    const std::int64_t id = stored.front().integer(0);
    WRENCH_TRY(tx.exec(sql::kInsertSighting, {seen.execution_no, id, seen.step_no}));
    if (!row.reopened.empty() || stored.front().text(1) == name(FindingState::Fixed))
      WRENCH_TRY(
          triage::reopen(tx, id, row.reopened.empty() ? "it is still reported" : row.reopened, execution.started_at));
  }
  return {};
}

Result<std::vector<StoredFinding>> list_by_execution(ReadTx& tx, std::int64_t execution_no, std::int64_t after,
                                                     std::size_t limit) {
  const Rows rows =
      WRENCH_TRY(tx.query(sql::kFindingsOfExecution, {execution_no, after, std::min(limit, kFindingPageMax)}));
  std::vector<StoredFinding> out;
  WRENCH_TRY(add_stored(rows, out));
  return out;
}

Result<std::vector<StoredFinding>> list_by_task(ReadTx& tx, std::int64_t task_no, std::int64_t after,
                                                std::size_t limit) {
  const Rows latest = WRENCH_TRY(tx.query(sql::kLatestExecution, {task_no}));
  if (latest.empty()) return std::vector<StoredFinding>();
  return list_by_execution(tx, latest.front().integer(0), after, limit);
}

Result<FindingPage> list(ReadTx& tx, const FindingFilter& filter, Micros now) {
  const PageKey key = WRENCH_TRY(parse_cursor(filter.cursor));
  const std::size_t limit = std::clamp<std::size_t>(filter.limit, 1, kFindingListMax);
  std::vector<StoredFinding> all;
  WRENCH_TRY(add_of_state(tx, filter, key, filter.state, 0, limit + 1, all));
  if (filter.state == FindingState::Open) {
    for (const FindingState state : {FindingState::Snoozed, FindingState::AcceptedRisk, FindingState::FalsePositive})
      WRENCH_TRY(add_of_state(tx, filter, key, state, now, limit + 1, all));
    std::ranges::sort(all, [](const StoredFinding& a, const StoredFinding& b) {
      return std::tie(a.finding.rank, a.id) > std::tie(b.finding.rank, b.id);
    });
  }
  FindingPage page;
  if (all.size() > limit) {
    all.resize(limit);
    page.next_cursor = cursor_of(all.back());
  }
  page.findings = std::move(all);
  return page;
}

Result<StoredFinding> find(ReadTx& tx, std::string_view id) {
  if (id.size() < kShortIdBytes || id.size() > kIdBytesMax) return not_found(id.substr(0, kIdBytesMax));
  struct Candidate {
    std::int64_t no = 0;
    std::string finding_id;
  };
  std::vector<Candidate> candidates;
  const auto add = [&](const storage::Statement& statement, std::size_t column,
                       const std::string& text) -> Result<void> {
    const Rows rows = WRENCH_TRY(tx.query(statement, {std::string_view(text).substr(text.size() - kShortIdBytes)}));
    for (const auto row : rows) {
      const std::string_view whole = row.text(column);
      const std::string shown = column == 1 ? upper(whole) : lower(whole);
      if (shown.ends_with(text)) candidates.push_back({row.integer(0), std::string(row.text(1))});
    }
    return {};
  };
  WRENCH_TRY(add(sql::kFindingsByShortId, 1, upper(id)));
  WRENCH_TRY(add(sql::kFindingsByShortFingerprint, 2, lower(id)));
  if (candidates.empty()) return not_found(id);
  if (candidates.size() > 1) {
    Error error("workflow.finding_ambiguous", "several findings end in '" + escape_for_display(id) + "'");
    for (const Candidate& one : candidates) error = std::move(error).with_help(one.finding_id);
    return error;
  }
  return find_by_no(tx, candidates.front().no);
}

Result<StoredFinding> find_by_no(ReadTx& tx, std::int64_t no) {
  const Rows rows = WRENCH_TRY(tx.query(sql::kFindingByNo, {no}));
  if (rows.empty()) return not_found(std::to_string(no));
  return stored(rows.front());
}

Result<std::int64_t> find_repository(ReadTx& tx, std::int64_t project_id, std::string_view location) {
  const Rows rows = WRENCH_TRY(tx.query(sql::kRepository, {project_id, location}));
  if (rows.empty())
    return Error("workflow.repository_not_found", "nothing was reviewed yet at " + escape_for_display(location));
  return rows.front().integer(0);
}

}  // namespace findings_store
}  // namespace wrench::workflow
