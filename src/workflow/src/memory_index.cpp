#include "memory_index.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "sql.hpp"
#include "wrench/base/text.hpp"
#include "wrench/crypto/sha256.hpp"
#include "wrench/workflow/memory.hpp"

namespace wrench::workflow::memory_index {

using codec::Json;
using storage::ReadTx;
using storage::Rows;

namespace {

constexpr std::size_t kWordBytesMax = 64;
constexpr std::size_t kTextDepthMax = 64;

bool is_word_byte(char c) {
  return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c & 0x80) != 0;
}

Error invalid(std::string message) { return {"workflow.invalid_query", std::move(message)}; }

void append_text(const Json& value, std::string& out, std::size_t depth) {
  if (depth > kTextDepthMax) return;
  if (value.is_string()) {
    out += value.as_string();
    out += '\n';
  } else if (value.is_number()) {
    out += codec::write_json(value) + "\n";
  } else if (value.is_array()) {
    for (const Json& item : value.as_array()) append_text(item, out, depth + 1);
  } else if (value.is_object()) {
    for (const auto& [name, member] : value.as_object()) append_text(member, out, depth + 1);
  }
}

Result<std::string> text_member(const Json& value, std::string_view name, std::size_t bytes_max) {
  if (!value.is_string() || value.as_string().size() > bytes_max)
    return invalid(std::string(name) + " is a text of at most " + std::to_string(bytes_max) + " bytes");
  return std::string(value.as_string());
}

Result<void> set_text(const Json& value, Query& query) {
  if (!value.is_string()) return invalid("$text is a text");
  query.has_text = true;
  for (const std::string_view word : words_of(value.as_string())) {
    if (query.words.size() == kMemoryQueryWordsMax) break;
    std::string lower = to_lower_ascii(word);
    if (word.size() <= kWordBytesMax && std::ranges::find(query.words, lower) == query.words.end())
      query.words.push_back(std::move(lower));
  }
  return {};
}

Result<void> set_tags(const Json& value, Query& query) {
  if (!value.is_array() || value.as_array().size() > kMemoryTagsMax)
    return invalid("$tags is a list of at most " + std::to_string(kMemoryTagsMax) + " texts");
  for (const Json& tag : value.as_array()) {
    query.tags.push_back(WRENCH_TRY(text_member(tag, "a tag", kMemoryTagBytesMax)));
    query.keys.push_back(tag_key(query.tags.back()));
  }
  return {};
}

Result<void> set_option(std::string_view name, const Json& value, Query& query) {
  if (name == "$text") return set_text(value, query);
  if (name == "$tags") return set_tags(value, query);
  if (name == "$kind") {
    query.kind = WRENCH_TRY(text_member(value, name, kMemoryTagBytesMax));
    query.keys.push_back(kind_key(query.kind));
    return {};
  }
  if (name == "$scope") {
    query.scope = WRENCH_TRY(text_member(value, name, kMemoryScopeBytesMax));
    query.keys.push_back(scope_key(query.scope));
    return {};
  }
  if (name == "$since") {
    const auto at = parse_rfc3339(value.as_string());
    if (!at) return invalid("$since is a time like 2026-11-28T12:00:00Z");
    query.since = *at;
    return {};
  }
  return invalid("there is no " + escape_for_display(name) + ": $text, $tags, $kind, $since and $scope are known");
}

/// One literal word, or what splits into several, in SQLite's form (sqlite.org/fts5.html, section 3) or PostgreSQL's
/// (postgresql.org/docs/current/datatype-textsearch.html). Words have no quotes in them.
std::string quoted(storage::Dialect dialect, std::string_view word) {
  const std::string_view mark = dialect == storage::Dialect::Sqlite ? "\"" : "'";
  return std::string(mark) + std::string(word) + std::string(mark);
}

/// What a row must have. Beside it, for each word that scores, the number of rows that stand for how rare it is.
class Expression {
 public:
  Expression(storage::Dialect dialect, const std::vector<std::string>& keys) : dialect_(dialect) {
    for (const std::string& key : keys) {
      keys_ += (keys_.empty() ? ""
                : sqlite()    ? " AND "
                              : " & ") +
               (sqlite() ? "keys : " + quoted(dialect, key) : quoted(dialect, key));
      if (sqlite()) add_weight(0);
    }
  }
  /// PostgreSQL is told how many rows there are; SQLite knows.
  void set_rows(std::int64_t rows) {
    if (!sqlite()) add_weight(rows);
  }
  void all_of(const std::vector<std::string>& words, const std::vector<std::int64_t>& rows) {
    group(words, rows, sqlite() ? " AND " : " & ");
  }
  /// Without `rows` they don't score.
  void any_of(const std::vector<std::string>& words, const std::vector<std::int64_t>& rows) {
    group(words, rows, sqlite() ? " OR " : " | ");
  }
  /// Of memory_fts MATCH; on PostgreSQL three lines, as memory_search() takes them.
  std::string text() const {
    if (!sqlite()) return keys_ + "\n" + words_ + "\n" + scored_;
    return words_.empty() ? keys_ : keys_ + " AND " + words_;
  }
  const std::string& weights() const { return weights_; }

