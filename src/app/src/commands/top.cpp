#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <thread>

#include "../output.hpp"
#include "../signals.hpp"
#include "../top_look.hpp"
#include "../top_view.hpp"
#include "commands.hpp"
#include "task_lookup.hpp"
#include "wrench/base/text.hpp"
#include "wrench/runtime/process.hpp"
#include "wrench/storage/monitor.hpp"
#include "wrench/workflow/monitor.hpp"
#include "wrench/workflow/waits.hpp"

namespace wrench::app {

namespace {

constexpr std::chrono::milliseconds kCpuSample{100};
constexpr std::chrono::milliseconds kSlice{50};
constexpr std::size_t kHeightDefault = 24;

TopStyle style_of(const Console& console) {
  TopStyle style;
  style.width = console.width();
  style.unicode = console.unicode();
  style.paint = [&console](Style kind, std::string_view text) { return console.styled(kind, text); };
  return style;
}

ExitCode show_once(Session& session, TopLook& look) {
  if (const auto first = look(); !first) return session.fail(first.error());
  std::this_thread::sleep_for(kCpuSample);  // How much of the CPU a process uses shows between two looks.
  auto frame = look();
  if (!frame) return session.fail(frame.error());
  frame->flushes_per_s.reset();  // Reports change once a second.
  if (session.format() == "json") return delivered_json(session, top_json(*frame));
  if (session.format() == "prometheus") return delivered(session, top_prometheus(*frame));
  return delivered(session, top_text(*frame, style_of(session.console)));
}

/// The terminal's other screen, until it goes.
class OtherScreen {
 public:
  explicit OtherScreen(Console& console) : console_(console) { console_.out("\x1b[?1049h\x1b[?25l\x1b[2J"); }
  ~OtherScreen() {
    console_.out("\x1b[?25h\x1b[?1049l");
    console_.flush();
  }
  OtherScreen(const OtherScreen&) = delete;
  OtherScreen& operator=(const OtherScreen&) = delete;

  ExitCode draw(const std::string& text) {
    std::string screen = "\x1b[H";
    for (const auto line : split(std::string_view(text).substr(0, text.size() - 1), '\n'))
      screen += std::string(line) + "\x1b[K\r\n";
    screen.resize(screen.size() - 2);  // A line break after the last line would scroll.
    console_.out(screen + "\x1b[J");
    return console_.flush();
  }

 private:
  Console& console_;
};

/// Of the terminal, which people resize.
TopStyle fitted(TopStyle style) {
  winsize size{};
  const bool known = ::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_row > 0 && size.ws_col > 0;
  style.height = known ? size.ws_row : kHeightDefault;
  if (known && std::getenv("COLUMNS") == nullptr) style.width = size.ws_col;
  return style;
}

ExitCode show_live(Session& session, TopLook& look) {
  const Micros every = session.invocation.duration("--interval", kMicrosPerSecond);
  const SystemClock clock;
  std::optional<Error> failure;
  {
    OtherScreen screen(session.console);
    while (!session.stop.stop_requested() && !failure) {
      auto frame = look();
      if (!frame) {
        failure = frame.error();
        break;
      }
      if (const auto drawn = screen.draw(top_text(*frame, fitted(style_of(session.console)))); drawn != ExitCode::Done)
        return drawn;
      const Deadline next = Deadline::after(clock, every);
      while (!next.passed(clock) && !session.stop.stop_requested()) std::this_thread::sleep_for(kSlice);
    }
  }
  if (failure) return session.fail(*failure);
  return signal_received() == ExitCode::Terminated ? ExitCode::Terminated : ExitCode::Done;
}

}  // namespace

ExitCode run_top(Session& session) {
  auto look = TopLook::open(session);
  if (!look) return session.fail(look.error());
  const char* term = std::getenv("TERM");
  const bool can_draw = session.console.stdout_is_terminal() && term != nullptr && std::string_view(term) != "dumb";
  const bool once =
      session.invocation.has("--once") || session.invocation.has("--output") || session.format() != "text" || !can_draw;
  return once ? show_once(session, *look) : show_live(session, *look);
}

}  // namespace wrench::app
