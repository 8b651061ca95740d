#include "wrench/app/console.hpp"

#include <poll.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <clocale>
#include <cstdlib>
#include <cstring>

#include "file_descriptor.hpp"
#include "layout.hpp"
#include "wrench/base/text.hpp"
#include "wrench/codec/json.hpp"

namespace wrench::app {

namespace {

constexpr std::size_t kDefaultWidth = 100;
constexpr std::size_t kZeroWidthMeans = 80;
constexpr std::size_t kWidthMin = 20;
constexpr std::size_t kWidthMax = 500;
constexpr std::size_t kBufferBytes = std::size_t{64} << 10;
constexpr std::size_t kErrorContextLines = 5;

bool set_and_not_empty(const char* name) {
  const char* value = std::getenv(name);
  return value != nullptr && *value != '\0';
}

bool wants_color(Console::Tristate choice, bool terminal) {
  if (choice != Console::Tristate::Auto) return choice == Console::Tristate::Always;
  if (set_and_not_empty("NO_COLOR")) return false;
  if (set_and_not_empty("CLICOLOR_FORCE") && std::string_view(std::getenv("CLICOLOR_FORCE")) != "0") return true;
  const char* term = std::getenv("TERM");
  return terminal && term != nullptr && *term != '\0' && std::string_view(term) != "dumb";
}

bool locale_is_utf8() {
  for (const char* name : {"LC_ALL", "LC_CTYPE", "LANG"}) {
    if (!set_and_not_empty(name)) continue;
    const auto lower = to_lower_ascii(std::getenv(name));
    return lower.find("utf-8") != std::string::npos || lower.find("utf8") != std::string::npos;
  }
  return false;
}

std::size_t terminal_width(int fd) {
  if (const char* columns = std::getenv("COLUMNS"); columns != nullptr && *columns != '\0') {
    const long value = std::strtol(columns, nullptr, 10);
    return value <= 0 ? kZeroWidthMeans : std::clamp(static_cast<std::size_t>(value), kWidthMin, kWidthMax);
  }
  winsize size{};
  if (ioctl(fd, TIOCGWINSZ, &size) == 0)
    return size.ws_col == 0 ? kZeroWidthMeans : std::clamp<std::size_t>(size.ws_col, kWidthMin, kWidthMax);
  return kDefaultWidth;
}

}  // namespace

Console::Console(const Options& options) : options_(options) {
  out_terminal_ = isatty(STDOUT_FILENO) == 1;
  err_terminal_ = isatty(STDERR_FILENO) == 1;
  out_color_ = wants_color(options.color, out_terminal_);
  err_color_ = wants_color(options.color, err_terminal_);
  unicode_ = locale_is_utf8();
  width_ = terminal_width(out_terminal_ ? STDOUT_FILENO : -1);
  err_width_ = terminal_width(err_terminal_ ? STDERR_FILENO : -1);
}

int write_all(int fd, std::string_view text) {
  while (!text.empty()) {
    const auto written = ::write(fd, text.data(), text.size());
    if (written < 0) {
      if (errno == EINTR) continue;
      if (errno != EAGAIN) return errno;
      // Somebody made the pipe we share non-blocking.
      pollfd waiting{fd, POLLOUT, 0};
      ::poll(&waiting, 1, -1);
      continue;
    }
    text.remove_prefix(static_cast<std::size_t>(written));
  }
  return 0;
}

void Console::results_go_to_a_file() {
  out_color_ = options_.color == Tristate::Always;
  width_ = terminal_width(-1);
}

void Console::out(std::string_view text) {
  if (status_ != ExitCode::Done) return;
  buffer_ += text;
  if (buffer_.size() >= kBufferBytes) flush();
}

ExitCode Console::flush() {
  if (status_ == ExitCode::Done && !buffer_.empty()) {
    progress_line("");
    if (const int failed = write_all(STDOUT_FILENO, buffer_); failed != 0) {
      status_ = failed == EPIPE ? ExitCode::ClosedPipe : ExitCode::OperationFailed;
      if (failed != EPIPE) error(errno_error(failed, "standard output: write failed"));
    }
  }
  buffer_.clear();
  return status_;
}

void Console::err(std::string_view text) {
  progress_line("");
  write_all(STDERR_FILENO, text);
}

void Console::note(std::string_view text) {
  if (!options_.quiet) err(styled_err(Style::Dim, "note: ") + safe(text) + "\n");
}

void Console::progress_line(std::string_view text) {
  if (!err_terminal_) return;
  if (text.empty()) {
    if (progress_shown_) write_all(STDERR_FILENO, "\r\x1b[K");
    progress_shown_ = false;
    return;
  }
  // A line that breaks couldn't be taken away; one that ends in the last column breaks on some terminals.
  write_all(STDERR_FILENO, "\r" + clip(text, err_width_ - 1, unicode_) + "\x1b[K");
  progress_shown_ = true;
}

void Console::error(const Error& error) {
  std::string text = styled_err(Style::Critical, "error:") + " ";
  if (!error.place.file.empty()) {
    text += safe(error.place.file);
    if (error.place.line > 0) text += ":" + std::to_string(error.place.line);
    if (error.place.column > 0) text += ":" + std::to_string(error.place.column);
    text += ": ";
  }
  // The message may carry context lines below the first.
  std::size_t number = 0;
  for (const auto line : split(error.message, '\n')) {
    if (number == 0) {
      text += safe(line) + " " + styled_err(Style::Dim, "[" + error.code + "]") + "\n";
    } else if (number <= kErrorContextLines) {
      text += "  " + safe(line) + "\n";
    }
    ++number;
  }
  if (options_.verbose)
    for (const auto* cause = error.cause.get(); cause != nullptr; cause = cause->cause.get())
      text += "  because " + safe(cause->message) + " [" + cause->code + "]\n";
  for (const auto& command : error.help) text += styled_err(Style::Accent, "help:") + " " + safe(command) + "\n";
  err(text);
}

std::string Console::safe(std::string_view text) { return escape_for_display(text); }

std::string Console::paint(Style style, std::string_view text, bool color) {
  if (!color || style == Style::Plain) return std::string(text);
  const auto code = [&]() -> std::string_view {
    switch (style) {
      case Style::Bold:
        return "1";
      case Style::Dim:
        return "2";
      case Style::Critical:
        return "1;31";
      case Style::High:
        return "31";
      case Style::Medium:
        return "33";
      case Style::Low:
        return "34";
      case Style::Good:
        return "32";
      case Style::Accent:
        return "36";
      case Style::Plain:
        break;
    }
    return "0";
  }();
  std::string out = "\x1b[";
  out += code;
  out += "m";
  out += text;
  out += "\x1b[0m";
  return out;
}

std::string error_json(const Error& error, ExitCode code) {
  using codec::Json;
  Json help = Json::array();
  for (const auto& command : error.help) help.push_back(command);
  Json location;
  if (!error.place.file.empty())
    location = Json::object({{"file", error.place.file}, {"line", error.place.line}, {"column", error.place.column}});
  return codec::write_json(Json::object({{"schema", "wrench.error/1"},
                                         {"code", error.code},
                                         {"exit_code", static_cast<int>(code)},
                                         {"message", error.message},
                                         {"location", std::move(location)},
                                         {"help", std::move(help)},
                                         {"trace_id", nullptr}}));
}

}  // namespace wrench::app
