#include <algorithm>
#include <functional>
#include <map>
#include <set>

#include "../layout.hpp"
#include "../output.hpp"
#include "../retention_keeper.hpp"
#include "commands.hpp"
#include "wrench/base/text.hpp"
#include "wrench/base/ulid.hpp"
#include "wrench/storage/archive.hpp"

namespace wrench::app {

namespace {

using codec::Json;
using storage::ArchiveEntry;

constexpr std::size_t kIdColumns = 8, kTitleColumns = 44, kStateColumns = 11, kNodeColumns = 32;
constexpr std::size_t kIdSuffixMin = 6;
constexpr std::int64_t kStepsShown = 1'000;

Result<std::string> folder_of(const Session& session) {
  std::string folder = archive_folder(session);
  if (folder.empty())
    return Error("cli.no_data_directory", "there is no home folder: name the archive's with --archive");
  return folder;
}

/// Newest first, until `visit` returns false. A task that is there twice, because whoever archived it was killed, is
/// told of each time.
Result<void> newest_first(const std::string& folder, const std::function<bool(const ArchiveEntry&)>& visit) {
  auto files = WRENCH_TRY(storage::list_archive_files(folder));
  std::ranges::reverse(files);
  for (const auto& file : files) {
    std::vector<ArchiveEntry> entries;
    WRENCH_TRY(storage::walk_archive(file, [&](ArchiveEntry entry) {
      entries.push_back(std::move(entry));
      return true;
    }));
    std::ranges::reverse(entries);
    for (const auto& entry : entries)
      if (!visit(entry)) return {};
  }
  return {};
}

std::string text_of(const Json& header, std::string_view member) {
  return Console::safe(header.at(member).as_string());
}

/// By the whole id, or its last characters.
Result<ArchiveEntry> find_archived(const std::string& folder, std::string_view id) {
  std::string wanted(id);
  if (wanted.find('_') == std::string::npos)
    for (char& c : wanted)
      if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
  std::map<std::string, ArchiveEntry, std::less<>> found;
  if (wanted.size() >= kIdSuffixMin)
    WRENCH_TRY(newest_first(folder, [&](const ArchiveEntry& entry) {
      const std::string task(entry.header.at("task").as_string());
      if (task.ends_with(wanted)) found.try_emplace(task, entry);
      return true;
    }));
  if (found.size() == 1) return std::move(found.begin()->second);
  if (found.empty())
    return Error("workflow.task_not_found",
                 "no task '" + escape_for_display(id.substr(0, 64)) + "' is in the archive " + folder)
        .with_help("wrench task archive list");
  Error error("workflow.task_ambiguous", "several archived tasks end in '" + escape_for_display(id) + "'");
  for (const auto& [task, entry] : found) error = std::move(error).with_help(task);
  return error;
}

/// What `show` tells of a record.
struct Summary {
  std::map<std::string, std::int64_t, std::less<>> counts;  ///< By type of line.
  std::string steps;

