#include "payload.hpp"

#include "sql.hpp"
#include "wrench/base/text.hpp"

namespace wrench::workflow::payload {

using codec::Json;
using storage::Rows;

namespace {

Result<Sized> parse(std::string_view text) {
  return Sized{text.empty() ? Json() : WRENCH_TRY(codec::parse_json(text, kLimits)), text.size()};
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
  std::string json = codec::write_json(value);
  if (json.size() <= kInlineBytesMax) return Payload{std::move(json), {}};
  if (json.size() > kStepOutputBytesMax)
    return Error("workflow.output_too_large",
                 "the output has " + format_bytes(json.size()) + "; the limit is " + format_bytes(kStepOutputBytesMax));
  blobs.push_back(WRENCH_TRY(storage::blob_store::prepare(json)));
  return Payload{{}, blobs.back().hash};
}

}  // namespace wrench::workflow::payload
