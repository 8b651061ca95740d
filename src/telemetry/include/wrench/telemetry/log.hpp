#pragma once

#include <atomic>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <initializer_list>
#include <mutex>
#include <string>
#include <string_view>

#include "wrench/base/clock.hpp"
#include "wrench/base/error.hpp"
#include "wrench/base/result.hpp"

namespace wrench::telemetry {

inline constexpr std::size_t kLogValueBytesMax = 4096;
inline constexpr std::size_t kLogFieldsMax = 64;

enum class LogLevel { Debug, Info, Warn, Error };
enum class LogFormat {
  Text,  ///< 2026-11-24T12:34:56.789Z info store: opened directory=/x jobs=3
  Json,  ///< One object on one line; time, level, module and message first.
};

/// "debug", "info", "warn", "error". Error code telemetry.invalid_level.
Result<LogLevel> parse_log_level(std::string_view text);

/// One key with its value. Views text: for the length of the call.
class LogField {
 public:
  LogField(std::string_view key, std::string_view text) : key_(key), text_(text) {}
  LogField(std::string_view key, const char* text) : LogField(key, std::string_view(text)) {}
  LogField(std::string_view key, const std::string& text) : LogField(key, std::string_view(text)) {}
  LogField(std::string_view key, bool value) : LogField(key, std::string_view(value ? "true" : "false")) {
    bare_ = true;
  }
  LogField(std::string_view key, std::integral auto value) : key_(key), number_(std::to_string(value)), bare_(true) {}
  LogField(std::string_view key, double value);

  std::string_view key() const { return key_; }
  std::string_view text() const { return number_.empty() ? text_ : std::string_view(number_); }
  bool is_bare() const { return bare_; }  ///< A number or boolean: no quotes in JSON.

 private:
  std::string_view key_;
  std::string_view text_;
  std::string number_;
  bool bare_ = false;
};

/// Writes log lines to one sink. Hostile text can't forge a line or move the terminal's cursor: controls are escaped,
/// UTF-8 is repaired, values are cut at kLogValueBytesMax. Values of keys that name a secret (password, token,
/// authorization, …) are never written. Thread-safe.
class Logger {
 public:
  /// Gets one whole line with its newline; calls don't overlap.
  using Sink = std::function<void(std::string_view line)>;

  Logger(const Clock& clock, LogLevel level, LogFormat format, Sink sink);

  bool enabled(LogLevel level) const { return level >= level_.load(std::memory_order_relaxed); }
  void set_level(LogLevel level) { level_.store(level, std::memory_order_relaxed); }

  void log(LogLevel level, std::string_view module, std::string_view message,
           std::initializer_list<LogField> fields = {});
  /// An error as a line: its code, message, place and causes as fields.
  void log(LogLevel level, std::string_view module, std::string_view message, const Error& error);

 private:
  const Clock& clock_;
  std::atomic<LogLevel> level_;
  const LogFormat format_;
  std::mutex mutex_;
  Sink sink_;
};

}  // namespace wrench::telemetry
