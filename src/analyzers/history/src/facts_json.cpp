#include <algorithm>
#include <charconv>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "wrench/base/text.hpp"
#include "wrench/history/facts.hpp"
#include "wrench/history/git_repo.hpp"

// A history has millions of small numbers. As JSON values they would take 40 bytes each, so commits are lines of text:
//   <id> <seconds since the line before> <author> <counted: 0 or 1>[ <status><file>[,<added>,<deleted>]]...
namespace wrench::history {
namespace {

using codec::Json;

constexpr std::string_view kSchema = "wrench.history-facts/1";
constexpr std::string_view kHexDigits = "0123456789abcdef";

/// Paths are bytes; JSON strings are Unicode. '%' and all that isn't valid UTF-8 is written as %xx.
std::string path_to_text(std::string_view path) {
  const bool valid = is_valid_utf8(path);
  std::string text;
  for (const char c : path) {
    const auto byte = static_cast<unsigned char>(c);
    if (c != '%' && (valid || byte < 0x80)) {
      text += c;
      continue;
    }
    text += '%';
    text += kHexDigits[byte >> 4];
    text += kHexDigits[byte & 15];
  }
  return text;
}

std::optional<std::string> path_from_text(std::string_view text) {
  std::string path;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      path += text[i];
      continue;
    }
    if (i + 2 >= text.size()) return std::nullopt;
    const std::size_t high = kHexDigits.find(text[i + 1]);
    const std::size_t low = kHexDigits.find(text[i + 2]);
    if (high == std::string_view::npos || low == std::string_view::npos) return std::nullopt;
    path += static_cast<char>(high * 16 + low);
    i += 2;
  }
  return path;
}

template <class N>
void append_number(std::string& out, N value) {
  char digits[24];
  const auto end = std::to_chars(digits, digits + sizeof digits, value).ptr;
  out.append(digits, end);
}

std::string commits_to_text(const HistoryFacts& facts) {
  std::string text;
  std::int64_t before = 0;
  for (const Commit& commit : facts.commits) {
    text += commit.id;
    text += ' ';
    append_number(text, commit.time_s - before);
    before = commit.time_s;
    text += ' ';
    append_number(text, commit.author);
    text += commit.counted ? " 1" : " 0";
    for (const Change& change : facts.changes_of(commit)) {
      text += ' ';
      text += change.status;
      append_number(text, change.file);
      if (change.added == 0 && change.deleted == 0) continue;
      text += ',';
      append_number(text, change.added);
      text += ',';
      append_number(text, change.deleted);
    }
    text += '\n';
  }
  return text;
}

/// Reads the numbers and words of one commit's line.
class LineReader {
 public:
  explicit LineReader(std::string_view line) : rest_(line) {}
  bool at_end() const { return rest_.empty(); }
  bool skip(char c) {
    if (!rest_.starts_with(c)) return false;
    rest_.remove_prefix(1);
    return true;
  }
  std::string_view word() {
    const std::string_view found = rest_.substr(0, rest_.find(' '));
    rest_.remove_prefix(found.size());
    return found;
  }
  char letter() {
    if (rest_.empty()) return '\0';
    const char c = rest_.front();
    rest_.remove_prefix(1);
    return c;
  }
  template <class N>
  bool number(N& value) {
    const auto [end, failure] = std::from_chars(rest_.data(), rest_.data() + rest_.size(), value);
    if (failure != std::errc()) return false;
    rest_.remove_prefix(static_cast<std::size_t>(end - rest_.data()));
    return true;
  }

 private:
  std::string_view rest_;
};

bool read_change(LineReader& line, const HistoryFacts& facts, Change& change) {
  change.status = line.letter();
  if (std::string_view("AMDT").find(change.status) == std::string_view::npos) return false;
  if (!line.number(change.file) || change.file >= facts.files.size()) return false;
  if (!line.skip(',')) return true;
  return line.number(change.added) && line.skip(',') && line.number(change.deleted);
}

bool read_commit(std::string_view text, std::int64_t before, HistoryFacts& facts) {
  LineReader line(text);
  Commit commit;
  commit.id = line.word();
  std::int64_t step_s = 0;
  int counted = 0;
  if (!is_object_id(commit.id) || !line.skip(' ') || !line.number(step_s) || !line.skip(' ') ||
      !line.number(commit.author) || commit.author >= facts.authors.size() || !line.skip(' ') ||
      !line.number(counted) || __builtin_add_overflow(before, step_s, &commit.time_s))
    return false;
  commit.counted = counted != 0;
  commit.first_change = static_cast<std::uint32_t>(facts.changes.size());
  while (line.skip(' ')) {
    Change change;
    if (!read_change(line, facts, change)) return false;
    facts.changes.push_back(change);
    ++commit.changes;
  }
  if (!line.at_end()) return false;
  facts.commits.push_back(std::move(commit));
  return true;
}

Error invalid(std::string_view what) {
  return Error("history.facts_invalid", "kept history facts can't be used: " + std::string(what));
}

}  // namespace

Json to_json(const HistoryFacts& facts) {
  Json files = Json::array();
  for (const FileEntry& file : facts.files) files.push_back((file.present ? "+" : "-") + path_to_text(file.path));
  Json authors = Json::array();
  for (const Author& author : facts.authors)
    authors.push_back(Json::object({{"name", author.name}, {"bot", author.bot}}));
  Json degraded = Json::array();
  for (const Degraded& entry : facts.degraded)
    degraded.push_back(Json::object({{"reason", entry.reason}, {"detail", entry.detail}}));
  return Json::object({{"schema", kSchema},
                       {"head", facts.head},
                       {"authors", std::move(authors)},
                       {"files", std::move(files)},
                       {"commits", commits_to_text(facts)},
                       {"degraded", std::move(degraded)}});
}

Result<HistoryFacts> facts_from_json(const Json& value) {
  if (value.at("schema").as_string() != kSchema) return invalid("another version wrote them");
  HistoryFacts facts;
  facts.head = value.at("head").as_string();
  if (!facts.head.empty() && !is_object_id(facts.head)) return invalid("head isn't a commit id");
  for (const Json& file : value.at("files").as_array()) {
    const std::string_view text = file.as_string();
    const auto path = text.empty() ? std::nullopt : path_from_text(text.substr(1));
    if (!path || (text[0] != '+' && text[0] != '-')) return invalid("a file entry");
    facts.files.push_back(FileEntry{*path, text[0] == '+'});
  }
  for (const Json& author : value.at("authors").as_array()) {
    if (!author.at("name").is_string()) return invalid("an author without a name");
    facts.authors.push_back(Author{std::string(author.at("name").as_string()), author.at("bot").as_boolean()});
  }
  for (const Json& entry : value.at("degraded").as_array())
    facts.degraded.push_back(
        {std::string(entry.at("reason").as_string()), std::string(entry.at("detail").as_string())});
  std::string_view rest = value.at("commits").as_string();
  while (!rest.empty()) {
    const std::size_t end = rest.find('\n');
    const std::int64_t before = facts.newest_s();
    if (end == std::string_view::npos || !read_commit(rest.substr(0, end), before, facts))
      return invalid("commit " + std::to_string(facts.commits.size() + 1));
    if (facts.commits.size() > 1 && facts.newest_s() < before) return invalid("commits out of order");
    rest.remove_prefix(end + 1);
  }
  return facts;
}

}  // namespace wrench::history
