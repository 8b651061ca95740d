#include "task_record.hpp"

#include <algorithm>
#include <deque>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "../sql.hpp"
#include "wrench/base/text.hpp"
#include "wrench/storage/blob_owners.hpp"
#include "wrench/storage/event_log.hpp"

namespace wrench::workflow {

using codec::Json;
using storage::Bind;
using storage::ReadTx;
using storage::Rows;

namespace sql {
namespace {

const Statement kChildPage{
    .id = "workflow.archived_children",
    .sql =
        "SELECT parent_step, id, task_id FROM tasks WHERE parent_execution = ?1 AND (parent_step, id) > (?2, ?3) "
        "ORDER BY parent_step, id LIMIT ?4",
    .plan = "SEARCH tasks USING INDEX idx_task_parent (parent_execution=? AND parent_step>?)",
    .plan_exception = "never for many at once"};

}  // namespace

storage::StatementCatalogue::List of_task_record() {
  static const Statement* const list[] = {&kChildPage};
  return list;
}

}  // namespace sql

namespace task_record {

namespace {

constexpr std::size_t kPage = 200;

std::string hash_text(std::string_view bytes) { return "sha256:" + to_hex(bytes); }
Json time_or_null(std::optional<Micros> at) { return at ? Json(format_rfc3339(*at)) : Json(); }
Json text_or_null(const std::string& text) { return text.empty() ? Json() : Json(text); }

/// The end of the longest part from `at` on that is no longer than a part, and cuts no character.
std::size_t part_end(std::string_view text, std::size_t at) {
  std::size_t end = std::min(text.size(), at + kContentPartBytes);
  while (end < text.size() && (static_cast<unsigned char>(text[end]) & 0xC0U) == 0x80U) --end;
  return end;
}

class Recording {
 public:
  Recording(storage::Store& store, const StopToken& stop, const Sink& sink) : store_(store), stop_(stop), sink_(sink) {}

  Result<void> run(const TaskView& first) {
    std::deque<TaskView> open{first};
    while (!open.empty()) {
      const TaskView task = std::move(open.front());
      open.pop_front();
      if (!is_terminal(task.state))
        return Error("workflow.invalid_transition", "the task " + task.task_id + " hasn't ended");
      WRENCH_TRY(one(task));
      for (const ExecutionView& execution : executions_) WRENCH_TRY(children(execution.execution_no, open));
    }
    return {};
  }

 private:
  Result<void> put(const Json& line) { return sink_(codec::write_json(line)); }
  Result<void> go_on() const {
    if (stop_.stop_requested()) return Error("workflow.retention_stopped", "it was stopped");
    return {};
  }

  Result<void> one(const TaskView& task) {
    Json inputs, notes;
    std::string parent;
    WRENCH_TRY(store_.read([&](ReadTx& tx) -> Result<void> {
      executions_ = WRENCH_TRY(list_executions(tx, task.task_no));
      inputs = WRENCH_TRY(read_inputs(tx, task.task_no));
      notes = WRENCH_TRY(read_plan_notes(tx, task.task_no));
      parent = WRENCH_TRY(find_parent(tx, task.task_no));
      return {};
    }));
    WRENCH_TRY(put(Json::object({{"type", "task"},
                                 {"task", task.task_id},
                                 {"title", task.title},
                                 {"description", text_or_null(task.description)},
                                 {"kind", text_or_null(task.kind)},
                                 {"priority", task.priority},
                                 {"status", task.status},
                                 {"state", name(task.state)},
                                 {"project", task.project_id},
                                 {"created_by", task.created_by},
                                 {"idempotency_key", text_or_null(task.idempotency_key)},
                                 {"metadata", task.metadata},
                                 {"parent", text_or_null(parent)},
                                 {"inputs", std::move(inputs)},
                                 {"plan_notes", std::move(notes)},
                                 {"created_at", format_rfc3339(task.created_at)},
                                 {"updated_at", format_rfc3339(task.updated_at)},
                                 {"version", task.version}})));
    for (const ExecutionView& execution : executions_) WRENCH_TRY(of_execution(task, execution));
    return events(task);
  }

