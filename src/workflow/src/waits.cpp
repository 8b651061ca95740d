#include "waits.hpp"

#include <algorithm>
#include <charconv>
#include <utility>

#include "child_tasks.hpp"
#include "message_rows.hpp"
#include "requests.hpp"
#include "shared_work.hpp"
#include "sql.hpp"
#include "wrench/base/text.hpp"
#include "wrench/codec/json_schema.hpp"
#include "wrench/crypto/sha256.hpp"
#include "wrench/storage/blob_store.hpp"

namespace wrench::workflow {

using codec::Json;
using storage::Bind;
using storage::ReadTx;
using storage::Rows;
using storage::WriteTx;

namespace {

constexpr std::size_t kIdSuffixBytesMin = 6;

Bind text_or_null(const std::string& text) { return text.empty() ? Bind(std::nullopt) : Bind(text); }
Result<Json> optional_json(std::string_view text) {
  return text.empty() ? Result<Json>(Json()) : codec::parse_json(text);
}

Result<WaitView> view(const Rows::Row& row) {
  WaitView out;
  out.wait_id = row.text(0);
  out.task_id = row.text(1);
  out.task_title = row.text(2);
  out.execution_no = row.integer(3);
  out.step_no = row.integer(4);
  out.kind = static_cast<WaitKind>(row.integer(5));
  out.name = row.text(6);
  out.title = row.text(7);
  out.subject = WRENCH_TRY(optional_json(row.text_or_empty(8)));
  out.subject_hash = to_hex(row.bytes_or_empty(9));
  out.schema = WRENCH_TRY(optional_json(row.text_or_empty(10)));
  out.role = row.text(11);
  out.four_eyes = row.integer(12) != 0;
  out.requested_by = row.text(13);
  out.delegated_to = row.text_or_empty(14);
  out.created_at = row.integer(15);
  out.expires_at = row.optional_integer(16);
  out.decision = row.text_or_empty(17);
  out.decided_by = row.text_or_empty(18);
  out.decided_at = row.optional_integer(19);
  out.comment = row.text_or_empty(20);
  out.edited_hash = to_hex(row.bytes_or_empty(21));
  return out;
}

Error not_found(std::string_view id) {
  return Error("workflow.wait_not_found", "nothing waits with the id '" + escape_for_display(id) + "'")
      .with_help("wrench approval list");
}

}  // namespace

Result<WaitPage> list_waits(ReadTx& tx, std::string_view cursor, std::size_t limit) {
  // "<created_at>.<wait_id>" of the last one shown.
  Micros after = 0;
  const std::size_t dot = cursor.find('.');
  if (!cursor.empty()) {
    const auto [end, ec] = std::from_chars(cursor.data(), cursor.data() + std::min(dot, cursor.size()), after);
    if (dot == std::string_view::npos || ec != std::errc() || end != cursor.data() + dot)
      return Error("workflow.invalid_cursor", "'" + escape_for_display(cursor) + "' is no cursor of this list");
  }
  const std::string_view after_id = cursor.empty() ? std::string_view() : cursor.substr(dot + 1);
  limit = std::min(limit, kWaitPageMax);
  WaitPage out;
  const Rows rows = WRENCH_TRY(tx.query(sql::kOpenWaits, {after, after_id, limit + 1}));
  for (const auto row : rows) {
    if (out.waits.size() == limit) {
      out.next_cursor = std::to_string(out.waits.back().created_at) + "." + out.waits.back().wait_id;
      break;
    }
    out.waits.push_back(WRENCH_TRY(view(row)));
  }
  return out;
}

Result<WaitView> find_wait(ReadTx& tx, std::string_view id) {
  if (id.size() < kIdSuffixBytesMin || id.size() > 64) return not_found(id.substr(0, 64));
  const Rows exact = WRENCH_TRY(tx.query(sql::kWaitById, {id}));
  if (!exact.empty()) return view(exact.front());
  const Rows found = WRENCH_TRY(tx.query(sql::kOpenWaitsBySuffix, {id}));
  if (found.empty()) return not_found(id);
  if (found.size() > 1)
    return Error("workflow.wait_not_found", "several waits end in '" + escape_for_display(id) + "': use the whole id")
        .with_help("wrench approval list");
  const Rows row = WRENCH_TRY(tx.query(sql::kWaitById, {found.front().text(0)}));
  return view(row.front());
}

namespace waits {

namespace {

/// Watchers learn of a decision when it is made, not only when its step goes on.
Result<void> announce(WriteTx& tx, std::string_view type, std::int64_t execution_no, std::string_view wait_id,
                      const std::string& actor, Json payload) {
  const Rows task = WRENCH_TRY(tx.query(sql::kTaskOfExecution, {execution_no}));
  if (task.empty()) return Error("storage.corrupt", "a wait has no task");
  storage::EventDraft event;
  event.type = type;
  event.project_id = task.front().integer(1);
  event.task_id = task.front().integer(0);
  event.subject_kind = "wait";
  event.subject_id = wait_id;
  event.actor = actor;
  event.payload = codec::write_json(payload);
  return tx.append_event(event);
}

/// RFC 7386: members of an object change one by one, anything else as a whole.
Json edited(const Json& subject, const Json& edits) {
  if (!edits.is_object()) return edits;
  Json out = subject.is_object() ? subject : Json::object();
  for (const auto& [name, value] : edits.as_object()) {
    if (value.is_null())
      out.object_ref().erase(name);
    else
      out.set(name, edited(out.at(name), value));
  }
  return out;
}

/// Schema of what looks like the subject: no other members, and each value of the kind that it has there. What is
/// null there may be anything.
Json shape_of(const Json& subject) {
  switch (subject.kind()) {
    case Json::Kind::Null:
      return Json(true);
    case Json::Kind::Boolean:
      return Json::object({{"type", "boolean"}});
    case Json::Kind::Integer:
      return Json::object({{"type", "integer"}});
    case Json::Kind::Double:
      return Json::object({{"type", "number"}});
    case Json::Kind::String:
      return Json::object({{"type", "string"}});
    case Json::Kind::Array: {
      Json out = Json::object({{"type", "array"}});
      Json kinds = Json::array();
      for (const Json& item : subject.as_array())
        if (Json shape = shape_of(item); std::ranges::find(kinds.as_array(), shape) == kinds.as_array().end())
          kinds.push_back(std::move(shape));
      if (!kinds.as_array().empty())
        out.set("items", kinds.as_array().size() == 1 ? Json(kinds.as_array().front())
                                                      : Json::object({{"anyOf", std::move(kinds)}}));
      return out;
    }
    case Json::Kind::Object:
      break;
  }
  Json properties = Json::object();
  for (const auto& [name, value] : subject.as_object()) properties.set(name, shape_of(value));
  return Json::object({{"type", "object"}, {"properties", std::move(properties)}, {"additionalProperties", false}});
}

Result<void> fits(const Json& schema, const Json& value, std::string_view what) {
  const auto compiled = WRENCH_TRY(codec::JsonSchema::compile(schema));
  const auto violations = compiled.validate(value);
  if (violations.empty()) return {};
  return Error("workflow.answer_invalid", std::string(what) + ": " + violations[0].pointer +
                                              (violations[0].pointer.empty() ? "it " : " ") + violations[0].message);
}

Result<void> check_edits(const WaitView& wait, const Json& edits) {
  if (wait.subject.is_null() && wait.schema.is_null())
    return Error("workflow.answer_invalid", "this approval shows nothing that could be edited");
  const Json subject = edited(wait.subject, edits);
  if (codec::write_json(subject).size() > kSubjectBytesMax)
    return Error("workflow.answer_invalid", "what is approved has at most " + format_bytes(kSubjectBytesMax));
  const bool own = !wait.schema.is_null();
  return fits(own ? wait.schema : shape_of(wait.subject), subject,
              own ? "what the edits make of it doesn't fit the approval's schema"
                  : "what the edits make of it doesn't look like what was shown");
}

/// Somebody without a name, as on the command line, where there are no users yet.
constexpr std::string_view kSomebody = "user";

/// Whoever was named, by the name of the person or as the actor that the person is.
bool is_delegate(const WaitView& wait, const std::string& actor) {
  return actor == wait.delegated_to || actor == "user:" + wait.delegated_to;
}

Result<void> check_expiry(const WaitView& wait, Micros now) {
  if (wait.expires_at && *wait.expires_at <= now)
    return Error("workflow.wait_expired", "it expired at " + format_rfc3339(*wait.expires_at));
  return {};
}

Result<void> check(const WaitView& wait, const Answering& answering, Micros now) {
  if (!wait.decision.empty())
    return Error("workflow.wait_decided",
                 "it was decided before: " + wait.decision + (wait.decided_by.empty() ? "" : " by " + wait.decided_by));
  WRENCH_TRY(check_expiry(wait, now));
  if (wait.kind == WaitKind::Child)
    return Error("workflow.invalid_transition", "this waits for a task to end, not for a person");
  const bool approval = wait.kind == WaitKind::Approval;
  if (approval == (answering.decision == WaitDecision::Answer))
    return Error("workflow.invalid_transition",
                 approval ? "this is an approval: approve or reject it" : "this waits for an answer, not for approval");
  if (approval && wait.four_eyes && wait.requested_by == answering.actor)
    return Error("workflow.four_eyes", "somebody else than " + answering.actor + ", who asked for it, must decide");
  if (!wait.delegated_to.empty() && answering.actor != kSomebody && !is_delegate(wait, answering.actor))
    return Error("workflow.delegated", "it was handed on to " + escape_for_display(wait.delegated_to) +
                                           ", who decides; you are " + answering.actor)
        .with_help("wrench approval delegate " + wait.wait_id + " --to NAME");
  if (approval)
    return answering.decision == WaitDecision::Approve && !answering.value.is_null()
               ? check_edits(wait, answering.value)
               : Result<void>();
  if (wait.schema.is_null()) return {};
  return fits(wait.schema, answering.value, "the answer doesn't fit what is asked for");
}

Result<Payload> pack(WriteTx& tx, std::int64_t execution_no, const Json& value) {
  std::string json = codec::write_json(value);
  if (json.size() <= kInlineBytesMax) return Payload{std::move(json), {}};
  const auto blob = WRENCH_TRY(storage::blob_store::prepare(json));
  WRENCH_TRY(storage::blob_store::put(tx, blob, {"execution", execution_no}));
  return Payload{{}, blob.hash};
}

Result<Command> command_of(WriteTx& tx, const Rows::Row& row) {
  command::Answer out;
  out.step = {row.integer(0), row.integer(1)};
  const auto kind = static_cast<WaitKind>(row.integer(2));
  const std::string_view decision = row.text(3);
  out.actor = row.text(4);
  const Json comment = row.is_null(5) ? Json() : Json(row.text(5));
  Json answer = WRENCH_TRY(optional_json(row.text_or_empty(6)));
  if (decision == "reject") {
    std::string why = out.actor + " said no";
    if (comment.is_string()) why += ": " + std::string(comment.as_string());
    out.refusal = codec::write_json(Json::object({{"code", "workflow.rejected"}, {"message", std::move(why)}}));
    return Command(std::move(out));
  }
  if (kind == WaitKind::Child) {
    const auto child = WRENCH_TRY(child_tasks::outcome_of(tx, answer));
    if (!child.refusal.is_null()) out.refusal = codec::write_json(child.refusal);
    out.output = WRENCH_TRY(pack(tx, out.step.execution_no, child.output));
    return Command(std::move(out));
  }
  Json output = Json::object({{"value", answer}, {"by", out.actor}});
  if (kind == WaitKind::Approval) {
    output = Json::object({{"decision", decision}, {"by", out.actor}, {"comment", comment}, {"edits", answer}});
    const Json shown = WRENCH_TRY(optional_json(row.text_or_empty(7)));
    const bool changed = !row.is_null(9);
    output.set("subject", changed ? edited(shown, answer) : shown);
    const std::string_view hash = row.bytes_or_empty(changed ? 9 : 8);
    output.set("subject_hash", hash.empty() ? Json() : Json(to_hex(hash)));
  }
  out.output = WRENCH_TRY(pack(tx, out.step.execution_no, output));
  return Command(std::move(out));
}

}  // namespace

Result<void> mark(WriteTx& tx, std::int64_t execution_no, std::string_view wait_id, std::string_view decision,
                  const std::string& actor, const std::string& comment, const std::string& answer,
                  const std::string& edited_hash) {
  const auto count = WRENCH_TRY(
      tx.exec(sql::kDecideWait, {wait_id, decision, actor, tx.now(), text_or_null(comment), text_or_null(answer),
                                 edited_hash.empty() ? Bind(std::nullopt) : Bind::bytes(edited_hash)}));
  if (count != 1) return Error("workflow.conflict", "a wait changed while it was decided");
  return announce(tx, "wait.decided", execution_no, wait_id, actor, Json::object({{"decision", decision}}));
}

Result<void> open(WriteTx& tx, StepKey step, const WaitDraft& draft) {
  WRENCH_TRY(tx.exec(
      sql::kInsertWait,
      {draft.wait_id, step.execution_no, step.step_no, static_cast<int>(draft.kind), draft.name, draft.title,
       text_or_null(draft.subject), draft.subject_hash.empty() ? Bind(std::nullopt) : Bind::bytes(draft.subject_hash),
       text_or_null(draft.schema), draft.role, draft.four_eyes ? 1 : 0, draft.expires_at, tx.now()}));
  if (draft.name.empty()) return {};
  const Rows early = WRENCH_TRY(tx.query(sql::kFirstSignal, {step.execution_no, draft.name}));
  if (early.empty()) {
    const auto message = WRENCH_TRY(message_rows::take_for_step(tx, step.execution_no, step.step_no));
    if (!message) return {};
    return mark(tx, step.execution_no, draft.wait_id, "signal", message->sender, {},
                codec::write_json(message->content));
  }
  const auto signal = early.front();
  WRENCH_TRY(tx.exec(sql::kDeleteSignal, {step.execution_no, draft.name, signal.integer(0)}));
  return mark(tx, step.execution_no, draft.wait_id, "signal", std::string(signal.text(2)), {},
              std::string(signal.text_or_empty(1)));
}

Result<StepKey> decide(WriteTx& tx, const Answering& answering) {
  const WaitView wait = WRENCH_TRY(find_wait(tx, answering.wait_id));
  WRENCH_TRY(check(wait, answering, tx.now()));
  const bool edits = answering.decision == WaitDecision::Approve && !answering.value.is_null();
  static constexpr std::string_view kWords[] = {"approve", "reject", "answer"};
  const std::string_view word = edits ? "approve_with_edits" : kWords[static_cast<std::size_t>(answering.decision)];
  const std::string value = answering.value.is_null() ? std::string() : codec::write_json(answering.value);
  std::string hash;
  if (edits) {
    const auto digest = crypto::sha256(codec::canonical_json(edited(wait.subject, answering.value)));
    hash.assign(reinterpret_cast<const char*>(digest.data()), digest.size());
  }
  WRENCH_TRY(mark(tx, wait.execution_no, wait.wait_id, word, answering.actor, answering.comment, value, hash));
  return StepKey{wait.execution_no, wait.step_no};
}

Result<void> delegate(WriteTx& tx, std::string_view wait_id, std::string_view to, const std::string& actor,
                      Ownership ownership) {
  WaitView wait = WRENCH_TRY(find_wait(tx, wait_id));
  WRENCH_TRY(check_expiry(wait, tx.now()));
  wait.delegated_to = to;
  if (wait.four_eyes && is_delegate(wait, wait.requested_by))
    return Error("workflow.four_eyes", "somebody else than " + wait.requested_by + ", who asked for it, must decide");
  if (WRENCH_TRY(tx.exec(sql::kDelegateWait, {wait.wait_id, to})) != 1)
    return Error("workflow.wait_decided", "it was decided before: " + wait.decision);
  // In the journal it is told by whoever runs the task.
  Request request{wait.execution_no, Request::Kind::Delegated, {}, actor};
  request.reason = codec::write_json(Json::object({{"step", wait.step_no}, {"to", to}}));
  WRENCH_TRY(requests::add(tx, request));
  if (ownership == Ownership::Shared) WRENCH_TRY(queue_look(tx, wait.execution_no));
  return announce(tx, "wait.delegated", wait.execution_no, wait.wait_id, actor, Json::object({{"to", to}}));
}

Result<std::optional<StepKey>> signal(WriteTx& tx, const Signalling& what) {
  const Rows execution = WRENCH_TRY(tx.query(sql::kExecutionOpen, {what.execution_no}));
  if (execution.empty()) return Error("workflow.invalid_transition", "the task has ended: nothing waits for signals");
  const std::string value = what.value.is_null() ? std::string() : codec::write_json(what.value);
  const Rows waiting = WRENCH_TRY(tx.query(sql::kWaitsOfExecution, {what.execution_no}));
  for (const auto row : waiting) {
    if (row.text(2) != what.name || !row.is_null(3)) continue;
    WRENCH_TRY(mark(tx, what.execution_no, row.text(1), "signal", what.actor, {}, value));
    return std::optional(StepKey{what.execution_no, row.integer(0)});
  }
  const Rows kept = WRENCH_TRY(tx.query(sql::kSignalCount, {what.execution_no}));
  if (kept.front().integer(0) >= static_cast<std::int64_t>(kSignalsMax))
    return Error("workflow.inbox_full",
                 "the task already keeps " + std::to_string(kSignalsMax) + " signals that nothing waits for");
  const Rows last = WRENCH_TRY(tx.query(sql::kLastSignal, {what.execution_no, what.name}));
  const std::int64_t seq = last.empty() ? 1 : last.front().integer(0) + 1;
  WRENCH_TRY(
      tx.exec(sql::kInsertSignal, {what.execution_no, what.name, seq, text_or_null(value), what.actor, tx.now()}));
  return std::optional<StepKey>();
}

Result<bool> signal_step(WriteTx& tx, StepKey step, const std::string& value_json, const std::string& actor) {
  const Rows waiting = WRENCH_TRY(tx.query(sql::kWaitsOfExecution, {step.execution_no}));
  for (const auto row : waiting) {
    // An approval has no name: no message decides it.
    if (row.integer(0) != step.step_no || row.text(2).empty() || !row.is_null(3)) continue;
    WRENCH_TRY(mark(tx, step.execution_no, row.text(1), "signal", actor, {}, value_json));
    return true;
  }
  return false;
}

Result<std::optional<Command>> decision_of(WriteTx& tx, StepKey step) {
  const Rows rows = WRENCH_TRY(tx.query(sql::kDecisionOfStep, {step.execution_no, step.step_no}));
  if (rows.empty()) return std::optional<Command>();
  return std::optional(WRENCH_TRY(command_of(tx, rows.front())));
}

Result<std::vector<Command>> decisions_of(WriteTx& tx, std::span<const Bind> execution_nos) {
  std::vector<Command> out;
  const Rows rows = WRENCH_TRY(tx.query_many(sql::kDecisionsOfExecution, 1, execution_nos));
  for (const auto row : rows) out.push_back(WRENCH_TRY(command_of(tx, row)));
  return out;
}

}  // namespace waits
}  // namespace wrench::workflow
