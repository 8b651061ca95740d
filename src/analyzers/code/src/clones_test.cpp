#include "wrench/code/clones.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <deque>

#include "wrench/code/facts.hpp"
#include "wrench/code/lower.hpp"

namespace wrench::code {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

/// What is worth merging in files given as (path, content).
std::vector<findings::Finding> duplicates(const std::vector<std::pair<std::string, std::string>>& files) {
  std::deque<FileFacts> facts;
  findings::MemorySources sources;
  std::vector<CloneFile> inputs;
  for (const auto& [path, content] : files) {
    source::SourceText text;
    text.path = text.project_path = path;
    text.text = content;
    text.language = source::detect_language(path, content);
    text.lines = source::LineTable(text.text);
    sources.add(path, content);
    Atoms atoms;
    Parser parser;
    const auto ir = parser.parse(text.language, text.text, atoms, {}, {}, {});
    EXPECT_TRUE(ir.ok());
    EXPECT_EQ(ir->error_nodes, 0u) << path;
    const FileFacts& one = facts.emplace_back(extract_facts(*ir, atoms, text));
    inputs.push_back({one.path, one.project_path, one.language, one.content_id, &one.clone_tokens});
  }
  std::vector<findings::Finding> out;
  for (const Clone& clone : find_clones(inputs, sources, {}))
    if (clone.mergeable) out.push_back(clone_finding(clone));
  return out;
}

std::vector<std::string> places(const std::vector<findings::Finding>& found) {
  std::vector<std::string> out;
  for (const findings::Finding& finding : found)
    out.push_back(finding.where.path + ":" + std::to_string(finding.where.start.line) + "-" +
                  std::to_string(finding.where.end.line));
  return out;
}

/// Twelve lines of code that repeat nothing.
std::string work(const std::string& seed, const std::string& total = "total") {
  return "  int " + total + " = 0;\n  for (int i = 0; i < n; i++) {\n    if (rows[i].value > limit) {\n      " + total +
         " += rows[i].value * " + seed + ";\n    } else if (rows[i].kind == 'x') {\n      " + total +
         " -= rows[i].offset[0];\n    } else {\n      skip(rows, " + total + ");\n    }\n  }\n  if (" + total +
         " > 100)\n    fail(\"too much\", " + total + ", limit);\n";
}

TEST(MergeableClones, WholeStatementsOfOneBlockOnly) {
  // The copies go on into the next function; what can be extracted doesn't.
  const std::string tail =
      "  done(n, rows);\n}\nvoid next(int n) {\n  for (int i = 0; i < n; i++)\n    use(n, i);\n}\n";
  EXPECT_THAT(places(duplicates({{"a.c", "void a(row *rows, int n, int limit) {\n  first(1);\n" + work("2") + tail},
                                 {"b.c", "void b(row *rows, int n, int limit) {\n  other();\n" + work("2") + tail}})),
              ElementsAre("a.c:3-15"));
}

TEST(MergeableClones, BothSidesOfAConditionAreNoRun) {
  const std::string sides = " {\n" + work("2") + "  } else {\n    log(rows);\n    n = 3;\n  }\n  done(n);\n}\n";
  EXPECT_THAT(places(duplicates({{"a.c", "void a(row *rows, int n, int limit) {\n  if (n > 2)" + sides},
                                 {"b.c", "void b(row *rows, int n, int limit) {\n  if (rows->ready(n, 1))" + sides}})),
              ElementsAre("a.c:3-14"));
}

TEST(MergeableClones, SaysWhatAFunctionHasToTake) {
  const auto found =
      duplicates({{"a.c", "void a(row *rows, int n, int limit) {\n  first(1);\n" + work("2") + "}\n"},
                  {"b.c", "void b(row *rows, int n, int limit) {\n  other();\n" + work("7", "sum") + "}\n"}});
  ASSERT_EQ(found.size(), 1u);
  EXPECT_THAT(found[0].title, HasSubstr("lines in a.c:3 and b.c:3"));
  EXPECT_THAT(found[0].message, HasSubstr("Move it into one function that takes what differs."));
  EXPECT_THAT(found[0].message, HasSubstr("Differs: 2 -> 7.")) << "the variable's name is the function's own affair";
  ASSERT_EQ(found[0].related.size(), 1u);
  EXPECT_EQ(found[0].related[0].where.path, "b.c");
}

TEST(MergeableClones, CommentsAndBlankLinesAreNoLinesSaved) {
  const auto saved = [](const std::string& between) {
    const auto found = duplicates(
        {{"a.c", "void a(row *rows, int n, int limit) {\n" + work("2") + between + "  done(rows, n);\n}\n"},
         {"b.c", "void b(row *rows, int n, int limit) {\n" + work("2") + between + "  done(rows, n);\n}\n"}});
    if (found.size() != 1) return std::string("none");
    const std::size_t at = found[0].message.find("That saves");
    return found[0].message.substr(at);
  };
  EXPECT_EQ(saved(""), saved("\n  // Nothing\n  // of this\n\n  /* is worth\n     an extraction. */\n"));
  EXPECT_THAT(saved(""), HasSubstr("lines."));
}

TEST(MergeableClones, OnlyVariablesDifferent) {
  const auto found = duplicates({{"a.c", "void a(row *rows, int n, int limit) {\n" + work("2") + "}\n"},
                                 {"b.c", "void b(row *rows, int n, int limit) {\n" + work("2", "sum") + "}\n"}});
  ASSERT_EQ(found.size(), 1u);
  EXPECT_THAT(found[0].message, HasSubstr("but for the names of variables. Keep it once"));
}

TEST(MergeableClones, CopiesThatDifferInTooMuchAreLeftAlone) {
  const auto names = [](const std::string& p) {
    return "void f" + p + "(row *rows, int n) {\n  " + p + "a(rows, n);\n  if (" + p + "b(n) > 1) " + p +
           "c(rows);\n  for (int i = 0; i < n; i++) {\n    " + p + "d(rows[i]);\n    " + p + "e(rows, i);\n    " + p +
           "g(i, n);\n  }\n  while (" + p + "h(rows)) {\n    " + p + "k(n);\n  }\n  return;\n}\n";
  };
  EXPECT_THAT(duplicates({{"a.c", names("x")}, {"b.c", names("y")}}), IsEmpty());
}

TEST(MergeableClones, MirroredCodeIsLeftAlone) {
  const auto rotate = [](const std::string& l, const std::string& r) {
    return "void rotate_" + l + "(node *root) {\n  node *a = root->" + l + ";\n  node *pivot = root->" + r +
           ";\n  node *b = pivot->" + l + ";\n  node *c = pivot->" + r + ";\n  root->" + r +
           " = b;\n  if (b != 0) {\n    b->parent = root;\n  }\n  replace(root, pivot);\n  pivot->" + l +
           " = root;\n  root->parent = pivot;\n  root->height = max(a ? a->height : 0, b ? b->height : 0) + 1;\n  "
           "pivot->height = max(root->height, c ? c->height : 0) + 1;\n}\n";
  };
  EXPECT_THAT(duplicates({{"a.c", rotate("left", "right") + rotate("right", "left")}}), IsEmpty());
}

TEST(MergeableClones, FunctionsThatOnlyForwardAreLeftAlone) {
  const auto api = [](const std::string& name) {
    const std::string head = "func (j " + name + ") ";
    return "package a\n\ntype " + name + " struct{}\n\n" + head +
           "Marshal(v any) ([]byte, error) {\n\treturn json.Marshal(v)\n}\n\n" + head +
           "Indent(v any, p, i string) ([]byte, error) {\n\treturn json.MarshalIndent(v, p, i)\n}\n\n" + head +
           "Encoder(w io.Writer) Encoder {\n\treturn json.NewEncoder(w)\n}\n\n" + head +
           "Valid(data []byte) bool {\n\treturn len(data) > 0 && json.Valid(data)\n}\n\n" + head +
           "Decode(d []byte, v any) error {\n\treturn json.Unmarshal(d, v)\n}\n";
  };
  EXPECT_THAT(duplicates({{"a.go", api("fast")}, {"b.go", api("slow")}}), IsEmpty());
}

TEST(MergeableClones, WhatPassesManyParametersOnIsLeftAlone) {
  const auto verb = [](const std::string& name, const std::string& more) {
    return "    def " + name +
           "(\n        self,\n        url: URL | str,\n        *,\n        params: dict[str, Any] | None = None,\n"
           "        headers: tuple[str, ...] = (),\n        cookies: Cookies = DEFAULT,\n        auth: Auth | bool = "
           "3,\n"
           "        timeout: float = -1.0,\n        extensions: Mapping[str, list[int]] = {},\n    ) -> Response:\n"
           "        \"\"\"Sends it.\"\"\"\n" +
           more + "        return self.request(\n            \"" + name +
           "\",\n            url,\n            params=params,\n            headers=headers,\n            "
           "cookies=cookies,\n"
           "            auth=auth,\n            timeout=timeout,\n            extensions=extensions,\n        )\n\n";
  };
  const auto client = [&](const std::string& more) {
    return duplicates({{"a.py", "class Client:\n" + verb("get", more) + verb("head", more) + verb("options", more)}});
  };
  EXPECT_THAT(client(""), IsEmpty());
  EXPECT_EQ(client("        self.check(url)\n").size(), 1u) << "does more than forward";
}

TEST(MergeableClones, TablesAreLeftAlone) {
  std::string table = "static const struct row rows[] = {\n";
  for (int i = 0; i < 40; ++i) {
    table += "  {\"name" + std::to_string(i * 31) + "\"";
    for (int j = 0; j < (i * i + 1) % 5; ++j) table += ", " + std::to_string(i * 7919 + j);
    if (i % 3 == 0) table += ", {1, " + std::to_string(i) + "}";
    table += "},\n";
  }
  table += "};\n";
  EXPECT_THAT(duplicates({{"a.c", "int x;\n" + table}, {"b.c", "long y(void);\n" + table}}), IsEmpty());
}

TEST(MergeableClones, ArmsOfASwitchAreNoRun) {
  const std::string arms =
      "  case LEFT:\n    move(state, -step->width);\n    count += step->width;\n    break;\n"
      "  case RIGHT:\n    if (count > 3) move(state, step->width);\n    break;\n"
      "  case UP:\n    while (count--) climb(state);\n    state->height = count;\n    return;\n"
      "  case DOWN:\n    fall(state, step, &count);\n    state->height -= step->height * 2;\n    break;\n"
      "  case NEXT:\n    state = state->next ? state->next : step->first;\n    break;\n";
  const auto function = [&](const std::string& name, const std::string& last) {
    return "void " + name + "(struct state *state, struct step *step, int count) {\n  switch (" + name +
           "_kind()) {\n" + arms + "  case " + name + "_LAST:\n    " + last + "\n  }\n}\n";
  };
  EXPECT_THAT(duplicates({{"a.c", function("a", "end();")}, {"b.c", function("b", "if (count) return;")}}), IsEmpty());
}

/// Two loops in one function with the same twelve lines and what `jump` adds to them.
std::vector<findings::Finding> loops_with(const std::string& jump) {
  return duplicates(
      {{"a.c", "void a(row *rows, int n, int limit) {\n  for (;;) {\n    before(1);\n" + work("2") + jump +
                   "  }\n  while (n) {\n    other(rows);\n" + work("2") + jump + "  }\nend:\n  done(n);\n}\n"}});
}

TEST(MergeableClones, WhatJumpsOutIsDoubtful) {
  const auto confidence = [](const std::vector<findings::Finding>& found) {
    EXPECT_EQ(found.size(), 1u);
    return found.empty() ? "none" : std::string(findings::name(found[0].confidence));
  };
  EXPECT_EQ(confidence(loops_with("")), "medium");
  EXPECT_EQ(confidence(loops_with("  if (n > 3) break;\n")), "low");
  EXPECT_EQ(confidence(loops_with("  if (n > 3) goto end;\n")), "low");
  EXPECT_EQ(confidence(loops_with("  while (n) if (n-- > 3) break;\n")), "medium") << "ends its own loop";
  EXPECT_EQ(confidence(loops_with("  if (n > 3) continue;\n  n--;\n")), "high") << "like a return";
  const auto found = loops_with("  if (n > 3) break;\n");
  ASSERT_FALSE(found.empty());
  EXPECT_THAT(found[0].message, HasSubstr("It jumps out of itself"));
}

TEST(MergeableClones, OneOfThePreprocessorsChoicesIsNoCopy) {
  const std::string a = "void a(row *rows, int n, int limit) {\n" + work("2") + "}\n";
  EXPECT_THAT(duplicates({{"a.c", "#if defined(__linux__)\n" + a + "#else\n" + a + "#endif\n"}}), IsEmpty());
  EXPECT_THAT(duplicates({{"a.c", "#if A\n#ifdef B\n" + a + "#else\nint x;\n#endif\n#elif C\n#ifdef B\n" + a +
                                      "#endif\n#endif\n"}}),
              IsEmpty());
  EXPECT_EQ(duplicates({{"a.c", "#if A\n" + a + "#else\nint x;\n#endif\n" + a}}).size(), 1u) << "both with A";
  EXPECT_EQ(duplicates({{"a.c", "#if A\n" + a + "#if B\nint x;\n#else\nint y;\n#endif\n" + a + "#endif\n"}}).size(),
            1u);
}

TEST(MergeableClones, SelfTestsAreTests) {
  const std::string a = "void a(row *rows, int n, int limit) {\n" + work("2") + "}\n";
  const std::string b = "void b(row *rows, int n, int limit) {\n" + work("2") + "}\n";
  const auto severity = [](const std::vector<findings::Finding>& found) {
    EXPECT_EQ(found.size(), 1u);
    return found.empty() ? findings::Severity::Critical : found[0].severity;
  };
  EXPECT_EQ(severity(duplicates({{"a.c", a}, {"b.c", b}})), findings::Severity::Low);
  EXPECT_EQ(severity(duplicates({{"a.c", a}, {"b.c", "#ifdef LIST_TEST\n" + b + "#endif\n"}})),
            findings::Severity::Info);
}

TEST(MergeableClones, TestFoldersAboveTheProjectDontCount) {
  // The path as typed may lie below a folder of that name; the path in the project doesn't.
  Clone clone;
  clone.mergeable.emplace();
  clone.mergeable->members.resize(2);
  clone.mergeable->members[0].path = clone.mergeable->members[1].path = "/home/x/tests/checkout/a.c";
  clone.in_product = 2;
  EXPECT_EQ(clone_finding(clone).severity, findings::Severity::Low);
}

}  // namespace
}  // namespace wrench::code
