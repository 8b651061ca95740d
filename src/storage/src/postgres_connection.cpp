#include "postgres_connection.hpp"

#include <libpq-fe.h>
#include <poll.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstdlib>
#include <cstring>
#include <utility>

#include "postgres_error.hpp"
#include "postgres_sql.hpp"
#include "postgres_statements.hpp"
#include "slow_log.hpp"
#include "wrench/base/assert.hpp"

namespace wrench::storage {
namespace {

/// Parameters of one statement together. The protocol ends at 1 GiB.
constexpr std::size_t kRequestBytesMax = 256 * 1024 * 1024;

/// A plan made while a queue was empty reads all of it once it is long: plans follow their tables at this distance.
constexpr Micros kPlansKept = 10 * kMicrosPerSecond;

/// libpq tells no SQLSTATE of a connection that didn't come about. A server that speaks another language is just
/// unreachable then.
struct ConnectFailure {
  std::string_view part;
  std::string_view sqlstate;
};
constexpr ConnectFailure kConnectFailures[] = {
    {"too many clients already", "53300"},      {"remaining connection slots", "53300"},
    {"too many connections for", "53300"},      {"authentication failed", "28P01"},
    {"no pg_hba.conf entry", "28000"},          {"no password supplied", "28P01"},
    {"is not permitted to log in", "28000"},    {"permission denied for database", "42501"},
    {"unsupported startup parameter", "26000"},  // PgBouncer
};

Error connect_failure(std::string_view message, const DatabaseUrl& url) {
  std::string_view sqlstate;
  for (const ConnectFailure& failure : kConnectFailures)
    if (message.find(failure.part) != std::string_view::npos) sqlstate = failure.sqlstate;
  if (message.find("database \"") != std::string_view::npos && message.find("does not exist") != std::string_view::npos)
    sqlstate = "3D000";
  return postgres_error(sqlstate, message, "connect to the database at " + url.shown());
}

std::string setting(const char* name, Micros value_us) {
  return "SET " + std::string(name) + " = '" + std::to_string(value_us / kMicrosPerMs) + "ms';";
}

/// Plans follow from the indexes, not from statistics: a table that was empty when a plan was made grows by 100,000
/// rows before anybody counts them, and the plan would read it to the end each time. So scans, joins and sorts that
/// read whole tables are for statements that have no index to go by (docs/adr/0011). A plan that costs 1e10 because of
/// that isn't worth compiling. What a server demands beyond synchronous_commit=on stays.
constexpr const char* kSettings =
    "SET client_min_messages = warning; SET standard_conforming_strings = on; SET jit = off;"
    "SET plan_cache_mode = force_generic_plan; SET enable_seqscan = off; SET enable_bitmapscan = off;"
    "SET enable_hashjoin = off; SET enable_mergejoin = off; SET enable_sort = off; SET tcp_keepalives_idle = 5; SET "
    "tcp_keepalives_interval = 2;"
    "SET tcp_keepalives_count = 3; SET lock_timeout = 0; SET default_transaction_isolation = 'read committed';"
    "SELECT set_config('synchronous_commit', 'on', false) "
    "WHERE current_setting('synchronous_commit') NOT IN ('on', 'remote_apply')";

}  // namespace

void ClosePostgres::operator()(pg_conn* connection) const { PQfinish(connection); }
void ClearResult::operator()(pg_result* result) const { PQclear(result); }

Result<std::unique_ptr<PostgresConnection>> PostgresConnection::open(const DatabaseUrl& url, const PostgresTimes& times,
                                                                     const StatementCatalogue& catalogue) {
  // Later entries win, so the URL overrides what stands before it.
  const std::string connect_s = std::to_string(std::max<Micros>(1, times.connect_us / kMicrosPerSecond));
  const std::array<std::pair<const char*, const char*>, 9> options = {{{"connect_timeout", connect_s.c_str()},
                                                                       {"keepalives_idle", "5"},
                                                                       {"keepalives_interval", "2"},
                                                                       {"keepalives_count", "3"},
                                                                       {"tcp_user_timeout", "11000"},
                                                                       {"target_session_attrs", "read-write"},
                                                                       {"fallback_application_name", "wrench"},
                                                                       {"dbname", url.secret_text().c_str()},
                                                                       {"client_encoding", "UTF8"}}};
  std::array<const char*, options.size() + 1> names{};
  std::array<const char*, options.size() + 1> values{};
  for (std::size_t i = 0; i < options.size(); ++i) std::tie(names[i], values[i]) = options[i];
  std::unique_ptr<pg_conn, ClosePostgres> raw(PQconnectdbParams(names.data(), values.data(), 1));
  if (!raw) return Error("storage.memory", "no memory for a connection to the database");
  if (PQstatus(raw.get()) != CONNECTION_OK) return connect_failure(PQerrorMessage(raw.get()), url);
  PQsetNoticeProcessor(raw.get(), [](void*, const char*) {}, nullptr);
  std::unique_ptr<PostgresConnection> connection(new PostgresConnection(std::move(raw), times, catalogue));
  WRENCH_TRY(connection->check_server(url));
  WRENCH_TRY(connection->exec(setting("statement_timeout", times.statement_us) +
                              setting("idle_in_transaction_session_timeout", times.idle_in_transaction_us) +
                              kSettings));
  return connection;
}

PostgresConnection::~PostgresConnection() = default;

Result<void> PostgresConnection::check_server(const DatabaseUrl& url) {
  constexpr int kVersionUnit = 10'000;
  const int version = PQserverVersion(connection_.get());
  if (version < kPostgresVersionMin * kVersionUnit)
    return Error("storage.unsupported_server", "the server at " + url.shown() + " is PostgreSQL " +
                                                   std::to_string(version / kVersionUnit) + "; version " +
                                                   std::to_string(kPostgresVersionMin) + " or newer is needed");
  const char* encoding = PQparameterStatus(connection_.get(), "server_encoding");
  if (encoding == nullptr || std::strcmp(encoding, "UTF8") != 0)
    return Error("storage.unsupported_server", "the database at " + url.shown() + " has the encoding " +
                                                   std::string(encoding == nullptr ? "unknown" : encoding) +
                                                   "; create it with ENCODING 'UTF8'");
  // A pooler gives a number of its own for cancelling. Behind one, LISTEN, prepared statements and the lock that tells
  // what became of a COMMIT belong to somebody else a moment later.
  const std::string pid = WRENCH_TRY(value("SELECT pg_backend_pid()"));
  if (pid != std::to_string(backend_pid()))
    return Error("storage.pooler", "a connection pooler answers at " + url.shown() +
                                       "; name the PostgreSQL server itself in the database URL");
  return {};
}

Error PostgresConnection::become_lost(std::string_view doing) {
  lost_ = true;
  due_.clear();
  last_sqlstate_.clear();
  const std::string message = PQerrorMessage(connection_.get());
  return postgres_error("", message.empty() ? "the server hung up" : message, doing);
}

Error PostgresConnection::failure(const pg_result* result, std::string_view doing) {
  const char* sqlstate = PQresultErrorField(result, PG_DIAG_SQLSTATE);
  if (sqlstate == nullptr) return become_lost(doing);
  const char* message = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);
  const char* detail = PQresultErrorField(result, PG_DIAG_MESSAGE_DETAIL);
  last_sqlstate_ = sqlstate;
  // After these the server hangs up.
  const char* severity = PQresultErrorField(result, PG_DIAG_SEVERITY_NONLOCALIZED);
  if (severity != nullptr && (std::strcmp(severity, "FATAL") == 0 || std::strcmp(severity, "PANIC") == 0)) {
    lost_ = true;
    due_.clear();
  }
  std::string text = message == nullptr ? "" : message;
  // Of a constraint the detail holds the values, which may be anybody's secrets.
  const bool constraint = last_sqlstate_.starts_with("23");
  if (detail != nullptr && !constraint) text.append(": ").append(detail);
  return postgres_error(last_sqlstate_, text, doing);
}

