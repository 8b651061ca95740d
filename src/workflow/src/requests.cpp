#include "requests.hpp"

#include <charconv>
#include <iterator>
#include <utility>

#include "sql.hpp"
#include "wrench/base/text.hpp"

namespace wrench::workflow::requests {

using codec::Json;
using storage::Rows;

namespace {

constexpr std::string_view kKinds[] = {"cancel",     "pause",        "pause_now",    "unpause",
                                       "step_retry", "step_skip",    "step_give_up", "step_resolve",
                                       "fund",       "budget_raise", "superseded",   "delegated"};
static_assert(std::size(kKinds) == static_cast<std::size_t>(Request::Kind::Delegated) + 1);

std::int64_t number_of(std::string_view text) {
  std::int64_t out = 0;
  std::from_chars(text.data(), text.data() + text.size(), out);
  return out;
}

/// What resolve_reason() says.
Result<command::Decide> resolving(std::int64_t execution_no, std::string_view text) {
  const Json what = WRENCH_TRY(codec::parse_json(text));
  command::Decide out{{execution_no, what.at("step").as_integer()}, StepDecision::Resolve};
  if (const Json& blob = what.at("blob"); !blob.is_null()) {
    out.output.blob_hash = from_hex(blob.as_string()).value_or("");
  } else {
    out.output.inline_json = codec::write_json(what.at("output"));
  }
  return out;
}

Result<Command> command_of(const Rows::Row& row) {
  using Kind = Request::Kind;
  const std::int64_t execution_no = row.integer(0), seq = row.integer(1);
  const std::string_view word = row.text(2), reason = row.text(3);
  const auto is = [&](Kind kind) { return word == kKinds[static_cast<std::size_t>(kind)]; };
  std::string actor(row.text(4));
  const StepKey step{execution_no, number_of(reason)};
  if (is(Kind::Cancel)) return Command(command::Cancel{execution_no, std::string(reason), std::move(actor), seq});
  if (is(Kind::Fund)) return Command(command::Fund{step, seq});
  if (is(Kind::Supersede)) return Command(command::Supersede{step, seq});
  if (is(Kind::StepRetry)) return Command(command::Decide{step, StepDecision::Retry, std::move(actor), seq});
  if (is(Kind::StepSkip)) return Command(command::Decide{step, StepDecision::Skip, std::move(actor), seq});
  if (is(Kind::StepGiveUp)) return Command(command::Decide{step, StepDecision::GiveUp, std::move(actor), seq});
  if (is(Kind::StepResolve)) {
    command::Decide decide = WRENCH_TRY(resolving(execution_no, reason));
    decide.actor = std::move(actor);
    decide.request = seq;
    return Command(std::move(decide));
  }
  if (is(Kind::Delegated)) {
    const Json what = WRENCH_TRY(codec::parse_json(reason));
    return Command(command::Note{{execution_no, what.at("step").as_integer()},
                                 "delegated",
                                 codec::write_json(Json::object({{"to", what.at("to")}})),
                                 std::move(actor),
                                 seq});
  }
  if (is(Kind::BudgetRaise)) {
    const Json what = WRENCH_TRY(codec::parse_json(reason));
    return Command(command::Raise{.execution_no = execution_no,
                                  .scope = std::string(what.at("scope").as_string()),
                                  .by = WRENCH_TRY(read_budget(what.at("by"))),
                                  .actor = std::move(actor),
                                  .request = seq});
  }
  const Pause pause = is(Kind::Pause) ? Pause::Yes : is(Kind::PauseNow) ? Pause::Now : Pause::No;
  return Command(command::SetPause{execution_no, pause, std::move(actor), seq});
}

/// What can't be read doesn't keep the others from being obeyed.
std::vector<Command> commands(const Rows& rows) {
  std::vector<Command> out;
  for (const auto row : rows)
    if (auto command = command_of(row); command.ok()) out.push_back(std::move(*command));
  return out;
}

}  // namespace

Result<void> add(storage::WriteTx& tx, const Request& request) {
  WRENCH_TRY(tx.exec(sql::kInsertRequest, {request.execution_no, kKinds[static_cast<std::size_t>(request.kind)],
                                           request.reason, request.actor, tx.now()}));
  return {};
}

std::string resolve_reason(std::int64_t step_no, const Payload& output) {
  if (!output.blob_hash.empty())
    return codec::write_json(Json::object({{"step", step_no}, {"blob", to_hex(output.blob_hash)}}));
  return "{\"step\":" + std::to_string(step_no) + ",\"output\":" + output.inline_json + "}";
}

Result<std::vector<Command>> of_execution(storage::ReadTx& tx, std::int64_t execution_no) {
  return commands(WRENCH_TRY(tx.query(sql::kRequestsOfExecution, {execution_no})));
}

Result<std::vector<Command>> of_executions(storage::WriteTx& tx, std::span<const storage::Bind> execution_nos) {
  return commands(WRENCH_TRY(tx.query_many(sql::kRequestsOfExecution, 1, execution_nos)));
}

Result<std::vector<Command>> notes_of(storage::ReadTx& tx, std::int64_t execution_no) {
  auto out = WRENCH_TRY(of_execution(tx, execution_no));
  std::erase_if(out, [](const Command& command) { return !std::holds_alternative<command::Note>(command); });
  return out;
}

std::optional<std::pair<std::int64_t, std::int64_t>> request_of(const Command& command) {
  return std::visit(
      []<class C>(const C& c) -> std::optional<std::pair<std::int64_t, std::int64_t>> {
        if constexpr (requires { c.request; }) {
          if (c.request == 0) return std::nullopt;
          if constexpr (requires { c.execution_no; })
            return std::pair(c.execution_no, c.request);
          else
            return std::pair(c.step.execution_no, c.request);
        }
        return std::nullopt;
      },
      command);
}

Result<std::set<std::pair<std::int64_t, std::int64_t>>> open_of(storage::WriteTx& tx,
                                                                std::span<const Command> commands) {
  std::set<std::int64_t> executions;
  for (const Command& command : commands)
    if (const auto request = request_of(command)) executions.insert(request->first);
  std::set<std::pair<std::int64_t, std::int64_t>> out;
  const std::vector<storage::Bind> keys(executions.begin(), executions.end());
  const Rows rows = WRENCH_TRY(tx.query_many(sql::kRequestsOfExecution, 1, keys));
  for (const auto row : rows) out.emplace(row.integer(0), row.integer(1));
  return out;
}

Result<std::vector<Command>> of_boot(storage::ReadTx& tx, std::string_view boot) {
  return commands(WRENCH_TRY(tx.query(sql::kOwnedRequests, {boot})));
}

}  // namespace wrench::workflow::requests
