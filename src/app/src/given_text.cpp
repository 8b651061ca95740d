#include "given_text.hpp"

#include <unistd.h>

#include <array>
#include <cerrno>

#include "wrench/base/text.hpp"
#include "wrench/runtime/atomic_file.hpp"

namespace wrench::app {

namespace {

Result<std::string> read_standard_input(std::size_t bytes_max) {
  std::string text;
  std::array<char, 65536> buffer;
  for (;;) {
    const auto got = ::read(STDIN_FILENO, buffer.data(), buffer.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return errno_error(errno, "standard input");
    if (got == 0) return text;
    text.append(buffer.data(), static_cast<std::size_t>(got));
    if (text.size() > bytes_max)
      return Error("cli.too_large", "standard input holds more than " + format_bytes(bytes_max));
  }
}

}  // namespace

Result<std::string> given_text(std::string_view argument, std::size_t bytes_max) {
  if (argument == "-") return read_standard_input(bytes_max);
  if (argument.starts_with('@')) return runtime::read_file(std::string(argument.substr(1)), bytes_max);
  return std::string(argument);
}

Result<codec::Json> given_json(std::string_view argument, std::size_t bytes_max) {
  const std::string text = WRENCH_TRY(given_text(argument, bytes_max));
  auto json = codec::parse_json(text, {.bytes_max = bytes_max});
  if (json) return json;
  const ErrorPlace place = json.error().place;
  const bool from_file = argument.starts_with('@');
  return Error("cli.invalid_json", "not JSON: " + json.error().message)
      .at(from_file ? std::string(argument.substr(1)) : std::string(), place.line, place.column);
}

}  // namespace wrench::app
