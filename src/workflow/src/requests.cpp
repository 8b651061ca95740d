#include "requests.hpp"

#include <charconv>
#include <utility>

#include "sql.hpp"

namespace wrench::workflow::requests {

using storage::Rows;

namespace {

constexpr std::string_view kKinds[] = {"cancel",    "pause",        "pause_now", "unpause",      "step_retry",
                                       "step_skip", "step_give_up", "fund",      "budget_raise", "superseded"};

std::int64_t number_of(std::string_view text) {
  std::int64_t out = 0;
  std::from_chars(text.data(), text.data() + text.size(), out);
  return out;
}

std::vector<Command> commands(const Rows& rows) {
  std::vector<Command> out;
  for (const auto row : rows) {
    const std::int64_t execution_no = row.integer(0), seq = row.integer(1);
    const std::string_view kind = row.text(2);
    std::string actor(row.text(4));
    if (kind == kKinds[0]) {
      out.emplace_back(command::Cancel{execution_no, std::string(row.text(3)), std::move(actor), seq});
    } else if (kind == kKinds[7]) {
      out.emplace_back(command::Fund{{execution_no, number_of(row.text(3))}, seq});
    } else if (kind == kKinds[9]) {
      out.emplace_back(command::Supersede{{execution_no, number_of(row.text(3))}, seq});
    } else if (kind == kKinds[8]) {
      const auto what = codec::parse_json(row.text(3));
      auto by = what.ok() ? read_budget(what->at("by")) : Result<BudgetAmounts>(what.error());
      command::Raise raise{.execution_no = execution_no, .actor = std::move(actor), .request = seq};
      if (by.ok()) raise.by = std::move(*by);
      if (what.ok()) raise.scope = what->at("scope").as_string();
      out.emplace_back(std::move(raise));
    } else if (kind.starts_with("step_")) {
      const std::int64_t step_no = number_of(row.text(3));
      const StepDecision decision = kind == kKinds[4]   ? StepDecision::Retry
                                    : kind == kKinds[5] ? StepDecision::Skip
                                                        : StepDecision::GiveUp;
      out.emplace_back(command::Decide{{execution_no, step_no}, decision, std::move(actor), seq});
    } else {
      const Pause pause = kind == kKinds[1] ? Pause::Yes : kind == kKinds[2] ? Pause::Now : Pause::No;
      out.emplace_back(command::SetPause{execution_no, pause, std::move(actor), seq});
    }
  }
  return out;
}

}  // namespace

Result<void> add(storage::WriteTx& tx, const Request& request) {
  WRENCH_TRY(tx.exec(sql::kInsertRequest, {request.execution_no, kKinds[static_cast<std::size_t>(request.kind)],
                                           request.reason, request.actor, tx.now()}));
  return {};
}

Result<std::vector<Command>> of_execution(storage::ReadTx& tx, std::int64_t execution_no) {
  return commands(WRENCH_TRY(tx.query(sql::kRequestsOfExecution, {execution_no})));
}

Result<std::vector<Command>> of_executions(storage::WriteTx& tx, std::span<const storage::Bind> execution_nos) {
  return commands(WRENCH_TRY(tx.query_many(sql::kRequestsOfExecution, 1, execution_nos)));
}

Result<std::vector<Command>> of_boot(storage::ReadTx& tx, std::string_view boot) {
  return commands(WRENCH_TRY(tx.query(sql::kOwnedRequests, {boot})));
}

}  // namespace wrench::workflow::requests
