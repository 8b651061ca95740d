#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace wrench {

/// Where in a text an error was found. Lines and columns count from 1; 0 means unknown.
struct ErrorPlace {
  std::string file;
  int line = 0;
  int column = 0;
};

/// An expected failure, as a value.
/// `code` is stable public text, `<module>.<what>` ("storage.busy"); messages may change, codes may not.
struct Error {
  std::string code;
  std::string message;
  ErrorPlace place;
  std::vector<std::string> help;  ///< Commands that get the reader further, best first.
  std::shared_ptr<const Error> cause;

  Error(std::string_view error_code, std::string text) : code(error_code), message(std::move(text)) {}

  /// Fluent additions, for use in a return statement.
  [[nodiscard]] Error at(std::string file, int line = 0, int column = 0) && {
    place = ErrorPlace{std::move(file), line, column};
    return std::move(*this);
  }
  [[nodiscard]] Error with_help(std::string command) && {
    help.push_back(std::move(command));
    return std::move(*this);
  }
  [[nodiscard]] Error because(Error inner) && {
    cause = std::make_shared<const Error>(std::move(inner));
    return std::move(*this);
  }
};

/// One line: "place: message [code]", causes appended as ": because ...". For logs and test output.
std::string describe(const Error& error);

/// Error for a failed system call: code `io.<name of errno>` for the common ones, else `io.failed`.
Error errno_error(int errno_value, std::string_view what);

}  // namespace wrench
