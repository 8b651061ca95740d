#include "payload.hpp"

#include <algorithm>
#include <set>
#include <utility>

#include "sql.hpp"
#include "wrench/base/text.hpp"

namespace wrench::workflow::payload {

using codec::Json;
using storage::Rows;

namespace {

Result<Sized> parse(std::string_view text) {
  return Sized{text.empty() ? Json() : WRENCH_TRY(codec::parse_json(text, kLimits)), text.size()};
}

/// What isn't UTF-8 is replaced when it is written: two names may become one, and then nobody could read it.
Result<void> check_names(const codec::JsonObject& members) {
  const auto is_text = [](const auto& member) { return is_valid_utf8(member.first); };
  if (std::ranges::all_of(members, is_text)) return {};
  std::set<std::string> written;
  for (const auto& [name, member] : members)
    if (!written.insert(repair_utf8(name)).second)
      return Error("workflow.output_invalid", "two members of the output have the name '" +
                                                  escape_for_display(repair_utf8(name)) +
                                                  "' when what isn't UTF-8 in them is replaced");
  return {};
}

/// One that is nested deeper couldn't be read again, and whatever writes it would go as deep. A worklist for that
/// reason.
Result<void> check_shape(const Json& value) {
  std::vector<std::pair<const Json*, std::size_t>> open{{&value, 1}};
  while (!open.empty()) {
    const auto [at, depth] = open.back();
    open.pop_back();
    if (!at->is_array() && !at->is_object()) continue;
    if (depth > kLimits.depth_max)
      return Error("workflow.output_too_deep",
                   "the output is nested deeper than " + std::to_string(kLimits.depth_max) + " levels");
    WRENCH_TRY(check_names(at->as_object()));
    for (const Json& item : at->as_array()) open.emplace_back(&item, depth + 1);
    for (const auto& [name, member] : at->as_object()) open.emplace_back(&member, depth + 1);
  }
  return {};
}

}  // namespace

Result<Sized> of_journal(storage::ReadTx& tx, std::int64_t execution_no, std::int64_t seq) {
  const Rows rows = WRENCH_TRY(tx.query(sql::kJournalEntry, {execution_no, seq}));
  if (rows.empty()) return Error("storage.corrupt", "journal entry " + std::to_string(seq) + " is missing");
  return of_columns(tx, rows.front(), 6, 7);
}

Result<Sized> of_columns(storage::ReadTx& tx, const Rows::Row& row, std::size_t data, std::size_t blob) {
  if (row.is_null(blob)) return parse(row.text_or_empty(data));
  return parse(WRENCH_TRY(storage::blob_store::get(tx, row.bytes(blob))));
}

Result<Sized> inputs(storage::ReadTx& tx, std::int64_t task_no) {
  const Rows rows = WRENCH_TRY(tx.query(sql::kTaskInputs, {task_no}));
  if (rows.empty()) return Error("workflow.task_not_found", "there is no such task");
  const auto row = rows.front();
  if (!row.is_null(1)) return parse(row.text(1));
  return parse(WRENCH_TRY(storage::blob_store::get(tx, row.bytes(0))));
}

Result<Payload> pack(const Json& value, std::vector<storage::PreparedBlob>& blobs) {
  WRENCH_TRY(check_shape(value));
  std::string json = codec::write_json(value);
  if (json.size() <= kInlineBytesMax) return Payload{std::move(json), {}};
  if (json.size() > kStepOutputBytesMax)
    return Error("workflow.output_too_large",
                 "the output has " + format_bytes(json.size()) + "; the limit is " + format_bytes(kStepOutputBytesMax));
  blobs.push_back(WRENCH_TRY(storage::blob_store::prepare(json)));
  return Payload{{}, blobs.back().hash};
}

}  // namespace wrench::workflow::payload
