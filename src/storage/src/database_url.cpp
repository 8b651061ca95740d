#include "database_url.hpp"

#include <libpq-fe.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>
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
    if (option->val != nullptr) {
      values[option->keyword] = option->val;
      if (option->envvar != nullptr) url.environment_.push_back(std::string(option->envvar) + "=" + option->val);
    }
  url.shown_ = values["host"].empty() ? "the local server" : values["host"];
  if (!values["port"].empty()) url.shown_ += ":" + values["port"];
  url.database_ = values["dbname"];
  if (!url.database_.empty()) url.shown_ += "/" + url.database_;
  url.shown_ = escape_for_display(url.shown_);
  return url;
}

Result<DatabaseUrl> DatabaseUrl::with_database(std::string_view name) const {
  const std::size_t scheme = text_.find("://") + 3;
  const std::size_t authority_end = std::min(text_.find_first_of("/?", scheme), text_.size());
  const std::size_t options = std::min(text_.find('?', authority_end), text_.size());
  if (text_.find("dbname=", options) != std::string::npos)
    return unreadable("names its database in an option; here it must be in the path");
  std::string path;
  for (const char c : name) {
    static constexpr std::string_view kHex = "0123456789ABCDEF";
    const auto byte = static_cast<unsigned char>(c);
    if (std::isalnum(byte) != 0 || c == '_' || c == '-')
      path += c;
    else
      path.append({'%', kHex[byte >> 4U], kHex[byte & 0xFU]});
  }
  return parse(text_.substr(0, authority_end) + "/" + path + text_.substr(options));
}

std::vector<std::string> DatabaseUrl::secret_environment() const {
  std::vector<std::string> out;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string_view text = *entry;
    if (text.starts_with("PG") || text.starts_with("HOME=")) out.emplace_back(text);
  }
  // Of two with one name the program sees the first.
  out.insert(out.begin(), environment_.begin(), environment_.end());
  return out;
}

}  // namespace wrench::storage
