#include "wrench/app/command.hpp"

namespace wrench::app {

std::string_view Session::format() const {
  if (invocation.has("--json")) return "json";
  return invocation.value("--format", command.formats.empty() ? "text" : std::string_view(command.formats.front()));
}

ExitCode Session::fail(const Error& failure) {
  console.error(failure);
  const auto chosen = format();
  if (chosen == "json" || chosen == "jsonl") console.out(error_json(failure) + "\n");
  return exit_code(failure);
}

}  // namespace wrench::app