// --- at once ----------------------------------------------------------------------------------------------------

Result<void> PostgresConnection::exec(const std::string& sql) {
  const PostgresResult result(PQexec(connection_.get(), sql.c_str()));
  const ExecStatusType status = PQresultStatus(result.get());
  if (status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK || status == PGRES_EMPTY_QUERY) return {};
  constexpr std::size_t kShown = 80;
  return failure(result.get(), std::string_view(sql).substr(0, kShown));
}

Result<std::string> PostgresConnection::value(const std::string& sql) {
  std::vector<std::string> all = WRENCH_TRY(values(sql));
  return all.empty() ? std::string() : std::move(all.front());
}

Result<std::vector<std::string>> PostgresConnection::values(const std::string& sql) {
  const PostgresResult result(PQexec(connection_.get(), sql.c_str()));
  if (PQresultStatus(result.get()) != PGRES_TUPLES_OK) return failure(result.get(), sql);
  std::vector<std::string> out;
  for (int row = 0; row < PQntuples(result.get()); ++row)
    out.emplace_back(PQgetvalue(result.get(), row, 0), static_cast<std::size_t>(PQgetlength(result.get(), row, 0)));
  return out;
}

// --- pipelined --------------------------------------------------------------------------------------------------

Result<void> PostgresConnection::start_pipeline() {
  if (PQsetnonblocking(connection_.get(), 1) != 0 || PQenterPipelineMode(connection_.get()) != 1)
    return become_lost("start to pipeline");
  return {};
}

