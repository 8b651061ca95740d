#include "wrench/code/facts_record.hpp"

#include <gtest/gtest.h>

#include "wrench/code/lower.hpp"

namespace wrench::code {
namespace {

FileFacts facts_of(const std::string& path, std::string content) {
  const source::SourceText text = source::make_source_text(path, path, std::move(content));
  Atoms atoms;
  Parser parser;
  const auto ir = parser.parse(text.language, text.text, atoms, {}, {}, {});
  return ir.ok() ? extract_facts(*ir, atoms, text) : text_facts(text);
}

/// As linking sees them: no field may be lost on the way through a cache.
void expect_kept(const FileFacts& facts) {
  const std::string record = to_record(facts);
  const auto back = facts_from_record(record);
  ASSERT_TRUE(back.ok());
  EXPECT_EQ(to_record(*back), record);
  EXPECT_EQ(back->path, facts.path);
  EXPECT_EQ(back->language, facts.language);
  EXPECT_EQ(back->has_tree, facts.has_tree);
  EXPECT_EQ(back->package, facts.package);
  EXPECT_EQ(back->words, facts.words);
  EXPECT_EQ(back->text_words, facts.text_words);
  EXPECT_EQ(back->members, facts.members);
  EXPECT_EQ(back->types, facts.types);
  EXPECT_EQ(back->prototypes, facts.prototypes);
  ASSERT_EQ(back->imports.size(), facts.imports.size());
  for (std::size_t i = 0; i < facts.imports.size(); ++i) {
    EXPECT_EQ(back->imports[i].module, facts.imports[i].module);
    EXPECT_EQ(back->imports[i].names, facts.imports[i].names);
    EXPECT_EQ(back->imports[i].type_only, facts.imports[i].type_only);
    EXPECT_EQ(back->imports[i].lazy, facts.imports[i].lazy);
    EXPECT_EQ(back->imports[i].where, facts.imports[i].where);
  }
  ASSERT_EQ(back->unused_imports.size(), facts.unused_imports.size());
  for (std::size_t i = 0; i < facts.unused_imports.size(); ++i) {
    EXPECT_EQ(back->unused_imports[i].statement, facts.unused_imports[i].statement);
    EXPECT_EQ(back->unused_imports[i].finding, facts.unused_imports[i].finding);
  }
  ASSERT_EQ(back->definitions.size(), facts.definitions.size());
  for (std::size_t i = 0; i < facts.definitions.size(); ++i) {
    EXPECT_EQ(back->definitions[i].name, facts.definitions[i].name);
    EXPECT_EQ(back->definitions[i].scope, facts.definitions[i].scope);
    EXPECT_EQ(back->definitions[i].exported, facts.definitions[i].exported);
    EXPECT_EQ(back->definitions[i].start, facts.definitions[i].start);
  }
  EXPECT_EQ(back->manifest.kind, facts.manifest.kind);
  EXPECT_EQ(back->manifest.mappings, facts.manifest.mappings);
  EXPECT_EQ(back->manifest.dependencies, facts.manifest.dependencies);
  EXPECT_EQ(back->manifest.folders, facts.manifest.folders);
  EXPECT_EQ(back->manifest.is_library, facts.manifest.is_library);
}

TEST(FactsRecord, LosesNothing) {
  const FileFacts java =
      facts_of("a/B.java", "package a;\nimport b.C;\nclass B { void f() { g(\"see it\"); } void dead() {} }\n");
  EXPECT_FALSE(java.package.empty() || java.types.empty() || java.definitions.empty() || java.unused_imports.empty() ||
               java.text_words.empty());
  expect_kept(java);
  const FileFacts c = facts_of("a.c", "#include \"a.h\"\nint f(void);\nstatic int g(void) { return a.b; }\n");
  EXPECT_FALSE(c.prototypes.empty() || c.members.empty());
  expect_kept(c);
  expect_kept(facts_of("package.json", R"({"name": "x", "exports": {".": "./a.js"}, "dependencies": {"y": "1"}})"));
  expect_kept(facts_of("pyproject.toml", "[build-system]\n[tool.setuptools.packages.find]\nwhere = [\"src\"]\n"));
}

TEST(FactsRecord, RefusesDamageAndOtherVersions) {
  const std::string record = to_record(facts_of("a.py", "import os\n\ndef _f():\n    pass\n"));
  for (std::size_t size = 0; size < record.size(); ++size)
    EXPECT_FALSE(facts_from_record(record.substr(0, size)).ok()) << size;
  EXPECT_FALSE(facts_from_record(record + "x").ok());
  std::string other = record;
  other[0] = static_cast<char>(other[0] + 1);
  EXPECT_FALSE(facts_from_record(other).ok());
}

}  // namespace
}  // namespace wrench::code
