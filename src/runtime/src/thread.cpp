#include "wrench/runtime/thread.hpp"

#include <linux/sched/types.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace wrench::runtime {

void run_soon_after_waking() {
  constexpr unsigned kSliceNs = 100'000;
  sched_attr attributes{};
  // Keeps the policy and the niceness that it has. A refusal changes nothing.
  if (::syscall(SYS_sched_getattr, 0, &attributes, sizeof attributes, 0U) != 0) return;
  attributes.size = sizeof attributes;
  attributes.sched_runtime = kSliceNs;
  ::syscall(SYS_sched_setattr, 0, &attributes, 0U);
}

}  // namespace wrench::runtime