void PostgresConnection::queue(const char* command) {
  if (lost_) return;  // exchange() says so
  if (PQsendQueryParams(connection_.get(), command, 0, nullptr, nullptr, nullptr, nullptr, 1) != 1)
    lost_ = true;
  else
    due_.push_back({.kind = Due::Kind::Command, .doing = command});
}

Result<void> PostgresConnection::run(const Statement& statement, Form form, std::size_t width,
                                     std::span<const Bind> binds, Rows* rows, std::int64_t* changed) {
  WRENCH_TRY(queue(statement, form, width, binds, rows, changed));
  return exchange();
}

void PostgresConnection::renew_plans(const Clock& clock) {
  const Micros now_us = clock.boot_us();
  if (now_us - plans_renewed_us_ < kPlansKept) return;
  if (plans_renewed_us_ != 0) queue("DISCARD PLANS");
  plans_renewed_us_ = now_us;
}

Result<void> PostgresConnection::queue(const Statement& statement, Form form, std::size_t width,
                                       std::span<const Bind> binds, Rows* rows, std::int64_t* changed) {
  const Prepared* known = WRENCH_TRY(prepared(statement, form));
  WRENCH_ASSERT(width == known->parameters.size() &&
                (form != Form::One || known->is_array.empty() || known->is_array.front() || binds.size() == width));
  std::size_t bytes = 0;
  for (const Bind& bind : binds) bytes += bind.view().size();
  if (bytes > kRequestBytesMax)
    return Error("storage.too_big", std::string(statement.id) + ": " + std::to_string(bytes) +
                                        " bytes of parameters; the limit is " + std::to_string(kRequestBytesMax));
  PostgresParameters parameters;
  for (std::size_t i = 0; i < width; ++i) {
    Result<void> added = known->is_array[i] ? parameters.add_array(*known->parameters[i], binds, i, width)
                                            : parameters.add(*known->parameters[i], binds[i]);
    if (added.ok()) continue;
    Error error = std::move(added).error();
    error.message = std::string(statement.id) + ", parameter " + std::to_string(i + 1) + ": " + error.message;
    return error;
  }
  const std::vector<const char*> values = parameters.values();
  const std::vector<int> binary(width, 1);
  if (PQsendQueryPrepared(connection_.get(), known->name.c_str(), static_cast<int>(width), values.data(),
                          parameters.lengths().data(), binary.data(), 1) != 1)
    return become_lost(statement.id);
  ++statements_run_;
  due_.push_back({.kind = Due::Kind::Statement,
                  .doing = statement.id,
                  .statement = &statement,
                  .prepared = known,
                  .rows = rows,
                  .changed = changed});
  return {};
}

Result<const PostgresConnection::Prepared*> PostgresConnection::prepared(const Statement& statement, Form form) {
  if (const auto found = prepared_.find({&statement, form}); found != prepared_.end()) return found->second.get();
  if (form == Form::One) {
    const auto& all = catalogue_.all();
    WRENCH_ASSERT(std::find(all.begin(), all.end(), &statement) != all.end() || is_postgres_statement(statement));
    return prepare(statement, form, postgres_sql(statement));
  }
  const Prepared* one = WRENCH_TRY(prepared(statement, Form::One));
  std::vector<std::string_view> types;
  for (const PostgresType* type : one->parameters) types.push_back(type->name);
  const RowLock lock = form == Form::ManyForUpdate ? RowLock::ForUpdate : RowLock::None;
  return prepare(statement, form, WRENCH_TRY(postgres_sql_for_many(statement, types, lock)));
}

