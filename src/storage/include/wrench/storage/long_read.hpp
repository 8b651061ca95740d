#pragma once

#include <functional>

#include "wrench/base/clock.hpp"
#include "wrench/base/result.hpp"
#include "wrench/storage/store.hpp"

namespace wrench::storage {

inline constexpr Micros kLongSnapshotAgeMax = 1'800 * kMicrosPerSecond;

/// Store::read() for who has to see everything as of one moment. On PostgreSQL the snapshot may last for
/// kLongSnapshotAgeMax, and until it ends the server keeps what others replace and delete: for few, and no longer than
/// needed. On SQLite no snapshot may last: as read(). Errors: those of read() and of the body.
Result<void> read_long(Store& store, const std::function<Result<void>(ReadTx&)>& body);

}  // namespace wrench::storage
