#include "wrench/app/exit_code.hpp"

namespace wrench::app {

namespace {

constexpr ExitCodeMeaning kMeanings[] = {
    {ExitCode::Done, "done, gate passed, nothing partial"},
    {ExitCode::AnswerIsNo,
     "done, the answer is no: findings at or above the gate, a failed task, rule test, agent test or doctor check"},
    {ExitCode::Usage, "usage or configuration wrong, nothing done"},
    {ExitCode::OperationFailed, "operation failed: unreadable path or file, I/O, storage, internal"},
    {ExitCode::NotPermitted, "not permitted or refused by policy"},
    {ExitCode::NotFound, "no such task, finding, agent, rule"},
    {ExitCode::Conflict, "conflict or invalid transition"},
    {ExitCode::NeedsPerson, "needs a person: approval, answer, dead or uncertain step, interrupted task"},
    {ExitCode::Stopped, "stopped: cancelled, expired, --timeout or a budget reached"},
    {ExitCode::Unreachable, "server or provider unreachable, store busy"},
    {ExitCode::Partial, "gate passed but the result is partial (--allow-partial: 0)"},
    {ExitCode::Interrupted, "interrupted (SIGINT)"},
    {ExitCode::ClosedPipe, "the reader of standard output has gone"},
    {ExitCode::Terminated, "terminated (SIGTERM)"},
};

struct Mapping {
  std::string_view prefix;
  ExitCode code;
};
// What isn't named here is a failed operation (3): io.*, storage.*, findings.baseline_*, history.*,
// scan.too_many_files.
constexpr Mapping kMappings[] = {
    {"agent.bad_goal", ExitCode::Usage},
    {"agent.input_invalid", ExitCode::Usage},
    {"agent.no_plan", ExitCode::Usage},
    {"agent.no_such", ExitCode::NotFound},
    {"agent.test_baseline", ExitCode::Usage},
    {"agent.test_invalid", ExitCode::Usage},
    {"backup.damaged", ExitCode::AnswerIsNo},
    {"backup.database_needed", ExitCode::Usage},
    {"backup.half_done", ExitCode::Conflict},
    {"backup.in_use", ExitCode::Conflict},
    {"backup.invalid", ExitCode::AnswerIsNo},
    {"backup.key_needed", ExitCode::Usage},
    {"backup.not_found", ExitCode::NotFound},
    {"backup.other_kind", ExitCode::Usage},
    {"backup.other_store", ExitCode::Conflict},
    {"backup.stopped", ExitCode::Interrupted},
    {"backup.target_not_empty", ExitCode::Conflict},
    {"backup.wrong_key", ExitCode::NotPermitted},
    {"base.invalid_", ExitCode::Usage},
    {"base.unknown_time_zone", ExitCode::Usage},
    {"cli.", ExitCode::Usage},
    {"cli.timeout", ExitCode::Stopped},
    {"code.stopped", ExitCode::Interrupted},
    {"crypto.invalid_key", ExitCode::Usage},
    {"findings.unknown_", ExitCode::Usage},
    {"history.deadline", ExitCode::Stopped},
    {"history.stopped", ExitCode::Interrupted},
    {"rules.", ExitCode::Usage},
    {"runtime.locked", ExitCode::Unreachable},
    {"runtime.stopped", ExitCode::Interrupted},
    {"scan.deadline", ExitCode::Stopped},
    {"scan.invalid_config", ExitCode::Usage},
    {"scan.no_rules", ExitCode::Usage},
    {"scan.rules_unreadable", ExitCode::Usage},
    {"scan.stopped", ExitCode::Interrupted},
    {"secrets.invalid_", ExitCode::Usage},
    {"source.invalid_regex", ExitCode::Usage},
    {"storage.busy", ExitCode::Unreachable},
    {"storage.stopped", ExitCode::Interrupted},
    {"storage.invalid_url", ExitCode::Usage},
    {"storage.in_use", ExitCode::Conflict},
    {"storage.schema_newer", ExitCode::Usage},
    {"storage.unreachable", ExitCode::Unreachable},
    {"telemetry.invalid_level", ExitCode::Usage},
    {"workflow.answer_invalid", ExitCode::Usage},
    {"workflow.blocked", ExitCode::Conflict},
    {"workflow.block_not_found", ExitCode::NotFound},
    {"workflow.block_read_only", ExitCode::NotPermitted},
    {"workflow.budget_exceeded", ExitCode::Stopped},
    {"workflow.budget_invalid", ExitCode::Usage},
    {"workflow.cancelled", ExitCode::Stopped},
    {"workflow.check_stopped", ExitCode::Interrupted},
    {"workflow.delegated", ExitCode::NotPermitted},
    {"workflow.draining", ExitCode::Interrupted},
    {"workflow.condition_", ExitCode::Usage},
    {"workflow.conflict", ExitCode::Conflict},
    {"workflow.expression_", ExitCode::Usage},
    {"workflow.fenced", ExitCode::Conflict},
    {"workflow.fork_", ExitCode::Usage},
    {"workflow.fork_repeats_effects", ExitCode::NotPermitted},
    {"workflow.fork_too_deep", ExitCode::Conflict},
    {"workflow.four_eyes", ExitCode::Conflict},
    {"workflow.finding_ambiguous", ExitCode::Usage},
    {"workflow.finding_not_found", ExitCode::NotFound},
    {"workflow.has_dependents", ExitCode::Conflict},
    {"workflow.idempotency_conflict", ExitCode::Conflict},
    {"workflow.invalid_cursor", ExitCode::Usage},
    {"workflow.invalid_memory", ExitCode::Usage},
    {"workflow.inbox_full", ExitCode::Conflict},
    {"workflow.invalid_message", ExitCode::Usage},
    {"workflow.invalid_query", ExitCode::Usage},
    {"workflow.invalid_schedule", ExitCode::Usage},
    {"workflow.invalid_task", ExitCode::Usage},
    {"workflow.invalid_transition", ExitCode::Conflict},
    {"workflow.needs_person", ExitCode::NeedsPerson},
    {"workflow.invalid_triage", ExitCode::Usage},
    {"workflow.journal_invalid", ExitCode::Usage},
    {"workflow.memory_ambiguous", ExitCode::Usage},
    {"workflow.message_ambiguous", ExitCode::Usage},
    {"workflow.message_not_found", ExitCode::NotFound},
    {"workflow.memory_not_found", ExitCode::NotFound},
    {"workflow.nothing_to_undo", ExitCode::Conflict},
    {"workflow.output_", ExitCode::Usage},
    {"workflow.owned_elsewhere", ExitCode::Conflict},
    {"workflow.plan_", ExitCode::Usage},
    {"workflow.playbook_", ExitCode::Usage},
    {"workflow.playbook_not_found", ExitCode::NotFound},
    {"workflow.recovery_invalid", ExitCode::Usage},
    {"workflow.retention_invalid", ExitCode::Usage},
    {"workflow.no_archive", ExitCode::Usage},
    {"workflow.repository_not_found", ExitCode::NotFound},
    {"workflow.schedule_exists", ExitCode::Conflict},
    {"workflow.schedule_not_found", ExitCode::NotFound},
    {"workflow.step_not_found", ExitCode::NotFound},
    {"workflow.receiver_not_found", ExitCode::NotFound},
    {"workflow.task_ambiguous", ExitCode::Usage},
    {"workflow.task_failed", ExitCode::AnswerIsNo},
    {"workflow.task_not_found", ExitCode::NotFound},
    {"workflow.too_many_blocks", ExitCode::Conflict},
    {"workflow.version_conflict", ExitCode::Conflict},
    {"workflow.wait_deadline", ExitCode::Stopped},
    {"workflow.wait_decided", ExitCode::Conflict},
    {"workflow.wait_expired", ExitCode::Conflict},
    {"workflow.wait_not_found", ExitCode::NotFound},
    {"workflow.wait_stopped", ExitCode::Interrupted},
    {"workflow.worker_needs_postgresql", ExitCode::Usage},
};

constexpr ExitCode kUrgency[] = {ExitCode::Usage,      ExitCode::OperationFailed, ExitCode::Interrupted,
                                 ExitCode::Terminated, ExitCode::AnswerIsNo,      ExitCode::Partial};

}  // namespace

std::span<const ExitCodeMeaning> exit_code_meanings() { return kMeanings; }

ExitCode exit_code(const Error& error) {
  ExitCode found = ExitCode::OperationFailed;
  std::size_t length = 0;
  for (const auto& mapping : kMappings) {
    if (error.code.starts_with(mapping.prefix) && mapping.prefix.size() > length) {
      found = mapping.code;
      length = mapping.prefix.size();
    }
  }
  return found;
}

ExitCode more_urgent(ExitCode a, ExitCode b) {
  for (const auto code : kUrgency)
    if (a == code || b == code) return code;
  return a == ExitCode::Done ? b : a;
}

}  // namespace wrench::app
