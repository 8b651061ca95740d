#include "signals.hpp"

#include <fcntl.h>
#include <pthread.h>
#include <unistd.h>

#include <atomic>
#include <csignal>
#include <cstdlib>
#include <thread>
#include <utility>

#include "wrench/base/assert.hpp"

namespace wrench::app {

namespace {
std::atomic<int> received{0};
}

StopToken install_signal_handlers() {
  std::signal(SIGPIPE, SIG_IGN);
  StopSource source;
  StopToken token = source.token();
  // A thread that waits for signals may take locks and allocate; a handler may not.
  sigset_t set;
  sigemptyset(&set);
  for (const int number : {SIGINT, SIGTERM}) {
    // Ignored from outside (nohup, a shell's background job) stays ignored; sigwait would take it all the same.
    struct sigaction inherited{};
    if (sigaction(number, nullptr, &inherited) != 0 || inherited.sa_handler != SIG_IGN) sigaddset(&set, number);
  }
  WRENCH_ASSERT(pthread_sigmask(SIG_BLOCK, &set, nullptr) == 0);
  // The source is the thread's, which outlives main(): one that is destroyed at exit would be used afterwards.
  std::thread([set, source = std::move(source)]() mutable {
    for (;;) {
      int number = 0;
      if (sigwait(&set, &number) != 0) continue;
      if (received.exchange(number) != 0) _exit(number == SIGINT ? 130 : 143);
      source.request_stop();
    }
  }).detach();
  return token;
}

ExitCode signal_received() {
  switch (received.load()) {
    case SIGINT:
      return ExitCode::Interrupted;
    case SIGTERM:
      return ExitCode::Terminated;
    default:
      return ExitCode::Done;
  }
}

}  // namespace wrench::app
