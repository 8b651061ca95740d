#include "wrench/agents/runner.hpp"

#include <algorithm>
#include <charconv>
#include <iterator>
#include <map>
#include <mutex>
#include <optional>
#include <utility>

#include "wrench/base/text.hpp"
#include "wrench/codec/json_schema.hpp"
#include "wrench/findings/secret_mask.hpp"
#include "wrench/findings/source_lookup.hpp"
#include "wrench/scan/tree_sources.hpp"

namespace wrench::agents {
namespace {

using codec::Json;

/// "infosec.scan_secrets@2" -> id and version; without a version any fits.
struct Reference {
  std::string_view id;
  int version = 0;
};

Reference split_reference(std::string_view text) {
  const auto at = text.find('@');
  Reference out{text.substr(0, at), 0};
  if (at == std::string_view::npos) return out;
  const auto [end, failure] = std::from_chars(text.data() + at + 1, text.data() + text.size(), out.version);
  if (failure != std::errc() || end != text.data() + text.size()) out.version = -1;
  return out;
}

Result<const Capability*> resolve(const Registry& registry, std::string_view text) {
  const auto reference = split_reference(text);
  const auto* capability = registry.capability(reference.id);
  if (capability == nullptr)
    return Error("agent.no_such_capability", "no capability '" + escape_for_display(reference.id) + "'")
        .with_help("wrench agent list");
  if (reference.version != 0 && reference.version != capability->version)
    return Error("agent.no_such_capability", capability->id + " has version " + std::to_string(capability->version) +
                                                 "; asked for was '" + escape_for_display(text) + "'");
  return capability;
}

Result<void> conforms(const Json& schema, const Json& value, std::string_view code, const std::string& what) {
  const auto compiled = WRENCH_TRY(codec::JsonSchema::compile(schema));
  const auto violations = compiled.validate(value);
  if (violations.empty()) return {};
  std::string message = what;
  for (const auto& violation : violations)
    message += "\n" + (violation.pointer.empty() ? "/" : violation.pointer) + " " + violation.message;
  return Error(code, message);
}

/// Without members that may be absent and are null: a reference to a step that failed or was skipped means null.
/// Nothing: there is none.
std::optional<Json> without_absent(const Json& schema, const Json& input) {
  const auto& required = schema.at("required").as_array();
  const auto& members = input.as_object();
  const auto absent = [&](const auto& member) {
    return member.second.is_null() &&
           std::ranges::none_of(required, [&](const Json& name) { return name.as_string() == member.first; });
  };
  if (std::ranges::none_of(members, absent)) return std::nullopt;
  Json out = Json::object();
  for (const auto& member : members)
    if (!absent(member)) out.set(member.first, member.second);
  return out;
}

/// Nothing analysed reaches a report without passing here.
Result<void> evidence_gate(const Capability& capability, AgentOutput& made) {
  if (!made.report || made.report_kind == AgentOutput::ReportKind::Final) return {};
  const auto before = made.report->findings.size();
  const auto dropped = drop_without_evidence(*made.report, scan::EvidenceSources(*made.report));
  if (static_cast<double>(dropped) > kEvidenceMissingMax * static_cast<double>(before))
    return Error("agent.evidence_missing", std::to_string(dropped) + " of " + std::to_string(before) + " findings of " +
                                               capability.id + " point at content that isn't there (any more)");
  made.report->run.complete = made.report->partial.empty();
  return {};
}

/// What the workflow says of an error, and what only agents can know.
workflow::FailureClass failure_class(const Error& error) {
  constexpr std::string_view kPassing[] = {"agent.evidence_missing", "scan.deadline", "history.deadline"};
  return std::ranges::find(kPassing, error.code) != std::end(kPassing) ? workflow::FailureClass::Retryable
                                                                       : workflow::failure_class(error);
}

workflow::Failed failed(Error error) {
  const auto failure = failure_class(error);
  return workflow::Failed{failure, std::move(error), {}};
}

Deadline earlier(const Deadline& deadline, std::int64_t wall_ms_max, const Clock& clock) {
  if (wall_ms_max <= 0) return deadline;
  const auto own = Deadline::after(clock, wall_ms_max * kMicrosPerMs);
  return own.at_us() < deadline.at_us() ? own : deadline;
}

workflow::Effect to_workflow(Effect effect) {
  switch (effect) {
    case Effect::Pure:
      return workflow::Effect::Pure;
    case Effect::LocalTransactional:
      return workflow::Effect::LocalTransactional;
    case Effect::Idempotent:
      return workflow::Effect::Idempotent;
    case Effect::Guarded:
      return workflow::Effect::Guarded;
  }
  return workflow::Effect::Guarded;
}

workflow::SlotClass slot_class(std::string_view slot) {
  if (slot == "io") return workflow::SlotClass::Io;
  return slot == "llm" ? workflow::SlotClass::Llm : workflow::SlotClass::Cpu;
}

constexpr std::string_view kMailSubscriber = "served";
constexpr Micros kAnswerTime = 60 * kMicrosPerSecond;

std::string agent_address(const std::string& name) { return "agent:" + name; }
std::string step_of(const workflow::StepInvocation& invocation) {
  return invocation.execution_id + "/" + std::to_string(invocation.step_no);
}

/// What the step sends and has read becomes part of its completion.
Result<void> correspond(const workflow::Messages& messages, const std::string& agent,
                        const workflow::StepInvocation& invocation, AgentOutput& made, workflow::StepContext& step) {
  const workflow::MessageSender sender{agent_address(agent), invocation.execution_no, step_of(invocation)};
  for (workflow::MessageDraft& draft : made.messages) {
    draft.idem_key = sender.source_step + "#" + std::to_string(&draft - made.messages.data());
    step.attach(WRENCH_TRY(messages.sending(sender, std::move(draft))));
  }
  for (std::string& id : made.read) step.attach(messages.acknowledging(std::move(id), sender.address));
  return {};
}

}  // namespace

std::size_t drop_without_evidence(findings::Report& report, const findings::SourceLookup& sources) {
  // `sources` gives a text only with the content that the report names for its path; all must name the same.
  std::map<std::string, std::string, std::less<>> content_of_path;
  for (const auto& finding : report.findings) content_of_path.try_emplace(finding.where.path, finding.where.content);
  const auto missing = [&](const findings::Finding& finding) -> std::string_view {
    if (finding.where.content.empty() || finding.where.content != content_of_path[finding.where.path])
      return "it doesn't name the content that was analysed";
    const auto text = sources.text(finding.where.path);
    // Nobody can look up a file whose name holds a secret, and one such name mustn't fail the review.
    if (text == nullptr && findings::holds_masked_secret(finding.where.path)) return {};
    if (text == nullptr) return "the file vanished or changed after it was analysed";
    if (finding.where.start.offset > finding.where.end.offset || finding.where.end.offset > text->size())
      return "the range lies outside of the file";
    return {};
  };
  const auto before = report.findings.size();
  std::erase_if(report.findings, [&](const findings::Finding& finding) {
    const auto reason = missing(finding);
    if (reason.empty()) return false;
    report.partial.push_back({"evidence_missing", finding.where.path, finding.rule, std::string(reason)});
    return true;
  });
  return before - report.findings.size();
}

Result<workflow::CapabilityTraits> AgentRunner::traits(std::string_view capability) const {
  const Capability* found = WRENCH_TRY(resolve(registry_, capability));
  return workflow::CapabilityTraits{to_workflow(found->effect), slot_class(found->slot)};
}

Result<AgentOutput> AgentRunner::carry_out(std::string_view name, const Json& given, AgentContext& context) const {
  const auto* capability = WRENCH_TRY(resolve(registry_, name));
  const auto trimmed = without_absent(capability->input_schema, given);
  const Json& input = trimmed ? *trimmed : given;
  const auto* agent = registry_.find(agent_of(capability->id));
  WRENCH_TRY(conforms(capability->input_schema, input, "agent.input_invalid",
                      "the input of " + capability->id + " doesn't fit its schema"));
  context.deadline = earlier(context.deadline, agent->spec().constraints.wall_ms_max, clock_);
  auto made = WRENCH_TRY(agent->execute(*capability, input, context));
  WRENCH_TRY(evidence_gate(*capability, made));
  if (made.report) {
    if (made.report_kind == AgentOutput::ReportKind::Final)
      std::ranges::copy_if(made.report->findings, std::back_inserter(made.findings),
                           [](const findings::Finding& finding) {
                             return !finding.suppressed || findings::is_dismissal(finding.suppressed->kind);
                           });
    made.output.set("report", WRENCH_TRY(context.reports.keep(std::move(*made.report))));
    made.report.reset();
  }
  WRENCH_TRY(check_output(capability->id, made.output));
  return made;
}

Result<void> AgentRunner::check_output(std::string_view name, const Json& output) const {
  const Capability* capability = WRENCH_TRY(resolve(registry_, name));
  return conforms(capability->output_schema, output, "agent.output_invalid",
                  "the output of " + capability->id + " doesn't fit its schema");
}

std::vector<workflow::Subscription> AgentRunner::mailboxes(const StopToken& stop) const {
  std::vector<workflow::Subscription> out;
  for (const auto& agent : registry_.agents()) {
    auto types = agent->mail();
    if (types.empty()) continue;
    workflow::Subscription mailbox;
    mailbox.subscriber = kMailSubscriber;
    mailbox.receiver = agent_address(agent->spec().name);
    mailbox.types = std::move(types);
    // What a step sends, a step of the same execution reads.
    mailbox.wants = [](const workflow::Message& message) { return message.source_step.empty(); };
    const Agent* who = &*agent;
    mailbox.handler = [this, who, stop](const workflow::Message& message) { return answer(*who, message, stop); };
    out.push_back(std::move(mailbox));
  }
  return out;
}

Result<storage::WriteBody> AgentRunner::answer(const Agent& agent, const workflow::Message& message,
                                               const StopToken& stop) const {
  InlineReports reports;
  AgentContext context{.stop = stop,
                       .deadline = Deadline::after(clock_, kAnswerTime),
                       .clock = clock_,
                       .pool = pool_,
                       .caches = caches_,
                       .reports = reports,
                       .memories = {},
                       .blocks = {}};
  context.deadline = earlier(context.deadline, agent.spec().constraints.wall_ms_max, clock_);
  AgentOutput made = WRENCH_TRY(agent.answer(message, context));
  std::vector<storage::WriteBody> bodies;
  for (workflow::MessageDraft& draft : made.messages) {
    draft.reply_to = message.message_id;
    draft.idem_key = message.message_id + "#" + std::to_string(bodies.size());
    bodies.push_back(
        WRENCH_TRY(services_.messages->sending({agent_address(agent.spec().name), 0, {}}, std::move(draft))));
  }
  return storage::WriteBody([bodies = std::move(bodies)](storage::WriteTx& tx) -> Result<void> {
    for (const auto& body : bodies) WRENCH_TRY(body(tx));
    return {};
  });
}

Result<AgentOutput> AgentRunner::call(std::string_view capability, const Json& input, const StopToken& stop,
                                      const Deadline& deadline) const {
  InlineReports reports;
  AgentContext context{.stop = stop,
                       .deadline = deadline,
                       .clock = clock_,
                       .pool = pool_,
                       .caches = caches_,
                       .reports = reports,
                       .memories = {},
                       .blocks = {}};
  return carry_out(capability, input, context);
}

workflow::StepOutcome AgentRunner::run(const workflow::StepInvocation& invocation, workflow::StepContext& step) {
  const Micros started_us = clock_.boot_us();
  auto outcome = run_step(invocation, step);
  if (services_.logger != nullptr) log_end(invocation, outcome, clock_.boot_us() - started_us);
  return outcome;
}

void AgentRunner::log_end(const workflow::StepInvocation& invocation, const workflow::StepOutcome& outcome,
                          Micros elapsed_us) const {
  using telemetry::LogLevel;
  const auto elapsed_ms = elapsed_us / kMicrosPerMs;
  if (const auto* failed = std::get_if<workflow::Failed>(&outcome)) {
    services_.logger->log(LogLevel::Error, "agents", "step failed: " + invocation.capability, failed->error);
    return;
  }
  const bool done = std::holds_alternative<workflow::Completed>(outcome);
  services_.logger->log(LogLevel::Info, "agents", done ? "step done" : "step given back",
                        {{"capability", invocation.capability},
                         {"task", invocation.task_id},
                         {"node", invocation.node},
                         {"attempt", invocation.attempt},
                         {"elapsed_ms", elapsed_ms}});
}

workflow::StepOutcome AgentRunner::run_step(const workflow::StepInvocation& invocation, workflow::StepContext& step) {
  StoredReports reports(reports_, step);
  AgentContext context{.stop = step.stop(),
                       .deadline = step.deadline(),
                       .clock = clock_,
                       .pool = pool_,
                       .caches = caches_,
                       .reports = reports,
                       .memories = {},
                       .blocks = {}};
  // A scan reports from all of its threads; the step's context is for one at a time.
  std::mutex ticking;
  context.progress = [&](double done, std::string_view what) {
    const std::lock_guard lock(ticking);
    step.tick({done, 1.0, std::string(what)});
  };
  context.say = [&](std::string_view text) { step.stream(text); };
  if (services_.store != nullptr)
    context.decisions = [&] {
      return services_.store->read(
          [&](storage::ReadTx& tx) { return workflow::triage::decisions_for(tx, invocation.execution_no); });
    };
  const std::string agent_name(agent_of(split_reference(invocation.capability).id));
  const auto* agent = registry_.find(agent_name);
  const bool remembers = services_.memory != nullptr && agent != nullptr && agent->spec().memory.enabled;
  if (remembers) {
    context.recall = [&](const Json& query, std::size_t limit) -> Result<std::vector<workflow::MemoryItem>> {
      return WRENCH_TRY(services_.memory->retrieve(agent_name, query, limit)).items;
    };
    if (const std::string_view root = invocation.input.at("tree").at("root").as_string(); !root.empty()) {
      auto recalled = context.recall(Json::object({{"$scope", root}}), kMemoriesRecalled);
      if (!recalled.ok()) return failed(std::move(recalled).error());
      context.memories = std::move(*recalled);
    }
    auto blocks = services_.memory->blocks(agent_name);
    if (!blocks.ok()) return failed(std::move(blocks).error());
    context.blocks = std::move(*blocks);
  }
  if (services_.messages != nullptr)
    context.inbox = [&](std::string_view type) -> Result<std::vector<workflow::Message>> {
      workflow::MessageQuery query;
      query.receiver = agent_address(agent_name);
      query.state = workflow::MessageState::Open;
      query.type = type;
      query.execution_no = invocation.execution_no;
      query.limit = workflow::kMessagePageMax;
      return WRENCH_TRY(services_.messages->list(query)).messages;
    };
  auto made = carry_out(invocation.capability, invocation.input, context);
  if (!made.ok()) {
    if (step.stop().stop_requested()) return workflow::Yielded{};
    return failed(std::move(made).error());
  }
  if (remembers) {
    for (workflow::MemoryDraft& draft : made->memories) {
      draft.agent = agent_name;
      draft.source_step = step_of(invocation);
      draft.keep_max = agent->spec().memory.items_max;
      auto body = services_.memory->storing(std::move(draft));
      if (!body.ok()) return failed(std::move(body).error());
      step.attach(std::move(*body));
    }
  }
  if (services_.messages != nullptr)
    if (auto sent = correspond(*services_.messages, agent_name, invocation, *made, step); !sent.ok())
      return failed(std::move(sent).error());
  if (made->report_kind == AgentOutput::ReportKind::Final)
    step.attach([all = std::move(made->taken_over), execution_no = invocation.execution_no](storage::WriteTx& tx) {
      return workflow::triage::after_review(tx, execution_no, all);
    });
  return workflow::Completed{std::move(made->output), std::move(made->findings)};
}

}  // namespace wrench::agents
