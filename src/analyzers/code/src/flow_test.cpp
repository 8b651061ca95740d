#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "flow_builder.hpp"
#include "flow_models.hpp"
#include "flow_values.hpp"
#include "wrench/code/lower.hpp"
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

FlowFile flow_of(source::Language language, std::string_view text) {
  Parser parser;
  Atoms atoms;
  auto ir = parser.parse(language, text, atoms, {}, {}, {});
  EXPECT_TRUE(ir.ok());
  if (!ir.ok()) return {};
  const FileIndex index(*ir, atoms, text);
  return build_flow(index, {});
}

/// Every jump leads to a block, every slot and argument is there.
void expect_well_formed(const FlowFile& flow) {
  for (const FlowBody& body : flow.bodies) {
    for (const FlowBlock& block : body.blocks) {
      ASSERT_LE(block.first_op, block.end_op);
      ASSERT_LE(block.end_op, body.ops.size());
      for (const BlockIndex to : {block.when_true, block.when_false})
        if (to != kNoBlock) {
          ASSERT_LT(to, body.blocks.size());
        }
    }
    for (const BlockIndex to : body.edges) ASSERT_LT(to, body.blocks.size());
    for (const FlowOp& op : body.ops) {
      ASSERT_LE(op.args_first + op.args_count, body.args.size());
      for (const Slot slot : {op.dst, op.a, op.b, op.c}) {
        if (slot == kNoSlot || op.what == FlowWhat::Literal) continue;
        ASSERT_LT(slot & ~kTemporary, is_temporary(slot) ? body.temporaries : body.variables);
      }
    }
  }
}

/// testdata/flow/<name>.<ext> becomes <name>.<ext>.flow. With WRENCH_UPDATE_GOLDEN=1 the files are rewritten.
TEST(Flow, GoldenGraphs) {
  const fs::path folder = fs::path(WRENCH_SOURCE_DIR) / "src/analyzers/code/testdata/flow";
  int seen = 0;
  for (const auto& entry : fs::directory_iterator(folder)) {
    if (entry.path().extension() == ".flow") continue;
    ++seen;
    const std::string text = read_file(entry.path());
    const FlowFile flow = flow_of(source::detect_language(entry.path().string(), text), text);
    expect_well_formed(flow);
    const std::string got = dump(flow);
    const std::string golden = entry.path().string() + ".flow";
    if (std::getenv("WRENCH_UPDATE_GOLDEN")) std::ofstream(golden, std::ios::binary) << got;
    EXPECT_EQ(got, read_file(golden)) << entry.path();
  }
  EXPECT_GE(seen, 3);
}

/// Whatever the lowering tests hold in store, the graph is in order.
TEST(Flow, IsWellFormedForEveryConstruct) {
  const fs::path folder = fs::path(WRENCH_SOURCE_DIR) / "src/analyzers/code/testdata/ir";
  for (const auto& entry : fs::directory_iterator(folder)) {
    if (entry.path().extension() == ".ir") continue;
    const std::string text = read_file(entry.path());
    expect_well_formed(flow_of(source::detect_language(entry.path().string(), text), text));
  }
}