 private:
  bool sqlite() const { return dialect_ == storage::Dialect::Sqlite; }
  void group(const std::vector<std::string>& words, const std::vector<std::int64_t>& rows, std::string_view operation) {
    words_ += (words_.empty() ? "" : sqlite() ? " AND " : " & ") + std::string(sqlite() ? "text : (" : "(");
    for (std::size_t i = 0; i < words.size(); ++i) {
      if (i > 0) words_ += operation;
      words_ += quoted(dialect_, words[i]);
      if (!rows.empty()) scored_ += (scored_.empty() ? "" : " ") + words[i];
      if (sqlite() || !rows.empty()) add_weight(rows.empty() ? 0 : rows[i]);
    }
    words_ += ")";
  }
  void add_weight(std::int64_t rows) { weights_ += (weights_.empty() ? "" : " ") + std::to_string(rows); }

  storage::Dialect dialect_;
  std::string keys_, words_, scored_, weights_;
};

struct Word {
  std::string text;
  Frequencies::Count count;
};

Hits hits_of(const Rows& rows) {
  Hits out;
  for (const auto row : rows) out.hits.push_back({row.integer(0) / kLengthClasses, row.real(1)});
  return out;
}

}  // namespace

std::int64_t length_class(std::size_t words) {
  const double steps = std::log(static_cast<double>(words) + 1) / std::log(kLengthStep);
  return std::min(static_cast<std::int64_t>(steps), kLengthClasses - 1);
}

std::vector<std::string_view> words_of(std::string_view text) {
  std::vector<std::string_view> out;
  for (std::size_t at = 0; at < text.size();) {
    std::size_t end = at;
    while (end < text.size() && is_word_byte(text[end])) ++end;
    if (end > at) out.push_back(text.substr(at, end - at));
    at = end + 1;
  }
  return out;
}

std::string searchable_text(const Json& content, const std::vector<std::string>& tags) {
  std::string out;
  append_text(content, out, 0);
  for (const std::string& tag : tags) out += tag + "\n";
  return out;
}

std::string agent_key(std::string_view agent) { return "a" + to_hex(agent); }
std::string scope_key(std::string_view scope) { return "s" + to_hex(scope); }
std::string kind_key(std::string_view kind) { return "k" + to_hex(kind); }
std::string tag_key(std::string_view tag) { return "t" + to_hex(tag); }
std::string member_key(std::string_view name, const Json& value) {
  return "m" + crypto::sha256_hex(codec::canonical_json(Json::object({{name, value}}))).substr(0, 16);
}

Result<Query> parse(storage::Dialect dialect, std::string_view agent, const Json& query) {
  if (!query.is_object()) return invalid("a query is an object");
  if (codec::write_json(query).size() > kMemoryQueryBytesMax)
    return invalid("a query has at most " + format_bytes(kMemoryQueryBytesMax));
  Query out;
  out.dialect = dialect;
  out.keys.push_back(agent_key(agent));
  for (const auto& [name, value] : query.as_object()) {
    if (name.starts_with('$')) {
      WRENCH_TRY(set_option(name, value, out));
    } else {
      out.keys.push_back(member_key(name, value));
      out.members.emplace_back(name, value);
    }
  }
  return out;
}

Result<Frequencies::Count> Frequencies::of(ReadTx& tx, storage::Dialect dialect, const std::string& word) {
  const std::int64_t top = WRENCH_TRY(tx.query(sql::kMemoryTop)).front().integer(0) * kLengthClasses;
  {
    const std::lock_guard lock(mutex_);
    // What is known is roughly right until the table has grown by a quarter.
    if (known_.size() >= kWordsKnownMax || top > counted_at_ + counted_at_ / 4) {
      known_.clear();
      counted_at_ = top;
    }
    if (const auto found = known_.find(word); found != known_.end()) return found->second;
  }
  const Rows rows = WRENCH_TRY(
      tx.query(sql::kMemoryRowsOfWord,
               {(dialect == storage::Dialect::Sqlite ? "text : " : "") + quoted(dialect, word), kCommonRows}));
  Count count{rows.front().integer(0), false};
  if (count.rows == kCommonRows) {
    const std::int64_t span = std::max<std::int64_t>(1, rows.front().integer(2) - rows.front().integer(1));
    count.rows = static_cast<std::int64_t>(static_cast<double>(kCommonRows) * static_cast<double>(top) /
                                           static_cast<double>(span));
    count.common = true;
  }
  const std::lock_guard lock(mutex_);
  known_.insert_or_assign(word, count);
  return count;
}

