#include <charconv>
#include <thread>
#include <vector>

#include "../note_box.hpp"
#include "../schedule_keeper.hpp"
#include "../signals.hpp"
#include "../workspace.hpp"
#include "commands.hpp"
#include "wrench/base/text.hpp"
#include "wrench/runtime/atomic_file.hpp"
#include "wrench/storage/event_log.hpp"

namespace wrench::app {

namespace {

constexpr int kSlotsOfClassMax = 1'000;
constexpr Micros kDrainDefault = 20 * kMicrosPerSecond;
/// Of a worker that others took for dead, before it begins anew: its steps were told to stop.
constexpr Micros kLostPatience = 5 * kMicrosPerSecond;
constexpr std::chrono::milliseconds kLook{50};
constexpr Micros kSchedulesEvery = kMicrosPerSecond;        ///< At most so often.
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

Result<std::optional<MockScript>> mock_of(const Session& session) {
  if (!session.invocation.has("--mock")) return std::optional<MockScript>();
  const std::string file(session.invocation.value("--mock"));
  auto script = MockScript::parse(WRENCH_TRY(runtime::read_file(file, kMockBytesMax)));
  if (script) return std::optional(std::move(*script));
  Error error = script.error();
  error.place.file = file;
  return error;
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

/// Fires schedules beside the work.
class ScheduleThread {
 public:
  ScheduleThread(Workspace& space, const StopToken& stop) : space_(space), stop_(stop), thread_([this] { run(); }) {}
  ~ScheduleThread() {
    stop_.request_stop();
    thread_.join();
  }
  ScheduleThread(const ScheduleThread&) = delete;
  ScheduleThread& operator=(const ScheduleThread&) = delete;

  /// What it had to tell since the last call.
  std::vector<std::string> notes() { return notes_.take(); }

 private:
  void run() {
    const StopToken stop = stop_.token();
    ScheduleKeeper keeper(space_, stop, [this](const std::string& line) { notes_.add(line); });
    std::int64_t seen = 0;
    while (!stop.stop_requested()) {
      const Deadline calm = Deadline::after(space_.clock(), kSchedulesEvery);
      const auto head = space_.store().read([](storage::ReadTx& tx) { return storage::event_log::head(tx); });
      if (head) seen = head->seq;
      keeper.turn();
      const Deadline due = Deadline::after(space_.clock(), keeper.pause(kSchedulesAnyway));
      if (const auto waited = space_.store().wait_for_events(seen, due, stop); !waited) seen = 0;
      while (!calm.passed(space_.clock()) && !stop.stop_requested()) std::this_thread::sleep_for(kLook);
    }
  }

  Workspace& space_;
  StopSource stop_;
  NoteBox notes_;
  std::thread thread_;
};

Ended work(Session& session, Workspace& space) {
  const bool once = session.invocation.has("--once");
  workflow::Engine& engine = space.engine();
  TroubleNotes notes;
  std::optional<ScheduleThread> schedules;
  if (!once) schedules.emplace(space, session.stop);
  for (;;) {
    if (schedules)
      for (const auto& line : schedules->notes()) session.console.note(line);
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
  const auto mock = mock_of(session);
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
