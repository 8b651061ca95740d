#include <algorithm>
#include <charconv>
#include <thread>
#include <utility>
#include <vector>

#include "../backup_keeper.hpp"
#include "../mail_keeper.hpp"
#include "../note_box.hpp"
#include "../retention_keeper.hpp"
#include "../schedule_keeper.hpp"
#include "../signals.hpp"
#include "../workspace.hpp"
#include "commands.hpp"
#include "wrench/base/text.hpp"
#include "wrench/runtime/atomic_file.hpp"
#include "wrench/storage/event_log.hpp"
#include "wrench/storage/monitor.hpp"

namespace wrench::app {

namespace {

constexpr int kSlotsOfClassMax = 1'000;
constexpr Micros kDrainDefault = 20 * kMicrosPerSecond;
/// Of a worker that others took for dead, before it begins anew: its steps were told to stop.
constexpr Micros kLostPatience = 5 * kMicrosPerSecond;
constexpr std::chrono::milliseconds kLook{50};
constexpr Micros kSchedulesEvery = kMicrosPerSecond;  ///< At most so often.
constexpr Micros kSampleEvery = 60 * kMicrosPerSecond;
constexpr std::chrono::seconds kPurgeEvery{60};
constexpr Micros kSchedulesAnyway = 60 * kMicrosPerSecond;  ///< Should an event go unnoticed.

std::optional<workflow::SlotClass> slot_class(std::string_view word) {
  for (std::size_t i = 0; i < workflow::kSlotClasses; ++i)
    if (const auto slot = static_cast<workflow::SlotClass>(i); workflow::name(slot) == word) return slot;
  return std::nullopt;
}

Result<workflow::Slots> slots_of(const Session& session) {
  workflow::Slots slots = {static_cast<int>(runtime::usable_cores()), 64, 16};
  if (!session.invocation.has("--slots")) return slots;
  for (const auto word : split(session.invocation.value("--slots"), ',')) {
    const auto equals = word.find('=');
    const auto slot = equals == std::string_view::npos ? std::nullopt : slot_class(trim(word.substr(0, equals)));
    int count = 0;
    const std::string_view digits = equals == std::string_view::npos ? "" : trim(word.substr(equals + 1));
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), count);
    if (!slot || error != std::errc() || end != digits.data() + digits.size() || count < 1 || count > kSlotsOfClassMax)
      return Error("cli.invalid_value", "--slots takes e.g. cpu=8,io=64,llm=16, each from 1 to " +
                                            std::to_string(kSlotsOfClassMax) + ", not '" + escape_for_display(word) +
                                            "'");
    slots[static_cast<std::size_t>(*slot)] = count;
  }
  return slots;
}

/// Where this worker puts backups that it makes; nothing if it is to make none, or has no place for them.
std::optional<std::string> backup_folder(const Session& session) {
  if (session.invocation.has("--no-backups")) return std::nullopt;
  if (session.invocation.has("--backups")) return std::string(session.invocation.value("--backups"));
  const std::string directory = data_directory(session);
  return directory.empty() ? std::nullopt : std::optional(directory + "/backups");
}

enum class Ended { Stopped, NothingToDo, Lost };

/// Tells when the database is away, and when it is back.
class TroubleNotes {
 public:
  void tell(Console& console, const std::optional<Error>& trouble) {
    const std::string code = trouble ? trouble->code : "";
    if (code == told_) return;
    console.note(trouble ? trouble->message + "; the worker goes on when it can" : "the database is back");
    told_ = code;
  }

 private:
  std::string told_;
};

/// Fires schedules and keeps samples of how the store does, beside the work.
class SideWork {
 public:
  SideWork(Workspace& space, std::string url, const StopToken& stop)
      : space_(space), url_(std::move(url)), stop_(stop), thread_([this] { run(); }) {}
  ~SideWork() {
    stop_.request_stop();
    thread_.join();
  }
  SideWork(const SideWork&) = delete;
  SideWork& operator=(const SideWork&) = delete;

