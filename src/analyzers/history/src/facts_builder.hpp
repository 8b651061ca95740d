#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "log_parser.hpp"
#include "wrench/history/facts.hpp"

namespace wrench::history {

/// Collects commits from a log and from earlier facts, in any order, and puts them into the one order.
class FactsBuilder {
 public:
  explicit FactsBuilder(std::vector<std::string> bots) : bots_(bots.begin(), bots.end()) {}
  void add(LoggedCommit&& commit);
  void add_all(const HistoryFacts& facts);
  std::size_t commits() const { return commits_.size(); }
  /// The newest `commits_max` commits, ordered and renumbered; `present` are the paths at the head.
  HistoryFacts build(const std::vector<std::string>& present, std::size_t commits_max) &&;

 private:
  struct Hash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const { return std::hash<std::string_view>()(text); }
  };
  using Index = std::unordered_map<std::string, std::uint32_t, Hash, std::equal_to<>>;
  std::uint32_t file_index(std::string_view path);
  std::uint32_t author_index(std::string_view name, bool bot);
  bool is_bot(std::string_view name, std::string_view email) const;

  std::unordered_set<std::string> bots_;
  Index file_of_path_, author_of_name_;
  std::vector<std::string> paths_;
  std::vector<Author> authors_;
  std::vector<Commit> commits_;
  std::vector<Change> changes_;
};

}  // namespace wrench::history
