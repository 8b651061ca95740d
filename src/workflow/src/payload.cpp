#include "payload.hpp"

#include "sql.hpp"
#include "wrench/storage/blob_store.hpp"

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

}  // namespace wrench::workflow::payload
