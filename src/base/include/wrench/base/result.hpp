#pragma once

#include <optional>
#include <type_traits>
#include <utility>
#include <variant>

#include "wrench/base/assert.hpp"
#include "wrench/base/error.hpp"

namespace wrench {

/// A value or the Error that explains why there is none. Use WRENCH_TRY to unwrap and pass errors on.
template <class T = void>
class [[nodiscard]] Result {
 public:
  using value_type = T;
  Result(T value) : state_(std::in_place_index<0>, std::move(value)) {}      // NOLINT(google-explicit-constructor)
  Result(Error error) : state_(std::in_place_index<1>, std::move(error)) {}  // NOLINT(google-explicit-constructor)
  template <class U>
    requires(std::is_convertible_v<U &&, T> && !std::is_same_v<std::remove_cvref_t<U>, T> &&
             !std::is_same_v<std::remove_cvref_t<U>, Error> && !std::is_same_v<std::remove_cvref_t<U>, Result>)
  Result(U&& value) : state_(std::in_place_index<0>, std::forward<U>(value)) {}  // NOLINT(google-explicit-constructor)

  bool ok() const { return state_.index() == 0; }
  explicit operator bool() const { return ok(); }

  T& value() & {
    WRENCH_ASSERT(ok());
    return *std::get_if<0>(&state_);
  }
  const T& value() const& {
    WRENCH_ASSERT(ok());
    return *std::get_if<0>(&state_);
  }
  T&& value() && {
    WRENCH_ASSERT(ok());
    return std::move(*std::get_if<0>(&state_));
  }
  T& operator*() & { return value(); }
  const T& operator*() const& { return value(); }
  T&& operator*() && { return std::move(*this).value(); }
  T* operator->() { return &value(); }
  const T* operator->() const { return &value(); }

  Error& error() & {
    WRENCH_ASSERT(!ok());
    return *std::get_if<1>(&state_);
  }
  const Error& error() const& {
    WRENCH_ASSERT(!ok());
    return *std::get_if<1>(&state_);
  }
  Error&& error() && {
    WRENCH_ASSERT(!ok());
    return std::move(*std::get_if<1>(&state_));
  }
  T value_or(T fallback) && { return ok() ? std::move(value()) : std::move(fallback); }

 private:
  std::variant<T, Error> state_;
};

template <>
class [[nodiscard]] Result<void> {
 public:
  using value_type = void;
  Result() = default;
  Result(Error error) : error_(std::move(error)) {}  // NOLINT(google-explicit-constructor)

  bool ok() const { return !error_.has_value(); }
  explicit operator bool() const { return ok(); }
  void value() const { WRENCH_ASSERT(ok()); }
  Error& error() & {
    WRENCH_ASSERT(!ok());
    return *error_;
  }
  const Error& error() const& {
    WRENCH_ASSERT(!ok());
    return *error_;
  }
  Error&& error() && {
    WRENCH_ASSERT(!ok());
    return std::move(*error_);
  }

 private:
  std::optional<Error> error_;
};

namespace detail {
template <class T>
T take(Result<T>&& result) {
  return std::move(result).value();
}
inline void take(Result<void>&&) {}
}  // namespace detail

}  // namespace wrench

/// `auto x = WRENCH_TRY(f());` : the value of f(), or returns its Error from the enclosing function.
/// Not for use in coroutines (a statement expression may not be suspended).
#define WRENCH_TRY(...)                                                       \
  ({                                                                          \
    auto wrench_try_result = (__VA_ARGS__);                                   \
    if (!wrench_try_result.ok()) return std::move(wrench_try_result).error(); \
    ::wrench::detail::take(std::move(wrench_try_result));                     \
  })
