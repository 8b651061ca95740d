#include "output.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <climits>
#include <cstdlib>

#include "file_descriptor.hpp"
#include "review_screen.hpp"
#include "wrench/findings/baseline.hpp"
#include "wrench/findings/report_writer.hpp"
#include "wrench/runtime/atomic_file.hpp"
#include "wrench/runtime/rooted_dir.hpp"

namespace wrench::app {

namespace {

constexpr unsigned kReportMode = 0666;

std::string folder_of(const std::string& path) {
  const auto slash = path.rfind('/');
  return slash == std::string::npos ? "." : slash == 0 ? "/" : path.substr(0, slash);
}

/// What the user's umask leaves of kReportMode. It can only be read by setting it; what other threads create
/// meanwhile is private.
unsigned report_mode() {
  const mode_t mask = ::umask(0077);
  ::umask(mask);
  return kReportMode & ~static_cast<unsigned>(mask);
}

/// A link is followed, so that it stays and its target is replaced.
std::string without_links(const std::string& path) {
  char buffer[PATH_MAX];
  return ::realpath(path.c_str(), buffer) == nullptr ? path : std::string(buffer);
}

/// A device, a pipe or a socket, which a rename would replace by a file.
bool is_special(const std::string& path) {
  struct stat status{};
  return ::stat(path.c_str(), &status) == 0 && !S_ISREG(status.st_mode) && !S_ISDIR(status.st_mode);
}

Error output_error(int errno_value, const std::string& path) {
  return Error("cli.output_not_creatable", "--output: " + errno_error(errno_value, path).message);
}

Result<void> write_into(const std::string& path, std::string_view text) {
  // O_NONBLOCK: opening a FIFO that nobody reads would wait for ever. Writing may wait for its reader.
  const int fd = ::open(path.c_str(), O_WRONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
  if (fd < 0) return errno == ENXIO ? Error("io.failed", path + ": nobody reads from it") : errno_error(errno, path);
  ::fcntl(fd, F_SETFL, ::fcntl(fd, F_GETFL) & ~O_NONBLOCK);
  const int failed = write_all(fd, text);
  ::close(fd);
  if (failed != 0) return errno_error(failed, path + ": write failed");
  return {};
}

class ConsoleSink final : public findings::ByteSink {
 public:
  explicit ConsoleSink(Console& console) : console_(console) {}
  Result<void> write(std::string_view bytes) override {
    console_.out(bytes);
    return {};
  }

 private:
  Console& console_;
};

class FileSink final : public findings::ByteSink {
 public:
  explicit FileSink(runtime::AtomicFile& file) : file_(file) {}
  Result<void> write(std::string_view bytes) override { return file_.write(bytes); }

 private:
  runtime::AtomicFile& file_;
};

}  // namespace

Deadline deadline_of(const Session& session, const Clock& clock) {
  if (!session.invocation.has("--timeout")) return {};
  return Deadline::after(clock, session.invocation.duration("--timeout", 0));
}

Result<std::optional<findings::Severity>> gate_of(const Session& session) {
  const auto word = session.invocation.value("--fail-on", "high");
  if (word == "none") return std::optional<findings::Severity>();
  return std::optional(WRENCH_TRY(findings::parse_severity(word)));
}

Result<void> check_output(const Session& session) {
  if (!session.invocation.has("--output")) return {};
  const std::string path(session.invocation.value("--output"));
  struct stat status{};
  if (::stat(path.c_str(), &status) == 0 && S_ISDIR(status.st_mode)) return output_error(EISDIR, path);
  if (is_special(path)) {
    if (::access(path.c_str(), W_OK) != 0) return output_error(errno, path);
    return {};
  }
  const auto folder = folder_of(without_links(path));
  if (::access(folder.c_str(), W_OK | X_OK) != 0) return output_error(errno, folder);
  return {};
}

Result<void> deliver(Session& session, std::string_view text) {
  if (!session.invocation.has("--output")) {
    session.console.out(text);
    return {};
  }
  const std::string path(session.invocation.value("--output"));
  return is_special(path) ? write_into(path, text)
                          : runtime::write_file_atomically(without_links(path), text, report_mode());
}

ExitCode delivered(Session& session, std::string_view text) {
  auto done = deliver(session, text);
  return done ? ExitCode::Done : session.fail(done.error());
}

codec::Json list_of(const std::vector<std::string>& texts) {
  codec::Json out = codec::Json::array();
  for (const auto& text : texts) out.push_back(text);
  return out;
}

ExitCode delivered_json(Session& session, const codec::Json& value) {
  return delivered(session, codec::write_json(value, {.pretty = true}) + "\n");
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
  findings::ReportStyle style;
  style.color = session.console.shows_color();
  style.ascii = !session.console.unicode();
  style.width = session.console.width();
  style.fail_on = gate;
  const auto write_to = [&](findings::ByteSink& sink) {
    return findings::write_report(*format, report, sources, sink, style);
  };
  if (!session.invocation.has("--output")) {
    ConsoleSink sink(session.console);
    return write_to(sink);
  }
  const std::string path(session.invocation.value("--output"));
  if (is_special(path)) {
    findings::StringSink sink;
    WRENCH_TRY(write_to(sink));
    return write_into(path, sink.text);
  }
  auto file = WRENCH_TRY(runtime::AtomicFile::create(without_links(path)));
  FileSink sink(file);
  WRENCH_TRY(write_to(sink));
  return file.commit(report_mode());
}

ExitCode verdict(const Session& session, const findings::Report& report, std::optional<findings::Severity> gate) {
  if (gate && at_or_above(report, *gate) > 0) return ExitCode::AnswerIsNo;
  if (!report.partial.empty() && !session.invocation.has("--allow-partial")) return ExitCode::Partial;
  return ExitCode::Done;
}

}  // namespace wrench::app
