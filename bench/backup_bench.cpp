// What a backup costs beside a plain copy of the same bytes, and those who write meanwhile. On SQLite. One JSON line on
// standard output.
//
//   wrench_backup_bench DIRECTORY [MIB]
//
// DIRECTORY needs five times MIB (1024 unless told), on the disk that is measured. The engine makes the first tasks;
// copies of them, made with SQL, make up the size. While a backup is taken, clients create tasks of one step at a fixed
// rate, as they did before.

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <filesystem>
#include <string>
#include <thread>
#include <vector>

#include "bench.hpp"
#include "fill.hpp"
#include "wrench/base/random.hpp"
#include "wrench/storage/backup.hpp"
#include "wrench/storage/store.hpp"
#include "wrench/workflow/checker.hpp"
#include "wrench/workflow/engine.hpp"

namespace wrench::workflow {
namespace {

using bench::must;
using bench::seconds_since;
using bench::Sql;
using bench::SteadyClock;
using codec::Json;

constexpr std::int64_t kMibDefault = 1024;
constexpr std::int64_t kRealTasks = 2'000;
constexpr int kClients = 8;
constexpr std::chrono::milliseconds kBetweenTasks(5);
constexpr std::chrono::seconds kBefore(10);
constexpr Micros kPatience = 60 * kMicrosPerSecond;
constexpr std::string_view kOneStep =
    R"({"v":1,"nodes":[{"id":"a","kind":"call","capability":"t.x","effect":"pure"}]})";

SystemClock g_clock;
SystemRandom g_random;

std::unique_ptr<storage::Store> open_store(const std::string& directory) {
  return bench::open_store(directory, g_clock, g_random);
}

std::unique_ptr<Engine> open_engine(storage::Store& store) {
  EngineConfig config;
  config.boot_id = "bench";
  config.slots = {2, 256, 2};
  config.threads = 2;
  config.boot_is_live = [](std::string_view) { return true; };
  return must(Engine::open(store, std::move(config), g_clock, g_random));
}

CreateTask one_step() {
  CreateTask out;
  out.title = "a task of ordinary length";
  out.plan = must(Plan::parse_text(kOneStep));
  return out;
}

void fill(const std::string& directory, std::uint64_t bytes) {
  std::filesystem::create_directory(directory);
  bench::Noop runner;
  {
    const auto store = open_store(directory);
    const auto engine = open_engine(*store);
    engine->start(runner);
    for (auto& receipt : engine->create_all(std::vector<CreateTask>(kRealTasks, one_step())))
      must(engine->wait(must(std::move(receipt)).task_id, Deadline::after(g_clock, kPatience), {}));
  }
  Sql sql(directory);
  sql.run("PRAGMA wal_checkpoint(TRUNCATE)");
  const auto made = static_cast<std::uint64_t>(sql.number("PRAGMA page_count") * sql.number("PRAGMA page_size"));
  const auto tasks = static_cast<std::int64_t>(static_cast<double>(kRealTasks) * static_cast<double>(bytes) /
                                               static_cast<double>(made));
  const auto many = [&](const std::string& table, const std::map<std::string, std::string>& shift) {
    const std::int64_t rows_each = sql.number("SELECT count(*) FROM " + table) / kRealTasks;
    sql.multiply(table, "1", kRealTasks, tasks, shift, rows_each);
  };
  many("tasks", {{"id", "id + ?"}, {"task_id", "'tsk_' || printf('%026d', id + ?)"}});
  many("task_executions",
       {{"id", "id + ?"}, {"execution_id", "'exe_' || printf('%026d', id + ?)"}, {"task_id", "task_id + ?"}});
  many("steps", {{"execution_id", "execution_id + ?"}});
  many("journal", {{"execution_id", "execution_id + ?"}});
  const std::int64_t events = sql.number("SELECT max(seq) FROM events");
  sql.multiply("events", "1", events, events * tasks / kRealTasks, {{"seq", "seq + ?"}});
  sql.run("UPDATE event_clock SET next = (SELECT max(seq) + 1 FROM events)");
  sql.run("PRAGMA wal_checkpoint(TRUNCATE)");
}

/// Creates tasks at a fixed rate, and keeps how long each took until it was durable, in milliseconds.
class Load {
 public:
  explicit Load(Engine& engine) : engine_(engine) {
    for (int i = 0; i < kClients; ++i)
      threads_.emplace_back([this, i](const std::stop_token& stop) { work(stop, took_[static_cast<std::size_t>(i)]); });
  }
  std::vector<double> stop() {
    std::vector<double> all;
    for (std::jthread& thread : threads_) thread.request_stop();
    for (std::jthread& thread : threads_) thread.join();
    for (const std::vector<double>& some : took_) all.insert(all.end(), some.begin(), some.end());
    return all;
  }

