#include "stream_store.hpp"

#include <algorithm>

#include "guards.hpp"
#include "wrench/workflow/streams.hpp"

namespace wrench::workflow {

using storage::Access;
using storage::ReadTx;
using storage::Rows;
using storage::WriteTx;

namespace sql {
namespace {

const Statement kStreamOfStep{
    .id = "workflow.stream_of_step",
    .sql = "SELECT step_no, epoch, attempt, bytes, left_out FROM streams WHERE execution_id = ?1 AND step_no = ?2",
    .plan = "SEARCH streams USING PRIMARY KEY (execution_id=? AND step_no=?)"};
const Statement kStreamsOfExecution{
    .id = "workflow.streams_of_execution",
    .sql =
        "SELECT step_no, epoch, attempt, bytes, left_out FROM streams WHERE execution_id = ?1 AND step_no > ?2 ORDER "
        "BY step_no LIMIT ?3",
    .plan = "SEARCH streams USING PRIMARY KEY (execution_id=? AND step_no>?)"};
const Statement kRunOfStep{.id = "workflow.run_of_step",
                           .sql = "SELECT state, epoch FROM steps WHERE execution_id = ?1 AND step_no = ?2",
                           .plan = "SEARCH steps USING PRIMARY KEY (execution_id=? AND step_no=?)"};
const Statement kBeginStream{
    .id = "workflow.begin_stream",
    .access = Access::Write,
    .sql =
        "INSERT INTO streams (execution_id, step_no, epoch, attempt, bytes, left_out, drop_at) VALUES (?1, ?2, ?3, ?4, "
        "0, 0, ?5) ON CONFLICT (execution_id, step_no) DO UPDATE SET epoch = excluded.epoch, attempt = "
        "excluded.attempt, bytes = 0, left_out = 0, drop_at = excluded.drop_at"};
const Statement kGrowStream{
    .id = "workflow.grow_stream",
    .access = Access::Write,
    .sql = "UPDATE streams SET bytes = ?3, left_out = ?4 WHERE execution_id = ?1 AND step_no = ?2",
    .plan = "SEARCH streams USING PRIMARY KEY (execution_id=? AND step_no=?)"};
const Statement kKeepStream{.id = "workflow.keep_stream",
                            .access = Access::Write,
                            .sql = "UPDATE streams SET drop_at = ?3 WHERE execution_id = ?1 AND step_no = ?2",
                            .plan = "SEARCH streams USING PRIMARY KEY (execution_id=? AND step_no=?)"};
const Statement kInsertChunk{
    .id = "workflow.insert_stream_chunk",
    .access = Access::Write,
    .sql = "INSERT INTO stream_chunks (execution_id, step_no, at, body) VALUES (?1, ?2, ?3, ?4)"};
const Statement kChunks{
    .id = "workflow.stream_chunks",
    .sql =
        "SELECT at, body FROM stream_chunks WHERE execution_id = ?1 AND step_no = ?2 AND at >= coalesce((SELECT at "
        "FROM stream_chunks WHERE execution_id = ?1 AND step_no = ?2 AND at <= ?3 ORDER BY at DESC LIMIT 1), 0) ORDER "
        "BY at LIMIT ?4",
    .plan =
        "SEARCH stream_chunks USING PRIMARY KEY (execution_id=? AND step_no=? AND at>?); SCALAR SUBQUERY 1; SEARCH "
        "stream_chunks USING PRIMARY KEY (execution_id=? AND step_no=? AND at<?)"};
const Statement kDropChunks{.id = "workflow.drop_stream_chunks",
                            .access = Access::Write,
                            .sql = "DELETE FROM stream_chunks WHERE execution_id = ?1 AND step_no = ?2",
                            .plan = "SEARCH stream_chunks USING PRIMARY KEY (execution_id=? AND step_no=?)"};
const Statement kDropSomeChunks{
    .id = "workflow.drop_some_stream_chunks",
    .access = Access::Write,
    .sql =
        "DELETE FROM stream_chunks WHERE execution_id = ?1 AND step_no = ?2 AND at <= coalesce((SELECT at FROM "
        "stream_chunks WHERE execution_id = ?1 AND step_no = ?2 ORDER BY at LIMIT 1 OFFSET ?3 - 1), "
        "9223372036854775807)",
    .plan =
        "SEARCH stream_chunks USING PRIMARY KEY (execution_id=? AND step_no=? AND at<?); SCALAR SUBQUERY 1; SEARCH "
        "stream_chunks USING PRIMARY KEY (execution_id=? AND step_no=?)"};
const Statement kOldStreams{
    .id = "workflow.old_streams",
    .sql = "SELECT execution_id, step_no FROM streams WHERE drop_at <= ?1 ORDER BY drop_at LIMIT ?2",
    .plan = "SEARCH streams USING COVERING INDEX idx_stream_drop (drop_at<?)"};
const Statement kDropStream{.id = "workflow.drop_stream",
                            .access = Access::Write,
                            .sql = "DELETE FROM streams WHERE execution_id = ?1 AND step_no = ?2",
                            .plan = "SEARCH streams USING PRIMARY KEY (execution_id=? AND step_no=?)"};

}  // namespace

storage::StatementCatalogue::List of_streams() {
  static const Statement* const list[] = {&kStreamOfStep, &kStreamsOfExecution, &kRunOfStep,   &kBeginStream,
                                          &kGrowStream,   &kKeepStream,         &kInsertChunk, &kChunks,
                                          &kDropChunks,   &kDropSomeChunks,     &kOldStreams,  &kDropStream};
  return list;
}

}  // namespace sql

namespace {

constexpr std::size_t kOldPage = 256;
constexpr std::int64_t kChunksRead = 256;  ///< Of one page.

StreamView view_of(const Rows::Row& row) {
  return {row.integer(0), row.integer(1), static_cast<int>(row.integer(2)), row.integer(3), row.integer(4)};
}

}  // namespace

namespace stream_store {

Result<Dropped> drop_old(WriteTx& tx, Micros before, std::size_t chunks_max) {
  Dropped out;
  auto left = static_cast<std::int64_t>(chunks_max);
  for (std::size_t page = kOldPage; page == kOldPage && left > 0;) {
    const Rows old = WRENCH_TRY(tx.query(sql::kOldStreams, {before, kOldPage}));
    page = old.size();
    for (const auto row : old) {
      const std::int64_t execution_no = row.integer(0), step_no = row.integer(1);
      const Rows step = WRENCH_TRY(tx.query(sql::kRunOfStep, {execution_no, step_no}));
      --left;
      if (!step.empty() && !is_terminal(static_cast<StepState>(step.front().integer(0)))) {
        WRENCH_TRY(tx.exec(sql::kKeepStream, {execution_no, step_no, std::max(tx.now(), before) + kStreamKept}));
        continue;
      }
      const std::int64_t most = std::max<std::int64_t>(left, 1);
      const std::int64_t chunks = WRENCH_TRY(tx.exec(sql::kDropSomeChunks, {execution_no, step_no, most}));
      left -= chunks;
      if (chunks < most) {
        WRENCH_TRY(tx.exec(sql::kDropStream, {execution_no, step_no}));
        ++out.streams;
      }
      if (left <= 0) break;
    }
  }
  out.more = left <= 0;
  return out;
}

Result<bool> write(WriteTx& tx, const StreamChunk& chunk) {
  const auto [execution_no, step_no] = chunk.step;
  const Rows run = WRENCH_TRY(tx.query(sql::kRunOfStep, {execution_no, step_no}));
  const bool runs = !run.empty() && static_cast<StepState>(run.front().integer(0)) == StepState::Running &&
                    run.front().integer(1) == chunk.epoch;
  if (!runs && keeps(Keep::StreamFence)) return false;
  const Rows known = WRENCH_TRY(tx.query(sql::kStreamOfStep, {execution_no, step_no}));
  if (known.empty() || view_of(known.front()).run != chunk.epoch) {
    if (!known.empty()) WRENCH_TRY(tx.exec(sql::kDropChunks, {execution_no, step_no}));
    WRENCH_TRY(tx.exec(sql::kBeginStream, {execution_no, step_no, chunk.epoch, chunk.attempt, tx.now() + kStreamKept}));
  }
  if (!chunk.text.empty()) WRENCH_TRY(tx.exec(sql::kInsertChunk, {execution_no, step_no, chunk.offset, chunk.text}));
  WRENCH_TRY(tx.exec(sql::kGrowStream, {execution_no, step_no,
                                        chunk.offset + static_cast<std::int64_t>(chunk.text.size()), chunk.left_out}));
  if (chunk.last) WRENCH_TRY(tx.exec(sql::kKeepStream, {execution_no, step_no, tx.now() + kStreamKept}));
  return true;
}

}  // namespace stream_store

Result<std::vector<StreamView>> list_streams(ReadTx& tx, std::int64_t execution_no, std::int64_t after_step) {
  std::vector<StreamView> out;
  const Rows rows = WRENCH_TRY(tx.query(sql::kStreamsOfExecution, {execution_no, after_step, kStreamPageMax}));
  for (const auto row : rows) out.push_back(view_of(row));
  return out;
}

Result<StreamPage> read_stream(ReadTx& tx, std::int64_t execution_no, std::int64_t step_no, StreamPosition from,
                               std::size_t bytes) {
  StreamPage page;
  const Rows known = WRENCH_TRY(tx.query(sql::kStreamOfStep, {execution_no, step_no}));
  if (known.empty()) return page;
  page.stream = view_of(known.front());
  page.offset = from.run == 0 || from.run == page.stream.run ? std::max<std::int64_t>(from.offset, 0) : 0;
  if (page.offset >= page.stream.bytes) return page;
  const Rows chunks = WRENCH_TRY(tx.query(sql::kChunks, {execution_no, step_no, page.offset, kChunksRead}));
  for (const auto row : chunks) {
    const std::int64_t at = row.integer(0);
    const std::string_view body = row.text(1);
    std::int64_t skip = std::max<std::int64_t>(page.offset - at, 0);
    if (page.text.empty()) {
      if (skip >= static_cast<std::int64_t>(body.size())) continue;
      // An offset in the middle of a character means the next one.
      while (skip > 0 && skip < static_cast<std::int64_t>(body.size()) &&
             (static_cast<unsigned char>(body[static_cast<std::size_t>(skip)]) & 0xC0U) == 0x80U)
        ++skip;
      page.offset = at + skip;
      page.text = body.substr(static_cast<std::size_t>(skip));
    } else {
      if (page.text.size() + body.size() > bytes || at != page.offset + static_cast<std::int64_t>(page.text.size()))
        break;
      page.text += body;
    }
  }
  return page;
}

}  // namespace wrench::workflow
