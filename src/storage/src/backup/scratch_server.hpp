#pragma once

#include <memory>
#include <string>

#include "../database_url.hpp"
#include "wrench/base/clock.hpp"
#include "wrench/base/result.hpp"
#include "wrench/base/stop.hpp"

namespace wrench::storage {

/// A PostgreSQL program of that major version: in Debian's folder for it, or on PATH. Errors:
/// runtime.program_not_found.
Result<std::string> find_postgres_program(std::string_view name, const std::string& major);

/// A PostgreSQL server for a restored data directory, seen by nobody else: no network, its socket in a folder of ours,
/// nothing of the settings that came with the directory that could reach outside (archiving, replication, libraries).
/// It ends with this object, or with this process.
class ScratchServer {
 public:
  enum class Keep {
    Nothing,     ///< The directory is thrown away: nothing is flushed.
    WhatItWrote  ///< The directory is to be used afterwards.
  };
  /// `data` has been unpacked, in a folder of ours that has nothing else; `sockets` is an empty folder of ours with a
  /// short path. As root it runs as the user postgres, who gets both folders. Waits until it has recovered. Errors:
  /// runtime.program_not_found, backup.tool_failed (with the end of its log), backup.stopped.
  static Result<ScratchServer> start(const std::string& data, const std::string& sockets, const std::string& major,
                                     Keep keep, const StopToken& stop);
  ScratchServer(ScratchServer&&) noexcept;
  ScratchServer& operator=(ScratchServer&&) noexcept;
  ~ScratchServer();

  /// As that role, which the data directory has.
  Result<DatabaseUrl> url(const std::string& role, const std::string& database, const std::string& schema) const;
  /// Ends it in order: everything is in the data files, and flushed if it was to be kept. Errors: backup.tool_failed.
  Result<void> stop();

 private:
  struct State;
  explicit ScratchServer(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace wrench::storage
