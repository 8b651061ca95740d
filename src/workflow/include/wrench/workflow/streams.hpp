#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "wrench/base/clock.hpp"
#include "wrench/base/result.hpp"
#include "wrench/storage/transaction.hpp"

/// What steps say while they run (StepContext::stream()): text, durable soon after it was said, and read from any
/// offset by any process. Each run of a step begins anew: what its attempts before said is gone with its first word.
namespace wrench::workflow {

inline constexpr std::size_t kStreamBytesMax = 4 * 1024 * 1024;  ///< Of one run of a step; the rest is left out.
inline constexpr std::size_t kStreamChunkBytesMax = 64 * 1024;
inline constexpr Micros kStreamPause = 100 * kMicrosPerMs;  ///< Between two chunks of a run, its last one excepted.
inline constexpr Micros kStreamKept = kMicrosPerDay;        ///< After its run.
inline constexpr std::size_t kStreamPageMax = 1000;

/// The stream of one step.
struct StreamView {
  std::int64_t step_no = 0;
  std::int64_t run = 0;  ///< Rises with each run of the step; offsets are those of one run.
  int attempt = 0;
  std::int64_t bytes = 0;
  std::int64_t left_out = 0;  ///< Bytes over kStreamBytesMax.
};
/// Those of an execution, by step. At most kStreamPageMax.
Result<std::vector<StreamView>> list_streams(storage::ReadTx& tx, std::int64_t execution_no,
                                             std::int64_t after_step = 0);

struct StreamPosition {
  std::int64_t run = 0;  ///< 0: whichever is the latest.
  std::int64_t offset = 0;
};
struct StreamPage {
  StreamView stream;        ///< `run` 0: the step has said nothing.
  std::int64_t offset = 0;  ///< Of `text`: 0 if the step has begun anew since.
  std::string text;         ///< Valid UTF-8. Empty: nothing new.
};
/// What comes from `from` on, about `bytes` of it.
Result<StreamPage> read_stream(storage::ReadTx& tx, std::int64_t execution_no, std::int64_t step_no,
                               StreamPosition from, std::size_t bytes = kStreamChunkBytesMax);

}  // namespace wrench::workflow
