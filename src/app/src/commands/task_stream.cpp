#include <algorithm>
#include <charconv>
#include <chrono>
#include <map>
#include <thread>

#include "../output.hpp"
#include "../workspace.hpp"
#include "commands.hpp"
#include "task_lookup.hpp"
#include "wrench/base/text.hpp"
#include "wrench/codec/json.hpp"
#include "wrench/workflow/streams.hpp"

namespace wrench::app {

namespace {

using codec::Json;
using workflow::StepView;
using workflow::StreamPage;
using workflow::StreamPosition;

/// As often as steps say something.
constexpr std::chrono::microseconds kPollEvery{workflow::kStreamPause};

/// "120", or "2:120" of one run.
Result<StreamPosition> position_from(std::string_view text) {
  StreamPosition out;
  const auto number = [](std::string_view digits, std::int64_t& value) {
    const auto [end, failure] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
    return failure == std::errc() && end == digits.data() + digits.size() && value >= 0;
  };
  const auto colon = text.find(':');
  const bool good = colon == std::string_view::npos
                        ? number(text, out.offset)
                        : number(text.substr(0, colon), out.run) && number(text.substr(colon + 1), out.offset);
  if (good) return out;
  return Error("cli.invalid_value",
               "'" + escape_for_display(text) + "' is no offset: N, or RUN:N of one run of the step");
}

/// The step that --step names: by its number, or all steps of a node.
bool is_wanted(const StepView& step, std::string_view wanted) {
  return wanted.empty() || step.node == wanted || std::to_string(step.step_no) == wanted;
}

class Follower {
 public:
  Follower(Session& session, Workspace& space, std::int64_t execution_no)
      : session_(session), space_(space), execution_no_(execution_no), wanted_(session.invocation.value("--step")) {}

  Result<void> begin() {
    if (const auto offset = session_.invocation.value("--offset"); !offset.empty()) {
      from_ = WRENCH_TRY(position_from(offset));
      if (wanted_.empty()) return Error("cli.invalid_value", "--offset is that of one step: name it with --step");
    }
    WRENCH_TRY(look_at_steps());
    if (!wanted_.empty() && std::ranges::none_of(steps_, [&](const auto& s) { return is_wanted(s.second, wanted_); }))
      return Error("workflow.step_not_found", "the task has no step '" + escape_for_display(wanted_) + "'");
    return {};
  }

  /// Tells what is new.
  Result<void> look() {
    std::int64_t after = 0;
    for (;;) {
      const auto page = WRENCH_TRY(
          space_.store().read([&](storage::ReadTx& tx) { return workflow::list_streams(tx, execution_no_, after); }));
      for (const auto& stream : page) {
        after = stream.step_no;
        WRENCH_TRY(look_at(stream));
      }
      if (page.size() < workflow::kStreamPageMax) return {};
    }
  }

  /// No wanted step will say more.
  bool ended() const {
    return std::ranges::all_of(steps_, [&](const auto& entry) {
      return !is_wanted(entry.second, wanted_) || workflow::is_terminal(entry.second.state);
    });
  }

  Result<void> look_at_steps() {
    std::int64_t after = 0;
    for (;;) {
      auto page = WRENCH_TRY(
          space_.store().read([&](storage::ReadTx& tx) { return workflow::list_steps(tx, execution_no_, after); }));
      for (auto& step : page) {
        after = step.step_no;
        steps_[after] = std::move(step);
      }
      if (page.size() < workflow::kStepPageMax) return {};
    }
  }

