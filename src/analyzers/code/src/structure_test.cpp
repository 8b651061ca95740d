#include "wrench/code/structure.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <deque>

#include "wrench/code/lower.hpp"

namespace wrench::code {
namespace {

using source::Language;

using Reports = std::vector<std::string>;

/// A project in memory: add files, then look at what is reported as "path:line rule".
class Project {
 public:
  void add(const std::string& path, std::string content) {
    source::SourceText& text = texts_.emplace_back();
    text.path = text.project_path = path;
    text.text = std::move(content);
    text.language = source::detect_language(path, text.text);
    text.lines = source::LineTable(text.text);
    sources_.add(path, text.text);
  }

  std::vector<std::string> reports(LinkOptions options = {}) {
    std::vector<std::string> out;
    std::deque<FileFacts> facts;
    Parser parser;
    const auto report = [&](const findings::Finding& finding) {
      EXPECT_FALSE(finding.fingerprint.empty());
      EXPECT_FALSE(finding.lines.empty());
      out.push_back(finding.where.path + ":" + std::to_string(finding.where.start.line) + " " + finding.rule);
    };
    for (const source::SourceText& text : texts_) {
      Atoms atoms;
      const auto ir = parser.parse(text.language, text.text, atoms, {}, {}, {});
      EXPECT_TRUE(ir.ok());
      for (const auto& finding : structure_findings(*ir, atoms, text)) report(finding);
      facts.push_back(extract_facts(*ir, atoms, text));
    }
    std::vector<const FileFacts*> pointers;
    for (const FileFacts& one : facts) pointers.push_back(&one);
    result_ = link_project(pointers, sources_, options, {});
    for (const auto& finding : result_.findings) report(finding);
    std::ranges::sort(out);
    return out;
  }

  const ProjectResult& result() const { return result_; }

