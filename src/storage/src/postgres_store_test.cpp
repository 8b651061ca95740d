// What only PostgreSQL has: a network, a server that goes away, other processes that write. With a real server, and a
// proxy that cuts connections where it hurts.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <libpq-fe.h>

#include <atomic>
#include <chrono>
#include <cstdlib>
#include <functional>
#include <latch>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "database_url.hpp"
#include "wrench/storage/event_log.hpp"
#include "wrench/storage/store.hpp"
#include "wrench/storage/testing/postgres_server.hpp"
#include "wrench/storage/testing/tcp_proxy.hpp"

namespace wrench::storage {
namespace {

using ::testing::AnyOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;
using testing::PostgresServer;
using testing::TcpProxy;

constexpr Statement kAdd{
    .id = "test.add", .access = Access::Write, .sql = "INSERT INTO notes (id, text) VALUES (?1, ?2)"};
constexpr Statement kSet{.id = "test.set", .access = Access::Write, .sql = "UPDATE notes SET text = ?2 WHERE id = ?1"};
constexpr Statement kIds{.id = "test.ids", .sql = "SELECT id FROM notes ORDER BY id"};
constexpr Statement kGet{.id = "test.get", .sql = "SELECT id, text FROM notes WHERE id = ?1"};
constexpr Statement kSleep{.id = "test.sleep", .sql = "SELECT 1", .postgres = {.sql = "SELECT pg_sleep(?1)"}};
constexpr Statement kSuicide{
    .id = "test.suicide", .sql = "SELECT 1", .postgres = {.sql = "SELECT pg_terminate_backend(pg_backend_pid())"}};
constexpr Statement kNumeric{.id = "test.numeric", .sql = "SELECT sum(id) FROM notes"};
constexpr const Statement* kStatements[] = {&kAdd, &kSet, &kIds, &kGet, &kSleep, &kSuicide, &kNumeric};

constexpr std::chrono::milliseconds kPoll{5};
constexpr std::chrono::seconds kPatience{60};

/// Waits for what happens on other threads and machines.
bool eventually(const std::function<bool()>& is_so) {
  const auto end = std::chrono::steady_clock::now() + kPatience;
  while (!is_so()) {
    if (std::chrono::steady_clock::now() > end) return false;
    std::this_thread::sleep_for(kPoll);
  }
  return true;
}

class PostgresStoreTest : public ::testing::Test {
 protected:
  PostgresStoreTest() {
    migrations_.assign(embedded_migrations(Dialect::Postgres).begin(),
                       embedded_migrations(Dialect::Postgres).begin() + 1);
    migrations_.push_back(
        {2, "0002_notes.sql", "CREATE TABLE notes (id BIGINT PRIMARY KEY, text TEXT NOT NULL) STRICT;"});
  }

  StoreConfig config(const std::string& url) {
    StoreConfig config;
    config.database_url = url;
    config.statements = {kStatements};
    config.migrations = migrations_;
    return config;
  }
  Result<std::unique_ptr<Store>> open(const std::string& url) { return Store::open(config(url), clock_, random_); }
  std::unique_ptr<Store> open() { return open(url_).value(); }
  std::unique_ptr<Store> open_passive(const std::string& url) {
    StoreConfig passive = config(url);
    passive.mode = WriterMode::Passive;
    return Store::open(std::move(passive), clock_, random_).value();
  }
  std::unique_ptr<TcpProxy> proxy() { return TcpProxy::start(server_.port()).value(); }
  std::string url_of(const TcpProxy& proxy) { return server_.tcp_url(url_, proxy.port()); }
  std::string schema() const { return url_.substr(url_.rfind("%3D") + 3); }

  static WriteBody note(std::int64_t id) {
    return [id](WriteTx& tx) -> Result<void> {
      WRENCH_TRY(tx.exec(kAdd, {id, "note"}));
      return tx.append_event({.type = "note.added", .subject_kind = "note", .subject_id = std::to_string(id)});
    };
  }
  static std::vector<std::int64_t> ids(Store& store) {
    return store
        .read([](ReadTx& tx) -> Result<std::vector<std::int64_t>> {
          std::vector<std::int64_t> out;
          const Rows rows = WRENCH_TRY(tx.query(kIds));
          for (const auto row : rows) out.push_back(row.integer(0));
          return out;
        })
        .value();
  }
  /// Ids of all events in order; fails the test if a number is missing.
  static std::vector<std::int64_t> told(Store& store) {
    std::vector<std::int64_t> out;
    EventPage page;
    std::int64_t seq = 0;
    do {
      page = store.read([&](ReadTx& tx) { return event_log::read(tx, {}, page.next, kEventPageMax); }).value();
      for (const Event& event : page.events) {
        EXPECT_EQ(event.seq, ++seq);
        out.push_back(std::stoll(event.what.subject_id));
      }
    } while (page.more);
    return out;
  }
  std::string sql(const std::string& text) {
    Result<std::string> out = server_.sql(text, url_);
    EXPECT_TRUE(out.ok()) << describe(out.error());
    return out.ok() ? *out : "";
  }
  std::string own_backends() const {
    return "FROM pg_stat_activity WHERE application_name = 'wrench' AND pid <> pg_backend_pid()";
  }

