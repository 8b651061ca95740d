#include "database_url.hpp"

#include <libpq-fe.h>

#include <cstddef>
#include <map>
#include <memory>

#include "wrench/base/text.hpp"

namespace wrench::storage {
namespace {

constexpr std::size_t kUrlBytesMax = 4096;

struct FreeOptions {
  void operator()(PQconninfoOption* options) const { PQconninfoFree(options); }
};

/// libpq quotes what it can't read, and that may be a piece of a password. So none of its words are passed on.
Error unreadable(std::string_view why) {
  return Error(
      "storage.invalid_url",
      "the database URL " + std::string(why) +
          "; it looks like postgresql://user@host:5432/name, and special characters of a user name or password "
          "are written as %40 (for @), %3A (:), %2F (/), %3F (?), %23 (#), %25 (%)");
}

}  // namespace

Result<DatabaseUrl> DatabaseUrl::parse(std::string_view text) {
  std::size_t scheme = 0;
  for (const std::string_view known : {"postgresql://", "postgres://"})
    if (text.starts_with(known)) scheme = known.size();
  if (scheme == 0) return unreadable("must begin with postgresql://");
  if (text.size() > kUrlBytesMax) return unreadable("is too long");
  if (!is_valid_utf8(text) || text.find('\0') != std::string_view::npos) return unreadable("isn't text");
  // An @, / or ? in a password that isn't escaped would make libpq take a piece of it for the host or the port, and
  // name that in its errors.
  const std::size_t at = text.find('@', scheme);
  if (at != std::string_view::npos &&
      (text.find('@', at + 1) != std::string_view::npos || text.find_first_of("/?#", scheme) < at))
    return unreadable("has an @ that isn't the one before the host");

  DatabaseUrl url;
  url.text_ = text;
  char* message = nullptr;
  const std::unique_ptr<PQconninfoOption, FreeOptions> options(PQconninfoParse(url.text_.c_str(), &message));
  PQfreemem(message);
  if (!options) return unreadable("can't be read");
  std::map<std::string_view, std::string> values;
  for (const PQconninfoOption* option = options.get(); option->keyword != nullptr; ++option)
    if (option->val != nullptr) values[option->keyword] = option->val;
  url.shown_ = values["host"].empty() ? "the local server" : values["host"];
  if (!values["port"].empty()) url.shown_ += ":" + values["port"];
  if (!values["dbname"].empty()) url.shown_ += "/" + values["dbname"];
  url.shown_ = escape_for_display(url.shown_);
  return url;
}

}  // namespace wrench::storage
