#pragma once

#include <string>
#include <string_view>

#include "wrench/base/result.hpp"

namespace wrench::storage {

/// Where a PostgreSQL database is, and with which user and password. Nothing of the password ever gets into a message.
class DatabaseUrl {
 public:
  /// "postgresql://user:password@host:port/name?option=value" (PostgreSQL documentation, 34.1.1.2), several hosts
  /// included. Errors: storage.invalid_url.
  static Result<DatabaseUrl> parse(std::string_view text);

  /// For libpq alone.
  const std::string& secret_text() const { return text_; }
  /// "host:port/name", for messages.
  const std::string& shown() const { return shown_; }

 private:
  std::string text_;
  std::string shown_;
};

}  // namespace wrench::storage
