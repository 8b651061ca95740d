#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "wrench/codec/json.hpp"
#include "wrench/storage/blob_store.hpp"
#include "wrench/storage/transaction.hpp"
#include "wrench/workflow/core.hpp"
#include "wrench/workflow/step_runner.hpp"

namespace wrench::workflow::payload {

inline constexpr codec::JsonLimits kLimits{
    .bytes_max = kStepOutputBytesMax, .depth_max = 128, .values_max = 10'000'000};

struct Sized {
  codec::Json value;
  std::size_t bytes = 0;  ///< As text.
};
/// The data of a journal entry, wherever it is kept.
Result<Sized> of_journal(storage::ReadTx& tx, std::int64_t execution_no, std::int64_t seq);
/// Of its columns `data` and `blob`.
Result<Sized> of_columns(storage::ReadTx& tx, const storage::Rows::Row& row, std::size_t data, std::size_t blob);
Result<Sized> inputs(storage::ReadTx& tx, std::int64_t task_no);
/// A value on its way into the journal; what is too large to stand there is added to `blobs`. Errors:
/// workflow.output_too_large, workflow.output_too_deep, workflow.output_invalid (names that aren't UTF-8 become one).
Result<Payload> pack(const codec::Json& value, std::vector<storage::PreparedBlob>& blobs);

}  // namespace wrench::workflow::payload
