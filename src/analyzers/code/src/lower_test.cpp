#include "wrench/code/lower.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "wrench/source/language.hpp"

namespace wrench::code {
namespace {

namespace fs = std::filesystem;

std::string read_file(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  std::ostringstream out;
  out << in.rdbuf();
  return out.str();
}

Result<Ir> parse(source::Language language, std::string_view text, Atoms& atoms, ParseLimits limits = {}) {
  Parser parser;
  return parser.parse(language, text, atoms, limits, {}, {});
}

/// Every node lies in its parent, after its elder sibling, and the pre-order links agree.
void expect_well_formed(const Ir& ir, std::string_view text) {
  ASSERT_FALSE(ir.nodes.empty());
  EXPECT_EQ(ir.nodes[0].subtree_end, ir.nodes.size());
  for (NodeIndex i = 0; i < ir.nodes.size(); ++i) {
    const Node& node = ir.nodes[i];
    ASSERT_LE(node.first, node.end);
    ASSERT_LE(node.end, text.size());
    ASSERT_GT(node.subtree_end, i);
    if (i == 0) continue;
    ASSERT_LT(node.parent, i);
    ASSERT_LE(node.subtree_end, ir.nodes[node.parent].subtree_end);
    ASSERT_EQ(node.depth, ir.nodes[node.parent].depth + 1);
  }
}

/// testdata/ir/<name>.<ext> lowers to <name>.<ext>.ir. With WRENCH_UPDATE_GOLDEN=1 the files are rewritten.
TEST(Lower, GoldenTrees) {
  const fs::path folder = fs::path(WRENCH_SOURCE_DIR) / "src/analyzers/code/testdata/ir";
  int seen = 0;
  for (const auto& entry : fs::directory_iterator(folder)) {
    if (entry.path().extension() == ".ir") continue;
    ++seen;
    const std::string text = read_file(entry.path());
    Atoms atoms;
    const auto ir = parse(source::detect_language(entry.path().string(), text), text, atoms);
    ASSERT_TRUE(ir.ok()) << entry.path() << describe(ir.error());
    expect_well_formed(*ir, text);
    const std::string got = dump(*ir, atoms, text);
    const std::string golden = entry.path().string() + ".ir";
    if (std::getenv("WRENCH_UPDATE_GOLDEN")) std::ofstream(golden, std::ios::binary) << got;
    EXPECT_EQ(got, read_file(golden)) << entry.path();
  }
  EXPECT_GE(seen, 1);
}

TEST(Lower, NamesTheLimitThatWasExceeded) {
  Atoms atoms;
  const std::string nested = "x = " + std::string(3000, '[') + std::string(3000, ']') + "\n";
  auto deep = parse(source::Language::Python, nested, atoms);
  ASSERT_FALSE(deep.ok());
  EXPECT_EQ(deep.error().code, "code.nesting_too_deep");

  auto many = parse(source::Language::Python, "a = [1, 2, 3]\n", atoms, {.nodes_max = 4});
  ASSERT_FALSE(many.ok());
  EXPECT_EQ(many.error().code, "code.nodes_max");

  auto unknown = parse(source::Language::Sql, "select 1", atoms);
  ASSERT_FALSE(unknown.ok());
  EXPECT_EQ(unknown.error().code, "code.unsupported_language");
}

TEST(Lower, ParserWorksOnAfterATimeoutAndAStop) {
  std::string text;
  for (int i = 0; i < 20'000; ++i) text += "value = call(argument, [1, 2, 3])\n";
  Parser parser;
  Atoms atoms;
  const ManualClock clock;
  auto slow = parser.parse(source::Language::Python, text, atoms, {}, CpuBudget(clock, 0), {});
  ASSERT_FALSE(slow.ok());
  EXPECT_EQ(slow.error().code, "code.file_timeout");

  StopSource source;
  source.request_stop();
  auto stopped = parser.parse(source::Language::Python, text, atoms, {}, {}, source.token());
  ASSERT_FALSE(stopped.ok());
  EXPECT_EQ(stopped.error().code, "code.stopped");

  const auto next = parser.parse(source::Language::Python, "x = 1\n", atoms, {}, {}, {});
  ASSERT_TRUE(next.ok());
  EXPECT_EQ(next->nodes.size(), 5u);
}

TEST(Lower, SyntaxErrorsAreNodesAndFlagTheirStatement) {
  Atoms atoms;
  const auto ir = parse(source::Language::Python, "good()\nx = = 2\nalso_good()\n", atoms);
  ASSERT_TRUE(ir.ok());
  EXPECT_GT(ir->error_nodes, 0u);
  const auto flagged = [&](std::string_view callee) {
    return std::ranges::any_of(
        ir->nodes, [&](const Node& n) { return atoms.text(n.atom) == callee && (n.flags & kFlagNearError); });
  };
  EXPECT_FALSE(flagged("good"));
  EXPECT_FALSE(flagged("also_good"));
  EXPECT_TRUE(std::ranges::any_of(ir->nodes, [](const Node& n) { return (n.flags & kFlagNearError) != 0; }));
}

TEST(Atoms, OverlaySharesTheBaseAndForgetsItsOwn) {
  Atoms base;
  const Atom shared = base.intern("eval");
  Atoms overlay(&base);
  EXPECT_EQ(overlay.intern("eval"), shared);
  const Atom own = overlay.intern("mine");
  EXPECT_NE(own, shared);
  EXPECT_EQ(overlay.text(own), "mine");
  EXPECT_EQ(overlay.text(shared), "eval");
  EXPECT_EQ(base.find("mine"), kNoAtom);
  overlay.clear();
  EXPECT_EQ(overlay.find("mine"), kNoAtom);
  EXPECT_EQ(overlay.find("eval"), shared);
  std::vector<Atom> many;
  for (int i = 0; i < 5000; ++i)
    many.push_back(overlay.intern(std::string(static_cast<std::size_t>(i % 97) + 1, 'x') + std::to_string(i)));
  const std::string huge(100'000, 'h');
  EXPECT_EQ(overlay.text(overlay.intern(huge)), huge);
  for (int i = 0; i < 5000; ++i)
    EXPECT_EQ(overlay.text(many[static_cast<std::size_t>(i)]),
              std::string(static_cast<std::size_t>(i % 97) + 1, 'x') + std::to_string(i));
}

}  // namespace
}  // namespace wrench::code
