#include <algorithm>
#include <utility>

#include "../acting_user.hpp"
#include "../given_text.hpp"
#include "../layout.hpp"
#include "../output.hpp"
#include "../workspace.hpp"
#include "commands.hpp"
#include "wrench/agents/mail.hpp"
#include "wrench/base/text.hpp"
#include "wrench/base/ulid.hpp"
#include "wrench/codec/json.hpp"
#include "wrench/workflow/queries.hpp"

namespace wrench::app {

namespace {

using codec::Json;
using workflow::Message;
using workflow::MessageState;

constexpr std::size_t kContentBytesShown = 2000;
constexpr std::size_t kStateColumns = 12;

Json text_or_null(const std::string& text) { return text.empty() ? Json() : Json(text); }
Json time_or_null(const std::optional<Micros>& at) { return at ? Json(format_rfc3339(*at)) : Json(); }

Json to_json(const Message& message) {
  return Json::object({{"message_id", message.message_id},
                       {"sender", message.sender},
                       {"receiver", message.receiver},
                       {"seq", message.seq},
                       {"message_type", message.type},
                       {"content", message.content},
                       {"metadata", Json::object({{"reply_to", text_or_null(message.reply_to)},
                                                  {"idem_key", text_or_null(message.idem_key)},
                                                  {"source_step", text_or_null(message.source_step)}})},
                       {"state", workflow::name(message.state)},
                       {"created_at", format_rfc3339(message.created_at)},
                       {"expires_at", format_rfc3339(message.expires_at)},
                       {"closed_at", time_or_null(message.closed_at)},
                       {"closed_by", text_or_null(message.closed_by)},
                       {"reason", text_or_null(message.reason)}});
}

std::string to_text(const Message& message, const Console& console) {
  std::string text = std::string(short_id(message.message_id)) + "  " + format_rfc3339(message.created_at) + "  " +
                     pad(workflow::name(message.state), kStateColumns) + "  " + message.type + "\n        " +
                     Console::safe(message.sender) + " -> " + Console::safe(message.receiver);
  if (!message.reply_to.empty()) text += "  in reply to " + Console::safe(std::string(short_id(message.reply_to)));
  if (!message.reason.empty()) text += "  (" + Console::safe(collapse_white_space(message.reason)) + ")";
  text += "\n";
  const Json& note = message.content.at("text");
  std::string content = message.type == agents::kNote && note.is_string() ? std::string(note.as_string())
                                                                          : codec::write_json(message.content);
  const bool cut = content.size() > kContentBytesShown;
  if (cut) content = repair_utf8(content.substr(0, kContentBytesShown));
  for (const auto& line : wrap(Console::safe(collapse_white_space(content)), console.width() - 8))
    text += "        " + line + "\n";
  if (cut) text += "        … (all of it: --json)\n";
  return text;
}

/// People name tasks by the end of their ids; addresses hold the whole.
Result<std::string> whole_address(Workspace& space, const std::string& given) {
  constexpr std::string_view kTask = "task:";
  if (!given.starts_with(kTask)) return given;
  const auto found = WRENCH_TRY(space.store().read(
      [&](storage::ReadTx& tx) { return workflow::find_task(tx, std::string_view(given).substr(kTask.size())); }));
  return std::string(kTask) + found.task_id;
}

Result<workflow::MessageDraft> draft_of(const Session& session, Workspace& space) {
  const auto& given = session.invocation;
  workflow::MessageDraft draft;
  draft.receiver = WRENCH_TRY(whole_address(space, given.arguments[0]));
  if (given.has("--text") == (given.arguments.size() > 1))
    return Error("cli.missing_argument", "what is the message? CONTENT, or --text TEXT");
  if (given.has("--text")) {
    draft.type = given.value("--type", agents::kNote);
    draft.content = Json::object({{"text", given.value("--text")}});
  } else {
    draft.content = WRENCH_TRY(given_json(given.arguments[1], workflow::kMessageContentBytesMax * 2));
    if (!given.has("--type")) return Error("cli.missing_argument", "of which type? --type TYPE");
    draft.type = given.value("--type");
  }
  if (given.has("--reply-to")) draft.reply_to = WRENCH_TRY(space.messages().find(given.value("--reply-to"))).message_id;
  draft.idem_key = given.value("--key");
  draft.ttl = given.duration("--ttl", workflow::kMessageTtl);
  return draft;
}

}  // namespace

ExitCode run_message_send(Session& session) {
  auto space = Workspace::open(session, Workspace::Use::Write);
  if (!space) return session.fail(space.error());
  auto draft = draft_of(session, **space);
  if (!draft) return session.fail(draft.error());
  const auto sent = (*space)->messages().send({acting_user(), 0, {}}, std::move(*draft));
  if (!sent) return session.fail(sent.error());
  if (session.format() == "json")
    return delivered_json(session, Json::object({{"schema", "wrench.message_send/1"},
                                                 {"status", "sent"},
                                                 {"message_id", sent->message_id},
                                                 {"existed", sent->existed}}));
  return delivered(session, std::string(sent->existed ? "sent before  " : "sent  ") + sent->message_id + "\n");
}

namespace {

Result<workflow::MessageQuery> query_of(const Session& session, Workspace& space) {
  const auto& given = session.invocation;
  workflow::MessageQuery query;
  if (!given.arguments.empty()) query.receiver = WRENCH_TRY(whole_address(space, given.arguments[0]));
  if (given.has("--state")) query.state = workflow::parse_message_state(given.value("--state"));
  query.type = given.value("--type");
  query.cursor = given.value("--cursor");
  query.limit = static_cast<std::size_t>(given.number("--limit", 50));
  if (given.has("--task")) {
    const auto task = WRENCH_TRY(
        space.store().read([&](storage::ReadTx& tx) { return workflow::find_task(tx, given.value("--task")); }));
    const auto executions = WRENCH_TRY(
        space.store().read([&](storage::ReadTx& tx) { return workflow::list_executions(tx, task.task_no); }));
    query.execution_no = executions.empty() ? 0 : executions.back().execution_no;
  }
  if (query.state && query.receiver.empty() && !query.execution_no)
    return Error("cli.missing_argument", "whose messages? RECEIVER or --task ID with --state");
  return query;
}

}  // namespace

ExitCode run_message_list(Session& session) {
  auto space = Workspace::open(session, Workspace::Use::Read);
  if (!space) return session.fail(space.error());
  const auto query = query_of(session, **space);
  if (!query) return session.fail(query.error());
  const auto page = (*space)->messages().list(*query);
  if (!page) return session.fail(page.error());
  if (session.format() == "json") {
    Json data = Json::array();
    for (const auto& message : page->messages) data.push_back(to_json(message));
    return delivered_json(session, Json::object({{"schema", "wrench.message_list/1"},
                                                 {"data", std::move(data)},
                                                 {"next_cursor", text_or_null(page->next_cursor)}}));
  }
  if (page->messages.empty()) return delivered(session, "No such messages.\n");
  std::string text;
  for (const auto& message : page->messages) text += to_text(message, session.console);
  if (!page->next_cursor.empty()) text += "\nMore: --cursor " + page->next_cursor + "\n";
  return delivered(session, text);
}

ExitCode run_message_ack(Session& session) {
  auto space = Workspace::open(session, Workspace::Use::Write);
  if (!space) return session.fail(space.error());
  // All of them before the first, so that a wrong id does nothing.
  std::vector<std::string> ids;
  for (const auto& id : session.invocation.arguments) {
    const auto message = (*space)->messages().find(id);
    if (!message) return session.fail(message.error());
    if (std::ranges::find(ids, message->message_id) == ids.end()) ids.push_back(message->message_id);
  }
  Json data = Json::array();
  std::string text;
  for (const auto& id : ids) {
    if (auto done = (*space)->messages().acknowledge(id, acting_user()); !done) return session.fail(done.error());
    data.push_back(id);
    text += "acknowledged  " + id + "\n";
  }
  if (session.format() == "json")
    return delivered_json(session, Json::object({{"schema", "wrench.message_ack/1"}, {"data", std::move(data)}}));
  return delivered(session, text);
}

}  // namespace wrench::app
