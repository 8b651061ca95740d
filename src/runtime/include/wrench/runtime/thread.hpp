#pragma once

namespace wrench::runtime {

/// Has the calling thread run soon after it wakes, also while other threads keep all processors busy: it asks the
/// scheduler for slices of a tenth of a millisecond. Without, each flush waits for the next tick of the clock twice, 8
/// ms instead of 1. For threads that others wait for and that sleep most of the time. Linux 6.12 and later; earlier
/// ones let a thread that slept run first anyway.
void run_soon_after_waking();

}  // namespace wrench::runtime