 private:
  void work(const std::stop_token& stop, std::vector<double>& took) {
    for (auto next = SteadyClock::now(); !stop.stop_requested(); next += kBetweenTasks * kClients) {
      std::this_thread::sleep_until(next);
      const auto start = SteadyClock::now();
      must(engine_.create(one_step()));
      took.push_back(seconds_since(start) * 1e3);
    }
  }
  Engine& engine_;
  std::array<std::vector<double>, kClients> took_;
  std::vector<std::jthread> threads_;
};

Json latency(std::vector<double> took) {
  const double p50 = bench::percentile(took, 50), p99 = bench::percentile(took, 99);
  return Json::object(
      {{"tasks", static_cast<std::int64_t>(took.size())}, {"p50_ms", p50}, {"p99_ms", p99}, {"max_ms", took.back()}});
}

/// Seconds of a copy by the kernel's copy_file_range(), as cp does, and an fsync.
double copy(const std::string& from, const std::string& to) {
  const auto start = SteadyClock::now();
  std::filesystem::copy_file(from, to);
  const int file = ::open(to.c_str(), O_RDONLY | O_CLOEXEC);
  if (file < 0 || ::fsync(file) != 0) std::exit(1);
  ::close(file);
  const double took = seconds_since(start);
  std::filesystem::remove(to);
  return took;
}

int run(const std::string& directory, std::uint64_t bytes) {
  const std::string data = directory + "/data", backups = directory + "/backups";
  fill(data, bytes);
  const std::string database = data + "/store.db";
  Json out = Json::object({{"bytes", static_cast<std::int64_t>(std::filesystem::file_size(database))}});
  const double raw = std::min(copy(database, directory + "/copy"), copy(database, directory + "/copy"));
  out.set("copy_s", raw);
  storage::BackupOptions options;
  options.data_directory = data;
  options.to = backups;
  const auto timed = [&](const std::string& name, auto body) {
    const auto start = SteadyClock::now();
    auto result = must(body());
    out.set(name + "_s", seconds_since(start));
    out.set(name + "_ratio", seconds_since(start) / raw);
    return result;
  };
  const storage::BackupFile quiet = timed("backup", [&] { return storage::create_backup(options, g_clock); });
  out.set("backup_bytes", static_cast<std::int64_t>(quiet.bytes));
  storage::VerifyOptions verify;
  verify.statements = {statements()};
  const auto verified = [&](const std::string& name) {
    const auto report = timed(name, [&] { return storage::verify_backup(quiet.path, verify, g_clock, g_random); });
    if (report.problems.empty()) return;
    std::fprintf(stderr, "%s\n", report.problems.front().c_str());
    std::exit(1);
  };
  verified("verify_bytes");
  verify.check = [](storage::Store& checked) -> Result<std::vector<std::string>> {
    CheckReport report = WRENCH_TRY(check_store(checked, {}));
    return std::move(report.problems);
  };
  verified("verify");
  const auto store = open_store(data);
  const auto engine = open_engine(*store);
  bench::Noop runner;
  engine->start(runner);
  Load before(*engine);
  std::this_thread::sleep_for(kBefore);
  const Json alone = latency(before.stop());
  Load during(*engine);
  timed("backup_under_load", [&] { return storage::create_backup(options, g_clock); });
  const Json beside = latency(during.stop());
  out.set("writer_alone", alone);
  out.set("writer_during", beside);
  out.set("writer_p99_ratio", beside.at("p99_ms").as_double() / alone.at("p99_ms").as_double());
  std::printf("%s\n", codec::write_json(out).c_str());
  return 0;
}

}  // namespace
}  // namespace wrench::workflow

int main(int argc, char** argv) {
  if (argc < 2 || argc > 3) {
    std::fprintf(stderr, "usage: wrench_backup_bench DIRECTORY [MIB]\n");
    return 2;
  }
  const std::int64_t mib = argc > 2 ? std::strtoll(argv[2], nullptr, 10) : wrench::workflow::kMibDefault;
  return wrench::workflow::run(argv[1], static_cast<std::uint64_t>(mib) << 20U);
}
