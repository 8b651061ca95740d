#pragma once

#include <bit>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "wrench/codec/json.hpp"

namespace wrench::codec {

/// A flat binary form for plain data that the program itself reads again: caches and stored results. One template names
/// the fields of a type for both directions, so reading and writing can't disagree:
///
///     template <class Archive, RecordOf<Position> P>
///     void fields(Archive& archive, P& p) { archive(p.line, p.col, p.offset); }
///
/// found by argument-dependent lookup. Integers are LEB128 (signed ones zigzag first), doubles eight bytes, texts and
/// lists begin with their length, an enum `E` needs a `constexpr E last_of(E)` beside it. The bytes hold no names and
/// no version: put both in front of a record that outlives the program which wrote it. A type that gained a member says
/// since which form of the record: `if (archive.form() >= 2) archive(p.added);`, at the end of its fields.
template <class T, class Value>
concept RecordOf = std::same_as<std::remove_const_t<T>, Value>;

class RecordWriter {
 public:
  template <class... Ts>
  void operator()(const Ts&... values) {
    (write(values), ...);
  }

  /// A list of numbers, or of what is made of them without gaps, as they lie in memory: larger, and read at the speed
  /// of copying.
  template <class T>
    requires std::has_unique_object_representations_v<T>
  void bulk(const std::vector<T>& values) {
    static_assert(std::endian::native == std::endian::little);
    write(static_cast<std::uint64_t>(values.size()));
    out_.append(reinterpret_cast<const char*>(values.data()), values.size() * sizeof(T));
  }

  /// Always the newest.
  static constexpr int form() { return std::numeric_limits<int>::max(); }

  std::string take() && { return std::move(out_); }

 private:
  void write(std::uint64_t value) {
    for (; value >= 0x80; value >>= 7) out_ += static_cast<char>(value | 0x80);
    out_ += static_cast<char>(value);
  }
  template <std::integral T>
  void write(T value) {
    if constexpr (std::is_signed_v<T>)
      write((static_cast<std::uint64_t>(value) << 1) ^ static_cast<std::uint64_t>(std::int64_t{value} >> 63));
    else
      write(static_cast<std::uint64_t>(value));
  }
  void write(double value) { out_.append(reinterpret_cast<const char*>(&value), sizeof value); }
  template <class T>
    requires std::is_enum_v<T>
  void write(T value) {
    write(static_cast<std::uint64_t>(value));
  }
  void write(const std::string& value) { write(std::string_view(value)); }
  void write(std::string_view value) {
    write(static_cast<std::uint64_t>(value.size()));
    out_ += value;
  }
  void write(const Json& value) { write(value.is_null() ? std::string() : write_json(value)); }
  template <class T>
  void write(const std::vector<T>& values) {
    write(static_cast<std::uint64_t>(values.size()));
    for (const T& value : values) write(value);
  }
  template <class T>
  void write(const std::optional<T>& value) {
    write(value.has_value());
    if (value) write(*value);
  }
  template <class A, class B>
  void write(const std::pair<A, B>& value) {
    write(value.first);
    write(value.second);
  }
  template <class T>
    requires std::is_class_v<T>
  void write(const T& value) {
    fields(*this, value);
  }

  std::string out_;
};

/// Reads what RecordWriter wrote. Damaged bytes set a failure that stays: values read after it are empty, nothing is
/// allocated beyond what the bytes can hold.
class RecordReader {
 public:
  explicit RecordReader(std::string_view bytes) : rest_(bytes) {}

  template <class... Ts>
  void operator()(Ts&... values) {
    (read(values), ...);
  }

  template <class T>
    requires(std::has_unique_object_representations_v<T> && std::is_trivially_copyable_v<T>)
  void bulk(std::vector<T>& values) {
    const std::uint64_t count = number();
    if (count > rest_.size() / sizeof(T)) return fail();
    values.resize(static_cast<std::size_t>(count));
    if (count > 0) std::memcpy(values.data(), rest_.data(), values.size() * sizeof(T));
    rest_.remove_prefix(values.size() * sizeof(T));
  }

  void fail() {
    failed_ = true;
    rest_ = {};
  }
  bool failed() const { return failed_; }
  /// Of the record, as whoever read its head says; until then the newest.
  int form() const { return form_; }
  void set_form(int form) { form_ = form; }
  /// Nothing failed and every byte was read.
  bool complete() const { return !failed_ && rest_.empty(); }

 private:
  std::uint64_t number() {
    std::uint64_t value = 0;
    for (unsigned shift = 0; shift < 64; shift += 7) {
      if (rest_.empty()) break;
      const auto byte = static_cast<std::uint8_t>(rest_.front());
      rest_.remove_prefix(1);
      if (shift == 63 && byte > 1) break;
      value |= std::uint64_t{byte & 0x7FU} << shift;
      if (byte < 0x80) return value;
    }
    fail();
    return 0;
  }
  template <std::integral T>
  void read(T& value) {
    const std::uint64_t raw = number();
    if constexpr (std::is_signed_v<T>) {
      const auto wide = static_cast<std::int64_t>((raw >> 1) ^ (~(raw & 1) + 1));
      if (!std::in_range<T>(wide)) return fail();
      value = static_cast<T>(wide);
    } else if constexpr (std::is_same_v<T, bool>) {
      if (raw > 1) return fail();
      value = raw != 0;
    } else {
      if (!std::in_range<T>(raw)) return fail();
      value = static_cast<T>(raw);
    }
  }
  void read(double& value) {
    if (rest_.size() < sizeof value) return fail();
    std::memcpy(&value, rest_.data(), sizeof value);
    rest_.remove_prefix(sizeof value);
  }
  template <class T>
    requires std::is_enum_v<T>
  void read(T& value) {
    const std::uint64_t raw = number();
    if (raw > static_cast<std::uint64_t>(last_of(T{}))) return fail();
    value = static_cast<T>(raw);
  }
  void read(std::string& value) {
    std::string_view bytes;
    read(bytes);
    value.assign(bytes);
  }
  /// Of the record itself, which has to stay.
  void read(std::string_view& value) {
    const std::uint64_t size = number();
    if (size > rest_.size()) return fail();
    value = rest_.substr(0, static_cast<std::size_t>(size));
    rest_.remove_prefix(value.size());
  }
  void read(Json& value);
  template <class T>
  void read(std::vector<T>& values) {
    const std::uint64_t count = number();
    // Every value takes at least a byte.
    if (count > rest_.size()) return fail();
    values.clear();
    values.reserve(static_cast<std::size_t>(count < kReserveMax ? count : kReserveMax));
    for (std::uint64_t i = 0; i < count && !failed_; ++i) read(values.emplace_back());
  }
  template <class T>
  void read(std::optional<T>& value) {
    bool present = false;
    read(present);
    value.reset();
    if (present) read(value.emplace());
  }
  template <class A, class B>
  void read(std::pair<A, B>& value) {
    read(value.first);
    read(value.second);
  }
  template <class T>
    requires std::is_class_v<T>
  void read(T& value) {
    fields(*this, value);
  }

  // A false length mustn't cost memory before the values are there.
  static constexpr std::uint64_t kReserveMax = 64;

  std::string_view rest_;
  bool failed_ = false;
  int form_ = RecordWriter::form();
};

}  // namespace wrench::codec
