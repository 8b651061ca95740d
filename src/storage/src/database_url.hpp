#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "wrench/base/result.hpp"

namespace wrench::storage {

/// Where a PostgreSQL database is, and with which user and password. Nothing of the password ever gets into a message.
class DatabaseUrl {
 public:
  /// "postgresql://user:password@host:port/name?option=value" (PostgreSQL documentation, 34.1.1.2), several hosts
  /// included. Errors: storage.invalid_url.
  static Result<DatabaseUrl> parse(std::string_view text);

  /// Whether the text is meant as one, and not as a path.
  static bool is_url(std::string_view text) {
    return text.starts_with("postgresql://") || text.starts_with("postgres://");
  }
  /// Another database of the same server. Errors: storage.invalid_url (the URL names its database in an option).
  Result<DatabaseUrl> with_database(std::string_view name) const;

  /// For libpq alone.
  const std::string& secret_text() const { return text_; }
  /// The same for PostgreSQL's programs: "PGHOST=…", "PGPASSWORD=…". An environment is seen by its owner only, words of
  /// a command line by everybody. With what libpq reads from our own environment.
  std::vector<std::string> secret_environment() const;
  /// Name of the database; empty if the URL names none.
  const std::string& database() const { return database_; }
  /// "host:port/name", for messages.
  const std::string& shown() const { return shown_; }

 private:
  std::string text_;
  std::string shown_;
  std::string database_;
  std::vector<std::string> environment_;
};

}  // namespace wrench::storage
