#pragma once

namespace wrench::detail {
[[noreturn]] void assertion_failed(const char* expression, const char* file, int line);
}

/// For what only a programmer can cause, never for input. On in every build: a wrong state must not be persisted.
#define WRENCH_ASSERT(expression)                       \
  (static_cast<bool>(expression) ? static_cast<void>(0) \
                                 : ::wrench::detail::assertion_failed(#expression, __FILE__, __LINE__))
