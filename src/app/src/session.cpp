#include "signals.hpp"
#include "wrench/app/command.hpp"

namespace wrench::app {

std::string_view Session::format() const {
  if (invocation.has("--json")) return "json";
  return invocation.value("--format", command.formats.empty() ? "text" : std::string_view(command.formats.front()));
}

ExitCode Session::fail(const Error& failure) {
  auto code = exit_code(failure);
  // Whoever was stopped knows only that; which signal it was decides here.
  if (code == ExitCode::Interrupted && signal_received() != ExitCode::Done) code = signal_received();
  console.error(failure);
  const auto chosen = format();
  if (chosen == "json" || chosen == "jsonl") console.out(error_json(failure, code) + "\n");
  return code;
}

}  // namespace wrench::app
