#include "requests.hpp"

#include <charconv>
#include <utility>

#include "sql.hpp"

namespace wrench::workflow::requests {

using storage::Rows;

namespace {

constexpr std::string_view kKinds[] = {"cancel",     "pause",     "pause_now",   "unpause",
                                       "step_retry", "step_skip", "step_give_up"};

std::vector<Command> commands(const Rows& rows) {
  std::vector<Command> out;
  for (const auto row : rows) {
    const std::int64_t execution_no = row.integer(0), seq = row.integer(1);
    const std::string_view kind = row.text(2);
    std::string actor(row.text(4));
    if (kind == kKinds[0]) {
      out.emplace_back(command::Cancel{execution_no, std::string(row.text(3)), std::move(actor), seq});
    } else if (kind.starts_with("step_")) {
      std::int64_t step_no = 0;
      const std::string_view text = row.text(3);
      std::from_chars(text.data(), text.data() + text.size(), step_no);
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
