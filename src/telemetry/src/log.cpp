#include "wrench/telemetry/log.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <span>
#include <utility>

#include "wrench/base/text.hpp"
#include "wrench/codec/json.hpp"

namespace wrench::telemetry {
namespace {

constexpr std::array<std::string_view, 4> kLevelNames = {"debug", "info", "warn", "error"};
constexpr std::string_view kMasked = "[masked]";

/// Parts of keys whose values must not be written, whatever they are.
constexpr std::string_view kSecretKeys[] = {"password",    "passwd",     "secret",    "token",
                                            "api_key",     "apikey",     "cookie",    "authorization",
                                            "private_key", "credential", "passphrase"};

bool names_a_secret(std::string_view key) {
  return std::any_of(std::begin(kSecretKeys), std::end(kSecretKeys),
                     [&](std::string_view part) { return contains_ignoring_case_ascii(key, part); });
}

/// Cut before a code point that would not fit.
std::string_view cut(std::string_view text) {
  if (text.size() <= kLogValueBytesMax) return text;
  std::size_t end = kLogValueBytesMax;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0U) == 0x80U) --end;
  return text.substr(0, end);
}

void append_json_value(std::string& out, std::string_view text) { codec::append_json_string(out, cut(text)); }

void append_text_value(std::string& out, std::string_view text) {
  const std::string safe = escape_for_display(cut(text));
  const bool plain = !safe.empty() && safe.find_first_of(" \t\"=") == std::string::npos;
  if (plain) {
    out += safe;
    return;
  }
  out += '"';
  for (const char c : safe) {
    if (c == '"') out += '\\';
    out += c;
  }
  out += '"';
}

std::string text_line(Micros at_us, LogLevel level, std::string_view module, std::string_view message,
                      std::span<const LogField> fields) {
  std::string line = format_rfc3339(at_us);
  line.append(" ").append(kLevelNames[static_cast<std::size_t>(level)]).append(" ").append(module).append(": ");
  line += escape_for_display(cut(message));
  for (const LogField& field : fields) {
    line.append(" ").append(field.key()).append("=");
    append_text_value(line, names_a_secret(field.key()) ? kMasked : field.text());
  }
  line += '\n';
  return line;
}

std::string json_line(Micros at_us, LogLevel level, std::string_view module, std::string_view message,
                      std::span<const LogField> fields) {
  std::string line = "{\"time\":\"" + format_rfc3339(at_us) + "\",\"level\":\"";
  line.append(kLevelNames[static_cast<std::size_t>(level)]).append("\",\"module\":");
  append_json_value(line, module);
  line += ",\"message\":";
  append_json_value(line, message);
  for (const LogField& field : fields) {
    line += ',';
    append_json_value(line, field.key());
    line += ':';
    if (names_a_secret(field.key()))
      append_json_value(line, kMasked);
    else if (field.is_bare())
      line += field.text();
    else
      append_json_value(line, field.text());
  }
  line += "}\n";
  return line;
}

}  // namespace

Result<LogLevel> parse_log_level(std::string_view text) {
  for (std::size_t i = 0; i < kLevelNames.size(); ++i)
    if (equals_ignoring_case_ascii(text, kLevelNames[i])) return static_cast<LogLevel>(i);
  return Error("telemetry.invalid_level", "a log level is debug, info, warn or error");
}

LogField::LogField(std::string_view key, double value) : key_(key), bare_(std::isfinite(value)) {
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), "%.6g", value);
  number_ = text.data();
}

Logger::Logger(const Clock& clock, LogLevel level, LogFormat format, Sink sink)
    : clock_(clock), level_(level), format_(format), sink_(std::move(sink)) {}

void Logger::log(LogLevel level, std::string_view module, std::string_view message,
                 std::initializer_list<LogField> fields) {
  if (!enabled(level)) return;
  const std::span<const LogField> some(fields.begin(), std::min(fields.size(), kLogFieldsMax));
  const std::string line = format_ == LogFormat::Text ? text_line(clock_.now_us(), level, module, message, some)
                                                      : json_line(clock_.now_us(), level, module, message, some);
  const std::lock_guard lock(mutex_);
  sink_(line);
}

void Logger::log(LogLevel level, std::string_view module, std::string_view message, const Error& error) {
  if (!enabled(level)) return;
  log(level, module, message, {{"code", error.code}, {"error", describe(error)}});
}

}  // namespace wrench::telemetry
