#include "wrench/code/taint_link.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "taint_facts.hpp"
#include "wrench/base/random.hpp"
#include "wrench/code/file_analyzer.hpp"

namespace wrench::code {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

constexpr std::string_view kRule =
    "rules:\n  - {id: flow, message: $ARG comes from outside, severity: HIGH, languages: [python, java], mode: taint,\n"
    "     pattern-sources: [{pattern: source()}], pattern-sinks: [{pattern: sink(...)}],\n"
    "     pattern-sanitizers: [{pattern: clean(...)}]}\n";

class Project {
 public:
  void add(std::string path, std::string text) {
    if (!rules_) {
      LoadReport report;
      const RuleSource source{"r.yaml", kRule};
      rules_.emplace(RuleSet::load({&source, 1}, report));
      EXPECT_THAT(report.errors, IsEmpty());
    }
    CodeOptions options;
    options.taint_facts = true;
    FileAnalyzer analyzer(*rules_, options, clock_);
    const auto source = source::make_source_text(path, path, text);
    auto result = analyzer.analyze(source, {}, {});
    for (const auto& finding : result.findings)
      local_.push_back(finding.where.path + ":" + std::to_string(finding.where.start.line));
    FileFacts facts;
    facts.path = facts.project_path = path;
    facts.taint = std::move(result.taint);
    facts_.push_back(std::move(facts));
    texts_.add(path, text);
  }
  /// Each finding as its trace.
  std::vector<std::string> link() {
    std::vector<const FileFacts*> files;
    for (const FileFacts& facts : facts_) files.push_back(&facts);
    std::vector<std::string> out;
    for (const auto& finding : link_taint(files, texts_, {}).findings) {
      std::string text;
      for (const auto& step : finding.trace)
        text += (text.empty() ? "" : " > ") + step.where.path + ":" + std::to_string(step.where.start.line);
      out.push_back(text);
      EXPECT_FALSE(finding.fingerprint.empty());
    }
    return out;
  }
  const std::vector<std::string>& local() const { return local_; }
  const FileFacts& facts(std::size_t i) const { return facts_[i]; }

 private:
  SystemClock clock_;
  std::optional<RuleSet> rules_;
  std::vector<FileFacts> facts_;
  std::vector<std::string> local_;
  findings::MemorySources texts_;
};

TEST(TaintLink, AValueIsFollowedIntoTheFunctionOfAnotherFile) {
  Project project;
  project.add("app/web.py", "from app.store import save\n\ndef handler():\n    save(source())\n");
  project.add("app/store.py", "def save(value):\n    sink(value)\n");
  EXPECT_THAT(project.local(), IsEmpty());
  EXPECT_THAT(project.link(), ElementsAre("app/web.py:4 > app/web.py:4 > app/store.py:2"));
}

TEST(TaintLink, AndBackOutOfIt) {
  Project project;
  project.add("app/web.py",
              "import app.read as read\n\ndef handler():\n    sink(read.fetch())\n    sink(read.fixed())\n");
  project.add("app/read.py", "def fetch():\n    return source()\n\ndef fixed():\n    return 'a'\n");
  EXPECT_THAT(project.link(), ElementsAre("app/read.py:2 > app/web.py:4"));
}

TEST(TaintLink, ThroughMethodsOfAClassByItsType) {
  Project project;
  project.add("Web.java", "class Web {\n  void handle(Store store) {\n    store.save(source());\n  }\n}\n");
  project.add("Store.java", "class Store {\n  void save(String value) {\n    sink(value);\n  }\n}\n");
  project.add("Other.java", "class Other {\n  void save(String value) {\n    sink(value);\n  }\n}\n");
  EXPECT_THAT(project.link(), ElementsAre("Web.java:3 > Web.java:3 > Store.java:3"));
}

TEST(TaintLink, WhatIsCleanedOnTheWayIsClean) {
  Project project;
  project.add("web.py",
              "from store import save, safe\nimport store\n\ndef handler():\n    safe(source())\n    "
              "sink(store.tidy(source()))\n");
  project.add("store.py", "def safe(value):\n    sink(clean(value))\n\ndef tidy(value):\n    return clean(value)\n");
  EXPECT_THAT(project.link(), IsEmpty());
}

TEST(TaintLink, WhatStaysWithinAFileIsNotToldAgain) {
  Project project;
  project.add("a.py", "def f(x):\n    sink(x)\n\nf(source())\n");
  project.add("b.py", "def g(x):\n    sink(x)\n");
  EXPECT_THAT(project.local(), ElementsAre("a.py:2"));
  EXPECT_THAT(project.link(), IsEmpty());
}

TEST(TaintLink, TheSameWordsInAnotherLanguageAreNotTheSameFunction) {
  Project project;
  project.add("web.py", "import Store\n\nStore.save(source())\n");
  project.add("Store.java", "class Store {\n  void save(String value) {\n    sink(value);\n  }\n}\n");
  EXPECT_THAT(project.link(), IsEmpty());
}

TEST(TaintFacts, DamagedBytesAreAnError) {
  Project project;
  project.add("a.py",
              "from b import g\n\ndef f(x, *rest):\n    for i in x:\n        if i:\n            g({'a': [i]}, "
              "source())\n    return sink(x)\n");
  const std::string good = project.facts(0).taint;
  ASSERT_TRUE(taint_facts_from_record(good).ok());
  EXPECT_EQ(to_record(*taint_facts_from_record(good)), good);
  EXPECT_FALSE(taint_facts_from_record("").ok());
  for (std::size_t size = 0; size < good.size(); size += 7)
    EXPECT_FALSE(taint_facts_from_record(good.substr(0, size)).ok());
  // What is read in spite of a changed byte is in order: following it touches nothing outside.
  SeededRandom random(7);
  for (int round = 0; round < 3'000; ++round) {
    std::string bad = good;
    for (int i = 0; i < 3; ++i) bad[random.next() % bad.size()] = static_cast<char>(random.next());
    const auto read = taint_facts_from_record(bad);
    if (!read.ok()) continue;
    const TaintUnit* const units[] = {&read->unit};
    static_cast<void>(follow_units(units, FlowScope::All, {}));
  }
}

}  // namespace
}  // namespace wrench::code
