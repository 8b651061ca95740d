#include "task_standing.hpp"

#include <map>
#include <utility>

#include "task_lookup.hpp"
#include "wrench/base/ulid.hpp"
#include "wrench/workflow/monitor.hpp"

namespace wrench::app {

namespace {

using workflow::DependencyView;
using workflow::TaskState;
using workflow::TaskView;

/// Of what a task waits for, which waits itself, and so on, so many are looked at.
constexpr int kLookedAtMax = 200;

std::string last_of(std::string_view task_id) { return std::string(short_id(task_id)); }

class Standings {
 public:
  explicit Standings(Workspace& space) : space_(space) {}

  Result<Standing> of(const TaskView& task) {
    using Kind = Standing::Kind;
    const std::string id = last_of(task.task_id);
    if (workflow::is_terminal(task.state)) return Standing{.kind = Kind::Ended, .why = {}, .help = {}};
    if (task.state == TaskState::Queued) return of_queued(task);
    if (task.state == TaskState::Draft)
      return Standing{.kind = Kind::Person, .why = "it is a draft", .help = {"wrench task run " + id}};
    if (task.state == TaskState::Paused)
      return Standing{.kind = Kind::Person, .why = "it is paused", .help = {"wrench task resume " + id}};
    if (contains(WRENCH_TRY(interrupted_tasks(space_)), task.task_id) &&
        stays_interrupted(space_, WRENCH_TRY(latest_execution(space_, task))))
      return Standing{.kind = Kind::Nobody, .why = "nobody runs it", .help = {"wrench task resume " + id}};
    const bool still =
        WRENCH_TRY(space_.store().read([&](storage::ReadTx& tx) { return workflow::stands_still(tx, task); }));
    if (!still) return Standing{};
    return Standing{
        .kind = Kind::Person, .why = "it goes on when somebody does something", .help = {"wrench task show " + id}};
  }

 private:
  Result<Standing> of_queued(const TaskView& task) {
    const std::string id = last_of(task.task_id);
    const auto others = WRENCH_TRY(in_the_way(space_, task));
    for (const DependencyView& other : others)
      if (workflow::is_terminal(other.state))
        return Standing{.kind = Standing::Kind::Nobody,
                        .why = sentence(other),
                        .help = {"wrench task retry " + last_of(other.task_id), "wrench task cancel " + id}};
    Standing out;
    for (const DependencyView& other : others) {
      const Standing its = WRENCH_TRY(of_open(other));
      const bool worse = its.kind > out.kind;
      if (!worse && !out.why.empty()) continue;
      out = its;
      out.why = sentence(other) + (its.why.empty() ? "" : ": " + its.why);
    }
    if (!others.empty()) return out;
    if (space_.has_workers()) {
      const bool any = WRENCH_TRY(space_.store().read(
          [&](storage::ReadTx& tx) { return workflow::is_offered(tx, {}, space_.clock().now_us()); }));
      if (!any) out.why = "no worker runs";
      if (!any) out.help = {"wrench worker"};
      return out;
    }
    if (space_.is_served()) return out;
    const std::string parent =
        WRENCH_TRY(space_.store().read([&](storage::ReadTx& tx) { return workflow::find_parent(tx, task.task_no); }));
    // Whoever runs the task that began it begins it.
    if (!parent.empty()) {
      const TaskView above = WRENCH_TRY(find_task(space_, parent));
      const Standing its = WRENCH_TRY(of(above));
      if (its.kind == Standing::Kind::GoesOn || its.kind == Standing::Kind::Person) return out;
    }
    return Standing{.kind = Standing::Kind::Nobody,
                    .why = "no server runs here",
                    .help = {"wrench serve", "wrench task resume " + id}};
  }

  static std::string sentence(const DependencyView& other) {
    const std::string_view end = other.policy == "ignore" ? "ended" : "completed";
    return "it begins when " + last_of(other.task_id) + " has " + std::string(end) + ", which is " +
           std::string(workflow::name(other.state));
  }

  /// Of many that wait for the same one, that one is looked at once.
  Result<Standing> of_open(const DependencyView& other) {
    if (const auto known = known_.find(other.task_id); known != known_.end()) return known->second;
    if (++looked_at_ > kLookedAtMax) return Standing{};
    const TaskView task = WRENCH_TRY(find_task(space_, other.task_id));
    Standing out = WRENCH_TRY(of(task));
    return known_.emplace(other.task_id, std::move(out)).first->second;
  }

  Workspace& space_;
  std::map<std::string, Standing> known_;
  int looked_at_ = 0;
};

}  // namespace

Result<Standing> standing_of(Workspace& space, const TaskView& task) { return Standings(space).of(task); }

std::string standing_text(const Standing& standing) {
  std::string out = standing.why;
  for (std::size_t i = 0; i < standing.help.size(); ++i) out += (i == 0 ? ": " : ", or ") + standing.help[i];
  return out;
}

Result<std::vector<DependencyView>> in_the_way(Workspace& space, const TaskView& task) {
  if (task.state != TaskState::Queued) return std::vector<DependencyView>();
  auto out = WRENCH_TRY(
      space.store().read([&](storage::ReadTx& tx) { return workflow::list_dependencies(tx, task.task_no); }));
  std::erase_if(out, [](const DependencyView& other) { return !other.in_the_way; });
  return out;
}

Result<std::vector<std::string>> queued_tasks(Workspace& space) {
  std::vector<std::string> out;
  if (space.has_workers()) return out;
  const auto orphans = WRENCH_TRY(space.store().read([&](storage::ReadTx& tx) {
    return workflow::list_orphans(tx, [&](std::string_view boot) { return space.is_live(boot); }, {});
  }));
  for (const auto& orphan : orphans)
    if (orphan.task.state == TaskState::Queued && WRENCH_TRY(in_the_way(space, orphan.task)).empty())
      out.push_back(orphan.task.task_id);
  return out;
}

}  // namespace wrench::app