Result<Hits> search(ReadTx& tx, Frequencies& frequencies, const Query& query, std::int64_t first_id,
                    std::size_t limit) {
  std::vector<Word> words;
  for (const std::string& word : query.words) {
    const auto count = WRENCH_TRY(frequencies.of(tx, query.dialect, word));
    if (count.rows > 0) words.push_back({word, count});
  }
  if (words.empty()) return Hits();
  std::ranges::stable_sort(words, {}, [](const Word& word) { return word.count.rows; });

  std::vector<std::string> driving, scoring;
  std::vector<std::int64_t> rows;
  std::int64_t candidates = 0;
  for (const Word& word : words) {
    candidates += word.count.rows;
    if (!word.count.common && candidates <= kCandidateRows) driving.push_back(word.text);
    scoring.push_back(word.text);
    rows.push_back(word.count.rows);
  }
  const std::int64_t first_row = first_id * kLengthClasses;
  const std::int64_t rows_of_all = WRENCH_TRY(tx.query(sql::kMemoryTop)).front().integer(0);
  Expression expression(query.dialect, query.keys);
  expression.set_rows(rows_of_all);
  if (!driving.empty()) {
    // Rows without a rare word lose against those with one.
    if (driving.size() < scoring.size()) expression.any_of(driving, {});
    expression.any_of(scoring, rows);
    return hits_of(
        WRENCH_TRY(tx.query(sql::kMemorySearch, {expression.text(), expression.weights(), first_row, limit})));
  }
  const std::size_t rarest = std::min(kWordsTogetherMax, scoring.size());
  scoring.resize(rarest);
  rows.resize(rarest);
  expression.all_of(scoring, rows);
  Hits together = hits_of(WRENCH_TRY(
      tx.query(sql::kMemorySearchNewest, {expression.text(), expression.weights(), first_row, kWindowRows, limit})));
  together.approximate = true;
  if (together.hits.size() >= limit) return together;
  Expression any(query.dialect, query.keys);
  any.set_rows(rows_of_all);
  any.any_of(scoring, rows);
  Hits out = hits_of(
      WRENCH_TRY(tx.query(sql::kMemorySearchNewest, {any.text(), any.weights(), first_row, kWindowRows, limit})));
  out.approximate = true;
  for (const Hit& hit : out.hits) {
    if (together.hits.size() == limit) break;
    if (std::ranges::find(together.hits, hit.id, &Hit::id) == together.hits.end()) together.hits.push_back(hit);
  }
  return together;
}

Result<Hits> newest(ReadTx& tx, const Query& query, std::int64_t first_id, std::int64_t before, std::size_t limit) {
  const Expression expression(query.dialect, query.keys);
  const std::int64_t top = before > std::numeric_limits<std::int64_t>::max() / kLengthClasses
                               ? std::numeric_limits<std::int64_t>::max()
                               : before * kLengthClasses;
  return hits_of(WRENCH_TRY(tx.query(sql::kMemoryNewest, {expression.text(), first_id * kLengthClasses, top, limit})));
}

Result<void> add(storage::WriteTx& tx, storage::Dialect dialect, std::int64_t id, const std::string& text,
                 const std::vector<std::string>& keys) {
  const std::vector<std::string_view> words = words_of(text);
  const std::int64_t row = id * kLengthClasses + length_class(words.size());
  // PostgreSQL takes a path or a number with a point for one word.
  std::string apart;
  if (dialect == storage::Dialect::Postgres)
    for (const std::string_view word : words) apart.append(word).append(" ");
  WRENCH_TRY(
      tx.exec(sql::kInsertMemoryWords, {row, dialect == storage::Dialect::Postgres ? apart : text, join(keys, " ")}));
  return {};
}

Result<void> remove(storage::WriteTx& tx, std::int64_t id) {
  WRENCH_TRY(tx.exec(sql::kDeleteMemoryWords, {id * kLengthClasses, (id + 1) * kLengthClasses}));
  return {};
}

}  // namespace wrench::workflow::memory_index