Result<const PostgresConnection::Prepared*> PostgresConnection::prepare(const Statement& statement, Form form,
                                                                        const std::string& sql) {
  auto fresh = std::make_unique<Prepared>();
  fresh->name = "w" + std::to_string(prepared_.size());
  if (PQsendPrepare(connection_.get(), fresh->name.c_str(), sql.c_str(), 0, nullptr) != 1 ||
      PQsendDescribePrepared(connection_.get(), fresh->name.c_str()) != 1)
    return become_lost(statement.id);
  due_.push_back({.kind = Due::Kind::Prepare, .doing = statement.id});
  due_.push_back({.kind = Due::Kind::Describe, .doing = statement.id, .described = fresh.get()});
  WRENCH_TRY(exchange());
  return prepared_.emplace(std::make_tuple(&statement, form), std::move(fresh)).first->second.get();
}

Result<void> PostgresConnection::describe(Prepared& prepared, const pg_result* result, std::string_view doing) {
  const auto unknown = [&](std::string_view what, int at, TypeId id) {
    return Error("storage.failed", std::string(doing) + ": " + std::string(what) + " " + std::to_string(at + 1) +
                                       " has PostgreSQL's type number " + std::to_string(id) +
                                       ", which the store doesn't know: CAST it");
  };
  for (int i = 0; i < PQnparams(result); ++i) {
    const TypeId id = PQparamtype(result, i);
    const PostgresType* type = find_postgres_type(id);
    prepared.is_array.push_back(type == nullptr);
    if (type == nullptr) type = find_postgres_array(id);
    if (type == nullptr) return unknown("parameter", i, id);
    prepared.parameters.push_back(type);
  }
  for (int i = 0; i < PQnfields(result); ++i) {
    prepared.columns.push_back(find_postgres_type(PQftype(result, i)));
    if (prepared.columns.back() == nullptr) return unknown("column", i, PQftype(result, i));
  }
  return {};
}

void PostgresConnection::send() {
  for (Due& due : due_)
    if (due.kind != Due::Kind::Sync) due.forget_errors = true;
  if (lost_ || PQpipelineSync(connection_.get()) != 1) {
    lost_ = true;
    return;
  }
  due_.push_back({.kind = Due::Kind::Sync, .doing = "wait for the server"});
  PQflush(connection_.get());
}

Result<void> PostgresConnection::exchange() {
  last_sqlstate_.clear();
  last_command_tag_.clear();
  if (lost_ || PQpipelineSync(connection_.get()) != 1) return become_lost("talk to the database");
  due_.push_back({.kind = Due::Kind::Sync, .doing = "wait for the server"});
  for (int unsent = PQflush(connection_.get()); unsent != 0; unsent = PQflush(connection_.get())) {
    if (unsent < 0) return become_lost("send to the database");
    WRENCH_TRY(await(true));
  }
  Result<void> first;
  Micros last_us = slow_log_ == nullptr ? 0 : SlowLog::coarse_now_us();
  while (!due_.empty()) {
    const Due due = due_.front();
    due_.pop_front();
    Result<void> taken = take(due);
    if (due.statement != nullptr && slow_log_ != nullptr) note_time(due, last_us);
    const bool counts = !taken.ok() && first.ok() && !due.forget_errors;
    if (counts) first = std::move(taken);
    if (lost_) return first.ok() ? become_lost(due.doing) : std::move(first);
  }
  // Only the first error has a say; those behind it overwrote nothing.
  return first;
}

/// Answers come as statements are done: what one took is the time since the one before it.
void PostgresConnection::note_time(const Due& due, Micros& last_us) {
  const Micros began_us = std::exchange(last_us, SlowLog::coarse_now_us());
  const auto changed = due.changed == nullptr ? 0 : static_cast<std::uint64_t>(*due.changed);
  slow_log_->took(*due.statement, last_us - began_us, due.rows == nullptr ? changed : due.rows->size());
}

Result<void> PostgresConnection::take(const Due& due) {
  if (due.rows != nullptr) PQsetSingleRowMode(connection_.get());
  Result<void> outcome;
  for (int nulls = 0;;) {
    const PostgresResult result = WRENCH_TRY(next_result());
    if (!result) {
      if (due.kind != Due::Kind::Sync) return outcome;
      // Only PGRES_PIPELINE_SYNC answers a Sync, whatever error stands before it.
      if (++nulls > 1) return become_lost(due.doing);
      continue;
    }
    switch (PQresultStatus(result.get())) {
      case PGRES_PIPELINE_SYNC:
        return outcome;
      case PGRES_PIPELINE_ABORTED:
        break;
      case PGRES_COMMAND_OK:
      case PGRES_TUPLES_OK:
      case PGRES_SINGLE_TUPLE:
        if (!outcome.ok()) break;
        outcome =
            due.described != nullptr ? describe(*due.described, result.get(), due.doing) : collect(due, result.get());
        break;
      default: {
        Error error = failure(result.get(), due.doing);
        if (lost_) return error;
        if (outcome.ok()) outcome = std::move(error);
      }
    }
  }
}

