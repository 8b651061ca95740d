// A clock of the machine that a test can set: preloaded (LD_PRELOAD), it adds to the wall time what the file says whose
// name is in WRENCH_TEST_CLOCK: 8 bytes, microseconds. All processes with the same file see it change at once. Time
// since boot is that of the machine. (Debian's libfaketime allocates before it is ready, which jemalloc answers by
// asking for the time.)

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include <atomic>
#include <cstdint>
#include <cstdio>
#include <cstdlib>

namespace {

constexpr std::int64_t kMicros = 1'000'000;
const std::atomic<std::int64_t>* ahead_us = nullptr;

/// Before main(): what asks for the time earlier gets that of the machine.
__attribute__((constructor)) void begin() {
  const char* file = std::getenv("WRENCH_TEST_CLOCK");
  const int fd = file == nullptr ? -1 : ::open(file, O_RDONLY | O_CLOEXEC);
  void* const memory = fd < 0 ? MAP_FAILED : ::mmap(nullptr, sizeof *ahead_us, PROT_READ, MAP_SHARED, fd, 0);
  if (memory == MAP_FAILED) {
    std::perror("set_clock: WRENCH_TEST_CLOCK");
    ::_exit(70);
  }
  ::close(fd);
  ahead_us = static_cast<const std::atomic<std::int64_t>*>(memory);
}

void set(timespec& at) {
  if (ahead_us == nullptr) return;
  const std::int64_t us = at.tv_sec * kMicros + at.tv_nsec / 1'000 + ahead_us->load(std::memory_order_relaxed);
  at = {.tv_sec = us / kMicros, .tv_nsec = us % kMicros * 1'000 + at.tv_nsec % 1'000};
}

}  // namespace

extern "C" {

int clock_gettime(clockid_t id, timespec* at) noexcept {
  const auto failed = static_cast<int>(::syscall(SYS_clock_gettime, id, at));
  if (failed == 0 && (id == CLOCK_REALTIME || id == CLOCK_REALTIME_COARSE)) set(*at);
  return failed;
}

int gettimeofday(timeval* at, void*) noexcept {
  timespec now{};
  clock_gettime(CLOCK_REALTIME, &now);
  *at = {.tv_sec = now.tv_sec, .tv_usec = now.tv_nsec / 1'000};
  return 0;
}

time_t time(time_t* out) noexcept {
  timespec now{};
  clock_gettime(CLOCK_REALTIME, &now);
  if (out != nullptr) *out = now.tv_sec;
  return now.tv_sec;
}

}  // extern "C"
