#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "wrench/agents/capability.hpp"
#include "wrench/base/clock.hpp"
#include "wrench/base/stop.hpp"
#include "wrench/findings/dismissal.hpp"
#include "wrench/findings/finding.hpp"
#include "wrench/runtime/worker_pool.hpp"
#include "wrench/storage/store.hpp"
#include "wrench/workflow/memory.hpp"
#include "wrench/workflow/messages.hpp"
#include "wrench/workflow/triage.hpp"

namespace wrench::agents {

class CacheShelf;
class Reports;

/// Limits of an agent, enforced by the AgentRunner, never by convention. 0 means no limit of its own.
struct Constraints {
  std::int64_t wall_ms_max = 0;  ///< Shortens the step's deadline.
  std::int64_t output_bytes_max = std::int64_t{64} << 20;
  bool network = false;  ///< No agent of today has it.
};

/// What an agent keeps between tasks.
struct MemoryConfig {
  bool enabled = false;
  std::int64_t items_max = 200;  ///< Of one scope.
};

struct AgentSpec {
  std::string name;  ///< [a-z][a-z0-9_]{1,31}
  int version = 1;
  std::string charter;  ///< The agent's role in words, at most 2 KiB.
  std::vector<Capability> capabilities;
  Constraints constraints;
  MemoryConfig memory;
};

/// What the runner gives a capability while it runs. Valid during execute() only.
struct AgentContext {
  StopToken stop;
  Deadline deadline;
  const Clock& clock;
  runtime::WorkerPool& pool;
  CacheShelf& caches;  ///< Results of earlier runs, by tree.
  Reports& reports;    ///< What members of the input that are reports stand for.
  /// What this agent remembers of the input's tree: the newest kMemoriesRecalled.
  std::vector<workflow::MemoryItem> memories;
  std::vector<workflow::MemoryBlock> blocks;  ///< Texts that people or the agent itself want it to have each time.
  /// More of it, by a query of workflow::Memory.
  std::function<Result<std::vector<workflow::MemoryItem>>(const codec::Json& query, std::size_t limit)> recall =
      [](const codec::Json&, std::size_t) { return std::vector<workflow::MemoryItem>(); };
  /// Messages of that type to this agent from steps of the same execution, which it hasn't read yet; in the order of
  /// sending.
  std::function<Result<std::vector<workflow::Message>>(std::string_view type)> inbox = [](std::string_view) {
    return std::vector<workflow::Message>();
  };
  /// What people decided about findings of the task's repository.
  std::function<Result<findings::Decisions>()> decisions = [] { return findings::Decisions(); };
  /// Says something to whoever follows the step; from any thread.
  std::function<void(std::string_view text)> say = [](std::string_view) {};
  std::function<void(double done, std::string_view what)> progress = [](double, std::string_view) {};
};

/// The one value a capability returns: the runner validates it, and the workflow commits it with the step.
struct AgentOutput {
  codec::Json output = codec::Json::object();
  /// Becomes the output's member `report`.
  std::optional<findings::Report> report;
  /// Analysed: found by this step; must pass the evidence gate. Final: put together from reports that passed it; its
  /// findings are stored with the step, those excepted that a comment or an agent suppressed.
  enum class ReportKind : std::uint8_t { Analysed, Final } report_kind = ReportKind::Analysed;
  std::vector<findings::Finding> findings;  ///< Rows to store with the step; the runner adds those of a Final report.
  std::vector<workflow::MemoryDraft> memories;   ///< The runner sets agent, source and limit.
  std::vector<workflow::MessageDraft> messages;  ///< Sent with the step's completion. The runner says who sends.
  std::vector<std::string> read;                 ///< Ids of messages of the inbox that are thereby dealt with.
  std::vector<workflow::TakenOver> taken_over;   ///< Decisions that hold for findings of the final report, too.
};

/// A named role with capabilities. Stateless between calls; called from several threads at once.
class Agent {
 public:
  virtual ~Agent() = default;
  virtual const AgentSpec& spec() const = 0;
  /// `input` has passed the capability's schema. Errors: agent.*, or what the layers below report.
  virtual Result<AgentOutput> execute(const Capability& capability, const codec::Json& input,
                                      AgentContext& context) const = 0;
  /// Types of messages that it answers at any time, beside those that its steps read; none by default.
  virtual std::vector<std::string> mail() const { return {}; }
  /// Answers one that no step sent. Of what it gives only `messages` count, and they are sent once, whatever happens.
  /// May run more than once.
  virtual Result<AgentOutput> answer(const workflow::Message& message, AgentContext& context) const {
    static_cast<void>(context);
    return Error("agent.no_answer", spec().name + " doesn't answer messages of the type " + message.type);
  }
};

}  // namespace wrench::agents
