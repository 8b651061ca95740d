#include "postgres_error.hpp"

#include <string>
#include <utility>

#include "wrench/base/text.hpp"

namespace wrench::storage {
namespace {

struct Mapping {
  std::string_view sqlstate;  ///< The code, or its first two characters; longer rows stand first.
  std::string_view name;
  std::string_view next_step;
};

constexpr std::string_view kGrant =
    "give the user of the database URL the rights that docs/reference/database.md lists";
constexpr std::string_view kRestart = "the store connects again by itself when the server is back";

constexpr Mapping kMappings[] = {
    {"23505", "storage.constraint_unique", ""},
    {"23503", "storage.constraint_foreign_key", ""},
    {"23", "storage.constraint", ""},
    {"40", "storage.busy", "try again"},
    {"55P03", "storage.busy", "another transaction holds what is needed; try again"},
    {"57014", "storage.busy", "it took longer than the store lets a statement take; try again"},
    {"53100", "storage.full", "free some space on the server; writing goes on by itself then"},
    {"53200", "storage.memory", ""},
    {"53300", "storage.busy", "raise max_connections of the server, or stop what uses its connections"},
    {"53", "storage.busy", "the server is short of something"},
    {"57P", "storage.unreachable", kRestart},
    {"08", "storage.unreachable", kRestart},
    {"25P03", "storage.unreachable", "a transaction stood still for too long"},
    {"25006", "storage.read_only", "the server is a standby or set to read only: name the primary in the URL"},
    {"28", "storage.access_denied", "check user and password of the database URL, and pg_hba.conf of the server"},
    {"42501", "storage.access_denied", kGrant},
    {"3D000", "storage.not_found", "create the database first: createdb, or CREATE DATABASE"},
    {"26000", "storage.pooler", "name the server itself in the URL, not a connection pooler"},
    {"42P05", "storage.pooler", "name the server itself in the URL, not a connection pooler"},
    {"22021", "storage.invalid_text", "text must be UTF-8 without U+0000"},
    {"22P05", "storage.invalid_text", "text must be UTF-8 without U+0000"},
    {"22P02", "storage.invalid_text", ""},
    {"54", "storage.too_big", ""},
    {"58", "storage.io", "check the disk of the server and its log"},
    {"XX001", "storage.corrupt", "restore a backup; the server's log says more"},
    {"XX002", "storage.corrupt", "REINDEX the index, or restore a backup; the server's log says more"},
};

}  // namespace

Error postgres_error(std::string_view sqlstate, std::string_view message, std::string_view doing) {
  std::string text(doing);
  text += ": ";
  text += escape_for_display(collapse_white_space(message));
  if (sqlstate.empty()) return Error("storage.unreachable", std::move(text));
  text.append(" (SQLSTATE ").append(sqlstate).append(")");
  for (const Mapping& mapping : kMappings) {
    if (!sqlstate.starts_with(mapping.sqlstate)) continue;
    if (!mapping.next_step.empty()) text.append("; ").append(mapping.next_step);
    return Error(mapping.name, std::move(text));
  }
  return Error("storage.failed", std::move(text));
}

bool is_conflict(std::string_view sqlstate) { return sqlstate == "40001" || sqlstate == "40P01"; }

}  // namespace wrench::storage
