#include <charconv>
#include <filesystem>
#include <map>
#include <mutex>
#include <set>

#include "../backup_keeper.hpp"
#include "../layout.hpp"
#include "../mail_keeper.hpp"
#include "../retention_keeper.hpp"
#include "../schedule_keeper.hpp"
#include "../top_look.hpp"
#include "../workspace.hpp"
#include "commands.hpp"
#include "wrench/api/monitor_listener.hpp"
#include "wrench/base/text.hpp"
#include "wrench/base/ulid.hpp"
#include "wrench/net/request_head.hpp"
#include "wrench/runtime/directory_watch.hpp"
#include "wrench/storage/event_log.hpp"
#include "wrench/storage/monitor.hpp"

namespace wrench::app {

namespace {

constexpr Micros kLookEvery = kMicrosPerSecond;        ///< At most so often for tasks that nobody runs.
constexpr Micros kLookAnyway = 60 * kMicrosPerSecond;  ///< Should a change go unnoticed.
constexpr Micros kDrainDefault = 20 * kMicrosPerSecond;
constexpr std::uintmax_t kDiskFreeMin = std::uintmax_t{256} << 20;  ///< Bytes; with less the process isn't ready.

/// Says on standard error what becomes of the tasks that were taken: one line each time.
class TaskLog {
 public:
  TaskLog(Console& console, Workspace& space) : console_(console), space_(space) {
    space.engine().subscribe([this](const workflow::Notice& notice) {
      const bool stands =
          is_terminal(notice.execution_status) || notice.execution_status == workflow::ExecutionStatus::Suspended;
      if (notice.kind != workflow::Notice::Kind::ExecutionState || !stands) return;
      const std::lock_guard lock(mutex_);
      changed_.insert(notice.execution_no);
    });
  }
  ~TaskLog() { space_.engine().subscribe({}); }
  TaskLog(const TaskLog&) = delete;
  TaskLog& operator=(const TaskLog&) = delete;

  void took(const workflow::TaskReceipt& receipt) {
    console_.note("task " + std::string(short_id(receipt.task_id)) + ": taken over, it was " +
                  std::string(workflow::name(receipt.state)));
    tasks_[receipt.execution_no] = receipt.task_id;
  }
  /// What ended or stands still since the last look.
  void look() {
    std::set<std::int64_t> changed;
    {
      const std::lock_guard lock(mutex_);
      changed.swap(changed_);
    }
    for (const std::int64_t no : changed) {
      const auto it = tasks_.find(no);
      if (it == tasks_.end()) continue;
      const auto task = space_.store().read([&](storage::ReadTx& tx) { return workflow::find_task(tx, it->second); });
      if (!task) {
        console_.note("can't read the state of task " + it->second + ": " + task.error().message);
        continue;
      }
      console_.note("task " + std::string(short_id(it->second)) + ": " + std::string(workflow::name(task->state)) +
                    (task->wait_reason.empty() ? "" : ", for " + task->wait_reason) + "  " +
                    Console::safe(task->title));
      if (is_terminal(task->state)) tasks_.erase(it);
    }
  }