 private:
  std::deque<source::SourceText> texts_;
  findings::MemorySources sources_;
  ProjectResult result_;
};

std::vector<std::string> reports_of(const std::string& path, const std::string& content) {
  Project project;
  project.add(path, content);
  return project.reports();
}

TEST(Structure, UnusedImportsOfPython) {
  EXPECT_EQ(
      reports_of("a.py",
                 "import os\nimport sys, json\nfrom x import used, unused as other\nfrom typing import List\n\ndef "
                 "f(a: \"List[int]\"):\n"
                 "    return sys.argv, used(a)\n"),
      (Reports{"a.py:1 structure.unused-import", "a.py:2 structure.unused-import", "a.py:3 structure.unused-import"}));
}

std::vector<std::string> edges_of(const ProjectResult& result) {
  std::vector<std::string> out;
  for (const auto& edge : result.edges)
    out.push_back(edge.from + " -> " + edge.to + " " + edge.where.path + ":" + std::to_string(edge.where.start.line));
  return out;
}

TEST(Structure, EdgesNameWhichModuleUsesWhich) {
  Project python;
  python.add("app/web.py", "from app import db\n\n\ndef f():\n    from app import mail\n    return db.x, mail.y\n");
  python.add("app/db.py", "from app import mail\n");
  python.add("app/mail.py", "import app.mail\n");
  python.add("tests/test_web.py", "from app import web\n");
  python.reports();
  EXPECT_EQ(edges_of(python.result()),
            (Reports{"app/db.py -> app/mail.py app/db.py:1", "app/web.py -> app/db.py app/web.py:1",
                     "app/web.py -> app/mail.py app/web.py:5"}));
  Project java;
  java.add("shop/web/Page.java", "package shop.web;\n\nimport shop.store.Item;\n\nclass Page { Item item; }\n");
  java.add("shop/web/Menu.java", "package shop.web;\n\nimport shop.store.Item;\n\nclass Menu { Item item; }\n");
  java.add("shop/store/Item.java", "package shop.store;\n\npublic class Item {}\n");
  java.reports();
  EXPECT_EQ(edges_of(java.result()), (Reports{"shop/web -> shop/store shop/web/Page.java:3"}));
}

TEST(Structure, ImportsThatAreThereForAReasonAreLeftAlone) {
  EXPECT_EQ(
      reports_of("a.py",
                 "from __future__ import annotations\ntry:\n    import fast\nexcept ImportError:\n    fast = "
                 "None\nimport effects  # noqa\n"
                 "from m import name as name\nfrom n import exported\n__all__ = ['exported']\n\ndef f():\n    pass\n"),
      Reports{});
  EXPECT_EQ(reports_of("pkg/__init__.py", "from .x import y\nz = 1\n"), Reports{});
  EXPECT_EQ(reports_of("facade.py", "from .x import y\n"), Reports{});
}

TEST(Structure, ImportsThatOtherFilesTakeFromHereAreUsed) {
  Project project;
  project.add("compat.py", "from json import loads\nfrom json import dumps\n\ndef f():\n    pass\n");
  project.add("user.py", "from compat import loads\n\nprint(loads)\n");
  EXPECT_EQ(project.reports(), (Reports{"compat.py:2 structure.unused-import"}));
}

TEST(Structure, UnusedImportsOfJavaAndScripts) {
  EXPECT_EQ(reports_of("A.java",
                       "import java.util.List;\nimport java.io.IOException;\nimport java.util.Map;\nimport a.Linked;\n"
                       "/** See {@link Linked}. */\npublic class A { public List<String> l() throws IOException { "
                       "return null; } }\n"),
            (Reports{"A.java:3 structure.unused-import"}));
  EXPECT_EQ(reports_of("a.tsx",
                       "import React from 'react';\nimport { A, B, type C } from './b';\nimport './effect';\nexport "
                       "const x: C = <A />;\n"),
            (Reports{"a.tsx:2 structure.unused-import"}));
}

TEST(Structure, UnusedVariables) {
  EXPECT_EQ(
      reports_of(
          "a.py",
          "def f(p):\n    a = 1\n    b = 2\n    _c = 3\n    d, e = p\n    for i in p:\n        pass\n    with p as "
          "g:\n        pass\n"
          "    h = 1\n    h += 1\n    def inner():\n        nonlocal k\n        k = b\n    k = 0\n    return inner\n"),
      (Reports{"a.py:2 structure.unused-variable"}));
  EXPECT_EQ(reports_of("a.py", "def f():\n    a = 1\n    return locals()\n"), Reports{});
  EXPECT_EQ(
      reports_of(
          "a.js",
          "function f() { const a = 1; let b; const { c } = g(); return () => { const d = 2; return d; }; }\nf();\n"),
      (Reports{"a.js:1 structure.unused-variable"}));
  EXPECT_EQ(reports_of("tests/a.py", "def f():\n    a = 1\n"), Reports{});
  EXPECT_EQ(
      reports_of("a.c", "#define NEXT() (seed ^= 2)\nint main(void) { int seed = 1; int dead = 2; return NEXT(); }\n"),
      (Reports{"a.c:2 structure.unused-variable"}));
  EXPECT_EQ(
      reports_of("a.tsx", "export function f(p) { const Tag = p.tag; const { x } = p; return <Tag>{x}</Tag>; }\n"),
      Reports{});
}

TEST(Structure, UnusedPrivateFunctions) {
  EXPECT_EQ(reports_of("a.py",
                       "def _dead():\n    pass\n\ndef _used():\n    pass\n\n@hook\ndef _hooked():\n    pass\n\ndef "
                       "public():\n    return _used()\n\n"
                       "def _visit_Name():\n    pass\n\ngetattr(x, '_visit_' + kind)\n"),
            (Reports{"a.py:1 structure.unused-function"}));
  EXPECT_EQ(
      reports_of(
          "a.c",
          "static int dead(void) { return 1; }\nstatic int used(void) { return 2; }\n#define CALL used()\nint x;\n"),
      (Reports{"a.c:1 structure.unused-function"}));
  Project project;
  project.add("a.py", "def _helper():\n    pass\n");
  project.add("b.py", "import a\n\na._helper()\n");
  EXPECT_EQ(project.reports(), Reports{});
}

TEST(Structure, UnreachableCode) {
  EXPECT_EQ(reports_of("a.py", "def f(x):\n    if x:\n        return 1\n    return 2\n    x()\n    x()\n"),
            (Reports{"a.py:5 structure.unreachable-code"}));
  EXPECT_EQ(reports_of("a.cpp", "int f() {\n  throw 1;\n  return 2;\n}\n"), Reports{}) << "some compilers want it";
  EXPECT_EQ(reports_of("a.cpp", "int f(int a) {\n  return a;\n  assert(false);\n  return 2;\n}\n"), Reports{});
  EXPECT_EQ(reports_of("a.cpp", "int f() {\n  throw 1;\n  g();\n  return 2;\n}\n"),
            (Reports{"a.cpp:3 structure.unreachable-code"}));
  EXPECT_EQ(reports_of("a.py", "def f(x):\n    return\n    yield\n"), Reports{});
  EXPECT_EQ(reports_of("a.js", "export function f() { return g(); function g() { return 1; } }\n"), Reports{});
  EXPECT_EQ(reports_of("a.c",
                       "int f(void) {\n#if A\n  return 1;\n#else\n  return 2;\n#endif\n}\nint g(int x) { goto out; "
                       "out: return x; }\n"),
            Reports{});
}

TEST(Structure, ImportCyclesOncePerComponentWithTheShortest) {
  Project project;
  project.add("p/__init__.py", "");
  project.add("p/a.py", "from p import b\n\nprint(b)\n");
  project.add("p/b.py", "from .c import x\n\nprint(x)\n");
  project.add("p/c.py", "import p.a\nfrom . import b\n\nx = p.a, b\n");
  project.add("p/lazy.py", "def f():\n    from . import user\n    return user\n");
  project.add("p/user.py", "from . import lazy\n\nprint(lazy)\n");
  EXPECT_EQ(project.reports(), (Reports{"p/b.py:1 structure.import-cycle"}));
  ASSERT_EQ(project.result().cycles.size(), 1u);
  EXPECT_EQ(project.result().cycles[0].modules, (Reports{"p/b.py", "p/c.py"}));
  EXPECT_EQ(project.result().cycles[0].evidence[1].start.line, 2u);
}

TEST(Structure, TypeOnlyImportsMakeNoCycle) {
  Project project;
  project.add("a.ts", "import type { B } from './b';\nexport const a = 1 as unknown as B;\n");
  project.add("b.ts", "import { a } from './a.js';\nexport type B = typeof a;\n");
  EXPECT_EQ(project.reports(), Reports{});
  Project cyclic;
  cyclic.add("a.ts", "import { b } from './b';\nexport const a = b;\n");
  cyclic.add("b.ts", "import { a } from './a';\nexport const b = a;\n");
  EXPECT_EQ(cyclic.reports(), (Reports{"a.ts:1 structure.import-cycle"}));
}

TEST(Structure, BrokenFilesGiveNoUnusedFindings) {
  EXPECT_EQ(reports_of("a.py", "import os\ndef f(:\n    a = 1\n"), Reports{});
}

// --- clones

std::string function_text(const std::string& name, const std::string& limit) {
  return "def " + name +
         "(rows, limit):\n    total = 0\n    for row in rows:\n        if row.value > limit:\n            total += "
         "row.value * " +
         limit +
         "\n        elif row.kind == 'x':\n            total -= row.offset[0]\n        else:\n            "
         "print('skipping', row, total)\n"
         "    if total > 100:\n        raise ValueError('too much: %s' % total)\n    return [total, limit, {'rows': "
         "len(rows)}]\n\n";
}

TEST(Clones, EqualAndRenamedCodeBecomesOneClass) {
  Project project;
  project.add("a.py", function_text("first", "2"));
  project.add("b.py", "x = 1\n" + function_text("first", "2"));
  project.add("c.py", "y = call(2)\n" + function_text("third", "7"));
  EXPECT_EQ(project.reports(), (Reports{"a.py:1 code.duplicate"}));
  ASSERT_EQ(project.result().clones.size(), 1u);
  const findings::CloneClass& clone = project.result().clones[0];
  EXPECT_EQ(clone.members.size(), 3u);
  EXPECT_EQ(clone.type, 2);
  EXPECT_GE(clone.tokens, 50u);
  EXPECT_EQ(clone.members[1].start.line, 2u);
  EXPECT_EQ(clone.members[0].start.line, 1u);
  EXPECT_EQ(clone.members[0].end.line, 12u);
}

TEST(Clones, EqualTokensAreTypeOne) {
  Project project;
  project.add("a.py", function_text("first", "2"));
  project.add("b.py", "# moved, and commented\n" + function_text("first", "2"));
  project.reports();
  ASSERT_EQ(project.result().clones.size(), 1u);
  EXPECT_EQ(project.result().clones[0].type, 1);
  EXPECT_TRUE(project.result().clones[0].renames.empty());
}

TEST(Clones, TestsMayRepeatThemselves) {
  Project project;
  project.add("tests/a.py", function_text("first", "2"));
  project.add("tests/b.py", function_text("first", "2"));
  project.reports();
  ASSERT_EQ(project.result().findings.size(), 1u);
  EXPECT_EQ(project.result().findings[0].severity, findings::Severity::Info);
  project.add("src/c.py", function_text("first", "2"));
  project.reports();
  ASSERT_EQ(project.result().findings.size(), 1u);
  EXPECT_EQ(project.result().findings[0].severity, findings::Severity::Info) << "the product says it once";
  project.add("src/d.py", function_text("first", "2"));
  project.reports();
  ASSERT_EQ(project.result().findings.size(), 1u);
  EXPECT_EQ(project.result().findings[0].severity, findings::Severity::Low);
}

TEST(Clones, RenamesAreListed) {
  Project project;
  project.add("a.py", function_text("first", "2"));
  project.add("b.py", function_text("first", "7"));
  project.reports();
  ASSERT_EQ(project.result().clones.size(), 1u);
  EXPECT_EQ(project.result().clones[0].renames, (Reports{"2 -> 7"}));
}

TEST(Clones, TablesAndImportsAreNoClones) {
  std::string table = "t = [\n", imports;
  for (int i = 0; i < 60; ++i) {
    table +=
        "    Row(\"" + std::to_string(i) + "\", " + std::to_string(i * 7) + ", kind=K" + std::to_string(i) + "),\n";
    imports += "from m" + std::to_string(i) + " import x" + std::to_string(i) + "\n";
  }
  Project project;
  project.add("a.py", imports + table + "]\n");
  project.add("b.py", imports + table + "]\n");
  project.reports({.structure = false});
  EXPECT_TRUE(project.result().clones.empty());
}

}  // namespace
}  // namespace wrench::code
