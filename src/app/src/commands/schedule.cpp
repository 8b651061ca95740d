#include <algorithm>
#include <utility>

#include "../acting_user.hpp"
#include "../layout.hpp"
#include "../output.hpp"
#include "../playbook_task.hpp"
#include "../schedule_keeper.hpp"
#include "../scheduled_task.hpp"
#include "../workspace.hpp"
#include "schedule_commands.hpp"
#include "wrench/base/text.hpp"
#include "wrench/base/time_zone.hpp"
#include "wrench/base/ulid.hpp"
#include "wrench/codec/json.hpp"
#include "wrench/workflow/schedules.hpp"

namespace wrench::app {

namespace {

using codec::Json;
using workflow::Schedule;
using workflow::ScheduleReport;
using workflow::ScheduleRun;
using workflow::Schedules;
using workflow::ScheduleSpec;

constexpr std::int64_t kNextShown = 3;
constexpr std::size_t kRunsShown = 10;
constexpr int kVersionTriesMax = 5;

Json time_or_null(const std::optional<Micros>& at) { return at ? Json(format_rfc3339(*at)) : Json(); }
Json text_or_null(const std::string& text) { return text.empty() ? Json() : Json(text); }

/// As the schedule's zone shows it; of a zone that is gone, as UTC.
std::string shown_time(Micros at, const std::string& zone) {
  const auto there = TimeZone::find(zone);
  return there ? format_rfc3339(at, *there) : format_rfc3339(at);
}

std::string state_of(const Schedule& schedule) {
  return schedule.paused ? "paused" : schedule.next_at ? "active" : "over";
}

Json to_json(const Schedule& schedule) {
  const auto& what = schedule.what;
  return Json::object({{"schedule_id", schedule.schedule_id},
                       {"name", what.name},
                       {"spec", what.spec},
                       {"tz", what.zone},
                       {"overlap", workflow::name(what.overlap)},
                       {"catchup_ms", what.catchup / kMicrosPerMs},
                       {"jitter_ms", what.jitter / kMicrosPerMs},
                       {"pause_after_failures", what.failures_max},
                       {"task", what.task_template},
                       {"state", state_of(schedule)},
                       {"pause_reason", text_or_null(schedule.pause_reason)},
                       {"fire_at", time_or_null(schedule.fire_at)},
                       {"next_at", time_or_null(schedule.next_at)},
                       {"last_fire_at", time_or_null(schedule.last_fire_at)},
                       {"failures", schedule.failures},
                       {"fired", schedule.fired},
                       {"skipped", schedule.skipped},
                       {"missed", schedule.missed},
                       {"created_by", what.created_by},
                       {"created_at", format_rfc3339(schedule.created_at)},
                       {"version", schedule.version}});
}

Json to_json(const ScheduleRun& run) {
  constexpr std::string_view kStates[] = {"waiting", "open", "ended"};
  return Json::object({{"fire_at", format_rfc3339(run.fire_at)},
                       {"state", kStates[static_cast<std::size_t>(run.state)]},
                       {"origin", run.origin},
                       {"task_id", text_or_null(run.task_id)},
                       {"outcome", text_or_null(run.outcome)},
                       {"error", text_or_null(run.error)},
                       {"at", format_rfc3339(run.at)}});
}

Result<std::vector<Micros>> next_times(const ScheduleSpec& spec, const std::string& zone, Micros after,
                                       std::int64_t count) {
  const TimeZone there = WRENCH_TRY(TimeZone::find(zone));
  std::vector<Micros> out;
  for (auto at = spec.next_after(after, there); at && static_cast<std::int64_t>(out.size()) < count;
       at = spec.next_after(*at, there))
    out.push_back(*at);
  return out;
}

std::string to_text(const Schedule& schedule) {
  const auto line = [](std::string_view name, std::string_view value) {
    return value.empty() ? std::string() : "  " + pad(name, 11) + Console::safe(value) + "\n";
  };
  const auto& what = schedule.what;
  std::string counts = std::to_string(schedule.fired) + " fired";
  if (schedule.skipped > 0) counts += ", " + std::to_string(schedule.skipped) + " skipped";
  if (schedule.missed > 0) counts += ", " + std::to_string(schedule.missed) + " missed";
  if (schedule.failures > 0) counts += ", the last " + std::to_string(schedule.failures) + " failed";
  std::string text = Console::safe(what.name) + "\n";
  text += line("does", what_it_does(what.task_template)) + line("when", what.spec + "  (" + what.zone + ")") +
          line("state", state_of(schedule) + (schedule.pause_reason.empty() ? "" : ": " + schedule.pause_reason));
  if (schedule.next_at && !schedule.paused) text += line("next", shown_time(*schedule.next_at, what.zone));
  if (schedule.last_fire_at) text += line("last", shown_time(*schedule.last_fire_at, what.zone));
  text += line("overlap", workflow::name(what.overlap)) + line("catch-up", format_duration(what.catchup));
  if (what.jitter > 0) text += line("jitter", "up to " + format_duration(what.jitter));
  if (what.failures_max > 0)
    text += line("pauses", "after " + std::to_string(what.failures_max) + " failures in a row");
  return text + line("times", counts) + line("id", schedule.schedule_id) + line("by", what.created_by);
}

std::string to_text(const ScheduleRun& run, const std::string& zone) {
  std::string what = run.state == workflow::RunState::Waiting ? "waits" : run.outcome;
  if (what.empty()) what = "open";
  std::string text = "  " + shown_time(run.fire_at, zone) + "  " + pad(what, 11);
  if (!run.task_id.empty()) text += "  task " + std::string(short_id(run.task_id));
  if (run.origin != "schedule") text += "  " + run.origin;
  if (!run.error.empty()) text += "  " + Console::safe(collapse_white_space(run.error));
  return text + "\n";
}

Result<PlaybookRequest> playbook_request(Session& session, const agents::Registry& registry) {
  const auto& given = session.invocation;
  PlaybookRequest out;
  const std::string name(given.value("--playbook"));
  out.playbook = WRENCH_TRY(find_playbook(name));
  out.builtin = find_builtin_playbook(name).ok();
  auto options = playbook_options(session, out.playbook.file);
  out.on_missing = options.on_missing;
  if (given.value("--on-exhausted") == "dead_letter") out.on_exhausted = workflow::OnExhausted::Dead;
  const auto playbook = WRENCH_TRY(compile_or_tell(session, out.playbook, catalogue_of(registry)));
  options.find = [&out, find = options.find](const std::string& step) {
    auto text = find(step);
    if (text && !find_builtin_playbook(step)) out.texts.set(step, *text);
    return text;
  };
  compile_playbook(out.playbook.text, catalogue_of(registry), options);  // For what its steps run.
  Json words = WRENCH_TRY(given_inputs(given.values("--input"), playbook));
  const Json inputs = WRENCH_TRY(bound_inputs(playbook, std::move(words)));
  out.inputs = Json::object();
  // Folders as absolute paths: whoever fires it stands elsewhere.
  for (const auto& [input, value] : inputs.as_object()) {
    const bool is_tree = std::ranges::any_of(
        playbook.inputs, [&](const auto& declared) { return declared.name == input && declared.type == "tree"; });
    out.inputs.set(input, is_tree ? value.at("root") : value);
  }
  return out;
}

Result<Json> template_given(Session& session, const agents::Registry& registry) {
  const auto& given = session.invocation;
  if (given.has("--playbook") == given.has("--review"))
    return Error("cli.missing_argument", "what is it to do? --playbook FILE, or --review PATH");
  if (given.has("--playbook")) return template_of(WRENCH_TRY(playbook_request(session, registry)));
  ReviewRequest request;
  request.path = given.value("--review");
  for (const auto name : split(given.value("--agents"), ','))
    if (!trim(name).empty()) request.agents.emplace_back(trim(name));
  request.rules = given.values("--rules");
  request.builtin_rules = !given.has("--no-builtin-rules");
  request.project_config = !given.has("--no-project-config");
  return template_of(request);
}

Result<workflow::ScheduleDraft> draft_of(Session& session, const agents::Registry& registry) {
  const auto& given = session.invocation;
  workflow::ScheduleDraft draft;
  draft.name = given.arguments.at(0);
  draft.spec = given.arguments.at(1);
  draft.zone = given.value("--tz", draft.zone);
  WRENCH_TRY(ScheduleSpec::parse(draft.spec));  // Before what takes longer.
  WRENCH_TRY(TimeZone::find(draft.zone));
  draft.overlap = WRENCH_TRY(workflow::parse_overlap(given.value("--overlap", workflow::name(draft.overlap))));
  draft.catchup = given.duration("--catchup", draft.catchup);
  draft.jitter = given.duration("--jitter", draft.jitter);
  draft.failures_max = given.number("--pause-after", 0);
  draft.created_by = acting_user();
  draft.task_template = WRENCH_TRY(template_given(session, registry));
  WRENCH_TRY(scheduled_task(draft.task_template, registry, session.stop));  // Today it can be done.
  return draft;
}

ExitCode deliver_schedule(Session& session, const Schedule& schedule) {
  if (session.format() == "json")
    return delivered_json(session, Json::object({{"schema", "wrench.schedule/1"}, {"schedule", to_json(schedule)}}));
  return delivered(session, to_text(schedule));
}

ExitCode deliver_report(Session& session, Workspace& space, const Result<ScheduleReport>& report) {
  if (!report) return session.fail(report.error());
  if (auto done = cancel_for(space, *report); !done) return session.fail(done.error());
  if (report->not_planned) return session.fail(*report->not_planned);
  if (session.format() == "json") {
    Json tasks = Json::array();
    for (const auto& receipt : report->begun) tasks.push_back(receipt.task_id);
    return delivered_json(session, Json::object({{"schema", "wrench.schedule_fired/1"},
                                                 {"schedule_id", report->schedule_id},
                                                 {"tasks", std::move(tasks)},
                                                 {"waiting", static_cast<std::int64_t>(report->waiting)},
                                                 {"skipped", report->skipped}}));
  }
  std::string text;
  for (const auto& receipt : report->begun) text += "task " + std::string(short_id(receipt.task_id)) + "\n";
  if (report->waiting > 0) text += std::to_string(report->waiting) + " waiting for the end of what runs\n";
  if (report->skipped > 0)
    text += std::to_string(report->skipped) + " skipped: its task still runs (--overlap allow_all: beside)\n";
  return delivered(session, text.empty() ? "Nothing to do: those times had their tasks.\n" : text);
}

/// Another process may fire it between our looking and our writing.
template <class Change>
Result<Schedule> changed(Schedules& schedules, std::string_view name, Change change) {
  for (int tries = 1;; ++tries) {
    const auto found = WRENCH_TRY(schedules.find(name));
    Result<Schedule> done = change(found);
    if (done || done.error().code != "workflow.version_conflict" || tries == kVersionTriesMax) return done;
  }
}

std::string_view named(const Session& session) { return session.invocation.arguments.front(); }

}  // namespace

ExitCode run_schedule_create(Session& session) {
  const auto registry = builtin_agents();
  if (!registry) return session.fail(registry.error());
  auto draft = draft_of(session, *registry);
  if (!draft) return session.fail(draft.error());
  auto space = Workspace::open(session, Workspace::Use::Write);
  if (!space) return session.fail(space.error());
  if (!(*space)->keeps_data())
    return session.fail(
        Error("cli.invalid_value", "a schedule needs a data directory that stays: set WRENCH_DATA_DIR"));
  const auto made = schedules_of(**space, session.stop).create(std::move(*draft));
  if (!made) return session.fail(made.error());
  const bool served = (*space)->has_workers() || (*space)->is_served();
  if (!served) session.console.note("nobody serves this data directory yet, so nothing fires: wrench serve");
  return deliver_schedule(session, *made);
}

ExitCode run_schedule_list(Session& session) {
  auto space = Workspace::open(session, Workspace::Use::Read);
  if (!space) return session.fail(space.error());
  const auto all = schedules_of(**space, session.stop).list();
  if (!all) return session.fail(all.error());
  if (session.format() == "json") {
    Json data = Json::array();
    for (const auto& schedule : *all) data.push_back(to_json(schedule));
    return delivered_json(session, Json::object({{"schema", "wrench.schedule_list/1"}, {"data", std::move(data)}}));
  }
  if (all->empty()) return delivered(session, "No schedules.\n");
  std::size_t name_columns = 0, spec_columns = 0;
  for (const auto& schedule : *all) {
    name_columns = std::max(name_columns, schedule.what.name.size());
    spec_columns = std::max(spec_columns, schedule.what.spec.size());
  }
  std::string text;
  for (const auto& schedule : *all) {
    const std::string next =
        schedule.paused || !schedule.next_at ? state_of(schedule) : shown_time(*schedule.next_at, schedule.what.zone);
    text += pad(schedule.what.name, name_columns) + "  " + pad(Console::safe(schedule.what.spec), spec_columns) + "  " +
            pad(next, 29) + "  " + Console::safe(what_it_does(schedule.what.task_template)) + "\n";
  }
  return delivered(session, text);
}

ExitCode run_schedule_show(Session& session) {
  auto space = Workspace::open(session, Workspace::Use::Read);
  if (!space) return session.fail(space.error());
  Schedules schedules = schedules_of(**space, session.stop);
  const auto found = schedules.find(named(session));
  if (!found) return session.fail(found.error());
  const auto runs = schedules.runs(*found);
  if (!runs) return session.fail(runs.error());
  if (session.format() == "json") {
    Json data = Json::array();
    for (const auto& run : *runs) data.push_back(to_json(run));
    return delivered_json(
        session,
        Json::object({{"schema", "wrench.schedule/1"}, {"schedule", to_json(*found)}, {"runs", std::move(data)}}));
  }
  std::string text = to_text(*found);
  if (!runs->empty()) text += "\nLast times:\n";
  for (std::size_t i = 0; i < std::min(kRunsShown, runs->size()); ++i) text += to_text((*runs)[i], found->what.zone);
  return delivered(session, text);
}

ExitCode run_schedule_pause(Session& session) {
  auto space = Workspace::open(session, Workspace::Use::Write);
  if (!space) return session.fail(space.error());
  Schedules schedules = schedules_of(**space, session.stop);
  const auto paused = changed(schedules, named(session), [&](const Schedule& schedule) {
    return schedules.pause(schedule, session.invocation.value("--reason"), acting_user());
  });
  return paused ? deliver_schedule(session, *paused) : session.fail(paused.error());
}

ExitCode run_schedule_resume(Session& session) {
  auto space = Workspace::open(session, Workspace::Use::Write);
  if (!space) return session.fail(space.error());
  Schedules schedules = schedules_of(**space, session.stop);
  const auto resumed = changed(schedules, named(session),
                               [&](const Schedule& schedule) { return schedules.resume(schedule, acting_user()); });
  return resumed ? deliver_schedule(session, *resumed) : session.fail(resumed.error());
}

ExitCode run_schedule_delete(Session& session) {
  auto space = Workspace::open(session, Workspace::Use::Write);
  if (!space) return session.fail(space.error());
  Schedules schedules = schedules_of(**space, session.stop);
  const auto gone = changed(schedules, named(session), [&](const Schedule& schedule) -> Result<Schedule> {
    WRENCH_TRY(schedules.remove(schedule, acting_user()));
    return schedule;
  });
  if (!gone) return session.fail(gone.error());
  if (session.format() == "json")
    return delivered_json(session,
                          Json::object({{"schema", "wrench.schedule_deleted/1"}, {"schedule_id", gone->schedule_id}}));
  return delivered(session, "deleted  " + gone->what.name + "  (its tasks stay)\n");
}

ExitCode run_schedule_trigger(Session& session) {
  std::optional<workflow::Overlap> overlap;
  if (session.invocation.has("--overlap")) {
    const auto parsed = workflow::parse_overlap(session.invocation.value("--overlap"));
    if (!parsed) return session.fail(parsed.error());
    overlap = *parsed;
  }
  auto space = Workspace::open(session, Workspace::Use::Write);
  if (!space) return session.fail(space.error());
  Schedules schedules = schedules_of(**space, session.stop);
  const auto found = schedules.find(named(session));
  if (!found) return session.fail(found.error());
  return deliver_report(session, **space, schedules.trigger(*found, overlap));
}

ExitCode run_schedule_backfill(Session& session) {
  const auto& given = session.invocation;
  if (!given.has("--from")) return session.fail(Error("cli.missing_argument", "from when on? --from TIME"));
  const auto from = parse_rfc3339(given.value("--from"));
  if (!from) return session.fail(from.error());
  const auto to = given.has("--to") ? parse_rfc3339(given.value("--to")) : SystemClock().now_us();
  if (!to) return session.fail(to.error());
  const auto overlap = workflow::parse_overlap(given.value("--overlap", workflow::name(workflow::Overlap::BufferAll)));
  if (!overlap) return session.fail(overlap.error());
  auto space = Workspace::open(session, Workspace::Use::Write);
  if (!space) return session.fail(space.error());
  Schedules schedules = schedules_of(**space, session.stop);
  const auto found = schedules.find(named(session));
  if (!found) return session.fail(found.error());
  return deliver_report(session, **space, schedules.backfill(*found, *from, *to, *overlap));
}

namespace {

/// A text of a schedule, or a schedule that there is.
Result<std::pair<ScheduleSpec, std::string>> asked_about(Session& session) {
  const auto& given = session.invocation;
  const std::string& asked = given.arguments.front();
  if (asked.find(' ') != std::string::npos || asked.starts_with('@'))
    return std::pair(WRENCH_TRY(ScheduleSpec::parse(asked)), std::string(given.value("--tz", "UTC")));
  auto space = WRENCH_TRY(Workspace::open(session, Workspace::Use::Read));
  const auto found = WRENCH_TRY(schedules_of(*space, session.stop).find(asked));
  return std::pair(WRENCH_TRY(ScheduleSpec::parse(found.what.spec)), std::string(given.value("--tz", found.what.zone)));
}

}  // namespace

ExitCode run_schedule_next(Session& session) {
  const auto& given = session.invocation;
  const auto after = given.has("--after") ? parse_rfc3339(given.value("--after")) : SystemClock().now_us();
  if (!after) return session.fail(after.error());
  const auto asked = asked_about(session);
  if (!asked) return session.fail(asked.error());
  const auto& [spec, zone] = *asked;
  const auto times = next_times(spec, zone, *after, given.number("--count", kNextShown));
  if (!times) return session.fail(times.error());
  if (session.format() == "json") {
    Json data = Json::array();
    for (const Micros at : *times)
      data.push_back(Json::object({{"at", format_rfc3339(at)}, {"local", shown_time(at, zone)}}));
    return delivered_json(
        session,
        Json::object(
            {{"schema", "wrench.schedule_next/1"}, {"spec", spec.text()}, {"tz", zone}, {"data", std::move(data)}}));
  }
  if (times->empty()) return delivered(session, "It never fires again.\n");
  std::string text;
  for (const Micros at : *times) text += shown_time(at, zone) + "\n";
  return delivered(session, text);
}

}  // namespace wrench::app
