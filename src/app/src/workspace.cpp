#include "workspace.hpp"

#include <cstdlib>

#include "wrench/agents/builtin.hpp"
#include "wrench/base/ulid.hpp"

namespace wrench::app {

namespace {

constexpr Micros kDrainPatience = 5 * kMicrosPerSecond;

std::string environment(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

Result<std::unique_ptr<storage::Store>> open_store(const std::string& directory, storage::StoreAccess access,
                                                   const Clock& clock, Random& random) {
  storage::StoreConfig config;
  config.directory = directory;
  config.statements = {workflow::statements(), agents::memory_statements()};
  config.access = access;
  auto opened = storage::Store::open(std::move(config), clock, random);
  if (opened || access == storage::StoreAccess::Write) return opened;
  if (opened.error().code != "storage.not_found" && opened.error().code != "storage.schema_older") return opened;
  auto written = open_store(directory, storage::StoreAccess::Write, clock, random);
  if (!written) return std::move(written).error().because(std::move(opened).error());
  return written;
}

}  // namespace

std::string data_directory(const Session& session) {
  if (session.invocation.has("--data-dir")) return std::string(session.invocation.value("--data-dir"));
  if (auto set = environment("WRENCH_DATA_DIR"); !set.empty()) return set;
  if (auto xdg = environment("XDG_DATA_HOME"); xdg.starts_with('/')) return xdg + "/wrench";
  if (auto home = environment("HOME"); home.starts_with('/')) return home + "/.local/share/wrench";
  return {};
}

Result<agents::Registry> builtin_agents() {
  agents::Registry registry;
  WRENCH_TRY(registry.add(agents::make_super()));
  WRENCH_TRY(registry.add(agents::make_code_analysis()));
  WRENCH_TRY(registry.add(agents::make_infosec()));
  WRENCH_TRY(registry.add(agents::make_inspector()));
  WRENCH_TRY(registry.add(agents::make_journey()));
  return registry;
}

Result<std::unique_ptr<Workspace>> Workspace::open(Session& session, Use use, std::optional<MockScript> mocked) {
  const auto jobs = session.invocation.number("--jobs", 0);
  std::unique_ptr<Workspace> space(new Workspace(static_cast<std::size_t>(jobs)));
  space->registry_ = WRENCH_TRY(builtin_agents());
  auto directory = data_directory(session);
  if (directory.empty()) {
    space->temporary_.emplace(WRENCH_TRY(runtime::TempDir::create("wrench-data")));
    directory = space->temporary_->path();
    session.console.note(
        "no home folder: this run's data is in a temporary folder and is gone afterwards; set WRENCH_DATA_DIR to keep "
        "it");
  }
  const auto access = use == Use::Read ? storage::StoreAccess::Read : storage::StoreAccess::Write;
  space->store_ = WRENCH_TRY(open_store(directory, access, space->clock_, space->random_));
  space->boots_ = directory + "/boots";
  if (use == Use::Read) return space;
  space->boot_.emplace(
      WRENCH_TRY(runtime::BootLock::acquire(space->boots_, make_id("boot", space->clock_, space->random_))));
  workflow::EngineConfig engine_config;
  engine_config.boot_id = space->boot_->id();
  engine_config.actor = "user";
  // Analyses of one review run side by side; each spreads over the pool's threads.
  engine_config.slots = {2, 4, 4};
  if (session.invocation.has("--max-parallel"))
    engine_config.slots.fill(static_cast<int>(session.invocation.number("--max-parallel", 1)));
  engine_config.boot_is_live = [self = space.get()](std::string_view id) { return self->is_live(id); };
  space->engine_ =
      WRENCH_TRY(workflow::Engine::open(*space->store_, std::move(engine_config), space->clock_, space->random_));
  if (use == Use::Run) {
    space->memory_ = std::make_unique<agents::StoreMemory>(*space->store_);
    space->runner_ = std::make_unique<agents::AgentRunner>(space->registry_, space->pool_, space->clock_,
                                                           space->memory_.get(), space->store_.get());
    if (mocked) space->mock_ = std::make_unique<MockRunner>(std::move(*mocked), *space->runner_);
    if (space->mock_)
      space->engine_->start(*space->mock_);
    else
      space->engine_->start(*space->runner_);
  }
  return space;
}

Result<findings::Report> Workspace::take_report(const codec::Json& member) {
  if (runner_) return runner_->take_report(*store_, member);
  agents::ReportShelf nothing;
  return agents::take_report(nothing, *store_, member);
}

bool Workspace::is_live(std::string_view boot_id) const {
  // When in doubt it lives: taking work from a live process would run it twice.
  const auto liveness = runtime::BootLock::probe(boots_, boot_id);
  return !liveness || *liveness == runtime::BootLock::Liveness::Live;
}

void Workspace::drain() {
  // What doesn't return in time counts as lost and is resumed like after a crash: nothing to report.
  static_cast<void>(engine_->drain(Deadline::after(clock_, kDrainPatience)));
}

Workspace::~Workspace() = default;

}  // namespace wrench::app
