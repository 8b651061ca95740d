#include "requests.hpp"

#include <utility>

#include "sql.hpp"

namespace wrench::workflow::requests {

using storage::Rows;

namespace {

constexpr std::string_view kKinds[] = {"cancel", "pause", "pause_now", "unpause"};

std::vector<Command> commands(const Rows& rows) {
  std::vector<Command> out;
  for (const auto row : rows) {
    const std::int64_t execution_no = row.integer(0), seq = row.integer(1);
    const std::string_view kind = row.text(2);
    std::string actor(row.text(4));
    if (kind == kKinds[0]) {
      out.emplace_back(command::Cancel{execution_no, std::string(row.text(3)), std::move(actor), seq});
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

Result<std::vector<Command>> of_boot(storage::ReadTx& tx, std::string_view boot) {
  return commands(WRENCH_TRY(tx.query(sql::kOwnedRequests, {boot})));
}

}  // namespace wrench::workflow::requests
