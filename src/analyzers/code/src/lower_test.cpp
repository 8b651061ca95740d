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

  auto unknown = parse(source::Language::Markdown, "# title", atoms);
  ASSERT_FALSE(unknown.ok());
  EXPECT_EQ(unknown.error().code, "code.unsupported_language");
}

/// What ends early must say why; what doesn't must give a tree that holds together.
void expect_survives(source::Language language, const std::string& text, std::string_view fault) {
  Atoms atoms;
  const auto ir = parse(language, text, atoms);
  if (!ir.ok()) {
    EXPECT_EQ(ir.error().code, fault) << source::display_name(language);
    return;
  }
  EXPECT_TRUE(fault.empty()) << source::display_name(language);
  expect_well_formed(*ir, text);
}

TEST(Lower, HostileConfigurationEndsWithinLimits) {
  const auto repeated = [](std::string_view part, std::size_t times) {
    std::string out;
    for (std::size_t i = 0; i < times; ++i) out += part;
    return out;
  };
  using source::Language;
  const std::string brackets = repeated("[", 100'000) + repeated("]", 100'000);
  expect_survives(Language::Json, brackets, "code.nesting_too_deep");
  expect_survives(Language::Yaml, brackets, "code.nesting_too_deep");
  expect_survives(Language::Toml, "a = " + brackets, "code.nesting_too_deep");
  expect_survives(Language::Hcl, "a = " + brackets, "code.nesting_too_deep");
  expect_survives(Language::Css, repeated("a{", 100'000) + repeated("}", 100'000), "code.nesting_too_deep");
  expect_survives(Language::Yaml, repeated("- ", 1'000'000), "code.nesting_too_deep");
  expect_survives(Language::Yaml, repeated("? ", 100'000), "code.nesting_too_deep");
  expect_survives(Language::Yaml, repeated("{a: ", 100'000), "code.nesting_too_deep");
  expect_survives(Language::Yaml, "a: &a [x, x]\nb: &b [*a, *a]\nc: &c [*b, *b]\n", {});
  expect_survives(Language::Html, repeated("<div>", 3'000) + repeated("</div>", 3'000), "code.nesting_too_deep");
  expect_survives(Language::Dockerfile, "RUN <<EOF\nmake\n", {});
  expect_survives(Language::Dockerfile, repeated("COPY <<A <<B <<C /x\n", 20'000), {});
  expect_survives(Language::Dockerfile, "RUN " + repeated("\\\n", 200'000), {});
  expect_survives(Language::Dockerfile, "RUN " + repeated("$(", 200'000), {});
  expect_survives(Language::Dockerfile, repeated("ONBUILD ", 100'000) + "RUN x", {});
  std::string rubbish;
  for (std::uint32_t i = 0, x = 1; i < 100'000; ++i) {
    x = x * 1664525 + 1013904223;
    rubbish += static_cast<char>(x >> 24);
  }
  for (const Language language : {Language::Json, Language::Yaml, Language::Toml, Language::Hcl, Language::Html,
                                  Language::Css, Language::Sql, Language::Dockerfile}) {
    Atoms atoms;
    if (const auto ir = parse(language, rubbish, atoms); ir.ok()) expect_well_formed(*ir, rubbish);
  }
}

TEST(Lower, YamlIsReadUpToTheFirstFault) {
  Atoms atoms;
  const std::string text = "good: yes\nbad: [1, 2\nworse: {\n";
  const auto ir = parse(source::Language::Yaml, text, atoms);
  ASSERT_TRUE(ir.ok());
  expect_well_formed(*ir, text);
  EXPECT_EQ(ir->error_nodes, 1u);
  EXPECT_NE(atoms.find("good"), kNoAtom);
}

TEST(Lower, TemplatesInYamlAreNoFault) {
  Atoms atoms;
  const std::string text =
      "{{- if .Values.on }}\nkind: Pod\nspec:\n  image: {{ .Values.image }}:{{ .Values.tag | quote }}\n{{- end }}\n";
  const auto ir = parse(source::Language::Yaml, text, atoms);
  ASSERT_TRUE(ir.ok());
  expect_well_formed(*ir, text);
  EXPECT_EQ(ir->error_nodes, 0u);
  EXPECT_NE(atoms.find("{{ .Values.image }}:{{ .Values.tag | quote }}"), kNoAtom);
}

/// Scanners keep state of their own while strings, heredocs and templates nest: none may end the process over it.
TEST(Lower, NestingWithoutEndIsAnErrorAndNoCrash) {
  using source::Language;
  struct Nest {
    Language language;
    std::string_view opening;
  };
  constexpr Nest kNests[] = {
      {Language::Php, "<?php ("},     {Language::Php, "\"{$a["},
      {Language::Php, "<<<A\n"},      {Language::CSharp, "("},
      {Language::CSharp, "$\"{"},     {Language::CSharp, "#if A\n"},
      {Language::Ruby, "["},          {Language::Ruby, "\"#{"},
      {Language::Ruby, "<<A\n"},      {Language::Rust, "{"},
      {Language::Rust, "/*"},         {Language::Rust, "m!("},
      {Language::Kotlin, "("},        {Language::Kotlin, "\"${"},
      {Language::Kotlin, "\"\"\"${"}, {Language::Kotlin, "val a = \"x\n"},
      {Language::Scala, "{"},         {Language::Scala, "s\"${"},
      {Language::Bash, "$("},         {Language::Bash, "\"$("},
      {Language::Bash, "<<A\n"},
  };
  const SystemClock clock;
  for (const Nest& nest : kNests) {
    std::string text(nest.language == Language::Php ? "<?php " : "");
    for (int i = 0; i < 4'000; ++i) text += nest.opening;
    Parser parser;
    Atoms atoms;
    const auto ir = parser.parse(nest.language, text, atoms, {}, CpuBudget(clock, kMicrosPerSecond), {});
    if (ir) {
      expect_well_formed(*ir, text);
    } else {
      EXPECT_TRUE(ir.error().code == "code.nesting_too_deep" || ir.error().code == "code.file_timeout")
          << nest.opening << describe(ir.error());
    }
  }
}

TEST(Lower, ScalasTypedImplicitsAreBlankedOut) {
  Atoms atoms;
  const auto ir = parse(source::Language::Scala, "val f = Action { implicit r: Request[Any] =>\n  Ok(1)\n}\n", atoms);
  ASSERT_TRUE(ir.ok());
  EXPECT_EQ(ir->error_nodes, 0u);
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