  Result<void> of_execution(const TaskView& task, const ExecutionView& execution) {
    std::string base;
    for (const ExecutionView& other : executions_)
      if (other.execution_no == execution.forked_from) base = other.execution_id;
    WRENCH_TRY(put(Json::object({{"type", "execution"},
                                 {"task", task.task_id},
                                 {"execution", execution.execution_id},
                                 {"number", execution.number},
                                 {"status", name(execution.status)},
                                 {"error", execution.error},
                                 {"plan", "sha256:" + execution.plan_hash},
                                 {"forked_from", text_or_null(base)},
                                 {"steps_total", execution.steps_total},
                                 {"steps_done", execution.steps_done},
                                 {"steps_failed", execution.steps_failed},
                                 {"created_at", format_rfc3339(execution.created_at)},
                                 {"started_at", time_or_null(execution.started_at)},
                                 {"completed_at", time_or_null(execution.completed_at)}})));
    WRENCH_TRY(plan(execution.plan_hash));
    WRENCH_TRY(steps(execution));
    WRENCH_TRY(journal(execution));
    return contents(execution);
  }

  /// Once, however many executions have it.
  Result<void> plan(const std::string& hash) {
    if (!plans_.insert(hash).second) return {};
    const Rows body = WRENCH_TRY(store_.query(sql::kPlanBody, {Bind::bytes(from_hex(hash).value_or(""))}));
    if (body.empty()) return Error("storage.corrupt", "the plan " + hash + " is missing");
    return sink_(R"({"type":"plan","plan":"sha256:)" + hash + R"(","body":)" + std::string(body.front().text(0)) + "}");
  }

  Result<void> steps(const ExecutionView& execution) {
    for (std::int64_t after = 0;;) {
      WRENCH_TRY(go_on());
      const auto page = WRENCH_TRY(
          store_.read([&](ReadTx& tx) { return list_steps(tx, execution.execution_no, after, kStepPageMax); }));
      for (const StepView& step : page) {
        after = step.step_no;
        if (step.execution_no != execution.execution_no) continue;  // Of the one that it goes back to.
        WRENCH_TRY(put(Json::object({{"type", "step"},
                                     {"execution", execution.execution_id},
                                     {"step_no", step.step_no},
                                     {"node", step.node},
                                     {"capability", text_or_null(step.capability)},
                                     {"parent_step", step.parent_step ? Json(*step.parent_step) : Json()},
                                     {"item", step.item ? Json(*step.item) : Json()},
                                     {"state", name(step.state)},
                                     {"attempt", step.attempt},
                                     {"lost", step.lost},
                                     {"claimed_at", time_or_null(step.claimed_at)},
                                     {"output_seq", step.output_seq},
                                     {"child_task", text_or_null(step.child_task)}})));
      }
      if (page.size() < kStepPageMax) return {};
    }
  }

  Result<void> journal(const ExecutionView& execution) {
    for (std::int64_t after = 0;;) {
      WRENCH_TRY(go_on());
      const auto page = WRENCH_TRY(
          store_.read([&](ReadTx& tx) { return read_journal(tx, execution.execution_no, after, kJournalPageMax); }));
      for (const JournalEntry& entry : page) {
        after = entry.seq;
        WRENCH_TRY(put(Json::object({{"type", "journal"},
                                     {"execution", execution.execution_id},
                                     {"seq", entry.seq},
                                     {"kind", entry.kind},
                                     {"step_no", entry.step_no ? Json(*entry.step_no) : Json()},
                                     {"attempt", entry.attempt},
                                     {"at", format_rfc3339(entry.at)},
                                     {"actor", entry.actor},
                                     {"data", entry.data}})));
      }
      if (page.size() < kJournalPageMax) return {};
    }
  }

  /// What the journal refers to by its hash, and what steps kept.
  Result<void> contents(const ExecutionView& execution) {
    for (std::string after;;) {
      const auto page = WRENCH_TRY(store_.read([&](ReadTx& tx) {
        return storage::blob_store::owned(tx, {"execution", execution.execution_no}, after, kPage);
      }));
      for (const std::string& hash : page) {
        WRENCH_TRY(go_on());
        after = hash;
        if (!contents_.insert(hash).second) continue;
        const auto content = WRENCH_TRY(store_.read([&](ReadTx& tx) { return storage::blob_store::get(tx, hash); }));
        WRENCH_TRY(put_content(hash, content));
      }
      if (page.size() < kPage) return {};
    }
  }

