#include "memory_library.hpp"

#include <algorithm>
#include <unordered_map>

namespace wrench::code::memory {

namespace {

std::string_view bare(std::string_view type) {
  for (const std::string_view word : {"const ", "volatile ", "static ", "struct "})
    if (type.starts_with(word)) type.remove_prefix(word.size());
  return type;
}

Value argument(const LibraryCall& call, std::size_t i) { return i < call.args.size() ? call.args[i] : Value(); }

Range number(const LibraryCall& call, std::size_t i) {
  const Value value = argument(call, i);
  return value.what == Value::What::Number ? value.range : Range();
}

/// A size_t: what is below zero is enormous.
Range size(const LibraryCall& call, std::size_t i, Memory& memory) {
  Range range = number(call, i);
  if (range.external && range.low < 0) {
    memory.outside(Fault::NegativeSize);
    return {};
  }
  if (range.high < 0) {
    memory.fault(Fault::NegativeSize);
    return {};
  }
  memory.fine(Fault::NegativeSize);
  return range;
}

Range length_of(const Value& text, Memory& memory) {
  const Object* object = memory.object(text);
  if (object == nullptr || !object->length.is_known()) return {};
  Range out = add(object->length, negate(text.target.offset));
  out.low = std::max<std::int64_t>(out.low, 0);
  return out;
}

void filled(const Value& pointer, Memory& memory, const Range& length) {
  if (Object* object = memory.object(pointer)) {
    object->filled = Object::Filled::Yes;
    object->length = length;
    object->content = {};
  }
}

Range with_end(Range length) {
  return length.is_known() && length.high != kMax ? add(length, Range::only(1)) : Range();
}

Value external_number() {
  Range range;
  range.external = true;
  return Value::number(range);
}

using Model = std::optional<Value> (*)(const LibraryCall&, Memory&);

/// A test that lets more through bounds nothing.
constexpr std::int64_t kBoundedSizeMax = std::numeric_limits<std::int32_t>::max();

/// Of what is allocated: without a limit somebody outside decides how much memory there is left.
Range allocated_size(const LibraryCall& call, std::size_t i, Memory& memory) {
  const Range range = size(call, i, memory);
  if (range.external && range.high > kBoundedSizeMax) memory.outside(Fault::ExternalSize);
  return range;
}

std::optional<Value> allocate(const LibraryCall& call, Memory& memory) {
  const Range bytes = allocated_size(call, 0, memory);
  return memory.make(Object::Kind::Heap, bytes.low >= 0 ? bytes : Range(), true);
}
std::optional<Value> allocate_cleared(const LibraryCall& call, Memory& memory) {
  const Range bytes = multiply(allocated_size(call, 0, memory), allocated_size(call, 1, memory));
  Value out = memory.make(Object::Kind::Heap, bytes.low >= 0 ? bytes : Range(), true);
  filled(out, memory, Range::only(0));
  return out;
}
std::optional<Value> reallocate(const LibraryCall& call, Memory& memory) {
  const Range bytes = allocated_size(call, 1, memory);
  if (Object* old = memory.object(argument(call, 0))) old->life = Object::Life::Maybe;
  Value out = memory.make(Object::Kind::Heap, bytes.low >= 0 ? bytes : Range(), true);
  if (Object* object = memory.object(out)) object->filled = Object::Filled::Maybe;
  return out;
}
std::optional<Value> allocate_on_stack(const LibraryCall& call, Memory& memory) {
  return memory.make(Object::Kind::Alloca, number(call, 0), false);
}
std::optional<Value> duplicate(const LibraryCall& call, Memory& memory) {
  const Range length = length_of(argument(call, 0), memory);
  memory.read(argument(call, 0), Range::only(1));
  Value out = memory.make(Object::Kind::Heap, with_end(length), true);
  filled(out, memory, length);
  return out;
}
std::optional<Value> open_file(const LibraryCall&, Memory& memory) {
  Value out = memory.make(Object::Kind::Static, {}, true);
  if (Object* object = memory.object(out)) object->filled = Object::Filled::Maybe;
  return out;
}
std::optional<Value> free_memory(const LibraryCall& call, Memory& memory) {
  memory.release(argument(call, 0));
  return Value();
}
std::optional<Value> copy_bytes(const LibraryCall& call, Memory& memory) {
  const Value to = argument(call, 0), from = argument(call, 1);
  const Range bytes = size(call, 2, memory);
  memory.read(from, bytes);
  memory.write(to, bytes);
  Range length;
  if (const Range source = length_of(from, memory); source.is_known() && source.high < bytes.low) length = source;
  filled(to, memory, length);
  return to;
}
std::optional<Value> set_bytes(const LibraryCall& call, Memory& memory) {
  const Value to = argument(call, 0);
  const Range bytes = size(call, 2, memory), with = number(call, 1);
  memory.write(to, bytes);
  Range length;
  if (with.is_only(0))
    length = Range::only(0);
  else if (with.is_only() && bytes.is_only())
    length = {bytes.low, kMax, false, false};
  filled(to, memory, length);
  return to;
}
std::optional<Value> copy_text(const LibraryCall& call, Memory& memory) {
  const Value to = argument(call, 0), from = argument(call, 1);
  const Range length = length_of(from, memory);
  memory.read(from, Range::only(1));
  memory.write(to, with_end(length));
  filled(to, memory, length);
  return to;
}
std::optional<Value> append_text(const LibraryCall& call, Memory& memory) {
  const Value to = argument(call, 0), from = argument(call, 1);
  const Range length = add(length_of(to, memory), length_of(from, memory));
  memory.read(from, Range::only(1));
  memory.write(to, with_end(length));
  filled(to, memory, length);
  return to;
}
std::optional<Value> copy_some_text(const LibraryCall& call, Memory& memory) {
  const Value to = argument(call, 0), from = argument(call, 1);
  const Range count = size(call, 2, memory), length = length_of(from, memory);
  if (count.low > 0) memory.read(from, Range::only(1));
  memory.write(to, count);
  const bool whole = length.is_known() && length.high < count.low;
  filled(to, memory, whole ? length : count.is_only() ? Range{count.low, kMax, false, false} : Range());
  return to;
}
std::optional<Value> append_some_text(const LibraryCall& call, Memory& memory) {
  const Value to = argument(call, 0);
  const Range count = size(call, 2, memory), length = length_of(argument(call, 1), memory);
  Range added = length;
  if (count.is_only() && (!length.is_known() || length.low > count.low)) added = count;
  const Range whole = add(length_of(to, memory), added);
  if (length.is_known()) memory.write(to, with_end(whole));
  filled(to, memory, whole);
  return to;
}
std::optional<Value> text_length(const LibraryCall& call, Memory& memory) {
  const Value text = argument(call, 0);
  memory.read(text, Range::only(1));
  const Object* object = memory.object(text);
  if (object != nullptr && object->filled == Object::Filled::No && object->life == Object::Life::Live)
    memory.fault(Fault::Uninitialised, *object);
  const Range length = length_of(text, memory);
  return Value::number(length.high == kMax ? Range{std::max<std::int64_t>(length.low, 0), kMax, false, false} : length);
}
std::optional<Value> read_line(const LibraryCall& call, Memory& memory) {
  const Range count = size(call, 1, memory);
  memory.write(argument(call, 0), count);
  filled(argument(call, 0), memory, {0, count.high == kMax ? kMax : count.high - 1, false, false});
  Value out = argument(call, 0);
  out.null = Value::Null::Unchecked;
  out.maker = 0;
  return out;
}
std::optional<Value> read_into(const LibraryCall& call, Memory& memory) {
  const Range count = size(call, 2, memory);
  memory.write(argument(call, 1), count);
  filled(argument(call, 1), memory, {});
  return Value::number({-1, count.high, true, false});
}
std::optional<Value> read_items(const LibraryCall& call, Memory& memory) {
  const Range bytes = multiply(size(call, 1, memory), size(call, 2, memory));
  memory.write(argument(call, 0), bytes);
  filled(argument(call, 0), memory, {});
  return Value();
}
std::optional<Value> read_endless(const LibraryCall& call, Memory& memory) {
  Range endless{0, kMax, true, false};
  memory.write(argument(call, 0), endless);
  filled(argument(call, 0), memory, {});
  return argument(call, 0);
}
std::optional<Value> scan_numbers(const LibraryCall& call, Memory& memory, std::size_t first) {
  for (std::size_t i = first; i < call.args.size(); ++i) {
    filled(call.args[i], memory, {});
    memory.store(call.args[i], external_number());
  }
  return Value();
}
std::optional<Value> parse_number(const LibraryCall& call, Memory& memory) {
  if (call.args.size() > 1) memory.store(call.args[1], {});  // Where the number ends.
  return external_number();
}
std::optional<Value> random_number(const LibraryCall&, Memory&) {
  return Value::number({0, std::numeric_limits<std::int32_t>::max(), true, false});
}
std::optional<Value> look_only(const LibraryCall& call, Memory& memory) {
  for (const Value& arg : call.args)
    if (arg.what == Value::What::Pointer) {
      memory.read(arg, Range::only(1));
      const Object* object = memory.object(arg);
      if (object != nullptr && object->filled == Object::Filled::No && object->life == Object::Life::Live &&
          object->kind != Object::Kind::Static && object->kind != Object::Kind::Variable)
        memory.fault(Fault::Uninitialised, *object);
    }
  return Value();
}
std::optional<Value> print_into(const LibraryCall& call, Memory& memory) {
  filled(argument(call, 0), memory, {});
  return Value();
}
std::optional<Value> print_some_into(const LibraryCall& call, Memory& memory) {
  memory.write(argument(call, 0), size(call, 1, memory));
  filled(argument(call, 0), memory, {});
  return Value();
}

const std::unordered_map<std::string_view, Model>& models() {
  static const std::unordered_map<std::string_view, Model> kModels = {
      {"malloc", allocate},
      {"calloc", allocate_cleared},
      {"realloc", reallocate},
      {"alloca", allocate_on_stack},
      {"__builtin_alloca", allocate_on_stack},
      {"strdup", duplicate},
      {"fopen", open_file},
      {"fdopen", open_file},
      {"popen", open_file},
      {"tmpfile", open_file},
      {"free", free_memory},
      {"memcpy", copy_bytes},
      {"memmove", copy_bytes},
      {"memset", set_bytes},
      {"strcpy", copy_text},
      {"strcat", append_text},
      {"strncpy", copy_some_text},
      {"strncat", append_some_text},
      {"strlen", text_length},
      {"fgets", read_line},
      {"read", read_into},
      {"recv", read_into},
      {"fread", read_items},
      {"gets", read_endless},
      {"scanf", [](const LibraryCall& call, Memory& memory) { return scan_numbers(call, memory, 1); }},
      {"fscanf", [](const LibraryCall& call, Memory& memory) { return scan_numbers(call, memory, 2); }},
      {"sscanf", [](const LibraryCall& call, Memory& memory) { return scan_numbers(call, memory, 2); }},
      {"atoi", parse_number},
      {"atol", parse_number},
      {"atoll", parse_number},
      {"strtol", parse_number},
      {"strtoul", parse_number},
      {"rand", random_number},
      {"random", random_number},
      {"printf", look_only},
      {"fprintf", look_only},
      {"puts", look_only},
      {"fputs", look_only},
      {"strcmp", look_only},
      {"strncmp", look_only},
      {"fclose", [](const LibraryCall&, Memory&) { return std::optional<Value>(Value()); }},
      {"pclose", [](const LibraryCall&, Memory&) { return std::optional<Value>(Value()); }},
      {"sprintf", print_into},
      {"snprintf", print_some_into},
  };
  return kModels;
}

}  // namespace

namespace {

std::string_view without_namespace(std::string_view name) {
  for (const std::string_view prefix : {"std.", "std::"})
    if (name.starts_with(prefix)) name.remove_prefix(prefix.size());
  return name;
}

}  // namespace

bool is_library(std::string_view name) { return models().contains(without_namespace(name)); }

std::optional<Value> library_call(const LibraryCall& call, Memory& memory) {
  const auto found = models().find(without_namespace(call.name));
  return found == models().end() ? std::nullopt : found->second(call, memory);
}

bool never_returns(std::string_view name) {
  static constexpr std::string_view kNames[] = {
      "exit",    "_exit",        "abort", "_Exit", "quick_exit", "__builtin_unreachable",
      "longjmp", "pthread_exit", "err",   "errx",  "thrd_exit"};
  return std::find(std::begin(kNames), std::end(kNames), name) != std::end(kNames);
}

std::int64_t size_of_type(std::string_view type) {
  type = bare(type);
  if (type.ends_with('*') || type.ends_with("[]")) return 8;
  static const std::unordered_map<std::string_view, std::int64_t> kSizes = {
      {"char", 1},           {"signed char", 1},
      {"unsigned char", 1},  {"bool", 1},
      {"_Bool", 1},          {"int8_t", 1},
      {"uint8_t", 1},        {"short", 2},
      {"unsigned short", 2}, {"int16_t", 2},
      {"uint16_t", 2},       {"int", 4},
      {"unsigned", 4},       {"unsigned int", 4},
      {"float", 4},          {"int32_t", 4},
      {"uint32_t", 4},       {"wchar_t", 4},
      {"long", 8},           {"unsigned long", 8},
      {"long long", 8},      {"unsigned long long", 8},
      {"double", 8},         {"size_t", 8},
      {"ssize_t", 8},        {"int64_t", 8},
      {"uint64_t", 8},       {"uintptr_t", 8},
      {"intptr_t", 8},       {"long double", 16},
  };
  const auto found = kSizes.find(type);
  return found == kSizes.end() ? kUnknownTypeBytes : found->second;
}

bool is_unsigned_type(std::string_view type) {
  type = bare(type);
  return type.starts_with("unsigned") || (type.starts_with("uint") && type.ends_with("_t")) || type == "size_t" ||
         type == "uint";
}

bool is_floating_type(std::string_view type) {
  type = bare(type);
  return type == "double" || type == "float" || type == "long double";
}

std::optional<Range> limits_of_type(std::string_view type) {
  static const std::unordered_map<std::string_view, Range> kLimits = {
      {"char", {-128, 127}},
      {"signed char", {-128, 127}},
      {"int8_t", {-128, 127}},
      {"unsigned char", {0, 255}},
      {"uint8_t", {0, 255}},
      {"short", {-32'768, 32'767}},
      {"int16_t", {-32'768, 32'767}},
      {"unsigned short", {0, 65'535}},
      {"uint16_t", {0, 65'535}},
      {"int", {-2'147'483'648, 2'147'483'647}},
      {"int32_t", {-2'147'483'648, 2'147'483'647}},
      {"unsigned", {0, 4'294'967'295}},
      {"unsigned int", {0, 4'294'967'295}},
      {"uint32_t", {0, 4'294'967'295}},
  };
  const auto found = kLimits.find(bare(type));
  return found == kLimits.end() ? std::nullopt : std::optional(found->second);
}

std::uint32_t element_of_type(std::string_view type) {
  if (type.ends_with("[]"))
    type.remove_suffix(2);
  else if (type.ends_with('*'))
    type.remove_suffix(1);
  else
    return 0;
  while (type.ends_with(' ')) type.remove_suffix(1);
  return static_cast<std::uint32_t>(size_of_type(type));
}

bool is_scalar_type(std::string_view type) {
  type = bare(type);
  if (type.ends_with('*')) return true;
  static constexpr std::string_view kNames[] = {
      "char",     "signed char",  "unsigned char", "bool",    "short",         "unsigned short", "int",
      "unsigned", "unsigned int", "float",         "long",    "unsigned long", "long long",      "unsigned long long",
      "double",   "size_t",       "ssize_t",       "int8_t",  "uint8_t",       "int16_t",        "uint16_t",
      "int32_t",  "uint32_t",     "int64_t",       "uint64_t"};
  return std::find(std::begin(kNames), std::end(kNames), type) != std::end(kNames);
}

}  // namespace wrench::code::memory
