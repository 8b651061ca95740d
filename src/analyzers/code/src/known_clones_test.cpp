#include "wrench/code/known_clones.hpp"

#include <gtest/gtest.h>

#include <deque>
#include <functional>
#include <iterator>
#include <map>

#include "wrench/base/random.hpp"
#include "wrench/code/clones.hpp"
#include "wrench/code/facts.hpp"
#include "wrench/code/lower.hpp"

namespace wrench::code {
namespace {

/// Reads each content once: rounds of a test look at nearly the same files.
class Tree {
 public:
  void write(const std::string& path, std::string text) { files_[path] = std::move(text); }
  void remove(const std::string& path) { files_.erase(path); }
  void rename(const std::string& from, const std::string& to) {
    if (from == to) return;
    files_[to] = files_[from];
    files_.erase(from);
  }
  std::string path(std::uint64_t i) const {
    return std::next(files_.begin(), static_cast<long>(i % files_.size()))->first;
  }
  const std::string& text(const std::string& path) const { return files_.at(path); }
  std::size_t size() const { return files_.size(); }

  std::vector<Clone> clones(KnownClones* known, const StopToken& stop = {}) {
    std::vector<CloneFile> inputs;
    findings::MemorySources sources;
    for (const auto& [path, text] : files_) {
      sources.add(path, text);
      const std::string& id = ids_.emplace_back("sha256:" + std::to_string(std::hash<std::string>()(text)));
      inputs.push_back({path, path, source::Language::Python, id, &tokens(text)});
    }
    return find_clones(inputs, sources, stop, known);
  }

 private:
  const CloneTokens& tokens(const std::string& text) {
    const auto [found, is_new] = tokens_.try_emplace(text);
    if (!is_new) return found->second;
    Atoms atoms;
    Parser parser;
    const auto ir = parser.parse(source::Language::Python, text, atoms, {}, {}, {});
    EXPECT_TRUE(ir.ok());
    return found->second = clone_tokens(*ir, atoms);
  }