  PostgresServer& server_ = PostgresServer::shared();
  std::string url_ = server_.new_schema_url();
  std::vector<Migration> migrations_;
  SystemClock clock_;
  SystemRandom random_;
};

// --- the answer to a COMMIT ---------------------------------------------------------------------------------------

TEST_F(PostgresStoreTest, ACommitWhoseAnswerGotLostCounts) {
  const auto cutting = proxy();
  const auto store = open(url_of(*cutting)).value();
  ASSERT_TRUE(store->write(note(1)).ok());
  cutting->cut_at("COMMIT", TcpProxy::Cut::After);
  EXPECT_TRUE(store->write(note(2)).ok());
  EXPECT_EQ(cutting->cuts(), 1);
  EXPECT_THAT(ids(*store), ElementsAre(1, 2));
  EXPECT_THAT(told(*store), ElementsAre(1, 2));
  EXPECT_EQ(store->stats().lost_answers, 1U);
  EXPECT_EQ(store->stats().flushes, 2U);
  EXPECT_FALSE(store->trouble());
}

TEST_F(PostgresStoreTest, ACommitThatNeverArrivedIsDoneAgain) {
  const auto cutting = proxy();
  const auto store = open(url_of(*cutting)).value();
  ASSERT_TRUE(store->write(note(1)).ok());
  cutting->cut_at("COMMIT", TcpProxy::Cut::Before);
  EXPECT_TRUE(store->write(note(2)).ok());
  EXPECT_EQ(cutting->cuts(), 1);
  EXPECT_THAT(ids(*store), ElementsAre(1, 2));
  EXPECT_THAT(told(*store), ElementsAre(1, 2));
  EXPECT_EQ(store->stats().lost_answers, 1U);
}

/// Found by ending backends under load: the error stood where the end of the exchange was due, and counted as the
/// COMMIT's.
TEST_F(PostgresStoreTest, AServerThatGoesDownRightAfterItsAnswerHasCommitted) {
  const auto cutting = proxy();
  const auto store = open(url_of(*cutting)).value();
  ASSERT_TRUE(store->write(note(1)).ok());
  cutting->end_after_answer("COMMIT");
  EXPECT_TRUE(store->write(note(2)).ok());
  EXPECT_EQ(cutting->cuts(), 1);
  EXPECT_TRUE(store->write(note(3)).ok());
  EXPECT_THAT(ids(*store), ElementsAre(1, 2, 3));
  EXPECT_THAT(told(*store), ElementsAre(1, 2, 3));
  EXPECT_EQ(store->stats().lost_answers, 0U);
}

/// A COMMIT that is still on its way when we have connected again and ask what became of it.
TEST_F(PostgresStoreTest, ACommitThatArrivesLateIsWaitedFor) {
  const auto cutting = proxy();
  const auto store = open(url_of(*cutting)).value();
  ASSERT_TRUE(store->write(note(1)).ok());
  for (const bool arrives : {true, false}) {
    cutting->cut_at("COMMIT", TcpProxy::Cut::Hold);
    std::atomic<bool> done{false};
    Result<void> outcome;
    std::thread writer([&] {
      outcome = store->write(note(arrives ? 2 : 3));
      done = true;
    });
    // Connected again, it waits for the row that the lost connection has locked.
    EXPECT_TRUE(
        eventually([&] { return sql("SELECT count(*) " + own_backends() + " AND wait_event_type = 'Lock'") == "1"; }));
    EXPECT_FALSE(done);
    arrives ? cutting->release() : cutting->drop();
    writer.join();
    EXPECT_TRUE(outcome.ok());
  }
  EXPECT_THAT(ids(*store), ElementsAre(1, 2, 3));
  EXPECT_THAT(told(*store), ElementsAre(1, 2, 3));
  EXPECT_EQ(store->stats().lost_answers, 2U);
}

/// Nobody tells the server that the client is gone. It must not keep the locks for ever.
TEST_F(PostgresStoreTest, ATransactionThatStandsStillIsEnded) {
  const auto cutting = proxy();
  StoreConfig impatient = config(url_of(*cutting));
  impatient.postgres.idle_in_transaction_us = 300 * kMicrosPerMs;
  const auto store = Store::open(std::move(impatient), clock_, random_).value();
  ASSERT_TRUE(store->write(note(1)).ok());
  cutting->cut_at("COMMIT", TcpProxy::Cut::Hold);
  EXPECT_TRUE(store->write(note(2)).ok());
  cutting->release();  // too late to count
  EXPECT_TRUE(store->write(note(3)).ok());
  EXPECT_THAT(ids(*store), ElementsAre(1, 2, 3));
  EXPECT_THAT(told(*store), ElementsAre(1, 2, 3));
}

TEST_F(PostgresStoreTest, ACutInTheMiddleOfAFlushLosesNothing) {
  const auto cutting = proxy();
  const auto store = open(url_of(*cutting)).value();
  ASSERT_TRUE(store->write(note(1)).ok());
  std::int64_t next = 2;
  for (const char* where : {"BEGIN", "note", "cut me"})
    for (const TcpProxy::Cut how : {TcpProxy::Cut::Before, TcpProxy::Cut::After}) {
      cutting->cut_at(where, how);
      const std::int64_t id = next++;
      EXPECT_TRUE(store
                      ->write([&](WriteTx& tx) -> Result<void> {
                        WRENCH_TRY(note(id)(tx));
                        WRENCH_TRY(tx.exec(kSet, {id, "cut me"}));
                        return {};
                      })
                      .ok());
    }
  EXPECT_EQ(cutting->cuts(), 6);
  EXPECT_EQ(store->stats().lost_answers, 0U);
  EXPECT_EQ(ids(*store).size(), 7U);
  EXPECT_EQ(told(*store).size(), 7U);
}

TEST_F(PostgresStoreTest, ACutWhileWritesAreSentLosesNothing) {
  const auto cutting = proxy();
  const auto store = open(url_of(*cutting)).value();
  ASSERT_TRUE(store->write(note(1)).ok());
  std::int64_t next = 2;
  for (const char* where : {"first sent", "sent after it"})
    for (const TcpProxy::Cut how : {TcpProxy::Cut::Before, TcpProxy::Cut::After}) {
      cutting->cut_at(where, how);
      const std::int64_t id = next++;
      EXPECT_TRUE(store
                      ->write([&](WriteTx& tx) -> Result<void> {
                        const Error not_all("test.not_all", "not every row");
                        const Bind add[] = {Bind(id), Bind("first sent")};
                        WRENCH_TRY(tx.send_many(kAdd, 2, add, not_all));
                        const Bind set[] = {Bind(id), Bind("sent after it")};
                        WRENCH_TRY(tx.send_many(kSet, 2, set, not_all));
                        return tx.append_event(
                            {.type = "note.added", .subject_kind = "note", .subject_id = std::to_string(id)});
                      })
                      .ok());
    }
  EXPECT_EQ(cutting->cuts(), 4);
  EXPECT_EQ(store->stats().lost_answers, 0U);  // COMMIT wasn't sent yet.
  EXPECT_THAT(ids(*store), ElementsAre(1, 2, 3, 4, 5));
  EXPECT_EQ(told(*store).size(), 5U);
}

TEST_F(PostgresStoreTest, AnIdleConnectionThatWasCutIsReplaced) {
  const auto store = open();
  ASSERT_TRUE(store->write(note(1)).ok());
  EXPECT_EQ(ids(*store).size(), 1U);
  sql("SELECT count(pg_terminate_backend(pid)) " + own_backends());
  ASSERT_TRUE(eventually([&] { return sql("SELECT count(*) " + own_backends()) == "0"; }));
  // The server lists no backend any more a moment before its connection hangs up; who reads just then is told so.
  ASSERT_TRUE(eventually([&] { return store->read([](ReadTx& tx) { return event_log::read(tx, {}, {}, 1); }).ok(); }));
  EXPECT_EQ(ids(*store).size(), 1U);
  EXPECT_TRUE(store->write(note(2)).ok());
  EXPECT_EQ(store->stats().reconnects, 1U);
  EXPECT_EQ(store->stats().lost_answers, 0U);
}

TEST_F(PostgresStoreTest, AJobThatBringsItsConnectionDownFailsAlone) {
  const auto store = open();
  std::latch all(11);
  std::atomic<int> good{0};
  std::string culprit;
  for (int i = 0; i < 11; ++i) {
    WriteBody body = note(i);
    if (i == 5)
      body = [](WriteTx& tx) -> Result<void> {
        WRENCH_TRY(tx.query(kSuicide));
        return {};
      };
    ASSERT_TRUE(store
                    ->submit({.body = body},
                             [&, i](const Result<void>& r) {
                               if (i == 5) culprit = r.ok() ? "ok" : r.error().code;
                               good += r.ok() ? 1 : 0;
                               all.count_down();
                             })
                    .ok());
  }
  all.wait();
  EXPECT_EQ(culprit, "storage.unreachable");
  EXPECT_EQ(good, 10);
  EXPECT_EQ(ids(*store).size(), 10U);
}

// --- a server that is away ----------------------------------------------------------------------------------------

TEST_F(PostgresStoreTest, WorkWaitsForAServerThatIsAway) {
  const auto cutting = proxy();
  const auto store = open(url_of(*cutting)).value();
  ASSERT_TRUE(store->write(note(1)).ok());
  cutting->refuse(TcpProxy::Present::Close);
  std::atomic<int> done{0};
  for (std::int64_t id = 2; id < 10; ++id)
    ASSERT_TRUE(store->submit({.body = note(id)}, [&](const Result<void>& r) { done += r.ok() ? 1 : 100; }).ok());
  EXPECT_TRUE(eventually([&] { return store->trouble().has_value(); }));
  EXPECT_EQ(store->trouble()->code, "storage.unreachable");
  const Result<void> late = store->write(note(99), Deadline::after(clock_, 50 * kMicrosPerMs));
  EXPECT_EQ(late.error().code, "storage.deadline");
  const auto read = store->read([](ReadTx& tx) { return tx.query(kIds); });
  EXPECT_EQ(read.error().code, "storage.unreachable");
  EXPECT_EQ(done, 0);
  cutting->accept_again();
  EXPECT_TRUE(eventually([&] { return done == 8; }));
  EXPECT_TRUE(eventually([&] { return !store->trouble(); })) << "also the connection for events comes back";
  EXPECT_EQ(ids(*store).size(), 9U);
}

TEST_F(PostgresStoreTest, ClosingDoesNotWaitForeverForAServerThatIsAway) {
  const auto cutting = proxy();
  StoreConfig quick = config(url_of(*cutting));
  quick.postgres.close_us = 100 * kMicrosPerMs;
  const auto store = Store::open(std::move(quick), clock_, random_).value();
  cutting->cut_at("COMMIT", TcpProxy::Cut::Before);
  std::mutex mutex;
  std::map<int, std::string> outcomes;
  const auto submit = [&](int id) {
    ASSERT_TRUE(store
                    ->submit({.body = note(id)},
                             [&, id](const Result<void>& r) {
                               const std::lock_guard lock(mutex);
                               outcomes[id] = r.ok() ? "ok" : r.error().code;
                             })
                    .ok());
  };
  cutting->refuse(TcpProxy::Present::Keep);
  submit(1);
  ASSERT_TRUE(eventually([&] { return cutting->cuts() == 1; }));
  submit(2);
  store->close();
  EXPECT_EQ(outcomes[1], "storage.outcome_unknown") << "only the server knows";
  EXPECT_EQ(outcomes[2], "storage.unreachable");
}

TEST_F(PostgresStoreTest, WithoutAThreadAServerThatIsAwayIsAnError) {
  const auto cutting = proxy();
  const auto store = open_passive(url_of(*cutting));
  ASSERT_TRUE(store->write(note(1)).ok());
  cutting->refuse(TcpProxy::Present::Close);
  EXPECT_EQ(store->write(note(2)).error().code, "storage.unreachable");
  cutting->accept_again();
  EXPECT_TRUE(store->write(note(3)).ok());
  EXPECT_THAT(ids(*store), ElementsAre(1, 3));
}

TEST_F(PostgresStoreTest, NoConnectionLeftIsTroubleUntilThereIsOne) {
  const auto store = open();
  ASSERT_TRUE(store->write(note(1)).ok());
  const std::string user = "crowd_" + schema();
  sql("CREATE ROLE " + user + " LOGIN SUPERUSER CONNECTION LIMIT 1");
  // A superuser has no limit of its own and may use the reserved connections: take all that the server has.
  struct Finish {
    void operator()(PGconn* connection) const { PQfinish(connection); }
  };
  std::vector<std::unique_ptr<PGconn, Finish>> crowd;
  const auto crowd_in = [&] {
    for (;;) {
      std::unique_ptr<PGconn, Finish> one(PQconnectdb(url_.c_str()));
      if (PQstatus(one.get()) != CONNECTION_OK) return;
      crowd.push_back(std::move(one));
    }
  };
  crowd_in();
  const Result<std::unique_ptr<Store>> second = open(url_);
  EXPECT_EQ(second.error().code, "storage.busy") << describe(second.error());
  // The writer loses its connection, and somebody else takes the place.
  PGresult* result = PQexec(crowd.front().get(), ("SELECT count(pg_terminate_backend(pid)) " + own_backends()).c_str());
  PQclear(result);
  EXPECT_TRUE(eventually([&] {
    crowd_in();
    return PQstatus(crowd.back().get()) == CONNECTION_OK && crowd.size() >= 40;
  }));
  std::atomic<bool> done{false};
  ASSERT_TRUE(store->submit({.body = note(2)}, [&](const Result<void>& r) { done = r.ok(); }).ok());
  EXPECT_TRUE(eventually([&] {
    const std::optional<Error> trouble = store->trouble();
    return trouble && trouble->code == "storage.busy";
  }));
  EXPECT_FALSE(done);
  crowd.clear();
  EXPECT_TRUE(eventually([&] { return done.load(); }));
}

// --- chaos --------------------------------------------------------------------------------------------------------

/// Writers on several stores under what `disturb` does, `rounds` times; then nothing acknowledged may be missing,
/// nothing be there twice, and the events gapless.
class PostgresChaos : public PostgresStoreTest {
 protected:
  void run(int rounds, const std::function<void(int round)>& disturb) {
    constexpr int kStores = 2;
    constexpr int kThreads = 3;
    std::vector<std::unique_ptr<Store>> stores;
    for (int i = 0; i < kStores; ++i) stores.push_back(open());
    std::atomic<bool> stopping{false};
    std::atomic<std::int64_t> next{0};
    std::mutex mutex;
    std::set<std::int64_t> acknowledged;
    std::map<std::string, int> refused;
    std::vector<std::thread> threads;
    for (int i = 0; i < kStores * kThreads; ++i)
      threads.emplace_back([&, i] {
        while (!stopping) {
          const std::int64_t id = next++;
          const Result<void> written = stores[static_cast<std::size_t>(i % kStores)]->write(note(id));
          const std::lock_guard lock(mutex);
          if (written.ok())
            acknowledged.insert(id);
          else
            ++refused[written.error().code];
        }
      });
    const auto count = [&] {
      const std::lock_guard lock(mutex);
      return acknowledged.size();
    };
    for (int round = 0; round < rounds; ++round) {
      const std::size_t before = count();
      disturb(round);
      constexpr std::size_t kProgress = 20;
      EXPECT_TRUE(eventually([&] { return count() >= before + kProgress; })) << "it goes on after round " << round;
    }
    stopping = true;
    for (std::thread& thread : threads) thread.join();
    std::uint64_t lost_answers = 0;
    std::uint64_t reconnects = 0;
    for (const auto& store : stores) {
      lost_answers += store->stats().lost_answers;
      reconnects += store->stats().reconnects;
      store->close();
    }
    const auto store = open();
    const std::vector<std::int64_t> stored = ids(*store);
    const std::set<std::int64_t> kept(stored.begin(), stored.end());
    for (const std::int64_t id : acknowledged) EXPECT_TRUE(kept.contains(id)) << "acknowledged and lost: " << id;
    for (const auto& [code, times] : refused) EXPECT_EQ(code, "storage.unreachable") << times;
    std::vector<std::int64_t> events = told(*store);
    EXPECT_EQ(std::set<std::int64_t>(events.begin(), events.end()), kept);
    EXPECT_EQ(events.size(), kept.size()) << "an event for each row, once";
    EXPECT_EQ(acknowledged.size() + static_cast<std::size_t>(refused["storage.unreachable"]),
              static_cast<std::size_t>(next));
    EXPECT_EQ(kept.size(), acknowledged.size()) << "what was refused wasn't written";
    EXPECT_GE(reconnects, 1U);
    std::printf("[   INFO   ] %zu acknowledged, %llu reconnects, %llu lost answers\n", acknowledged.size(),
                static_cast<unsigned long long>(reconnects), static_cast<unsigned long long>(lost_answers));
  }
  /// WRENCH_CHAOS_ROUNDS makes it long.
  static int rounds(int few) {
    const char* many = std::getenv("WRENCH_CHAOS_ROUNDS");
    return many == nullptr ? few : std::atoi(many);
  }
};

TEST_F(PostgresChaos, TheServerCrashesAgainAndAgain) {
  run(rounds(3), [&](int) {
    ASSERT_TRUE(server_.stop(PostgresServer::Stop::Immediate).ok());
    ASSERT_TRUE(server_.start_again().ok());
  });
}

TEST_F(PostgresChaos, BackendsAreEndedAgainAndAgain) {
  run(rounds(20), [&](int) { sql("SELECT count(pg_terminate_backend(pid)) " + own_backends()); });
}

TEST_F(PostgresChaos, ABackendIsKilled) {
  run(rounds(2), [&](int) {
    const Result<std::string> pid = server_.sql("SELECT pid " + own_backends() + " LIMIT 1", url_);
    if (pid.ok() && !pid->empty()) server_.kill_backend(std::stoi(*pid));
    // The postmaster takes all others down and starts anew by itself.
  });
}

// --- others who write ---------------------------------------------------------------------------------------------

class Deadlock : public PostgresStoreTest, public ::testing::WithParamInterface<bool> {};

TEST_P(Deadlock, IsDoneAgain) {
  const bool sends = GetParam();
  const auto a = open();
  const auto b = open();
  ASSERT_TRUE(a->write(note(1)).ok());
  ASSERT_TRUE(a->write(note(2)).ok());
  std::latch both(2);
  const auto cross = [&](Store& store, std::int64_t first, std::int64_t second) {
    bool met = false;
    return store.write([&, met](WriteTx& tx) mutable -> Result<void> {
      // Who gave way takes the rows in the other's order, so that they meet only once.
      const bool again = std::exchange(met, true);
      WRENCH_TRY(tx.exec(kSet, {again ? second : first, "mine"}));
      if (!again) both.arrive_and_wait();
      const Bind last[] = {Bind(again ? first : second), Bind("mine")};
      if (sends) return tx.send_many(kSet, 2, last);
      WRENCH_TRY(tx.exec_many(kSet, 2, last));
      return {};
    });
  };
  Result<void> other;
  std::thread thread([&] { other = cross(*b, 2, 1); });
  const Result<void> mine = cross(*a, 1, 2);
  thread.join();
  EXPECT_TRUE(mine.ok());
  EXPECT_TRUE(other.ok());
  EXPECT_EQ(a->stats().conflicts + b->stats().conflicts, 1U);
}
INSTANTIATE_TEST_SUITE_P(OfWhatIs, Deadlock, ::testing::Bool(),
                         [](const auto& sends) { return sends.param ? "Sent" : "Waited"; });

TEST_F(PostgresStoreTest, LockedRowsAndLocksKeepOthersOut) {
  const auto a = open();
  const auto b = open();
  ASSERT_TRUE(a->write(note(1)).ok());
  std::latch locked(1);
  std::latch tried(1);
  std::thread holder([&] {
    EXPECT_TRUE(a->write([&](WriteTx& tx) -> Result<void> {
                   const Bind key(1);
                   WRENCH_TRY(tx.query_many(kGet, 1, {&key, 1}, RowLock::ForUpdate));
                   EXPECT_TRUE(WRENCH_TRY(tx.try_lock("reaper")));
                   locked.count_down();
                   tried.wait();
                   WRENCH_TRY(tx.exec(kSet, {1, "first"}));
                   return {};
                 }).ok());
  });
  locked.wait();
  bool got = true;
  ASSERT_TRUE(b->write([&](WriteTx& tx) -> Result<void> {
                 got = WRENCH_TRY(tx.try_lock("reaper"));
                 EXPECT_TRUE(WRENCH_TRY(tx.try_lock("another")));
                 return {};
               }).ok());
  EXPECT_FALSE(got);
  std::string seen;
  std::thread second([&] {
    EXPECT_TRUE(b->write([&](WriteTx& tx) -> Result<void> {
                   const Bind key(1);
                   seen = WRENCH_TRY(tx.query_many(kGet, 1, {&key, 1}, RowLock::ForUpdate)).front().text(1);
                   return {};
                 }).ok());
  });
  EXPECT_TRUE(
      eventually([&] { return sql("SELECT count(*) " + own_backends() + " AND wait_event_type = 'Lock'") == "1"; }));
  tried.count_down();
  holder.join();
  second.join();
  EXPECT_EQ(seen, "first") << "it waited for the lock, and sees what was committed under it";
}

TEST_F(PostgresStoreTest, NobodySeesAnEventBeforeTheOnesBeforeIt) {
  constexpr int kStores = 3;
  constexpr int kEach = 200;
  std::vector<std::unique_ptr<Store>> stores;
  for (int i = 0; i < kStores; ++i) stores.push_back(open());
  std::vector<std::thread> writers;
  for (int i = 0; i < kStores; ++i)
    writers.emplace_back([&, i] {
      for (int n = 0; n < kEach; ++n) EXPECT_TRUE(stores[static_cast<std::size_t>(i)]->write(note(i * kEach + n)).ok());
    });
  const auto reader = open();
  EventCursor at;
  std::int64_t seq = 0;
  while (seq < kStores * kEach) {
    const auto page = reader->read([&](ReadTx& tx) { return event_log::read(tx, {}, at, kEventPageMax); });
    ASSERT_TRUE(page.ok()) << describe(page.error());
    for (const Event& event : page->events) ASSERT_EQ(event.seq, ++seq);
    at = page->next;
    if (page->events.empty())
      ASSERT_TRUE(reader->wait_for_events(seq, Deadline::after(clock_, 30 * kMicrosPerSecond), {}).ok());
  }
  for (std::thread& writer : writers) writer.join();
}

TEST_F(PostgresStoreTest, NotificationsAreFewAndQuick) {
  const auto writer = open();
  const auto reader = open();
  // The first wait connects.
  EXPECT_EQ(*reader->wait_for_events(0, Deadline::after(clock_, 200 * kMicrosPerMs), {}), false);
  const Micros began_us = clock_.boot_us();
  ASSERT_TRUE(writer->write(note(0)).ok());
  EXPECT_EQ(*reader->wait_for_events(0, Deadline::after(clock_, 30 * kMicrosPerSecond), {}), true);
  EXPECT_LT(clock_.boot_us() - began_us, 2 * kMicrosPerSecond) << "sooner than by looking every 5 s";
  constexpr int kMany = 300;
  for (int id = 1; id < kMany; ++id) ASSERT_TRUE(writer->write(note(id)).ok());
  const double seconds = static_cast<double>(clock_.boot_us() - began_us) / kMicrosPerSecond;
  EXPECT_LE(static_cast<double>(writer->stats().notifications), seconds * kNotificationsPerSecondMax + 2);
  EXPECT_EQ(*reader->wait_for_events(kMany - 1, Deadline::after(clock_, 30 * kMicrosPerSecond), {}), true);
}

TEST_F(PostgresStoreTest, WithoutListeningEventsAreFoundByLooking) {
  const auto cutting = proxy();
  const auto reader = open(url_of(*cutting)).value();
  const auto writer = open();
  EXPECT_TRUE(ids(*reader).empty());         // a connection for reading
  cutting->refuse(TcpProxy::Present::Keep);  // and no more after it
  std::atomic<bool> heard{false};
  std::thread waiting([&] { heard = *reader->wait_for_events(0, Deadline::after(clock_, 30 * kMicrosPerSecond), {}); });
  EXPECT_TRUE(eventually([&] { return reader->trouble().has_value(); }));
  ASSERT_TRUE(writer->write(note(1)).ok());
  waiting.join();
  EXPECT_TRUE(heard);
}

TEST_F(PostgresStoreTest, SeveralCreateAndMigrateTheSameStoreAtOnce) {
  constexpr int kThreads = 6;
  std::vector<std::thread> threads;
  std::mutex mutex;
  std::set<std::string> store_ids;
  for (int i = 0; i < kThreads; ++i)
    threads.emplace_back([&] {
      const auto store = open(url_);
      ASSERT_TRUE(store.ok()) << describe(store.error());
      const std::lock_guard lock(mutex);
      store_ids.insert((*store)->store_id());
    });
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(store_ids.size(), 1U);
}

TEST_F(PostgresStoreTest, WritersLeaveNoRowsBehind) {
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(open()->write(note(i)).ok());
  EXPECT_EQ(sql("SELECT count(*) FROM store_writers"), "0");
  sql("INSERT INTO store_writers VALUES ('wri_killed', 7, 0)");
  ASSERT_TRUE(open()->write(note(9)).ok());
  EXPECT_EQ(sql("SELECT count(*) FROM store_writers"), "0") << "swept after a month";
}

TEST_F(PostgresStoreTest, ARowOfOursThatWasSweptIsMadeAgain) {
  const auto store = open();
  ASSERT_TRUE(store->write(note(1)).ok());
  sql("DELETE FROM store_writers");
  EXPECT_TRUE(store->write(note(2)).ok());
  EXPECT_THAT(ids(*store), ElementsAre(1, 2));
}

// --- what it must not be ------------------------------------------------------------------------------------------

TEST_F(PostgresStoreTest, AnotherStoreAtTheSamePlaceIsNotOurs) {
  const auto store = open();
  ASSERT_TRUE(store->write(note(1)).ok());
  sql("UPDATE event_clock SET epoch = epoch + 1");  // as restoring a backup does
  sql("SELECT count(pg_terminate_backend(pid)) " + own_backends());
  EXPECT_EQ(store->write(note(2)).error().code, "storage.corrupt");
  EXPECT_EQ(store->write(note(3)).error().code, "storage.corrupt");
  EXPECT_EQ(sql("SELECT count(*) FROM notes"), "1");
}

TEST_F(PostgresStoreTest, RefusesAConnectionPooler) {
  const auto pooling = proxy();
  pooling->invent_backend_pids();
  EXPECT_EQ(open(url_of(*pooling)).error().code, "storage.pooler");
  EXPECT_EQ(sql("SELECT count(*) FROM pg_tables WHERE schemaname = current_schema()"), "0");
}

TEST_F(PostgresStoreTest, RefusesAServerThatIsTooOld) {
  const auto old = proxy();
  const std::string version = sql("SHOW server_version");
  old->rewrite_answers(version, "12" + version.substr(2));
  const auto opened = open(url_of(*old));
  EXPECT_EQ(opened.error().code, "storage.unsupported_server");
  EXPECT_THAT(opened.error().message, HasSubstr("PostgreSQL 12"));
}

TEST_F(PostgresStoreTest, RefusesADatabaseOfAnotherEncodingAndOneThatIsNotThere) {
  const std::string name = "latin_" + schema();
  const auto elsewhere = [&](const std::string& database) {
    std::string url = url_;
    url.replace(url.find("/postgres?") + 1, 8, database);
    return open(url).error().code;
  };
  EXPECT_EQ(elsewhere(name), "storage.not_found");
  ASSERT_TRUE(server_.sql("CREATE DATABASE " + name + " ENCODING 'LATIN1' LOCALE 'C' TEMPLATE template0").ok());
  EXPECT_EQ(elsewhere(name), "storage.unsupported_server");
  ASSERT_TRUE(server_.sql("DROP DATABASE " + name).ok());
}

TEST_F(PostgresStoreTest, LeavesAnotherProgramsTablesAlone) {
  sql("CREATE TABLE schema_migrations (version TEXT)");
  const auto opened = open(url_);
  EXPECT_EQ(opened.error().code, "storage.corrupt");
  EXPECT_THAT(opened.error().message, HasSubstr("another program"));
  EXPECT_EQ(sql("SELECT count(*) FROM pg_tables WHERE schemaname = current_schema()"), "1");
}

TEST_F(PostgresStoreTest, AUserWithoutRightsIsToldSo) {
  {
    const auto store = open();
  }
  const std::string user = "reader_" + schema();
  sql("CREATE ROLE " + user + " LOGIN; GRANT USAGE ON SCHEMA " + schema() + " TO " + user +
      "; GRANT SELECT ON ALL TABLES IN SCHEMA " + schema() + " TO " + user);
  std::string url = url_;
  url.replace(url.find("//") + 2, url.find('@') - url.find("//") - 2, user);
  StoreConfig reading = config(url);
  reading.access = StoreAccess::Read;
  const auto reader = Store::open(reading, clock_, random_);
  ASSERT_TRUE(reader.ok()) << describe(reader.error());
  EXPECT_TRUE(ids(**reader).empty());
  StoreConfig writing = config(url);
  writing.mode = WriterMode::Passive;
  const Result<void> refused = Store::open(writing, clock_, random_).value()->write(note(1));
  EXPECT_EQ(refused.error().code, "storage.unreachable");
  EXPECT_THAT(describe(refused.error()), HasSubstr("storage.access_denied"));
  sql("DROP OWNED BY " + user + "; DROP ROLE " + user);
}

TEST_F(PostgresStoreTest, AWrongPasswordIsNamedButNotShown) {
  const std::string url = server_.tcp_url(url_);
  ASSERT_TRUE(open(url).ok());
  std::string wrong = url;
  wrong.replace(wrong.find(PostgresServer::password()), PostgresServer::password().size(), "hunter2");
  const auto opened = open(wrong);
  EXPECT_EQ(opened.error().code, "storage.access_denied");
  EXPECT_THAT(describe(opened.error()), Not(HasSubstr("hunter2")));
}

TEST_F(PostgresStoreTest, ReadsEndAtTheirDeadlineInTheServerToo) {
  const auto store = open();
  const auto slow = [&](Deadline deadline) {
    return store->read([&](ReadTx& tx) { return tx.query(kSleep, {30.0}); }, deadline).error().code;
  };
  const Micros began_us = clock_.boot_us();
  EXPECT_EQ(slow(Deadline::after(clock_, 100 * kMicrosPerMs)), "storage.deadline");
  EXPECT_EQ(slow({}), "storage.snapshot_expired");
  EXPECT_LT(clock_.boot_us() - began_us, 10 * kMicrosPerSecond);
  EXPECT_EQ(sql("SELECT count(*) " + own_backends() + " AND state = 'active'"), "0");
}

TEST_F(PostgresStoreTest, AWriteThatTakesTooLongFailsAlone) {
  StoreConfig quick = config(url_);
  quick.postgres.statement_us = 200 * kMicrosPerMs;
  quick.mode = WriterMode::Passive;
  const auto store = Store::open(std::move(quick), clock_, random_).value();
  std::vector<std::string> outcomes;
  const auto submit = [&](const WriteBody& body) {
    ASSERT_TRUE(
        store
            ->submit({.body = body}, [&](const Result<void>& r) { outcomes.push_back(r.ok() ? "ok" : r.error().code); })
            .ok());
  };
  submit(note(1));
  submit([](WriteTx& tx) -> Result<void> {
    WRENCH_TRY(tx.query(kSleep, {30.0}));
    return {};
  });
  submit(note(3));
  store->flush_once();
  EXPECT_THAT(outcomes, ElementsAre("ok", "storage.busy", "ok"));
}

TEST_F(PostgresStoreTest, AnErrorThatABodyKeepsForItselfCountsAllTheSame) {
  const auto store = open_passive(url_);
  ASSERT_TRUE(store->write(note(1)).ok());
  std::vector<std::string> outcomes;
  const auto submit = [&](const WriteBody& body) {
    ASSERT_TRUE(
        store
            ->submit({.body = body}, [&](const Result<void>& r) { outcomes.push_back(r.ok() ? "ok" : r.error().code); })
            .ok());
  };
  submit(note(2));
  submit([](WriteTx& tx) -> Result<void> {
    EXPECT_FALSE(tx.exec(kAdd, {1, "twice"}).ok());
    EXPECT_FALSE(tx.exec(kAdd, {5, "after an error"}).ok());
    return {};
  });
  submit(note(3));
  store->flush_once();
  EXPECT_THAT(outcomes, ElementsAre("ok", "storage.constraint_unique", "ok"));
  EXPECT_THAT(ids(*store), ElementsAre(1, 2, 3));
}

TEST_F(PostgresStoreTest, TextThatPostgresCanNotKeepFailsAlone) {
  const auto store = open_passive(url_);
  std::vector<std::string> outcomes;
  for (const std::string& text : {std::string("fine"), std::string("a\0b", 3), std::string("\xff")})
    ASSERT_TRUE(store
                    ->submit({.body = [text, n = outcomes.size()](WriteTx& tx) -> Result<void> {
                               WRENCH_TRY(tx.exec(kAdd, {static_cast<std::int64_t>(text.size()), text}));
                               return {};
                             }},
                             [&](const Result<void>& r) { outcomes.push_back(r.ok() ? "ok" : r.error().code); })
                    .ok());
  store->flush_once();
  EXPECT_THAT(outcomes, ElementsAre("ok", "storage.invalid_text", "storage.invalid_text"));
}

TEST_F(PostgresStoreTest, ATypeThatTheStoreDoesNotKnowIsNamed) {
  const auto store = open();
  const auto rows = store->read([](ReadTx& tx) { return tx.query(kNumeric); });
  EXPECT_EQ(rows.error().code, "storage.failed");
  EXPECT_THAT(rows.error().message, HasSubstr("CAST"));
}

TEST_F(PostgresStoreTest, StaysWithinItsConnections) {
  const auto store = open();
  std::vector<std::thread> threads;
  std::latch all(12);
  for (int i = 0; i < 12; ++i)
    threads.emplace_back([&, i] {
      all.arrive_and_wait();
      EXPECT_TRUE(store->write(note(i)).ok());
      EXPECT_TRUE(store->read([](ReadTx& tx) { return tx.query(kSleep, {0.02}); }).ok());
      EXPECT_TRUE(store->wait_for_events(0, Deadline::after(clock_, kMicrosPerSecond), {}).ok());
    });
  for (std::thread& thread : threads) thread.join();
  EXPECT_LE(std::stoi(sql("SELECT count(*) " + own_backends())), 2 + static_cast<int>(kReadersMax));
}

// --- URLs ---------------------------------------------------------------------------------------------------------

TEST(DatabaseUrl, ShowsWhereItLeadsAndNothingElse) {
  const auto shown = [](const char* url) { return DatabaseUrl::parse(url).value().shown(); };
  EXPECT_EQ(shown("postgresql://user:secret@db.example:5433/wrench?sslmode=require"), "db.example:5433/wrench");
  EXPECT_EQ(shown("postgres:///wrench"), "the local server/wrench");
  EXPECT_EQ(shown("postgresql://u:p%40%2F@a:1,b:2/w"), "a,b:1,2/w");
  EXPECT_EQ(shown("postgresql://%2Frun%2Fpg/w?password=secret"), "/run/pg/w");
}

TEST(DatabaseUrl, RefusesWhatCouldShowAPieceOfAPassword) {
  for (const char* url :
       {"", "mysql://u@h/d", "host=h password=hunter2", "postgresql://u:hunt@er2@h/d", "postgresql://u:hunt/er2@h/d",
        "postgresql://u:hunt?er2@h/d", "postgresql://u:hunt#er2@h/d", "postgresql://u:hunt%er2@h/d",
        "postgresql://u:hunter2@h/d?nonsense=1", "postgresql://u:hunter2@[h/d", "postgresql://h/d\xff"}) {
    const Result<DatabaseUrl> parsed = DatabaseUrl::parse(url);
    ASSERT_FALSE(parsed.ok()) << url;
    EXPECT_EQ(parsed.error().code, "storage.invalid_url") << url;
    EXPECT_THAT(describe(parsed.error()), Not(HasSubstr("hunt"))) << url;
    EXPECT_THAT(describe(parsed.error()), Not(HasSubstr("er2"))) << url;
  }
  EXPECT_EQ(DatabaseUrl::parse("postgresql://h/" + std::string(5000, 'd')).error().code, "storage.invalid_url");
}

}  // namespace
}  // namespace wrench::storage
