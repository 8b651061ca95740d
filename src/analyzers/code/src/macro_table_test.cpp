#include "wrench/code/macro_table.hpp"

#include <gtest/gtest.h>

namespace wrench::code {
namespace {

Macro one(std::string_view text) {
  const std::vector<Macro> found = macros_in(text);
  EXPECT_EQ(found.size(), 1u) << text;
  return found.empty() ? Macro() : found.front();
}

TEST(MacroTable, ReadsNamesParametersAndBodies) {
  const Macro plain = one("int x;\n  #  define SIZE /* bytes */ (4 * \\\n 25) // enough\n");
  EXPECT_EQ(plain.name, "SIZE");
  EXPECT_EQ(plain.body, "(4 * 25)");
  EXPECT_FALSE(plain.is_function);
  EXPECT_EQ(plain.first, 9u);
  const Macro function = one("#define AT(list, i) ((list)[i])\n");
  EXPECT_TRUE(function.is_function);
  EXPECT_EQ(function.params, (std::vector<std::string>{"list", "i"}));
  EXPECT_EQ(one("#define NOW() time(NULL)").params.size(), 0u);
  EXPECT_EQ(one("#define TEXT \"/* no comment */ // none\"").body, "\"/* no comment */ // none\"");
}

TEST(MacroTable, LeavesOutWhatIsNoDefinition) {
  EXPECT_TRUE(macros_in("#define GUARD_H\n#include <x.h>\n").empty());
  EXPECT_TRUE(macros_in("/*\n#define A 1\n*/\nconst char *t = \"\\\n#define B 2\";\n// #define C 3\n").empty());
  EXPECT_TRUE(macros_in("#if 0\n#define A 1\n#endif\n").empty());
  EXPECT_TRUE(macros_in("#define LONG " + std::string(kMacroBodyBytesMax + 1, '1')).empty());
  EXPECT_EQ(one("#define LONG " + std::string(kMacroBodyBytesMax, '1')).name, "LONG");
}

TEST(MacroTable, OfWindowsAndOthersTheOthersCount) {
  EXPECT_EQ(one("#ifdef _WIN32\n#define RUN _popen\n#else\n#define RUN popen\n#endif\n").body, "popen");
  EXPECT_EQ(one("#ifndef _WIN32\n#define RUN popen\n#else\n#define RUN _popen\n#endif\n").body, "popen");
  EXPECT_EQ(one("#if defined(_MSC_VER)\n#define ONLY _alloca\n#endif\n").body, "_alloca");
  EXPECT_EQ(macros_in("#ifdef DEBUG\n#define LEVEL 2\n#else\n#define LEVEL 1\n#endif\n").size(), 2u);
}

TEST(MacroTable, WholeNumbers) {
  EXPECT_EQ(integer_of_macro("100"), 100);
  EXPECT_EQ(integer_of_macro("(16 * 1024)"), 16'384);
  EXPECT_EQ(integer_of_macro("-1"), -1);
  EXPECT_EQ(integer_of_macro("2 + 3 * -4"), -10);
  EXPECT_EQ(integer_of_macro("(1u << 4) | 0x0F"), 31);
  EXPECT_EQ(integer_of_macro("017"), 15);
  EXPECT_EQ(integer_of_macro("7 / 2 % 2"), 1);
  for (const char* none : {"", "SIZE", "1 / 0", "(1", "1)", "1 2", "1.5", "a + 1", "1 == 1", "1 && 0",
                           "9223372036854775807 + 1", "1 << 99"})
    EXPECT_EQ(integer_of_macro(none), std::nullopt) << none;
}

TEST(MacroTable, OtherNames) {
  EXPECT_EQ(alias_of_macro(one("#define send_all write_all")), "write_all");
  EXPECT_EQ(alias_of_macro(one("#define release(p) free(p)")), "free");
  EXPECT_EQ(alias_of_macro(one("#define log(...) printf(__VA_ARGS__)")), "printf");
  EXPECT_EQ(alias_of_macro(one("#define copy(to, from) strcpy((to), (from))")), "strcpy");
  EXPECT_EQ(alias_of_macro(one("#define swapped(a, b) call(b, a)")), "");
  EXPECT_EQ(alias_of_macro(one("#define more(a) call(a, 1)")), "");
  EXPECT_EQ(alias_of_macro(one("#define byte char")), "");
  EXPECT_EQ(alias_of_macro(one("#define stdin stdin")), "");
  EXPECT_EQ(alias_of_macro(one("#define SIZE 4")), "");
}

TEST(MacroTable, TwoDefinitionsStandForNothing) {
  MacroTable table;
  table.add(macros_in("#define A 1\n#define B 2\n"));
  table.add(macros_in("#define A 1\n#define B 3\n"));
  ASSERT_NE(table.find("A"), nullptr);
  EXPECT_EQ(table.find("A")->body, "1");
  EXPECT_EQ(table.find("B"), nullptr);
  EXPECT_TRUE(table.defines("B"));
  EXPECT_EQ(table.find("C"), nullptr);
}

TEST(MacroTable, ADigestIsOfTheMacrosAlone) {
  const auto digest = [](std::string_view first, std::string_view second) {
    MacroTable table;
    table.add(macros_in(first));
    table.add(macros_in(second));
    return table.digest();
  };
  EXPECT_EQ(digest("#define A 1\n", "int x;\n#define B 2\n"), digest("#define B 2\n", "#define A 1\n"));
  EXPECT_NE(digest("#define A 1\n", ""), digest("#define A 2\n", ""));
  EXPECT_NE(digest("#define A(x) 1\n", ""), digest("#define A 1\n", ""));
}

TEST(MacroTable, ARecordHoldsAll) {
  const std::vector<Macro> macros = macros_in("#define A 1\n#define F(x, y) ((x) + (y))\n");
  const std::string record = to_record(macros);
  const auto back = macros_from_record(record);
  ASSERT_TRUE(back.has_value());
  EXPECT_EQ(*back, macros);
  EXPECT_FALSE(macros_from_record(record.substr(0, record.size() - 1)).has_value());
}

}  // namespace
}  // namespace wrench::code