  std::map<std::string, std::string> files_;
  std::map<std::string, CloneTokens> tokens_;
  std::deque<std::string> ids_;
};

std::string shown(const findings::CloneClass& one) {
  std::string out = std::to_string(one.type) + " " + std::to_string(one.tokens) + " " + std::to_string(one.similarity);
  for (const auto& member : one.members)
    out += " " + member.path + ":" + std::to_string(member.start.line) + "." + std::to_string(member.start.offset) +
           "-" + std::to_string(member.end.line) + "." + std::to_string(member.end.offset) + "@" + member.content;
  for (const auto& rename : one.renames) out += " [" + rename + "]";
  return out + " " + one.proposal + "\n";
}

std::string shown(const std::vector<Clone>& clones) {
  std::string out;
  for (const Clone& clone : clones) {
    out += std::to_string(clone.has_more) + std::to_string(clone.in_larger) + " " + shown(clone.whole);
    if (!clone.mergeable) continue;
    const findings::Finding finding = clone_finding(clone);
    out += "  " + std::to_string(clone.lines_saved) + " " + shown(*clone.mergeable) + finding.message + finding.lines +
           "\n";
  }
  return out;
}

/// A function of ten lines, of one of a few kinds; those of a kind are copies, some with other names and lines.
std::string function(SeededRandom& random) {
  const std::uint64_t kind = random.next() % 6;
  const std::string name = "f" + std::to_string(random.next() % 1000);
  const std::string value = std::to_string(random.next() % 3);
  std::string out = "def " + name + "(rows, limit):\n    total = " + value + "\n";
  for (std::uint64_t i = 0; i < 8; ++i) {
    const std::string n = std::to_string(i);
    switch ((kind * 5 + i * (kind + 1)) % 7) {
      case 0:
        out += "    if rows[" + n + "].value > limit:\n        total += rows[" + n + "].value\n";
        break;
      case 1:
        out += "    for row in rows:\n        total -= row.size * " + n + "\n";
        break;
      case 2:
        out += "    while total > limit:\n        total = shrink(total, rows, key='k" + value + "')\n";
        break;
      case 3:
        out += "    total = first(rows) or total\n";
        break;
      case 4:
        out += "    try:\n        rows.append(total)\n    except ValueError:\n        return limit\n";
        break;
      case 5:
        out += "    rows[total] = {'a': limit, 'b': [total, " + n + "]}\n";
        break;
      default:
        out += "    assert total != limit, describe(rows, total)\n";
        break;
    }
    if (random.next() % 12 == 0) out += "    note(rows)\n";
  }
  return out + "    return total\n\n\n";
}

std::string file(SeededRandom& random) {
  std::string out = random.next() % 2 == 0 ? "import os\n\n\n" : "";
  for (std::uint64_t i = 0; i < 1 + random.next() % 4; ++i) out += function(random);
  return out;
}

KnownClones read_again(const KnownClones& known) { return KnownClones::from_record(known.to_record()); }

TEST(KnownClones, GiveWhatASearchFromTheBeginningGives) {
  for (std::uint64_t seed = 1; seed <= 6; ++seed) {
    SeededRandom random(seed);
    Tree tree;
    for (int i = 0; i < 12; ++i) tree.write("f" + std::to_string(random.next() % 90) + ".py", file(random));
    KnownClones known;
    std::size_t with_clones = 0;
    for (int round = 0; round < 25; ++round) {
      const std::string fresh = shown(tree.clones(nullptr));
      with_clones += fresh.empty() ? 0 : 1;
      ASSERT_EQ(shown(tree.clones(&known)), fresh) << "seed " << seed << ", round " << round;
      known = read_again(known);
      ASSERT_EQ(shown(tree.clones(&known)), fresh) << "nothing changed, seed " << seed << ", round " << round;
      EXPECT_FALSE(known.is_new());
      const std::string path = tree.path(random.next());
      switch (random.next() % 5) {
        case 0:
          tree.write("f" + std::to_string(random.next() % 90) + ".py", file(random));
          break;
        case 1:
          tree.write(path, tree.text(path) + function(random));
          break;
        case 2:
          tree.write(path, "# moved down\n" + tree.text(path));
          break;
        case 3:
          tree.rename(path, "f" + std::to_string(random.next() % 90) + ".py");
          break;
        default:
          if (tree.size() > 4) tree.remove(path);
          break;
      }
    }
    EXPECT_GT(with_clones, 20U);
  }
}

// Above 100 copies one stands for all: which one, and whether it is so many, changes with any of them.
TEST(KnownClones, AreRightAboutWhatIsInManyPlaces) {
  SeededRandom random(3);
  const std::string common = function(random), other = function(random);
  Tree tree;
  const auto name = [](int i) { return "f" + std::to_string(1000 + i) + ".py"; };
  for (int i = 0; i < 99; ++i) tree.write(name(i), "import a" + std::to_string(i) + "\n\n\n" + common + other);
  KnownClones known;
  const auto expect_same = [&](const std::string& what) {
    const std::string fresh = shown(tree.clones(nullptr));
    EXPECT_TRUE(shown(tree.clones(&known)) == fresh) << what;  // Too long to be shown.
    known = read_again(known);
    return fresh;
  };
  EXPECT_FALSE(expect_same("99 copies").empty());
  for (int i = 99; i < 104; ++i) {
    tree.write(name(i), common + "x = 1\n");
    expect_same("one more");
  }
  tree.remove(name(0));
  expect_same("the first is gone");
  tree.write(name(1), "y = 2\n" + common);
  expect_same("the one that stands for all changed");
  for (int i = 10; i < 16; ++i) {
    tree.remove(name(i));
    expect_same("one less");
  }
}

TEST(KnownClones, KeepNoTextOfAHiddenFile) {
  SeededRandom random(5);
  const std::string one = function(random);
  std::string two = one;
  for (std::size_t at = two.find("limit"); at != std::string::npos; at = two.find("limit", at))
    two.replace(at, 5, "hush");
  Tree tree;
  tree.write("a.py", one);
  tree.write("b.py", two);
  KnownClones known;
  const std::string fresh = shown(tree.clones(&known));
  EXPECT_NE(known.to_record().find("hush"), std::string::npos);
  known = KnownClones();
  known.hide("b.py");
  EXPECT_EQ(shown(tree.clones(&known)), fresh);
  EXPECT_EQ(known.to_record().find("hush"), std::string::npos);
  known = read_again(known);
  EXPECT_EQ(shown(tree.clones(&known)), fresh);
}

TEST(KnownClones, OfASearchThatWasStoppedNothingIsKept) {
  SeededRandom random(5);
  Tree tree;
  tree.write("a.py", function(random));
  StopSource stop;
  stop.request_stop();
  KnownClones known;
  static_cast<void>(tree.clones(&known, stop.token()));
  EXPECT_EQ(known.to_record(), "");
}

TEST(KnownClones, DamagedBytesAreReadWithinBounds) {
  SeededRandom random(9);
  Tree tree;
  for (int i = 0; i < 8; ++i) tree.write("f" + std::to_string(i) + ".py", file(random));
  KnownClones known;
  const std::string fresh = shown(tree.clones(&known));
  const std::string good = known.to_record();
  for (std::size_t size = 0; size < good.size(); size += 11) {
    auto cut = KnownClones::from_record(std::string_view(good).substr(0, size));
    ASSERT_EQ(shown(tree.clones(&cut)), fresh);
  }
  for (int round = 0; round < 300; ++round) {
    std::string bad = good;
    bad[random.next() % bad.size()] = static_cast<char>(random.next());
    auto read = KnownClones::from_record(bad);
    static_cast<void>(tree.clones(&read));
    static_cast<void>(read.to_record());
  }
}

}  // namespace
}  // namespace wrench::code