  void add(const Json& line) {
    const std::string type(line.at("type").as_string());
    ++counts[type];
    if (type != "step" || counts["step"] > kStepsShown) return;
    std::string node = Console::safe(line.at("node").as_string());
    if (line.at("item").is_integer()) node += "[" + std::to_string(line.at("item").as_integer()) + "]";
    steps += pad_left(std::to_string(line.at("step_no").as_integer()), 6) + "  " + pad(node, kNodeColumns) + "  " +
             pad(Console::safe(line.at("state").as_string()), kStateColumns) + "  " +
             Console::safe(line.at("capability").as_string());
    steps.erase(steps.find_last_not_of(' ') + 1);
    steps += "\n";
  }
  std::string text(const Json& header) const {
    std::string out = text_of(header, "title") + "\n" + text_of(header, "task") + ", " + text_of(header, "state") +
                      "\nmade " + text_of(header, "created_at") + ", ended " + text_of(header, "ended_at") +
                      ", archived " + text_of(header, "archived_at") + "\n";
    for (const auto& [type, count] : counts)
      out += (type == counts.begin()->first ? "" : ", ") + std::to_string(count) + " x " + type;
    const auto all = counts.find("step");
    const std::int64_t more = all == counts.end() ? 0 : all->second - kStepsShown;
    return out + "\n\n" + steps + (more > 0 ? "and " + std::to_string(more) + " more steps: --json\n" : "");
  }
};

}  // namespace

ExitCode run_task_archive_list(Session& session) {
  const auto folder = folder_of(session);
  if (!folder) return session.fail(folder.error());
  const auto limit = static_cast<std::size_t>(session.invocation.number("--limit", 100));
  const auto state = session.invocation.value("--state");
  std::set<std::string, std::less<>> seen;
  Json data = Json::array();
  std::string text;
  const auto walked = newest_first(*folder, [&](const ArchiveEntry& entry) {
    const Json& header = entry.header;
    if (!state.empty() && header.at("state").as_string() != state) return true;
    if (!seen.insert(std::string(header.at("task").as_string())).second) return true;
    text += pad(std::string(short_id(header.at("task").as_string())), kIdColumns) + "  " +
            pad(text_of(header, "title"), kTitleColumns) + "  " + pad(text_of(header, "state"), kStateColumns) + "  " +
            text_of(header, "ended_at").substr(0, 19) + "Z\n";
    data.push_back(header);
    return seen.size() < limit;
  });
  if (!walked) return session.fail(walked.error());
  if (session.format() == "json")
    return delivered_json(session, Json::object({{"schema", "wrench.task_archive/1"}, {"data", std::move(data)}}));
  return delivered(session, text.empty() ? "No task is in the archive " + *folder + ".\n" : text);
}

ExitCode run_task_archive_show(Session& session) {
  const auto folder = folder_of(session);
  if (!folder) return session.fail(folder.error());
  const auto entry = find_archived(*folder, session.invocation.arguments.front());
  if (!entry) return session.fail(entry.error());
  const bool raw = session.format() == "json";
  Summary summary;
  ExitCode written = ExitCode::Done;
  const auto read = storage::read_archived(*entry, [&](std::string_view line) -> Result<void> {
    if (!raw) {
      summary.add(WRENCH_TRY(codec::parse_json(line)));
      return {};
    }
    session.console.out(std::string(line) + "\n");
    written = session.console.flush();
    if (written != ExitCode::Done) return Error("io.closed", "nobody reads it");
    return {};
  });
  if (written != ExitCode::Done) return written;
  if (!read) return session.fail(read.error());
  if (raw) return ExitCode::Done;
  session.console.out(summary.text(entry->header));
  return session.console.flush();
}

ExitCode run_task_archive_verify(Session& session) {
  const auto folder = folder_of(session);
  if (!folder) return session.fail(folder.error());
  const auto checked = storage::verify_archive(*folder, session.stop);
  if (!checked) return session.fail(checked.error());
  const ExitCode code = checked->problems.empty() ? ExitCode::Done : ExitCode::AnswerIsNo;
  if (session.format() == "json") {
    Json problems = Json::array();
    for (const auto& problem : checked->problems) problems.push_back(problem);
    return more_urgent(code, delivered_json(session, Json::object({{"schema", "wrench.task_archive_check/1"},
                                                                   {"passed", checked->problems.empty()},
                                                                   {"files", checked->files},
                                                                   {"records", checked->records},
                                                                   {"lines", checked->lines},
                                                                   {"bytes", checked->bytes},
                                                                   {"problems", std::move(problems)}})));
  }
  std::string text;
  for (const auto& problem : checked->problems) text += Console::safe(problem) + "\n";
  text += (checked->problems.empty() ? "Everything can be read: "
                                     : std::to_string(checked->problems.size()) + " problems in ") +
          std::to_string(checked->records) + " records, " + std::to_string(checked->lines) + " lines, " +
          std::to_string(checked->files) + " files\n";
  return more_urgent(code, delivered(session, text));
}

}  // namespace wrench::app