Result<void> PostgresConnection::collect(const Due& due, const pg_result* result) {
  last_command_tag_ = PQcmdStatus(const_cast<pg_result*>(result));
  if (due.changed != nullptr && PQresultStatus(result) == PGRES_COMMAND_OK) {
    const std::string_view count = PQcmdTuples(const_cast<pg_result*>(result));
    std::from_chars(count.data(), count.data() + count.size(), *due.changed);
  }
  if (due.rows == nullptr) return {};
  const int columns = PQnfields(result);
  WRENCH_ASSERT(static_cast<std::size_t>(columns) == due.prepared->columns.size());
  due.rows->set_columns(static_cast<std::size_t>(columns));
  for (int row = 0; row < PQntuples(result); ++row)
    for (int i = 0; i < columns; ++i) {
      if (PQgetisnull(result, row, i) != 0) {
        due.rows->add_null();
        continue;
      }
      const std::string_view bytes(PQgetvalue(result, row, i), static_cast<std::size_t>(PQgetlength(result, row, i)));
      WRENCH_TRY(add_binary_cell(*due.rows, *due.prepared->columns[static_cast<std::size_t>(i)], bytes));
    }
  if (due.rows->byte_size() <= kResultBytesMax) return {};
  // The rest is thrown away as it comes; asking the server to stop saves sending it.
  if (PGcancel* cancel = PQgetCancel(connection_.get()); cancel != nullptr) {
    std::array<char, 256> message{};
    PQcancel(cancel, message.data(), static_cast<int>(message.size()));
    PQfreeCancel(cancel);
  }
  return Error("storage.result_too_large",
               std::string(due.doing) + ": more than " + std::to_string(kResultBytesMax) + " bytes; page by key");
}

Result<PostgresResult> PostgresConnection::next_result() {
  while (PQisBusy(connection_.get()) != 0) WRENCH_TRY(await(false));
  PostgresResult result(PQgetResult(connection_.get()));
  if (!result && PQstatus(connection_.get()) != CONNECTION_OK) return become_lost("wait for the database");
  return result;
}

Result<void> PostgresConnection::await(bool for_writing) {
  pollfd waiting{.fd = socket(), .events = static_cast<short>(for_writing ? POLLIN | POLLOUT : POLLIN), .revents = 0};
  int ready;
  do {
    ready = ::poll(&waiting, 1, static_cast<int>(times_.answer_us / kMicrosPerMs));
  } while (ready < 0 && errno == EINTR);
  if (ready == 0) {
    lost_ = true;
    due_.clear();
    return postgres_error("", "no answer for " + format_duration(times_.answer_us), "wait for the database");
  }
  if ((waiting.revents & (POLLIN | POLLERR | POLLHUP)) != 0 && PQconsumeInput(connection_.get()) != 1)
    return become_lost("wait for the database");
  return {};
}

bool PostgresConnection::hung_up() {
  // A server that goes away sends its reason first: the end of the stream may be the second thing to read.
  for (int i = 0; i < 3 && !lost_; ++i) {
    pollfd look{.fd = socket(), .events = POLLIN, .revents = 0};
    if (::poll(&look, 1, 0) <= 0) break;
    if (PQconsumeInput(connection_.get()) != 1) lost_ = true;
  }
  return lost_;
}

PostgresConnection::Transaction PostgresConnection::transaction() const {
  switch (PQtransactionStatus(connection_.get())) {
    case PQTRANS_INERROR:
      return Transaction::Failed;
    case PQTRANS_INTRANS:
      return Transaction::Open;
    default:
      return Transaction::None;
  }
}

int PostgresConnection::socket() const { return PQsocket(connection_.get()); }
int PostgresConnection::backend_pid() const { return PQbackendPID(connection_.get()); }

Result<std::vector<std::string>> PostgresConnection::notifications() {
  if (hung_up()) return become_lost("listen to the database");
  std::vector<std::string> out;
  for (PGnotify* note = PQnotifies(connection_.get()); note != nullptr; note = PQnotifies(connection_.get())) {
    if (note->be_pid != backend_pid()) out.emplace_back(note->extra);
    PQfreemem(note);
  }
  return out;
}

}  // namespace wrench::storage
