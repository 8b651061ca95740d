#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "wrench/base/clock.hpp"
#include "wrench/base/result.hpp"
#include "wrench/codec/json.hpp"
#include "wrench/storage/transaction.hpp"

/// The index over what is remembered: memory_fts has a row for each item that holds, with its words (column text) and
/// what it can be picked by (column keys).
namespace wrench::workflow::memory_index {

inline constexpr std::int64_t kLengthClasses = 64;
inline constexpr double kLengthStep = 1.125;

/// A word in more rows than this is common.
inline constexpr std::int64_t kCommonRows = 10'000;
/// Rows that are scored at most when a word is rare.
inline constexpr std::int64_t kCandidateRows = 12'000;
/// Rows that are scored at most when every word is common.
inline constexpr std::int64_t kWindowRows = 5'000;
inline constexpr std::size_t kWordsTogetherMax = 4;
inline constexpr std::size_t kWordsKnownMax = 4096;

/// Number of words -> class; the classes' lengths grow by kLengthStep. sqlite_search.cpp knows it, too.
std::int64_t length_class(std::size_t words);

/// The words of a text as the index splits it, lower bytes only: what isn't ASCII stays together.
std::vector<std::string_view> words_of(std::string_view text);
/// Everything in it that is text or a number, tags included.
std::string searchable_text(const codec::Json& content, const std::vector<std::string>& tags);

/// One word each; equal keys are equal words.
std::string agent_key(std::string_view agent);
std::string scope_key(std::string_view scope);
std::string kind_key(std::string_view kind);
std::string tag_key(std::string_view tag);
std::string member_key(std::string_view name, const codec::Json& value);

/// A query, understood.
struct Query {
  storage::Dialect dialect = storage::Dialect::Sqlite;  ///< Of the index that will be searched.
  std::vector<std::string> keys;                        ///< Of the agent and all that was asked for.
  std::vector<std::string> words;                       ///< Of $text, each once.
  std::string scope, kind;
  std::vector<std::string> tags;
  std::vector<std::pair<std::string, codec::Json>> members;
  std::optional<Micros> since;
  bool has_text = false;

  /// Whether scope is all that narrows it down.
  bool only_scope() const { return !has_text && !scope.empty() && kind.empty() && tags.empty() && members.empty(); }
};
/// Errors: workflow.invalid_query.
Result<Query> parse(storage::Dialect dialect, std::string_view agent, const codec::Json& query);

struct Hit {
  std::int64_t id = 0;
  double score = 0;
};
struct Hits {
  std::vector<Hit> hits;
  bool approximate = false;
};

/// In how many rows words stand, as far as that matters: counting stops at kCommonRows. Remembers what it counted.
/// Thread-safe.
class Frequencies {
 public:
  struct Count {
    std::int64_t rows = 0;  ///< Estimated from kCommonRows of them if there are more.
    bool common = false;
  };
  Result<Count> of(storage::ReadTx& tx, storage::Dialect dialect, const std::string& word);

 private:
  std::mutex mutex_;
  std::map<std::string, Count, std::less<>> known_;
  std::int64_t counted_at_ = 0;  ///< Highest row when counting began.
};

/// Best first, by Okapi BM25. Words that are rare drive the search and all words score; if every word is common, only
/// the newest matches are looked at (workflow spec 5.8).
Result<Hits> search(storage::ReadTx& tx, Frequencies& frequencies, const Query& query, std::int64_t first_id,
                    std::size_t limit);
/// Newest first, below `before`.
Result<Hits> newest(storage::ReadTx& tx, const Query& query, std::int64_t first_id, std::int64_t before,
                    std::size_t limit);

Result<void> add(storage::WriteTx& tx, storage::Dialect dialect, std::int64_t id, const std::string& text,
                 const std::vector<std::string>& keys);
Result<void> remove(storage::WriteTx& tx, std::int64_t id);

}  // namespace wrench::workflow::memory_index
