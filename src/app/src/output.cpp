#include "output.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "review_screen.hpp"
#include "wrench/findings/baseline.hpp"
#include "wrench/findings/report_writer.hpp"
#include "wrench/runtime/atomic_file.hpp"
#include "wrench/runtime/rooted_dir.hpp"

namespace wrench::app {

namespace {

constexpr unsigned kReportMode = 0644;

std::string folder_of(const std::string& path) {
  const auto slash = path.rfind('/');
  return slash == std::string::npos ? "." : slash == 0 ? "/" : path.substr(0, slash);
}

}  // namespace

Result<std::optional<findings::Severity>> gate_of(const Session& session) {
  const auto word = session.invocation.value("--fail-on", "high");
  if (word == "none") return std::optional<findings::Severity>();
  return std::optional(WRENCH_TRY(findings::parse_severity(word)));
}

Result<void> check_output(const Session& session) {
  const std::string path(session.invocation.value("--output"));
  if (!session.invocation.has("--output")) return {};
  struct stat status{};
  const bool is_folder = ::stat(path.c_str(), &status) == 0 && S_ISDIR(status.st_mode);
  if (path.empty() || is_folder)
    return Error("cli.output_not_creatable", "--output: '" + path + "' is " + (path.empty() ? "empty" : "a folder"));
  const auto folder = folder_of(path);
  if (::access(folder.c_str(), W_OK | X_OK) != 0)
    return Error("cli.output_not_creatable", "--output: " + errno_error(errno, folder).message);
  return {};
}

Result<void> deliver(Session& session, std::string_view text) {
  if (session.invocation.has("--output"))
    return runtime::write_file_atomically(std::string(session.invocation.value("--output")), text, kReportMode);
  session.console.out(text);
  return {};
}

Result<void> apply_baseline_flag(const Session& session, findings::Report& report) {
  if (!session.invocation.has("--baseline")) return {};
  const std::string path(session.invocation.value("--baseline"));
  auto baseline = findings::Baseline::read(WRENCH_TRY(runtime::read_file(path, findings::kBaselineBytesMax)));
  if (!baseline) return std::move(baseline).error().at(path);
  findings::apply_baseline(report, *baseline);
  return {};
}

Result<void> deliver_report(Session& session, const findings::Report& report, const findings::SourceLookup& sources,
                            std::optional<findings::Severity> gate, const std::string* screen) {
  const auto format = findings::parse_format(session.format());
  if (!format) return Error("cli.invalid_value", "--format: unknown format '" + std::string(session.format()) + "'");
  if (*format == findings::Format::Text && screen != nullptr) return deliver(session, *screen);
  findings::StringSink sink;
  findings::ReportStyle style;
  style.color = !session.invocation.has("--output") && !session.console.styled(Style::Bold, "").empty();
  style.ascii = !session.console.unicode();
  style.width = session.console.width();
  style.fail_on = gate;
  WRENCH_TRY(findings::write_report(*format, report, sources, sink, style));
  return deliver(session, sink.text);
}

ExitCode verdict(const Session& session, const findings::Report& report, std::optional<findings::Severity> gate) {
  if (gate && at_or_above(report, *gate) > 0) return ExitCode::AnswerIsNo;
  if (!report.partial.empty() && !session.invocation.has("--allow-partial")) return ExitCode::Partial;
  return ExitCode::Done;
}

}  // namespace wrench::app
