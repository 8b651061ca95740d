#pragma once

#include <charconv>
#include <concepts>
#include <iterator>
#include <limits>
#include <string>
#include <string_view>
#include <vector>

#include "wrench/codec/json.hpp"
#include "wrench/findings/report_writer.hpp"

namespace wrench::findings {

/// Writes a large document piece by piece, so that it never stands in memory as a whole. The first error of the sink
/// stays; finish() gives it.
class JsonStream {
 public:
  JsonStream(ByteSink& sink, bool pretty) : sink_(sink), pretty_(pretty) {}

  void begin_object() { begin('{'); }
  /// An object whose members all stand in its first line: lists of thousands stay readable, and half as long.
  void begin_line() {
    begin('{');
    one_line_ = true;
  }
  void end_line() {
    buffer_ += '}';
    empty_.pop_back();
    one_line_ = false;
    flush_if_full();
  }
  void begin_array() { begin('['); }
  void end_object() { end('}'); }
  void end_array() { end(']'); }
  void name(std::string_view text) {
    separate();
    codec::append_json_string(buffer_, text);
    buffer_ += pretty_ ? ": " : ":";
    after_name_ = true;
  }
  void value(const codec::Json& json) {
    separate();
    buffer_ += codec::write_json(json, {.pretty = pretty_, .depth = empty_.size()});
    flush_if_full();
  }
  void text(std::string_view text) {
    separate();
    codec::append_json_string(buffer_, text);
  }
  void number(std::integral auto number) {
    separate();
    char digits[std::numeric_limits<decltype(number)>::digits10 + 3];
    buffer_.append(digits, std::to_chars(digits, std::end(digits), number).ptr);
  }
  void member(std::string_view text, const codec::Json& json) {
    name(text);
    value(json);
  }
  Result<void> finish() {
    buffer_ += '\n';
    flush();
    return std::move(status_);
  }

 private:
  static constexpr std::size_t kBufferBytes = 256 * 1024;

  void begin(char bracket) {
    separate();
    buffer_ += bracket;
    empty_.push_back(true);
  }
  void end(char bracket) {
    const bool was_empty = empty_.back();
    empty_.pop_back();
    if (!was_empty) new_line();
    buffer_ += bracket;
  }
  void separate() {
    if (after_name_) {
      after_name_ = false;
      return;
    }
    if (empty_.empty()) return;
    if (!empty_.back()) buffer_ += one_line_ && pretty_ ? ", " : ",";
    empty_.back() = false;
    new_line();
  }
  void new_line() {
    if (!pretty_ || one_line_) return;
    buffer_ += '\n';
    buffer_.append(2 * empty_.size(), ' ');
  }
  void flush_if_full() {
    if (buffer_.size() >= kBufferBytes) flush();
  }
  void flush() {
    if (status_.ok()) status_ = sink_.write(buffer_);
    buffer_.clear();
  }

  ByteSink& sink_;
  bool pretty_;
  bool after_name_ = false;
  bool one_line_ = false;
  std::vector<bool> empty_;
  std::string buffer_;
  Result<void> status_;
};

}  // namespace wrench::findings