 private:
  Console& console_;
  Workspace& space_;
  std::map<std::int64_t, std::string> tasks_;  ///< By execution.
  std::mutex mutex_;
  std::set<std::int64_t> changed_;  ///< Of any thread.
};

/// ADDRESS:PORT, an IPv6 address in brackets.
Result<std::pair<std::string, std::uint16_t>> listener_of(std::string_view text) {
  const std::size_t colon = text.rfind(':');
  std::string_view address = text.substr(0, colon);
  if (address.starts_with('[') && address.ends_with(']')) address = address.substr(1, address.size() - 2);
  const std::string_view digits = colon == std::string_view::npos ? "" : text.substr(colon + 1);
  std::uint16_t port = 0;
  const auto [end, failed] = std::from_chars(digits.data(), digits.data() + digits.size(), port);
  if (address.empty() || failed != std::errc() || end != digits.data() + digits.size())
    return Error("cli.invalid_value", "--metrics-listen takes an address and a port, e.g. 127.0.0.1:9464, not '" +
                                          escape_for_display(text) + "'");
  return std::pair(std::string(address), port);
}

std::vector<api::ReadinessCheck> readiness_of(Workspace& space) {
  std::vector<api::ReadinessCheck> out;
  auto trouble = space.store().trouble();
  if (!trouble) {
    const auto read = space.store().read([](storage::ReadTx& tx) { return storage::event_log::head(tx); });
    if (!read) trouble = read.error();
  }
  out.push_back({"store", std::move(trouble)});
  std::error_code failed;
  const auto place = std::filesystem::space(space.directory(), failed);
  std::optional<Error> full;
  if (failed) full = Error("storage.io", failed.message());
  if (!failed && place.available < kDiskFreeMin) full = Error("storage.full", "less than 256 MiB are free");
  out.push_back({"disk", std::move(full)});
  return out;
}

/// Nothing if it isn't wanted.
Result<std::unique_ptr<api::MonitorListener>> listen_for_monitoring(Session& session, Workspace& space) {
  if (!session.invocation.has("--metrics-listen")) return std::unique_ptr<api::MonitorListener>();
  const auto [address, port] = WRENCH_TRY(listener_of(session.invocation.value("--metrics-listen")));
  auto look = std::make_shared<TopLook>(WRENCH_TRY(TopLook::at(space)));
  auto started = api::MonitorListener::start(
      address, port,
      {.metrics = [look]() -> Result<std::string> { return top_prometheus(WRENCH_TRY((*look)())); },
       .readiness = [&space] { return readiness_of(space); }},
      space.clock());
  if (!started && started.error().code == "net.address")
    return Error("cli.invalid_value", "--metrics-listen: " + started.error().message);
  auto out = WRENCH_TRY(std::move(started));
  if (address != "::1" && !net::is_loopback_host(address))
    session.console.note("monitoring is open to whoever reaches " + address);
  const bool v6 = address.find(':') != std::string::npos;
  session.console.note("metrics at http://" + (v6 ? "[" + address + "]" : address) + ":" + std::to_string(out->port()) +
                       "/metrics");
  return out;
}

}  // namespace

ExitCode run_serve(Session& session) {
  auto mock = given_mock(session);
  if (!mock) return session.fail(mock.error());
  auto space = Workspace::open(session, Workspace::Use::Serve, std::move(*mock));
  if (!space) return session.fail(space.error());
  if (auto claimed = (*space)->claim_serving(); !claimed) return session.fail(claimed.error());
  auto watch = runtime::DirectoryWatch::open((*space)->watched_directories());
  if (!watch) return session.fail(watch.error());
  const std::string directory = (*space)->watched_directories().front();
  auto monitor = storage::StoreMonitor::open((*space)->store(), directory);
  if (!monitor) return session.fail(monitor.error());
  auto monitoring = listen_for_monitoring(session, **space);
  if (!monitoring) return session.fail(monitoring.error());
  session.console.note("serving tasks; Ctrl-C ends it, and what runs then goes on next time");
  std::optional<BackupKeeper> backups;
  if (!session.invocation.has("--no-backups") && (*space)->keeps_data())
    backups.emplace((*space)->store(), directory,
                    std::string(session.invocation.value("--backups", directory + "/backups")));
  std::optional<RetentionKeeper> retention(std::in_place, **space, archive_folder(session));
  std::optional<MailKeeper> mail(**space);
  const auto tell_notes = [&] {
    if (backups)
      for (const auto& line : backups->notes()) session.console.note(line);
    for (const auto& line : retention->notes()) session.console.note(line);
    for (const auto& line : mail->notes()) session.console.note(line);
  };
  TaskLog log(session.console, **space);
  ScheduleKeeper schedules(**space, session.stop, [&session](const std::string& line) { session.console.note(line); });
  bool moved = true;
  while (!session.stop.stop_requested()) {
    schedules.turn();  // Before: what it makes is taken at once.
    const auto adopted = (*space)->engine().adopt_orphans();
    if (!adopted) {
      session.console.note("can't look for tasks right now: " + adopted.error().message);
    } else {
      for (const auto& receipt : *adopted) log.took(receipt);
    }
    log.look();
    // Once a minute, but not while nothing happens.
    if (moved) retention->look();
    if (moved)
      if (const auto sampled = monitor->sample((*space)->clock().now_us()); !sampled)
        session.console.note("can't keep how the store does: " + sampled.error().message);
    const Deadline calm = Deadline::after((*space)->clock(), kLookEvery);
    const Deadline due = Deadline::after((*space)->clock(), schedules.pause(kLookAnyway));
    do {
      const Deadline soon = Deadline::after((*space)->clock(), kLookEvery);
      const auto changed = watch->wait((*space)->clock(), soon.at_us() < due.at_us() ? soon : due, session.stop);
      if (!changed) return session.fail(changed.error());
      moved = *changed;
      tell_notes();
    } while (!moved && !due.passed((*space)->clock()) && !session.stop.stop_requested());
    // Many changes in a row are looked at once.
    while (!calm.passed((*space)->clock()) && !session.stop.stop_requested()) {
      const auto more = watch->wait((*space)->clock(), calm, session.stop);
      if (!more) return session.fail(more.error());
    }
  }
  session.console.note("stopping: steps that run have " +
                       std::to_string(session.invocation.duration("--drain", kDrainDefault) / kMicrosPerSecond) +
                       " s to come to a good place");
  if (*monitoring) (*monitoring)->say_that_it_ends();
  tell_notes();
  retention.reset();
  mail.reset();
  backups.reset();  // Before, because it uses a processor.
  (*space)->drain(session.invocation.duration("--drain", kDrainDefault));
  return ExitCode::Done;
}

}  // namespace wrench::app
