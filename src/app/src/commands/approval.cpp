#include <utility>

#include "../layout.hpp"
#include "../output.hpp"
#include "../workspace.hpp"
#include "commands.hpp"
#include "wrench/base/text.hpp"
#include "wrench/base/ulid.hpp"
#include "wrench/codec/json.hpp"
#include "wrench/runtime/atomic_file.hpp"
#include "wrench/workflow/waits.hpp"

namespace wrench::app {

namespace {

using codec::Json;
using workflow::WaitDecision;
using workflow::WaitKind;
using workflow::WaitView;

constexpr std::size_t kIdColumns = workflow::kIdSuffixMin;
constexpr std::size_t kKindColumns = 8;
constexpr std::size_t kTitleMin = 20;

Json text_or_null(const std::string& text) { return text.empty() ? Json() : Json(text); }

Json to_json(const WaitView& wait) {
  return Json::object({{"wait_id", wait.wait_id},
                       {"task_id", wait.task_id},
                       {"task_title", wait.task_title},
                       {"step_no", wait.step_no},
                       {"kind", workflow::name(wait.kind)},
                       {"title", wait.title},
                       {"signal", text_or_null(wait.name)},
                       {"subject", wait.subject},
                       {"subject_hash", text_or_null(wait.subject_hash)},
                       {"edited_hash", text_or_null(wait.edited_hash)},
                       {"schema", wait.schema},
                       {"role", text_or_null(wait.role)},
                       {"four_eyes", wait.four_eyes},
                       {"requested_by", wait.requested_by},
                       {"delegated_to", text_or_null(wait.delegated_to)},
                       {"created_at", format_rfc3339(wait.created_at)},
                       {"expires_at", wait.expires_at ? Json(format_rfc3339(*wait.expires_at)) : Json()},
                       {"decision", text_or_null(wait.decision)},
                       {"decided_by", text_or_null(wait.decided_by)},
                       {"decided_at", wait.decided_at ? Json(format_rfc3339(*wait.decided_at)) : Json()},
                       {"comment", text_or_null(wait.comment)}});
}

std::string to_text(const WaitView& wait) {
  const auto line = [](std::string_view name, std::string_view value) {
    return value.empty() ? std::string() : "  " + pad(name, 10) + Console::safe(value) + "\n";
  };
  std::string text = Console::safe(wait.title) + "\n";
  text += line("id", wait.wait_id) + line("kind", workflow::name(wait.kind)) +
          line("task", std::string(short_id(wait.task_id)) + "  " + wait.task_title) + line("role", wait.role) +
          line("asked by", wait.requested_by) + line("for", wait.delegated_to) +
          line("since", format_rfc3339(wait.created_at));
  if (wait.expires_at) text += line("until", format_rfc3339(*wait.expires_at));
  if (!wait.decision.empty()) text += line("decided", wait.decision + " by " + wait.decided_by);
  text += line("comment", wait.comment);
  if (!wait.subject.is_null()) text += "\n" + codec::write_json(wait.subject, {.pretty = true}) + "\n";
  if (!wait.schema.is_null())
    text += std::string("\n") + (wait.kind == WaitKind::Approval ? "With edits it must fit:" : "The answer must fit:") +
            "\n" + codec::write_json(wait.schema, {.pretty = true}) + "\n";
  return text;
}

/// `text`, or with "@FILE" what stands in the file: JSON.
Result<Json> json_argument(std::string_view text) {
  if (!text.starts_with('@')) {
    auto value = codec::parse_json(text);
    // A word is what people type for a string.
    return value.ok() ? std::move(*value) : Json(text);
  }
  const std::string body = WRENCH_TRY(runtime::read_file(std::string(text.substr(1)), workflow::kAnswerBytesMax));
  return codec::parse_json(body);
}

/// What the decision means now: the task goes on by itself, or somebody must resume it.
ExitCode decided(Session& session, Workspace& space, const WaitView& wait, std::string_view what) {
  auto now = space.store().read([&](storage::ReadTx& tx) { return workflow::find_wait(tx, wait.wait_id); });
  if (!now) return session.fail(now.error());
  const auto owner = space.store().read([&](storage::ReadTx& tx) -> Result<std::string> {
    const auto task = WRENCH_TRY(workflow::find_task(tx, wait.task_id));
    return WRENCH_TRY(workflow::list_executions(tx, task.task_no)).back().owner_boot;
  });
  if (!owner) return session.fail(owner.error());
  const bool runs = space.has_workers() || (!owner->empty() && *owner != space.boot_id() && space.is_live(*owner));
  if (session.format() == "json") {
    Json out = Json::object({{"schema", "wrench.approval/1"}, {"approval", to_json(*now)}, {"running", runs}});
    return delivered_json(session, out);
  }
  std::string text = std::string(what) + ": " + Console::safe(wait.title) + "\n";
  if (!runs) text += "Go on with the task: wrench task resume " + std::string(short_id(wait.task_id)) + "\n";
  return delivered(session, text);
}

ExitCode decide(Session& session, WaitDecision decision, const Result<Json>& value, std::string_view what) {
  if (!value) return session.fail(value.error());
  auto space = Workspace::open(session, Workspace::Use::Write);
  if (!space) return session.fail(space.error());
  const auto wait = (*space)->store().read(
      [&](storage::ReadTx& tx) { return workflow::find_wait(tx, session.invocation.arguments.front()); });
  if (!wait) return session.fail(wait.error());
  const auto done = (*space)->engine().answer(wait->wait_id, decision, *value, session.invocation.value("--comment"));
  if (!done) return session.fail(done.error());
  return decided(session, **space, *wait, what);
}

}  // namespace

ExitCode run_approval_list(Session& session) {
  auto space = Workspace::open(session, Workspace::Use::Read);
  if (!space) return session.fail(space.error());
  const auto limit = static_cast<std::size_t>(session.invocation.number("--limit", 100));
  const auto waits = (*space)->store().read(
      [&](storage::ReadTx& tx) { return workflow::list_waits(tx, session.invocation.value("--cursor"), limit); });
  if (!waits) return session.fail(waits.error());
  if (session.format() == "json") {
    Json data = Json::array();
    for (const auto& wait : waits->waits) data.push_back(to_json(wait));
    return delivered_json(session, Json::object({{"schema", "wrench.approval_list/1"},
                                                 {"data", std::move(data)},
                                                 {"next_cursor", text_or_null(waits->next_cursor)}}));
  }
  if (waits->waits.empty()) return delivered(session, "Nothing waits for anybody.\n");
  std::string text;
  const std::size_t others = 2 * kIdColumns + kKindColumns + 3 * 2;
  const std::size_t columns = std::max(kTitleMin, session.console.width() - std::min(session.console.width(), others));
  for (const auto& wait : waits->waits)
    text += std::string(short_id(wait.wait_id)) + "  " + pad(workflow::name(wait.kind), kKindColumns) + "  " +
            std::string(short_id(wait.task_id)) + "  " +
            clip(Console::safe(wait.title), columns, session.console.unicode()) + "\n";
  if (!waits->next_cursor.empty()) text += "\nMore: wrench approval list --cursor " + waits->next_cursor + "\n";
  return delivered(session, text);
}

ExitCode run_approval_show(Session& session) {
  auto space = Workspace::open(session, Workspace::Use::Read);
  if (!space) return session.fail(space.error());
  const auto wait = (*space)->store().read(
      [&](storage::ReadTx& tx) { return workflow::find_wait(tx, session.invocation.arguments.front()); });
  if (!wait) return session.fail(wait.error());
  if (session.format() == "json")
    return delivered_json(session, Json::object({{"schema", "wrench.approval/1"}, {"approval", to_json(*wait)}}));
  return delivered(session, to_text(*wait));
}

ExitCode run_approval_approve(Session& session) {
  const std::string_view edits = session.invocation.value("--edit");
  return decide(session, WaitDecision::Approve, edits.empty() ? Result<Json>(Json()) : json_argument(edits),
                "Approved");
}

ExitCode run_approval_reject(Session& session) { return decide(session, WaitDecision::Reject, Json(), "Rejected"); }

ExitCode run_approval_answer(Session& session) {
  return decide(session, WaitDecision::Answer, json_argument(session.invocation.arguments.at(1)), "Answered");
}

ExitCode run_approval_delegate(Session& session) {
  auto space = Workspace::open(session, Workspace::Use::Write);
  if (!space) return session.fail(space.error());
  const auto wait = (*space)->store().read(
      [&](storage::ReadTx& tx) { return workflow::find_wait(tx, session.invocation.arguments.front()); });
  if (!wait) return session.fail(wait.error());
  const auto done = (*space)->engine().delegate(wait->wait_id, session.invocation.value("--to"));
  if (!done) return session.fail(done.error());
  return decided(session, **space, *wait, "Handed on");
}

ExitCode run_task_signal(Session& session) {
  auto space = Workspace::open(session, Workspace::Use::Write);
  if (!space) return session.fail(space.error());
  const auto& arguments = session.invocation.arguments;
  const std::string_view text = session.invocation.value("--value");
  const auto value = text.empty() ? Result<Json>(Json()) : json_argument(text);
  if (!value) return session.fail(value.error());
  const auto sent = (*space)->engine().signal(arguments[0], arguments[1], *value);
  if (!sent) return session.fail(sent.error());
  if (session.format() == "json")
    return delivered_json(session, Json::object({{"schema", "wrench.task_signal/1"}, {"status", "sent"}}));
  return delivered(session, "Sent.\n");
}

}  // namespace wrench::app
