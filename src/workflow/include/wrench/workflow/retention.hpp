#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "wrench/base/clock.hpp"
#include "wrench/base/result.hpp"
#include "wrench/base/stop.hpp"
#include "wrench/storage/store.hpp"
#include "wrench/telemetry/metrics.hpp"
#include "wrench/workflow/retention_policy.hpp"

namespace wrench::workflow {

inline constexpr std::size_t kRetentionRowsMax = 5'000;  ///< That one flush deletes because they are too old.

inline constexpr std::size_t kRetentionTasksMax = 64;  ///< That one flush deletes.
inline constexpr std::uint64_t kRetentionArchiveBytes = std::uint64_t{32}
                                                        << 20;  ///< Archived, from which on they are deleted.

enum class RetentionKind : std::uint8_t { Events, Streams, Messages, Memory, Tasks };
inline constexpr std::size_t kRetentionKinds = 5;
/// "events", …
std::string_view name(RetentionKind kind);

/// So many of each kind.
using RetentionCounts = std::array<std::int64_t, kRetentionKinds>;

struct RetentionTurn {
  RetentionCounts removed{};
  std::int64_t expired = 0;  ///< Messages that nobody acknowledged in time; they are dead now.
  /// Nothing that may go is left. Else it was stopped, or another process removes.
  bool all = true;
  /// By Retention::now_us(): when something may go, as far as that is known. Nothing: when something has changed.
  std::optional<Micros> next_at;
  std::optional<Micros> clock_jump;  ///< The clock was set forward by so much; nothing is removed for a day, unless it
                                     ///< is set back.
};

/// What turn() would remove at once.
struct RetentionPreview {
  RetentionCounts due{};
};

/// What was removed last.
struct RetentionRecord {
  RetentionKind kind = RetentionKind::Events;
  Micros at = 0;
  std::int64_t removed = 0;  ///< By that turn.
  std::int64_t total = 0;    ///< Ever.
};
/// In the order of kinds; those of which something was removed.
Result<std::vector<RetentionRecord>> read_retention(storage::ReadTx& tx);

/// Removes what is older than it has to be kept, kRetentionRowsMax rows a flush, and leaves the writer to others for as
/// long as each took. What tasks leave is queued for purge() (deletion.hpp). Passive: whoever runs long calls turn() at
/// next_at, and some time after something changed. Any number of processes may; one at a time removes. Killed in the
/// middle, the next turn goes on. An object is of one thread.
class Retention {
 public:
  /// All must outlive this; `metrics` may be null. `archive_folder`: where tasks are archived (storage/archive.hpp);
  /// needed only if the policy has tasks archived.
  Retention(storage::Store& store, const Clock& clock, RetentionPolicy policy, std::string archive_folder = {},
            telemetry::MetricsRegistry* metrics = nullptr);
  ~Retention();
  Retention(const Retention&) = delete;
  Retention& operator=(const Retention&) = delete;

  enum class Time {
    Settled,  ///< Removes what was old enough at the look before, some time ago, unless the clock contradicts.
    Now,      ///< Somebody says that it is the right time.
  };
  enum class Extent {
    All,
    OneFlush,  ///< Of each kind at most; whoever calls has other things to do.
  };
  /// Costs a few look-ups, and no write, while nothing is old enough. Errors: storage.*; workflow.no_archive,
  /// runtime.locked: no task goes that can't be archived.
  Result<RetentionTurn> turn(const StopToken& stop, Time time = Time::Settled, Extent extent = Extent::All);
  Result<RetentionPreview> preview();

  /// The clock that decides: this machine's, or PostgreSQL's. Errors: storage.*.
  Result<Micros> now_us();
  /// How long after a look a removal can come of it; so often it is worth looking while something changes.
  Micros settles_us() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace wrench::workflow