TEST(Flow, SurvivesDeepAndLongCode) {
  std::string deep = "def f(x):\n  return " + std::string(900, '(') + "x" + std::string(900, ')') + "\n";
  expect_well_formed(flow_of(source::Language::Python, deep));
  std::string nested = "x = ";
  for (int i = 0; i < 900; ++i) nested += "f(";
  nested += "1" + std::string(900, ')') + "\n";
  expect_well_formed(flow_of(source::Language::Python, nested));
  std::string sum = "x = 1";
  for (int i = 0; i < 1'500; ++i) sum += " + y";
  expect_well_formed(flow_of(source::Language::Python, sum + "\n"));
  std::string longest = "def f(x):\n";
  for (std::uint32_t i = 0; i < kFlowOpsMax; ++i) longest += "  x = g(x)\n";
  const FlowFile flow = flow_of(source::Language::Python, longest);
  ASSERT_EQ(flow.bodies.size(), 2u);
  EXPECT_TRUE(flow.bodies[1].cut);
  EXPECT_LE(flow.bodies[1].ops.size(), kFlowOpsMax + 10);
}

// --- values

TEST(FlowValues, JoinKeepsConstantsUntilThereAreTooMany) {
  ValuePool pool;
  ValueId value = pool.constant({FlowLiteral::What::Integer, 0, {}});
  for (int i = 1; i < 8; ++i) value = pool.join(value, pool.constant({FlowLiteral::What::Integer, i, {}}));
  EXPECT_EQ(pool.constants(value).size(), 8u);
  EXPECT_EQ(pool.join(value, pool.constant({FlowLiteral::What::Integer, 8, {}})), kUnknown);
}

TEST(FlowValues, JoinIsTheSameInEitherOrder) {
  ValuePool pool;
  const ValueId list = pool.list_of({pool.carrying({{1, 1}}), pool.constant({FlowLiteral::What::Text, 0, "a"})});
  const ValueId record = pool.set_part(kUnknown, pool.selector("name"), pool.carrying({{2, 2}}));
  const ValueId source = pool.carrying({{kSourceOrigins, 4}});
  for (const ValueId a : {list, record, source, kUnknown})
    for (const ValueId b : {list, record, source, kUnknown}) {
      EXPECT_EQ(pool.join(a, b), pool.join_fresh(b, a));
      // Loops end: a join that is repeated stops growing.
      ValueId grown = pool.join(a, b);
      for (int i = 0; i < 4; ++i) grown = pool.join(grown, b);
      EXPECT_EQ(pool.join(grown, b), grown);
      EXPECT_EQ(pool.join(grown, a), grown);
    }
}

TEST(FlowValues, APartOfWhatCarriesCarriesUnlessItWasSet) {
  ValuePool pool;
  const ValueId tainted = pool.carrying({{0, 1}});
  EXPECT_TRUE(pool.carries(pool.part(tainted, pool.selector("a"))));
  const ValueId cleaned = pool.set_part(tainted, pool.selector("a"), kUnknown);
  EXPECT_FALSE(pool.carries(pool.part(cleaned, pool.selector("a"))));
  EXPECT_TRUE(pool.carries(pool.part(cleaned, pool.selector("b"))));
  const ValueId part = pool.set_part(kUnknown, pool.selector("a"), tainted);
  EXPECT_FALSE(pool.carries(part));
  EXPECT_TRUE(pool.carries(pool.any_part(part)));
}

TEST(FlowValues, ConstantsAreComputedAsTheLanguagesDo) {
  ValuePool pool;
  const auto number = [&](std::int64_t value) { return pool.constant({FlowLiteral::What::Integer, value, {}}); };
  const auto text = [&](std::string value) { return pool.constant({FlowLiteral::What::Text, 0, std::move(value)}); };
  EXPECT_EQ(operate(pool, Op::Mul, number(7), number(6)), number(42));
  EXPECT_EQ(operate(pool, Op::Add, text("n"), number(1)), text("n1"));
  EXPECT_EQ(operate(pool, Op::Mul, number(INT64_MAX), number(2)), kUnknown);
  EXPECT_EQ(operate(pool, Op::Div, number(1), number(0)), kUnknown);
  EXPECT_EQ(operate(pool, Op::Div, number(-7), number(2)), kUnknown);  // Languages differ.
  EXPECT_EQ(operate(pool, Op::Greater, number(3), number(2)), pool.constant({FlowLiteral::What::Bool, 1, {}}));
  EXPECT_EQ(operate(pool, Op::Eq, number(1), text("1")), kUnknown);
  EXPECT_EQ(operate(pool, Op::Minus, number(INT64_MIN), std::nullopt), kUnknown);
}

}  // namespace
}  // namespace wrench::code
