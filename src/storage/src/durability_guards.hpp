#pragma once

#include <array>
#include <cstdint>
#include <string_view>

namespace wrench::storage {

/// What keeps an acknowledged write on the disk. The build of the crash tests (WRENCH_STORAGE_MUTATIONS) can leave one
/// out, to prove that their checks notice; in the product each is a compile-time `true`.
enum class Keep : std::uint8_t {
  FlushOnCommit,   ///< COMMIT returns after the fsync.
  WholeBlocks,     ///< A commit ends on a whole block.
  LogBegunAnew,    ///< The first write of a process overwrites the log that it found.
  LogFlushedOnce,  ///< What opening found in the log is durable before anybody reads it.
  EventClock,      ///< The number of the next event is stored with the events.
  // Of PostgreSQL, which the simulator doesn't have: left out by wrench_kill_workers_mutable.
  FlushNumbered,  ///< Whether a flush took place whose answer got lost, its number tells.
  kCount,
};

inline constexpr std::array<std::string_view, static_cast<std::size_t>(Keep::kCount)> kKeepNames = {
    "flush_on_commit", "whole_blocks", "log_begun_anew", "log_flushed_once", "event_clock", "flush_numbered"};
/// So many come first that the simulator leaves out.
inline constexpr auto kKeepsSimulated = static_cast<std::size_t>(Keep::FlushNumbered);

#ifdef WRENCH_STORAGE_MUTATIONS
inline Keep g_removed_guard = Keep::kCount;
inline bool keeps(Keep guard) { return guard != g_removed_guard; }
#else
constexpr bool keeps(Keep) { return true; }
#endif

}  // namespace wrench::storage
