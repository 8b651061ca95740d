#include "progress.hpp"

#include <chrono>

#include "wrench/base/text.hpp"
#include "wrench/codec/json.hpp"

namespace wrench::app {

namespace {

constexpr Micros kFirstLineAfter = 200 * kMicrosPerMs;
constexpr Micros kLineEvery = 100 * kMicrosPerMs;
constexpr Micros kPlainEvery = 10 * kMicrosPerSecond;
constexpr std::size_t kBarCells = 24;

std::string bar(double fraction, bool unicode) {
  const auto filled = static_cast<std::size_t>(fraction * static_cast<double>(kBarCells));
  std::string out = unicode ? "▕" : "[";
  for (std::size_t i = 0; i < kBarCells; ++i) out += i < filled ? (unicode ? "█" : "#") : (unicode ? "░" : ".");
  return out + (unicode ? "▏" : "]");
}

}  // namespace

ProgressPace::ProgressPace(Session& session) : session_(session), begun_us_(clock_.boot_us()) {
  const auto word = session.invocation.value("--progress", "auto");
  if (word == "none" || session.console.quiet())
    mode_ = Mode::None;
  else if (word == "json")
    mode_ = Mode::Json;
  else if (word == "plain")
    mode_ = Mode::Plain;
  else
    mode_ = session.console.stderr_is_terminal() ? Mode::Line : Mode::None;
}

bool ProgressPace::show(const std::function<View()>& view) {
  const Micros now = clock_.boot_us();
  if (mode_ == Mode::None || now - begun_us_ < kFirstLineAfter) return false;
  if (now - drawn_us_ < (mode_ == Mode::Plain ? kPlainEvery : kLineEvery)) return false;
  drawn_us_ = now;
  auto shown = view();
  if (mode_ == Mode::Line) {
    session_.console.progress_line(shown.line);
  } else if (mode_ == Mode::Plain) {
    session_.console.err(shown.plain + "\n");
  } else {
    shown.json.set("schema", "wrench.progress/1");
    session_.console.err(codec::write_json(shown.json) + "\n");
  }
  return true;
}

void TaskProgress::notice(const workflow::Notice& notice) {
  const std::lock_guard lock(mutex_);
  if (notice.steps_total > 0) {
    done_ = notice.steps_done;
    total_ = notice.steps_total;
  }
  if (notice.kind == workflow::Notice::Kind::StepState) {
    if (notice.step_state == workflow::StepState::Running)
      running_[notice.step_no];
    else
      running_.erase(notice.step_no);
  } else if (notice.kind == workflow::Notice::Kind::StepProgress) {
    running_[notice.step_no] = notice.progress.message;
    fraction_ = notice.progress.total > 0 ? notice.progress.done / notice.progress.total : 0;
  }
  changed_ = true;
}

std::string TaskProgress::describe() const {
  const double whole =
      total_ == 0 ? 0 : (static_cast<double>(done_) + (running_.empty() ? 0 : fraction_)) / static_cast<double>(total_);
  std::string text = bar(std::min(1.0, whole), session_.console.unicode()) + " " +
                     std::to_string(static_cast<int>(std::min(1.0, whole) * 100)) + " %  " + std::to_string(done_) +
                     "/" + std::to_string(total_) + " steps";
  for (const auto& [step, what] : running_)
    if (!what.empty()) text += (session_.console.unicode() ? " · " : " - ") + Console::safe(what);
  return text;
}

void TaskProgress::tick() {
  const std::lock_guard lock(mutex_);
  if (!changed_) return;
  pace_.show([this] {
    changed_ = false;
    return ProgressPace::View{describe(), std::to_string(done_) + "/" + std::to_string(total_) + " steps",
                              codec::Json::object({{"steps_done", done_}, {"steps_total", total_}})};
  });
}

void ScanDisplay::show(const scan::ScanProgress& progress) {
  const std::lock_guard lock(mutex_);
  last_ = progress;
  changed_ = true;
}

void ScanDisplay::run(const std::stop_token& stop) {
  std::unique_lock lock(mutex_);
  while (!stop.stop_requested()) {
    wake_.wait_for(lock, stop, std::chrono::microseconds(kLineEvery), [] { return false; });
    if (!changed_ || stop.stop_requested()) continue;
    const bool shown = pace_.show([this] {
      const auto text =
          last_.phase == scan::ScanProgress::Phase::History
              ? std::string("reading the history")
              : "scanning " + format_count(last_.files_done) + "/" + format_count(last_.files_total) + " files";
      return ProgressPace::View{
          text, text, codec::Json::object({{"files_done", last_.files_done}, {"files_total", last_.files_total}})};
    });
    changed_ = !shown;
  }
}

void ScanDisplay::finish() {
  thread_.request_stop();
  thread_.join();
  pace_.clear();
}

}  // namespace wrench::app