  Result<void> put_content(const std::string& hash, std::string_view content) {
    const bool is_text = is_valid_utf8(content) && content.find('\0') == std::string_view::npos;
    std::size_t at = 0;
    do {
      const std::size_t end = is_text ? part_end(content, at) : std::min(content.size(), at + kContentPartBytes);
      const std::string_view part = content.substr(at, end - at);
      WRENCH_TRY(put(Json::object({{"type", "content"},
                                   {"hash", hash_text(hash)},
                                   {"bytes", static_cast<std::int64_t>(content.size())},
                                   {"at", static_cast<std::int64_t>(at)},
                                   {is_text ? "text" : "hex", is_text ? std::string(part) : to_hex(part)}})));
      at = end;
    } while (at < content.size());
    return {};
  }

  /// Those that are still kept.
  Result<void> events(const TaskView& task) {
    storage::EventCursor after = WRENCH_TRY(oldest());
    for (;;) {
      WRENCH_TRY(go_on());
      const auto page = store_.read([&](ReadTx& tx) {
        return storage::event_log::read(tx, {.project_id = {}, .task_id = task.task_no}, after, storage::kEventPageMax);
      });
      if (!page && page.error().code == "storage.cursor_expired") {
        after = WRENCH_TRY(oldest());
        continue;
      }
      if (!page) return page.error();
      for (const storage::Event& event : page->events) {
        Json payload = WRENCH_TRY(codec::parse_json(event.what.payload));
        WRENCH_TRY(put(Json::object({{"type", "event"},
                                     {"task", task.task_id},
                                     {"cursor", storage::EventCursor{page->next.epoch, event.seq}.str()},
                                     {"at", format_rfc3339(event.at_us)},
                                     {"event", event.what.type},
                                     {"subject", event.what.subject_id},
                                     {"actor", event.what.actor},
                                     {"payload", std::move(payload)}})));
      }
      after = page->next;
      if (!page->more) return {};
    }
  }
  Result<storage::EventCursor> oldest() {
    return store_.read([](ReadTx& tx) -> Result<storage::EventCursor> {
      storage::EventCursor out = WRENCH_TRY(storage::event_log::head(tx));
      out.seq -= WRENCH_TRY(storage::event_log::held(tx)).count;
      return out;
    });
  }

  Result<void> children(std::int64_t execution_no, std::deque<TaskView>& open) {
    for (std::int64_t step = -1, id = 0;;) {
      WRENCH_TRY(go_on());
      std::size_t seen = 0;
      WRENCH_TRY(store_.read([&](ReadTx& tx) -> Result<void> {
        const Rows page = WRENCH_TRY(tx.query(sql::kChildPage, {execution_no, step, id, kPage}));
        seen = page.size();
        for (const auto row : page) {
          step = row.integer(0);
          id = row.integer(1);
          open.push_back(WRENCH_TRY(find_task(tx, row.text(2))));
        }
        return {};
      }));
      if (seen < kPage) return {};
    }
  }

  storage::Store& store_;
  const StopToken& stop_;
  const Sink& sink_;
  std::vector<ExecutionView> executions_;  ///< Of the task that is written.
  std::set<std::string, std::less<>> plans_, contents_;
};

}  // namespace

Json header(const TaskView& task, Micros archived_at) {
  return Json::object({{"schema", "wrench.archived_task/1"},
                       {"task", task.task_id},
                       {"title", task.title},
                       {"kind", text_or_null(task.kind)},
                       {"state", name(task.state)},
                       {"created_at", format_rfc3339(task.created_at)},
                       {"ended_at", format_rfc3339(task.updated_at)},
                       {"archived_at", format_rfc3339(archived_at)}});
}

Result<void> write(storage::Store& store, const TaskView& task, const StopToken& stop, const Sink& sink) {
  return Recording(store, stop, sink).run(task);
}

}  // namespace task_record
}  // namespace wrench::workflow