 private:
  Result<void> look_at(const workflow::StreamView& stream) {
    if (!steps_.contains(stream.step_no)) WRENCH_TRY(look_at_steps());
    const auto step = steps_.find(stream.step_no);
    if (step == steps_.end() || !is_wanted(step->second, wanted_)) return {};
    StreamPosition& at = at_.try_emplace(stream.step_no, from_).first->second;
    while (stream.run != at.run || stream.bytes > at.offset) {
      const StreamPage page = WRENCH_TRY(space_.store().read(
          [&](storage::ReadTx& tx) { return workflow::read_stream(tx, execution_no_, stream.step_no, at); }));
      if (page.stream.run == 0) return {};  // Dropped meanwhile.
      const bool anew = at.run != page.stream.run;
      at = {page.stream.run, std::max(page.offset, at.run == page.stream.run ? at.offset : 0) +
                                 static_cast<std::int64_t>(page.text.size())};
      if (page.text.empty()) return {};
      tell(step->second, page, anew);
      if (session_.console.flush() != ExitCode::Done) return {};
    }
    return {};
  }

  void tell(const StepView& step, const StreamPage& page, bool anew) {
    if (session_.format() == "json") {
      session_.console.out(codec::write_json(Json::object({{"schema", "wrench.task_stream/1"},
                                                           {"step_no", step.step_no},
                                                           {"node", step.node},
                                                           {"run", page.stream.run},
                                                           {"attempt", page.stream.attempt},
                                                           {"offset", page.offset},
                                                           {"text", page.text},
                                                           {"left_out", page.stream.left_out}})) +
                           "\n");
      return;
    }
    const bool another = told_ != step.step_no;
    if ((another || anew) && !(wanted_ == std::to_string(step.step_no) && page.stream.run == 1)) {
      if (!line_ended_) session_.console.out("\n");
      session_.console.out("-- " + Console::safe(step.node) + ", step " + std::to_string(step.step_no) +
                           (page.stream.attempt > 1 ? ", attempt " + std::to_string(page.stream.attempt) : "") +
                           (page.offset > 0 ? ", from byte " + std::to_string(page.offset) : "") + "\n");
    }
    told_ = step.step_no;
    line_ended_ = page.text.ends_with('\n');
    session_.console.out(escape_for_display(page.text, Newlines::Keep));
    if (page.stream.left_out > 0 && page.offset + static_cast<std::int64_t>(page.text.size()) == page.stream.bytes)
      session_.console.note(step.node + " said " + format_bytes(static_cast<std::uint64_t>(page.stream.left_out)) +
                            " more, which a stream has no room for");
  }

  Session& session_;
  Workspace& space_;
  const std::int64_t execution_no_;
  const std::string wanted_;
  StreamPosition from_;
  std::map<std::int64_t, StepView> steps_;
  std::map<std::int64_t, StreamPosition> at_;
  std::int64_t told_ = 0;
  bool line_ended_ = true;
};

/// The exit code is that of reading: what became of the task is another question.
Result<ExitCode> follow(Session& session, Workspace& space, const std::string& id) {
  const auto task = WRENCH_TRY(find_task(space, id));
  const auto execution = WRENCH_TRY(latest_execution(space, task));
  const Deadline end = deadline_of(session, space.clock());
  Follower follower(session, space, execution.execution_no);
  WRENCH_TRY(follower.begin());
  for (bool last = !session.invocation.has("--follow");;) {
    WRENCH_TRY(follower.look());
    if (const auto written = session.console.flush(); written != ExitCode::Done || last) return written;
    if (session.stop.stop_requested()) return Error("workflow.wait_stopped", "stopped following; the task goes on");
    if (end.passed(space.clock()))
      return Error("workflow.wait_deadline", "the time of --timeout is over; the task goes on");
    std::this_thread::sleep_for(kPollEvery);
    WRENCH_TRY(follower.look_at_steps());
    const auto latest = WRENCH_TRY(latest_execution(space, task));
    last = follower.ended() || latest.execution_no != execution.execution_no || workflow::is_terminal(latest.status);
  }
}

}  // namespace

ExitCode run_task_stream(Session& session) {
  auto space = Workspace::open(session, Workspace::Use::Read);
  if (!space) return session.fail(space.error());
  const auto code = follow(session, **space, session.invocation.arguments.front());
  return code ? *code : session.fail(code.error());
}

}  // namespace wrench::app
