#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "wrench/base/result.hpp"
#include "wrench/base/stop.hpp"
#include "wrench/history/facts.hpp"
#include "wrench/history/git_repo.hpp"
#include "wrench/runtime/worker_pool.hpp"

namespace wrench::history {

inline constexpr std::size_t kCommitsMax = 2'000'000;
/// Line counts cost a diff of every file touched, about 50 times what the list of files costs: 1,000 commits take
/// about a second of one core.
inline constexpr std::size_t kCountedCommitsDefault = 1'000;

struct MineOptions {
  std::size_t commits_max = 200'000;                         ///< The newest; at most kCommitsMax.
  std::size_t counted_commits_max = kCountedCommitsDefault;  ///< The newest; 0: no line counts.
  std::vector<std::string> bots;  ///< Author names that are bots, beside those that end in "[bot]".
};

/// Reads the history of the checked-out commit. With `previous` only what is new is read; if `previous` isn't part of
/// this history any more, everything is (degraded: rewritten). Line counts are made on `pool`.
/// A repository that can only be read in part gives facts with `degraded` entries.
/// Error codes: those of GitRepo, history.log_invalid.
Result<HistoryFacts> mine(const GitRepo& repo, const MineOptions& options, const HistoryFacts* previous,
                          runtime::WorkerPool& pool, const StopToken& stop = {}, const Deadline& deadline = {});

}  // namespace wrench::history
