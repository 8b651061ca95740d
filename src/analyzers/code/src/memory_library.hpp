#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "memory_run.hpp"
#include "memory_values.hpp"

namespace wrench::code::memory {

/// What functions of the C library can do to a program's memory.
class Memory {
 public:
  virtual ~Memory() = default;
  virtual Object* object(const Value& pointer) = 0;
  virtual Value make(Object::Kind kind, const Range& size, bool may_fail) = 0;
  virtual void write(const Value& pointer, const Range& bytes) = 0;
  virtual void read(const Value& pointer, const Range& bytes) = 0;
  virtual void store(const Value& pointer, const Value& value) = 0;
  virtual void escape(const Value& value) = 0;
  virtual void release(const Value& pointer) = 0;
  virtual void fault(Fault what) = 0;    ///< On this way; told when it is so on all.
  virtual void outside(Fault what) = 0;  ///< With a value from outside: told at once.
  virtual void fine(Fault what) = 0;
  virtual void fault(Fault what, const Object& where) = 0;
  virtual std::uint32_t place() const = 0;
};

struct LibraryCall {
  std::string_view name;
  std::vector<Value> args;
  bool ignored = false;  ///< Nobody looks at the result.
};

/// What the function returns, after its checks and effects; none when it isn't known.
std::optional<Value> library_call(const LibraryCall& call, Memory& memory);
bool is_library(std::string_view name);
bool never_returns(std::string_view name);

/// What is said of types that aren't known, structures for one.
inline constexpr std::uint32_t kUnknownTypeBytes = 16;
/// Bytes of a type as written; what isn't known has a size of its own that others aren't compared with.
std::int64_t size_of_type(std::string_view type);
/// Bytes of what a pointer or array type leads to; 0: it is neither.
std::uint32_t element_of_type(std::string_view type);
bool is_scalar_type(std::string_view type);
bool is_unsigned_type(std::string_view type);
bool is_floating_type(std::string_view type);
/// What a variable of up to 32 bits can hold; none for other types.
std::optional<Range> limits_of_type(std::string_view type);

}  // namespace wrench::code::memory
