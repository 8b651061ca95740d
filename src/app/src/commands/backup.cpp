#include "wrench/storage/backup.hpp"

#include <algorithm>
#include <utility>

#include "../backup_keeper.hpp"
#include "../layout.hpp"
#include "../output.hpp"
#include "../workspace.hpp"
#include "care_commands.hpp"
#include "wrench/base/text.hpp"
#include "wrench/codec/json.hpp"
#include "wrench/runtime/atomic_file.hpp"
#include "wrench/storage/shared_backups.hpp"
#include "wrench/workflow/restore.hpp"

namespace wrench::app {

namespace {

using codec::Json;
using storage::BackupFile;

constexpr std::size_t kKeyFileBytesMax = 4096;
constexpr std::size_t kLinesShown = 20;  ///< Of each kind that a verification found.

Json to_json(const storage::Verification& verified) {
  return Json::object({{"at", format_rfc3339(verified.at)},
                       {"duration_ms", verified.duration_us / kMicrosPerMs},
                       {"age_ms", verified.age_us / kMicrosPerMs}});
}

Json to_json(const BackupFile& backup) {
  Json out = Json::object({{"name", backup.name}, {"path", backup.path}, {"bytes", backup.bytes}});
  if (!backup.manifest) {
    out.set("problem", backup.problem);
    return out;
  }
  const auto& manifest = *backup.manifest;
  Json rows = Json::object();
  for (const auto& [table, count] : manifest.rows) rows.set(table, count);
  out.set("created_at", format_rfc3339(manifest.created_at));
  out.set("status", backup.verified ? "verified" : "unverified");
  out.set("verified", backup.verified ? to_json(*backup.verified) : Json());
  out.set("encrypted", manifest.encrypted);
  out.set("digest", backup.digest);
  out.set("content_bytes", manifest.content_bytes);
  out.set("method", manifest.method);
  out.set("store_id", manifest.store_id);
  out.set("epoch", manifest.epoch);
  out.set("event_seq", manifest.event_seq);
  out.set("schema_version", manifest.schema_version);
  out.set("program_version", manifest.program_version);
  out.set("database_version", manifest.database_version);
  out.set("rows", std::move(rows));
  if (!manifest.database.empty()) out.set("database", manifest.database);
  return out;
}

Result<std::string> data_directory_of(const Session& session) {
  std::string directory = data_directory(session);
  if (directory.empty())
    return Error("cli.no_data_directory", "there is no home folder: name the data directory with --data-dir");
  return directory;
}

/// --to, --from, or the folder in the data directory.
Result<std::string> backup_folder(const Session& session, std::string_view flag) {
  if (session.invocation.has(flag)) return std::string(session.invocation.value(flag));
  return WRENCH_TRY(data_directory_of(session)) + "/backups";
}

Result<std::optional<crypto::SealKey>> key_of(const Session& session) {
  std::optional<crypto::SealKey> key;
  if (!session.invocation.has("--encrypt-key")) return key;
  const std::string path(session.invocation.value("--encrypt-key"));
  auto parsed = crypto::SealKey::parse(WRENCH_TRY(runtime::read_file(path, kKeyFileBytesMax)));
  if (!parsed) return Error(parsed.error().code, path + ": " + parsed.error().message);
  key.emplace(std::move(*parsed));
  return key;
}

/// The file that is meant by NAME, a path, or --latest.
Result<std::string> backup_path(const Session& session) {
  const std::string folder = WRENCH_TRY(backup_folder(session, "--from"));
  if (session.invocation.arguments.empty()) {
    if (!session.invocation.has("--latest"))
      return Error("cli.missing_argument", "name a backup, or take the newest with --latest")
          .with_help("wrench backup list");
    const auto backups = WRENCH_TRY(storage::list_backups(folder));
    if (backups.empty() || !backups.front().manifest)
      return Error("backup.not_found", "there is no backup in " + folder).with_help("wrench backup create");
    return backups.front().path;
  }
  if (session.invocation.has("--latest")) return Error("cli.invalid_value", "name a backup or say --latest, not both");
  std::string name = session.invocation.arguments.front();
  if (name.find('/') != std::string::npos) return name;
  if (!name.ends_with(storage::kBackupExtension)) name += storage::kBackupExtension;
  return folder + "/" + name;
}

storage::VerifyOptions verify_options(const Session& session, const std::optional<crypto::SealKey>& key) {
  storage::VerifyOptions options = backup_checks(session.stop);
  options.scratch = session.invocation.value("--scratch");
  options.database_url = database_url(session);
  options.key = key ? &*key : nullptr;
  return options;
}

std::string age(Micros duration_us) {
  if (duration_us < kMicrosPerDay) return format_duration(duration_us);
  return std::to_string(duration_us / kMicrosPerDay) + " d";
}

std::string status_text(const BackupFile& backup, Micros now_us) {
  if (!backup.manifest) return Console::safe(backup.problem);
  std::string text = backup.verified ? "verified " + age(now_us - backup.verified->at) + " ago" : "unverified";
  if (backup.manifest->encrypted) text += ", encrypted";
  return text;
}

void append_lines(std::string& text, const std::vector<std::string>& lines, std::string_view suffix) {
  for (std::size_t i = 0; i < lines.size() && i < kLinesShown; ++i)
    text += "  " + Console::safe(lines[i]) + std::string(suffix) + "\n";
  if (lines.size() > kLinesShown) text += "  and " + std::to_string(lines.size() - kLinesShown) + " more: --json\n";
}
constexpr std::string_view kUnchecked = " wasn't checked: it is too large for that";

/// What a verification found, on the screen or as JSON; its exit code.
ExitCode deliver_verification(Session& session, const storage::VerifyReport& report) {
  const auto& problems = report.found.problems;
  const bool good = problems.empty();
  const ExitCode code = good ? ExitCode::Done : ExitCode::AnswerIsNo;
  if (session.format() == "json")
    return more_urgent(code, delivered_json(session, Json::object({{"schema", "wrench.backup_verification/1"},
                                                                   {"passed", good},
                                                                   {"problems", list_of(problems)},
                                                                   {"skipped", list_of(report.found.skipped)},
                                                                   {"backup", to_json(report.backup)}})));
  std::string text = report.backup.path + (good ? ": restores" : ": does not restore as it was") + "\n";
  append_lines(text, problems, "");
  append_lines(text, report.found.skipped, kUnchecked);
  text += "  a restore takes about " + format_duration(report.duration_us) + "; what came in the " +
          age(report.age_us) + " since the backup would be lost\n";
  return more_urgent(code, delivered(session, text));
}

}  // namespace

ExitCode run_backup_create(Session& session) {
  const SystemClock clock;
  SystemRandom random;
  storage::BackupOptions options;
  const auto prepare = [&]() -> Result<std::optional<crypto::SealKey>> {
    options.database_url = database_url(session);
    options.physical = session.invocation.has("--physical");
    if (options.physical && options.database_url.empty())
      return Error("cli.invalid_value", "--physical backs a PostgreSQL server up: name its database with --database");
    if (options.database_url.empty()) options.data_directory = WRENCH_TRY(data_directory_of(session));
    options.to = WRENCH_TRY(backup_folder(session, "--to"));
    if (session.invocation.has("--rate"))
      options.bytes_per_second = WRENCH_TRY(parse_size(session.invocation.value("--rate")));
    options.stop = session.stop;
    return key_of(session);
  };
  const auto key = prepare();
  if (!key) return session.fail(key.error());
  options.key = *key ? &**key : nullptr;
  const auto backup = storage::create_backup(options, clock);
  if (!backup) return session.fail(backup.error());
  if (session.invocation.has("--verify")) {
    const auto report = storage::verify_backup(backup->path, verify_options(session, *key), clock, random);
    if (!report) return session.fail(report.error());
    return deliver_verification(session, *report);
  }
  if (session.format() == "json")
    return delivered_json(session, Json::object({{"schema", "wrench.backup/1"}, {"backup", to_json(*backup)}}));
  return delivered(session, backup->path + "  " + format_bytes(backup->bytes) + ", of a store of " +
                                format_bytes(backup->manifest->content_bytes) +
                                "\nThat it restores isn't known before: wrench backup verify " + backup->name + "\n");
}

namespace {

/// Backups of the database that are somewhere else than in `here`. The database may be away: then one needs to know of
/// the others all the more.
std::vector<storage::NotedBackup> backups_elsewhere(Session& session, const std::vector<BackupFile>& here) {
  std::vector<storage::NotedBackup> out;
  if (database_url(session).empty() || session.invocation.has("--from")) return out;
  const auto noted = [&]() -> Result<std::vector<storage::NotedBackup>> {
    const auto space = WRENCH_TRY(Workspace::open(session, Workspace::Use::Read));
    return storage::noted_backups(space->store());
  }();
  if (!noted) {
    session.console.note("the database doesn't say which backups there are elsewhere: " + noted.error().message);
    return out;
  }
  for (const auto& each : *noted)
    if (std::ranges::find(here, each.digest, &BackupFile::digest) == here.end()) out.push_back(each);
  return out;
}

Json to_json(const storage::NotedBackup& backup) {
  return Json::object({{"name", backup.name},
                       {"path", backup.folder + "/" + backup.name},
                       {"host", backup.host},
                       {"bytes", backup.bytes},
                       {"created_at", format_rfc3339(backup.created_at)},
                       {"status", backup.verified ? "verified" : "unverified"},
                       {"verified", backup.verified ? to_json(*backup.verified) : Json()},
                       {"digest", backup.digest}});
}

}  // namespace

ExitCode run_backup_list(Session& session) {
  const auto folder = backup_folder(session, "--from");
  if (!folder) return session.fail(folder.error());
  const auto backups = storage::list_backups(*folder);
  if (!backups) return session.fail(backups.error());
  const auto elsewhere = backups_elsewhere(session, *backups);
  if (session.format() == "json") {
    Json data = Json::array();
    for (const auto& backup : *backups) data.push_back(to_json(backup));
    for (const auto& backup : elsewhere) data.push_back(to_json(backup));
    return delivered_json(session, Json::object({{"schema", "wrench.backup_list/1"}, {"data", std::move(data)}}));
  }
  if (backups->empty() && elsewhere.empty())
    return delivered(session, "No backups in " + *folder + ". Try: wrench backup create\n");
  std::size_t name_columns = 0;
  for (const auto& backup : *backups) name_columns = std::max(name_columns, display_width(Console::safe(backup.name)));
  for (const auto& backup : elsewhere) name_columns = std::max(name_columns, display_width(Console::safe(backup.name)));
  constexpr std::size_t kSizeColumns = 10;
  const Micros now = SystemClock().now_us();
  std::string text;
  for (const auto& backup : *backups)
    text += pad(Console::safe(backup.name), name_columns) + "  " + pad_left(format_bytes(backup.bytes), kSizeColumns) +
            "  " + status_text(backup, now) + "\n";
  for (const auto& backup : elsewhere)
    text += pad(Console::safe(backup.name), name_columns) + "  " + pad_left(format_bytes(backup.bytes), kSizeColumns) +
            "  " + (backup.verified ? "verified " + age(now - backup.verified->at) + " ago" : "unverified") + ", on " +
            Console::safe(backup.host) + " in " + Console::safe(backup.folder) + "\n";
  return delivered(session, text);
}

ExitCode run_backup_verify(Session& session) {
  const SystemClock clock;
  SystemRandom random;
  const auto path = backup_path(session);
  if (!path) return session.fail(path.error());
  const auto key = key_of(session);
  if (!key) return session.fail(key.error());
  const auto report = storage::verify_backup(*path, verify_options(session, *key), clock, random);
  if (!report) return session.fail(report.error());
  return deliver_verification(session, *report);
}

ExitCode run_backup_restore(Session& session) {
  const SystemClock clock;
  SystemRandom random;
  std::int64_t held = 0;
  storage::RestoreOptions options;
  const auto path = backup_path(session);
  if (!path) return session.fail(path.error());
  const auto key = key_of(session);
  if (!key) return session.fail(key.error());
  options.replace = session.invocation.has("--replace");
  if (options.replace == session.invocation.has("--into"))
    return session.fail(
        Error("cli.missing_argument",
              "say where to: --into DIR, or --replace for the data directory; a PostgreSQL store to --into "
              "URL, or with --replace to that of --database"));
  const std::string database = database_url(session);
  const auto own = database.empty() ? data_directory_of(session) : Result<std::string>(database);
  if (options.replace && !own) return session.fail(own.error());
  options.into = options.replace ? *own : std::string(session.invocation.value("--into"));
  options.another_store = session.invocation.has("--force-store");
  options.verify = verify_options(session, *key);
  options.settle = [&held](storage::WriteTx& tx) -> Result<void> {
    held = WRENCH_TRY(workflow::hold_restored(tx));
    return {};
  };
  const auto report = storage::restore_backup(*path, options, clock, random);
  if (!report) return session.fail(report.error());
  // Never a URL with its password.
  const std::string shown = options.into.find("://") == std::string::npos ? options.into : "the database";
  if (session.format() == "json")
    return delivered_json(session, Json::object({{"schema", "wrench.backup_restore/1"},
                                                 {"into", shown},
                                                 {"kept", report->kept.empty() ? Json() : Json(report->kept)},
                                                 {"epoch", report->epoch},
                                                 {"executions_held", held},
                                                 {"skipped", list_of(report->verified.found.skipped)},
                                                 {"duration_ms", report->verified.duration_us / kMicrosPerMs},
                                                 {"backup", to_json(report->verified.backup)}}));
  std::string text = "restored " + *path + " into " + shown + "\n  verified in " +
                     format_duration(report->verified.duration_us) + "; it is the state of " +
                     format_rfc3339(report->verified.backup.manifest->created_at) + ", " +
                     age(report->verified.age_us) + " ago\n";
  append_lines(text, report->verified.found.skipped, kUnchecked);
  if (!report->kept.empty()) text += "  the store from before is kept as " + report->kept + "\n";
  if (held > 0)
    text += "  " + std::to_string(held) + (held == 1 ? " execution was" : " executions were") +
            " open then and may have gone on after it: each waits for wrench task resume ID\n";
  return delivered(session, text);
}

ExitCode run_backup_prune(Session& session) {
  const auto folder = backup_folder(session, "--from");
  if (!folder) return session.fail(folder.error());
  const bool dry_run = session.invocation.has("--dry-run");
  const auto choose = [&]() -> Result<std::vector<storage::PruneChoice>> {
    if (!dry_run) return storage::prune_backups(*folder);
    return storage::plan_prune(WRENCH_TRY(storage::list_backups(*folder)));
  };
  const auto choices = choose();
  if (!choices) return session.fail(choices.error());
  Json data = Json::array();
  std::string text;
  for (const auto& choice : *choices) {
    data.push_back(Json::object({{"name", choice.name}, {"keep", choice.keep}, {"reason", choice.reason}}));
    text += std::string(choice.keep ? "keep    "
                        : dry_run   ? "remove  "
                                    : "removed ") +
            Console::safe(choice.name) + "  " + choice.reason + "\n";
  }
  if (session.format() == "json")
    return delivered_json(
        session, Json::object({{"schema", "wrench.backup_prune/1"}, {"dry_run", dry_run}, {"data", std::move(data)}}));
  return delivered(session, text.empty() ? "No backups in " + *folder + ".\n" : text);
}

}  // namespace wrench::app