  /// What it had to tell since the last call.
  std::vector<std::string> notes() { return notes_.take(); }

 private:
  void run() {
    const StopToken stop = stop_.token();
    ScheduleKeeper keeper(space_, stop, [this](const std::string& line) { notes_.add(line); });
    auto monitor = storage::StoreMonitor::open(space_.store(), url_);
    std::string told;
    std::int64_t seen = 0;
    while (!stop.stop_requested()) {
      const Deadline calm = Deadline::after(space_.clock(), kSchedulesEvery);
      const auto head = space_.store().read([](storage::ReadTx& tx) { return storage::event_log::head(tx); });
      if (head) seen = head->seq;
      keeper.turn();
      const Micros now = space_.clock().now_us();
      const auto sampled = monitor ? monitor->sample(now) : Result<void>(monitor.error());
      // That the database is away is told of anyway.
      if (!sampled && sampled.error().code != told && sampled.error().code != "storage.unreachable")
        notes_.add("can't keep how the store does: " + sampled.error().message);
      told = sampled ? "" : sampled.error().code;
      const Micros next_sample = kSampleEvery - now % kSampleEvery;
      const Deadline due = Deadline::after(space_.clock(), std::min(keeper.pause(kSchedulesAnyway), next_sample));
      if (const auto waited = space_.store().wait_for_events(seen, due, stop); !waited) seen = 0;
      while (!calm.passed(space_.clock()) && !stop.stop_requested()) std::this_thread::sleep_for(kLook);
    }
  }

  Workspace& space_;
  const std::string url_;
  StopSource stop_;
  NoteBox notes_;
  std::thread thread_;
};

Ended work(Session& session, Workspace& space) {
  const bool once = session.invocation.has("--once");
  workflow::Engine& engine = space.engine();
  TroubleNotes notes;
  const auto tell = [&](auto& keeper) {
    if (keeper)
      for (const auto& line : keeper->notes()) session.console.note(line);
  };
  std::optional<SideWork> beside;
  std::optional<RetentionKeeper> retention;
  std::optional<MailKeeper> mail;
  if (!once) {
    beside.emplace(space, database_url(session), session.stop);
    retention.emplace(space, archive_folder(session), kPurgeEvery);
    mail.emplace(space);
  }
  std::optional<BackupKeeper> backups;
  const auto folder = backup_folder(session);
  if (!once && folder) backups.emplace(space.store(), database_url(session), *folder);
  for (;;) {
    tell(beside);
    tell(retention);
    tell(mail);
    tell(backups);
    notes.tell(session.console, space.store().trouble());
    if (session.stop.stop_requested()) return Ended::Stopped;
    const auto now = engine.working();
    if (now.lost) return Ended::Lost;
    if (once && now.found_nothing) return Ended::NothingToDo;
    std::this_thread::sleep_for(kLook);
  }
}

}  // namespace

ExitCode run_worker(Session& session) {
  const auto slots = slots_of(session);
  if (!slots) return session.fail(slots.error());
  const auto mock = given_mock(session);
  if (!mock) return session.fail(mock.error());
  for (;;) {
    auto space = Workspace::open(session, Workspace::Use::Work, *mock, *slots);
    if (!space) return session.fail(space.error());
    workflow::Engine& engine = (*space)->engine();
    session.console.note("works as " + (*space)->boot_id());
    const Ended ended = work(session, **space);
    if (ended == Ended::Lost) session.console.note(engine.working().lost->message + "; it begins anew");
    const Micros patience =
        ended == Ended::Lost ? kLostPatience : session.invocation.duration("--drain", kDrainDefault);
    const auto drained = engine.drain(Deadline::after((*space)->clock(), patience));
    if (ended == Ended::Lost) continue;
    if (!drained) return session.fail(drained.error());
    return signal_received() == ExitCode::Interrupted ? ExitCode::Interrupted : ExitCode::Done;
  }
}

}  // namespace wrench::app
