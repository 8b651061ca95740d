#include <algorithm>
#include <vector>

#include "../output.hpp"
#include "../workspace.hpp"
#include "commands.hpp"
#include "wrench/base/text.hpp"
#include "wrench/base/ulid.hpp"
#include "wrench/workflow/deletion.hpp"

namespace wrench::app {

namespace {

using codec::Json;
using workflow::DeletionPreview;

/// All of them before anything is done to the first, so that a wrong id does nothing.
Result<std::vector<DeletionPreview>> look_at(Workspace& space, const std::vector<std::string>& ids) {
  std::vector<DeletionPreview> out;
  for (const auto& id : ids) {
    auto one = WRENCH_TRY(space.store().read([&](storage::ReadTx& tx) { return workflow::preview_deletion(tx, id); }));
    const bool twice =
        std::ranges::any_of(out, [&](const DeletionPreview& other) { return other.task.task_no == one.task.task_no; });
    if (!twice) out.push_back(std::move(one));
  }
  return out;
}

std::string counted(std::size_t count, std::size_t most, std::string_view one, std::string_view many) {
  return (count >= most ? "at least " : "") + std::to_string(count) + " " + std::string(count == 1 ? one : many);
}

Error needs_yes(const DeletionPreview& one) {
  return Error("workflow.has_dependents",
               counted(one.dependents.size(), workflow::kDeletionDependentsSeen, "task waits", "tasks wait") +
                   " for the success of " + std::string(short_id(one.task.task_id)) +
                   " and would never begin: " + one.dependents.front() + (one.dependents.size() > 1 ? ", …" : ""))
      .with_help("wrench task delete " + std::string(short_id(one.task.task_id)) + " --yes  (cancels them)");
}

Json to_json(const DeletionPreview& one) {
  Json cancels = Json::array();
  for (const auto& id : one.dependents) cancels.push_back(id);
  return Json::object({{"task_id", one.task.task_id},
                       {"title", one.task.title},
                       {"executions", static_cast<std::int64_t>(one.executions)},
                       {"children", static_cast<std::int64_t>(one.children)},
                       {"cancels", std::move(cancels)}});
}

std::string line(const DeletionPreview& one) {
  std::string text = std::string(short_id(one.task.task_id)) + "  " + Console::safe(one.task.title);
  if (one.children > 0)
    text += ", with " + counted(one.children, workflow::kDeletionChildrenSeen, "child task", "child tasks");
  if (!one.dependents.empty())
    text += ", " +
            counted(one.dependents.size(), workflow::kDeletionDependentsSeen, "task that waits", "tasks that wait") +
            " for it cancelled";
  return text + "\n";
}

Result<void> remove(Workspace& space, const DeletionPreview& one) {
  for (const auto& id : one.dependents) {
    const auto cancelled =
        space.engine().cancel(id, "the task " + one.task.task_id + ", which it waits for, is deleted");
    if (!cancelled && cancelled.error().code != "workflow.invalid_transition") return cancelled.error();
  }
  return workflow::delete_task(space.store(), one.task, "user");
}

}  // namespace

ExitCode run_task_delete(Session& session) {
  const bool dry = session.invocation.has("--dry-run");
  auto space = Workspace::open(session, dry ? Workspace::Use::Read : Workspace::Use::Write);
  if (!space) return session.fail(space.error());
  const auto chosen = look_at(**space, session.invocation.arguments);
  if (!chosen) return session.fail(chosen.error());
  Json data = Json::array();
  std::string text;
  for (const auto& one : *chosen)
    if (!dry && !one.dependents.empty() && !session.invocation.has("--yes")) return session.fail(needs_yes(one));
  for (const auto& one : *chosen) {
    if (!dry)
      if (auto removed = remove(**space, one); !removed) return session.fail(removed.error());
    text += (dry ? "would be deleted  " : "deleted  ") + line(one);
    data.push_back(to_json(one));
  }
  workflow::Purged purged;
  if (!dry) {
    auto done = workflow::purge((*space)->store(), (*space)->clock(), session.stop);
    if (!done) return session.fail(done.error());
    purged = *done;
    if (!purged.all)
      session.console.note("what is left of deleted tasks goes with the next wrench task delete, serve or worker");
  }
  if (session.format() == "json")
    return delivered_json(session, Json::object({{"schema", "wrench.task_delete/1"},
                                                 {"dry_run", dry},
                                                 {"data", std::move(data)},
                                                 {"rows", purged.rows},
                                                 {"complete", dry || purged.all}}));
  return delivered(session, text);
}

}  // namespace wrench::app
