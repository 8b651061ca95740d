#include "sqlite_error.hpp"

#include <sqlite3.h>

#include <string>
#include <utility>

namespace wrench::storage {
namespace {

struct Mapping {
  int code;  ///< Primary or extended; extended rows stand first.
  std::string_view name;
  std::string_view next_step;
};

constexpr Mapping kMappings[] = {
    {SQLITE_CONSTRAINT_UNIQUE, "storage.constraint_unique", ""},
    {SQLITE_CONSTRAINT_PRIMARYKEY, "storage.constraint_unique", ""},
    {SQLITE_CONSTRAINT_ROWID, "storage.constraint_unique", ""},
    {SQLITE_CONSTRAINT_FOREIGNKEY, "storage.constraint_foreign_key", ""},
    {SQLITE_IOERR_SHMSIZE, "storage.full", "the file store.db-shm can't grow; free some space"},
    {SQLITE_CONSTRAINT, "storage.constraint", ""},
    {SQLITE_BUSY, "storage.busy", "another program holds the database; try again when it is done"},
    {SQLITE_LOCKED, "storage.busy", "try again"},
    {SQLITE_FULL, "storage.full", "free some space; writing goes on by itself then"},
    {SQLITE_READONLY, "storage.read_only", "make the data directory writable"},
    {SQLITE_PERM, "storage.read_only", "make the data directory writable"},
    {SQLITE_CANTOPEN, "storage.io", "check that the data directory exists and is yours"},
    {SQLITE_CORRUPT, "storage.corrupt", "restore a backup into a new data directory; nothing was changed"},
    {SQLITE_NOTADB, "storage.corrupt", "the file isn't a database; restore a backup or move it away"},
    {SQLITE_FORMAT, "storage.corrupt", "restore a backup into a new data directory; nothing was changed"},
    {SQLITE_INTERRUPT, "storage.snapshot_expired", "read in smaller pages"},
    {SQLITE_IOERR, "storage.io", "check the disk (dmesg, smartctl)"},
    {SQLITE_NOMEM, "storage.memory", ""},
    {SQLITE_TOOBIG, "storage.too_big", ""},
    {SQLITE_PROTOCOL, "storage.busy", "try again"},
};

}  // namespace

Error sqlite_error(sqlite3* db, int result_code, std::string_view doing) {
  std::string message(doing);
  message += ": ";
  message +=
      db != nullptr && sqlite3_extended_errcode(db) == result_code ? sqlite3_errmsg(db) : sqlite3_errstr(result_code);
  const Mapping* found = nullptr;
  for (const Mapping& mapping : kMappings)
    if (mapping.code == result_code || mapping.code == (result_code & 0xFF)) {
      found = &mapping;
      break;
    }
  message += " (sqlite " + std::to_string(result_code) + ")";
  if (found == nullptr) return Error("storage.failed", std::move(message));
  if (!found->next_step.empty()) message.append("; ").append(found->next_step);
  return Error(found->name, std::move(message));
}

Error file_error(Error error, std::string_view doing) {
  std::string_view code = "storage.io";
  if (error.code == "io.no_space") code = "storage.full";
  if (error.code == "io.read_only" || error.code == "io.no_permission") code = "storage.read_only";
  if (error.code == "runtime.locked") code = "storage.busy";
  std::string message = std::string(doing) + ": " + error.message;
  return Error(code, std::move(message)).because(std::move(error));
}

}  // namespace wrench::storage
