#pragma once

#include <cstdint>

#include "wrench/codec/json.hpp"
#include "wrench/storage/transaction.hpp"
#include "wrench/workflow/step_runner.hpp"

namespace wrench::workflow::payload {

inline constexpr codec::JsonLimits kLimits{
    .bytes_max = kStepOutputBytesMax, .depth_max = 128, .values_max = 10'000'000};

/// The data of a journal entry, wherever it is kept.
Result<codec::Json> of_journal(storage::ReadTx& tx, std::int64_t execution_no, std::int64_t seq);

}  // namespace wrench::workflow::payload
