#include <sys/statvfs.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>

#include "../output.hpp"
#include "../workspace.hpp"
#include "commands.hpp"
#include "doctor_speed.hpp"
#include "wrench/base/text.hpp"
#include "wrench/base/version.hpp"
#include "wrench/codec/json.hpp"
#include "wrench/runtime/subprocess.hpp"
#include "wrench/storage/care.hpp"
#include "wrench/storage/fsync_probe.hpp"

namespace wrench::app {

namespace {

using codec::Json;

enum class Health { Good, Warning, Bad };

struct Check {
  std::string name;
  Health health = Health::Good;
  std::string evidence;
  std::string next;  ///< What to do, when not good.
};

constexpr std::uint64_t kFreeBytesMin = std::uint64_t{200} << 20;

Check check_git(const StopToken& stop) {
  const auto program = runtime::find_program("git");
  if (!program) return {"git", Health::Warning, "not found: reviews work without history", "install git"};
  runtime::SubprocessSpec spec;
  spec.program = *program;
  spec.arguments = {"--version"};
  spec.stdout_bytes_max = 4096;
  const auto ran = runtime::capture_subprocess(spec, stop);
  if (!ran || !ran->result.succeeded()) return {"git", Health::Warning, *program + " doesn't run", "reinstall git"};
  return {"git", Health::Good, std::string(trim(ran->out)), ""};
}

Check check_store(Session& session) {
  const auto directory = data_directory(session);
  auto space = Workspace::open(session, Workspace::Use::Write);
  if (!space)
    return {"store", Health::Bad, describe(space.error()), "choose another folder: --data-dir or WRENCH_DATA_DIR"};
  auto page = (*space)->store().read([](storage::ReadTx& tx) { return workflow::list_tasks(tx, {}); });
  if (!page) return {"store", Health::Bad, describe(page.error()), "look at the data directory " + directory};
  return {"store", Health::Good, (directory.empty() ? "temporary" : directory) + ", opens, writes and reads", ""};
}

/// The folder, or when it isn't there yet the nearest one above it: it lies on the same disk.
std::string nearest_existing(std::string at) {
  struct statvfs space{};
  while (at != "/" && at != "." && ::statvfs(at.c_str(), &space) != 0) {
    const auto slash = at.rfind('/');
    at = slash == std::string::npos ? "." : slash == 0 ? "/" : at.substr(0, slash);
  }
  return at;
}

Check check_space(const std::string& directory) {
  struct statvfs space{};
  const std::string at = nearest_existing(directory);
  if (::statvfs(at.c_str(), &space) != 0)
    return {"disk space", Health::Warning, errno_error(errno, directory).message, ""};
  const auto free = static_cast<std::uint64_t>(space.f_bavail) * space.f_frsize;
  const auto evidence = format_bytes(free) + " free at " + at;
  if (free < kFreeBytesMin) return {"disk space", Health::Bad, evidence, "free at least 200 MiB"};
  return {"disk space", Health::Good, evidence, ""};
}

Check check_agents() {
  const auto registry = builtin_agents();
  if (!registry) return {"agents", Health::Bad, describe(registry.error()), "report this"};
  std::size_t capabilities = 0;
  for (const auto& agent : registry->agents()) capabilities += agent->spec().capabilities.size();
  return {"agents", Health::Good,
          std::to_string(registry->agents().size()) + " agents, " + std::to_string(capabilities) +
              " capabilities, none needs an LLM",
          ""};
}

/// Whether the server keeps what it says that it has committed.
Result<Check> check_server(const Session& session, Json& settings) {
  Check check{"durable writes", Health::Good, "", ""};
  std::string lax;
  for (const auto& [name, value] : WRENCH_TRY(storage::durability_settings(database_url(session)))) {
    check.evidence += (check.evidence.empty() ? "" : ", ") + name + " " + value;
    settings.set(name, value);
    if (value == "off") lax += (lax.empty() ? "" : ", ") + name;
  }
  check.evidence = "PostgreSQL: " + check.evidence;
  if (lax.empty()) return check;
  check.health = Health::Bad;
  check.evidence = "suspicious: what was committed can be lost (" + lax + ")\n" + check.evidence;
  check.next = "ALTER SYSTEM SET " + lax.substr(0, lax.find(',')) + " = on, and reload or restart the server";
  return check;
}

Result<Check> check_fsync(const Session& session, Json& samples, Json& tasks) {
  const auto seconds = session.invocation.number("--seconds", 3);
  std::string directory(session.invocation.value("--dir"));
  if (directory.empty()) {
    directory = data_directory(session);
    directory = directory.empty() ? "/tmp" : nearest_existing(directory);
  }
  const SystemClock clock;
  const auto report = WRENCH_TRY(storage::probe_fsync(directory, seconds * kMicrosPerSecond, clock, session.stop));
  Check check{"durable writes", Health::Good, report.filesystem + " (" + report.mount_options + ")", ""};
  for (const auto& sample : report.samples) {
    check.evidence += "\n" + std::string(sample.overwrites ? "overwrite " : "append    ") + format_bytes(sample.bytes) +
                      ": " + format_count(static_cast<std::uint64_t>(sample.per_second)) + "/s, p50 " +
                      std::to_string(sample.p50_us) + " us, p99 " + std::to_string(sample.p99_us) + " us";
    samples.push_back(Json::object({{"overwrites", sample.overwrites},
                                    {"bytes", sample.bytes},
                                    {"per_second", sample.per_second},
                                    {"p50_us", sample.p50_us},
                                    {"p99_us", sample.p99_us}}));
  }
  const TaskSpeed speed = WRENCH_TRY(measure_tasks(directory, session.stop));
  const auto rounded = [](double n) { return format_count(static_cast<std::uint64_t>(n)); };
  check.evidence += "\nexpected tasks/s: " + rounded(speed.at_once) + " many at once, " + rounded(speed.in_turn) +
                    " one after the other";
  tasks = Json::object({{"at_once_per_second", speed.at_once}, {"in_turn_per_second", speed.in_turn}});
  if (report.verdict == storage::Durability::Durable) return check;
  check.health = Health::Bad;
  check.evidence = (report.verdict == storage::Durability::NotDurable ? "not durable: " : "suspicious: ") +
                   report.reason + "\n" + check.evidence;
  check.next = "keep the data directory on a local disk that flushes: --data-dir";
  return check;
}

std::string_view word(Health health) {
  return health == Health::Good ? "ok" : health == Health::Warning ? "warning" : "problem";
}

}  // namespace

ExitCode run_doctor(Session& session) {
  std::vector<Check> checks;
  Json samples = Json::array();
  Json tasks, settings = Json::object();
  const bool server = !database_url(session).empty();
  if (session.invocation.has("--fsync")) {
    auto durable = server ? check_server(session, settings) : check_fsync(session, samples, tasks);
    if (!durable) return session.fail(durable.error());
    checks.push_back(std::move(*durable));
  } else {
    const auto directory = data_directory(session);
    checks = {{"wrench", Health::Good, "version " + std::string(version()), ""},
              check_agents(),
              check_store(session),
              check_space(directory.empty() ? "/tmp" : directory),
              check_git(session.stop)};
  }
  bool bad = false;
  Json rows = Json::array();
  std::string text;
  for (const auto& check : checks) {
    bad = bad || check.health == Health::Bad;
    rows.push_back(Json::object({{"name", check.name},
                                 {"health", word(check.health)},
                                 {"evidence", check.evidence},
                                 {"next", check.next.empty() ? Json() : Json(check.next)}}));
    const auto style = check.health == Health::Good      ? Style::Good
                       : check.health == Health::Warning ? Style::Medium
                                                         : Style::Critical;
    std::string state(word(check.health));
    state.resize(9, ' ');
    bool first = true;
    for (const auto line : split(check.evidence, '\n')) {
      text += (first ? session.console.styled(style, state) + check.name +
                           std::string(check.name.size() < 16 ? 16 - check.name.size() : 1, ' ')
                     : std::string(25, ' ')) +
              Console::safe(line) + "\n";
      first = false;
    }
    if (!check.next.empty()) text += std::string(25, ' ') + "next: " + Console::safe(check.next) + "\n";
  }
  if (session.format() == "json") {
    auto report = Json::object({{"schema", "wrench.doctor/1"}, {"healthy", !bad}, {"checks", std::move(rows)}});
    if (session.invocation.has("--fsync")) {
      report.set("samples", std::move(samples));
      report.set("tasks", std::move(tasks));
      report.set("settings", std::move(settings));
    }
    text = codec::write_json(report, {.pretty = true}) + "\n";
  }
  if (auto done = deliver(session, text); !done) return session.fail(done.error());
  return bad ? ExitCode::AnswerIsNo : ExitCode::Done;
}

}  // namespace wrench::app
