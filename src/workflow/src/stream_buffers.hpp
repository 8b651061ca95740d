#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "wrench/base/clock.hpp"
#include "wrench/workflow/dispatcher.hpp"

namespace wrench::workflow {

/// What running steps have said and the store hasn't got yet. Passive, not thread-safe: the engine asks it under its
/// lock.
class StreamBuffers {
 public:
  /// Of the run with that epoch. Bytes that aren't UTF-8, and NUL, become U+FFFD.
  void append(StepKey step, std::int64_t epoch, int attempt, std::string_view text, Micros now);
  /// One chunk of each run whose time has come.
  std::vector<StreamChunk> due(Micros now);
  /// When due() has something next; never = max.
  Micros next_due() const;
  /// The rest of a run that ends.
  std::vector<StreamChunk> end(StepKey step, std::int64_t epoch);
  /// Its run doesn't count any more.
  void drop(StepKey step, std::int64_t epoch) { runs_.erase({step, epoch}); }

 private:
  using Run = std::pair<StepKey, std::int64_t>;
  struct Buffer {
    int attempt = 1;
    std::int64_t taken = 0, left_out = 0;
    std::string pending;
    std::string unfinished;  ///< The first bytes of a character.
    Micros due_at = 0;
  };
  static StreamChunk take(const Run& run, Buffer& buffer);

  std::map<Run, Buffer> runs_;
};

}  // namespace wrench::workflow
