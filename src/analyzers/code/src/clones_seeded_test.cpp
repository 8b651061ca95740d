#include <gtest/gtest.h>

#include <algorithm>
#include <cctype>
#include <deque>
#include <map>
#include <random>

#include "wrench/code/clones.hpp"
#include "wrench/code/facts.hpp"
#include "wrench/code/lower.hpp"

// Functions made up at random, and copies of them that a person might have made: with other names and values, with
// lines put in, taken out and changed.
namespace wrench::code {
namespace {

class Author {
 public:
  explicit Author(std::uint32_t seed) : random_(seed) {}

  std::size_t below(std::size_t n) { return random_() % n; }

  std::string name() {
    std::string out = "v";
    for (int i = 0; i < 6; ++i) out += static_cast<char>('a' + below(26));
    return out;
  }
  std::string number() { return std::to_string(below(1000)); }

  std::string value(int depth = 0) {
    switch (depth > 2 ? below(2) : below(8)) {
      case 0:
        return name();
      case 1:
        return number();
      case 2:
        return name() + "(" + value(depth + 1) + ", " + value(depth + 1) + ")";
      case 3:
        return name() + "." + name();
      case 4:
        return "(" + value(depth + 1) + " + " + value(depth + 1) + ")";
      case 5:
        return name() + "[" + value(depth + 1) + "]";
      case 6:
        return "[" + value(depth + 1) + ", " + value(depth + 1) + "]";
      default:
        return "not " + value(depth + 1);
    }
  }

  std::string statement() {
    switch (below(6)) {
      case 0:
        return "if " + value() + ":\n        " + name() + " = " + value();
      case 1:
        return "for " + name() + " in " + value() + ":\n        " + name() + "(" + value() + ")";
      case 2:
        return name() + "." + name() + "(" + value() + ")";
      case 3:
        return name() + " += " + value();
      default:
        return name() + " = " + value();
    }
  }

  std::vector<std::string> body(std::size_t statements) {
    std::vector<std::string> out;
    for (std::size_t i = 0; i < statements; ++i) out.push_back(statement());
    return out;
  }

  /// Every name and number is another one, the same for the same.
  std::string renamed(const std::string& text) {
    std::map<std::string, std::string> known;
    std::string out;
    for (std::size_t i = 0; i < text.size();) {
      std::size_t end = i;
      while (end < text.size() && std::isalnum(static_cast<unsigned char>(text[end]))) ++end;
      const std::string word = text.substr(i, end - i);
      const bool is_name = word.size() == 7 && word[0] == 'v';
      const bool is_number = !word.empty() && std::isdigit(static_cast<unsigned char>(word[0]));
      if (is_name || is_number) {
        auto& other = known[word];
        if (other.empty()) other = is_name ? name() : number();
        out += other;
      } else {
        out += word.empty() ? std::string(1, text[i]) : word;
      }
      i = std::max(end, i + 1);
    }
    return out;
  }

 private:
  std::mt19937 random_;
};

std::string function(const std::string& name, const std::vector<std::string>& body) {
  std::string out = "def " + name + "(a):\n";
  for (const std::string& statement : body) out += "    " + statement + "\n";
  return out;
}

/// The type of the class that holds most of both functions; 0 without one.
int type_found(const std::string& first, const std::string& second) {
  std::deque<FileFacts> facts;
  findings::MemorySources sources;
  std::vector<CloneFile> inputs;
  Parser parser;
  for (const auto& [path, content] : {std::pair("a.py", &first), std::pair("b.py", &second)}) {
    const source::SourceText text = source::make_source_text(path, path, *content);
    sources.add(path, text.text);
    Atoms atoms;
    const auto ir = parser.parse(text.language, text.text, atoms, {}, {}, {});
    EXPECT_TRUE(ir.ok());
    const FileFacts& one = facts.emplace_back(extract_facts(*ir, atoms, text));
    inputs.push_back({one.path, one.project_path, one.language, one.content_id, &one.clone_tokens});
  }
  for (const Clone& clone : find_clones(inputs, sources, {})) {
    const auto& members = clone.whole.members;
    if (clone.in_larger || members.size() != 2) continue;
    const auto share = [&](const findings::Location& member, const std::string& all) {
      return (member.end.offset - member.start.offset) * 100 / all.size();
    };
    if (share(members[0], first) >= 60 && share(members[1], second) >= 60) return clone.whole.type;
  }
  return 0;
}

constexpr int kPairs = 200;
constexpr std::size_t kSmallStatement = 40;  ///< Characters; at most ten tokens.

TEST(SeededClones, WithOtherNamesAndValuesAreFound) {
  int found = 0;
  for (std::uint32_t seed = 1; seed <= kPairs; ++seed) {
    Author author(seed);
    const std::string text = function(author.name(), author.body(12 + author.below(20)));
    found += type_found(text, author.renamed(text)) == 2 ? 1 : 0;
  }
  EXPECT_GE(found * 100, kPairs * 95) << found << " of " << kPairs;
}

TEST(SeededClones, WithAFewOtherLinesAreFound) {
  int found = 0;
  for (std::uint32_t seed = 1; seed <= kPairs; ++seed) {
    Author author(seed);
    auto body = author.body(14 + author.below(20));
    const std::string first = function("first", body);
    const std::size_t edits = 1 + author.below(3);
    for (std::size_t i = 0; i < edits; ++i) {
      // What is taken out is small, too: a wider gap makes it another function.
      std::size_t place = 1 + author.below(body.size() - 2);
      while (body[place].size() > kSmallStatement) place = 1 + author.below(body.size() - 2);
      const auto at = body.begin() + static_cast<std::ptrdiff_t>(place);
      const std::string small = author.name() + " = " + author.name() + "(" + author.number() + ")";
      switch (author.below(3)) {
        case 0:
          body.insert(at, small);
          break;
        case 1:
          *at = small;
          break;
        default:
          body.erase(at);
      }
    }
    found += type_found(first, author.renamed(function("second", body))) != 0 ? 1 : 0;
  }
  EXPECT_GE(found * 100, kPairs * 85) << found << " of " << kPairs;
}

TEST(SeededClones, UnrelatedFunctionsAreNone) {
  for (std::uint32_t seed = 1; seed <= kPairs; ++seed) {
    Author author(seed);
    const int found = type_found(function("first", author.body(25)), function("second", author.body(25)));
    EXPECT_EQ(found, 0) << seed;
  }
}

}  // namespace
}  // namespace wrench::code
