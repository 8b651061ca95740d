#pragma once

#include "wrench/app/command.hpp"

/// One function a command; the table in command_table.cpp names them.
namespace wrench::app {

ExitCode run_review(Session& session);
ExitCode run_scan(Session& session);
ExitCode run_task_list(Session& session);
ExitCode run_task_show(Session& session);
ExitCode run_task_stream(Session& session);
ExitCode run_task_watch(Session& session);
ExitCode run_task_journal(Session& session);
ExitCode run_task_report(Session& session);
ExitCode run_serve(Session& session);
ExitCode run_top(Session& session);
ExitCode run_task_cancel(Session& session);
ExitCode run_task_pause(Session& session);
ExitCode run_task_resume(Session& session);
ExitCode run_task_run(Session& session);
ExitCode run_task_rerun(Session& session);
ExitCode run_task_retry(Session& session);
ExitCode run_task_fork(Session& session);
ExitCode run_task_replay(Session& session);
ExitCode run_task_budget_show(Session& session);
ExitCode run_task_budget_raise(Session& session);
ExitCode run_budget_show(Session& session);
ExitCode run_budget_set(Session& session);
ExitCode run_task_create(Session& session);
ExitCode run_task_delete(Session& session);
ExitCode run_task_archive_list(Session& session);
ExitCode run_task_archive_show(Session& session);
ExitCode run_task_archive_verify(Session& session);
ExitCode run_task_dead_list(Session& session);
ExitCode run_task_dead_retry(Session& session);
ExitCode run_task_dead_skip(Session& session);
ExitCode run_task_dead_give_up(Session& session);
ExitCode run_task_dead_resolve(Session& session);
ExitCode run_task_plan(Session& session);
ExitCode run_task_steps(Session& session);
ExitCode run_task_wait(Session& session);
ExitCode run_task_signal(Session& session);
ExitCode run_approval_list(Session& session);
ExitCode run_approval_show(Session& session);
ExitCode run_approval_approve(Session& session);
ExitCode run_approval_reject(Session& session);
ExitCode run_approval_answer(Session& session);
ExitCode run_approval_delegate(Session& session);
ExitCode run_finding_list(Session& session);
ExitCode run_finding_show(Session& session);
ExitCode run_finding_triage(Session& session);
ExitCode run_memory_store(Session& session);
ExitCode run_memory_search(Session& session);
ExitCode run_memory_forget(Session& session);
ExitCode run_memory_blocks(Session& session);
ExitCode run_message_send(Session& session);
ExitCode run_message_list(Session& session);
ExitCode run_message_ack(Session& session);
ExitCode run_agent_list(Session& session);
ExitCode run_agent_show(Session& session);
ExitCode run_agent_test(Session& session);
ExitCode run_playbook_check(Session& session);
ExitCode run_playbook_list(Session& session);
ExitCode run_playbook_show(Session& session);
ExitCode run_playbook_run(Session& session);
ExitCode run_playbook_graph(Session& session);
ExitCode run_worker(Session& session);
ExitCode run_rules_list(Session& session);
ExitCode run_rules_test(Session& session);
ExitCode run_doctor(Session& session);
ExitCode run_version(Session& session);
ExitCode run_completion(Session& session);
ExitCode run_help(Session& session);

}  // namespace wrench::app
