#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include "database_url.hpp"
#include "postgres_types.hpp"
#include "wrench/base/clock.hpp"
#include "wrench/base/result.hpp"
#include "wrench/storage/statement.hpp"
#include "wrench/storage/store.hpp"
#include "wrench/storage/transaction.hpp"

struct pg_conn;
struct pg_result;

namespace wrench::storage {

class SlowLog;

struct ClosePostgres {
  void operator()(pg_conn* connection) const;
};
struct ClearResult {
  void operator()(pg_result* result) const;
};
using PostgresResult = std::unique_ptr<pg_result, ClearResult>;

/// One connection to PostgreSQL with the store's settings and its prepared statements. One thread at a time.
///
/// Requests are queued, and go out and are answered together: exchange() is one round trip. It ends with the protocol's
/// Sync, because only a server that has seen one minds idle_in_transaction_session_timeout (docs/adr/0011).
class PostgresConnection {
 public:
  /// How the parameters of a statement are given.
  enum class Form : std::uint8_t {
    One,            ///< As written.
    Many,           ///< As arrays, see postgres_sql_for_many().
    ManyForUpdate,  ///< The same with RowLock::ForUpdate.
  };

  /// Errors: storage.unreachable, storage.access_denied, storage.busy, storage.not_found, storage.pooler,
  /// storage.unsupported_server. `catalogue` must outlive the connection.
  static Result<std::unique_ptr<PostgresConnection>> open(const DatabaseUrl& url, const PostgresTimes& times,
                                                          const StatementCatalogue& catalogue);
  ~PostgresConnection();
  PostgresConnection(const PostgresConnection&) = delete;
  PostgresConnection& operator=(const PostgresConnection&) = delete;

  // Any SQL, at once. Only before start_pipeline().
  Result<void> exec(const std::string& sql);
  /// First column of the first row as text; empty if there is no row.
  Result<std::string> value(const std::string& sql);
  /// The first column of all rows.
  Result<std::vector<std::string>> values(const std::string& sql);

  /// From here on queue() and exchange() only.
  Result<void> start_pipeline();
  /// SQL without parameters or result: transaction control. Must be a literal.
  void queue(const char* command);
  /// A statement of the catalogue or of this driver. `rows` and `changed` are filled by exchange(), if not null.
  /// Statements that this connection hasn't seen cost round trips here.
  Result<void> queue(const Statement& statement, Form form, std::size_t width, std::span<const Bind> binds, Rows* rows,
                     std::int64_t* changed);
  /// queue() and exchange() of one statement.
  Result<void> run(const Statement& statement, Form form, std::size_t width, std::span<const Bind> binds, Rows* rows,
                   std::int64_t* changed);
  /// Statements that take long, from now on; `log` must outlive the connection.
  void note_slow_in(SlowLog& log) { slow_log_ = &log; }
  /// Between transactions: queues, now and then, that the server shall plan its statements anew.
  void renew_plans(const Clock& clock);
  /// Sends what is queued and waits until all of it is answered. The first error: what was queued behind it wasn't
  /// done.
  Result<void> exchange();
  /// Sends what is queued; the next exchange() reads the answers, and forgets their errors.
  void send();

  /// SQLSTATE of the error that exchange() returned last; empty if it came from here or from the network.
  const std::string& last_sqlstate() const { return last_sqlstate_; }
  /// The connection is gone for good.
  bool lost() const { return lost_; }
  /// Looks, without waiting, whether the other side has hung up.
  bool hung_up();
  enum class Transaction { None, Open, Failed };
  Transaction transaction() const;
  /// What the last request that succeeded in the last exchange() was answered with: a COMMIT of a failed transaction
  /// says "ROLLBACK".
  const std::string& last_command_tag() const { return last_command_tag_; }
  std::uint64_t statements_run() const { return statements_run_; }

  // For the one that listens.
  int socket() const;
  int backend_pid() const;
  /// Payloads of the notifications that came in, without our own. Never waits. Errors: storage.unreachable.
  Result<std::vector<std::string>> notifications();

 private:
  struct Prepared {
    std::string name;
    std::vector<const PostgresType*> parameters;  ///< Of an array: its element.
    std::vector<bool> is_array;
    std::vector<const PostgresType*> columns;
  };
  /// A request whose answer is due.
  struct Due {
    enum class Kind : std::uint8_t { Command, Statement, Prepare, Describe, Sync } kind = Kind::Command;
    std::string_view doing;
    const Statement* statement = nullptr;
    const Prepared* prepared = nullptr;
    Prepared* described = nullptr;
    Rows* rows = nullptr;
    std::int64_t* changed = nullptr;
    bool forget_errors = false;
  };

  PostgresConnection(std::unique_ptr<pg_conn, ClosePostgres> connection, const PostgresTimes& times,
                     const StatementCatalogue& catalogue)
      : connection_(std::move(connection)), times_(times), catalogue_(catalogue) {}

  Result<void> check_server(const DatabaseUrl& url);
  Result<const Prepared*> prepared(const Statement& statement, Form form);
  Result<const Prepared*> prepare(const Statement& statement, Form form, const std::string& sql);
  /// Waits for the next result of libpq; null at the end of one request's results.
  Result<PostgresResult> next_result();
  Result<void> await(bool for_writing);
  Result<void> take(const Due& due);
  void note_time(const Due& due, Micros& last_us);
  Result<void> describe(Prepared& prepared, const pg_result* result, std::string_view doing);
  Result<void> collect(const Due& due, const pg_result* result);
  Error failure(const pg_result* result, std::string_view doing);
  Error become_lost(std::string_view doing);

  std::unique_ptr<pg_conn, ClosePostgres> connection_;
  const PostgresTimes times_;
  const StatementCatalogue& catalogue_;
  std::map<std::tuple<const Statement*, Form>, std::unique_ptr<Prepared>> prepared_;
  std::deque<Due> due_;
  std::string last_sqlstate_;
  std::string last_command_tag_;
  std::uint64_t statements_run_ = 0;
  Micros plans_renewed_us_ = 0;
  bool lost_ = false;
  SlowLog* slow_log_ = nullptr;
};

}  // namespace wrench::storage
