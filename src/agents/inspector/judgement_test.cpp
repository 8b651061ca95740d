#include "judgement.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace wrench::agents {
namespace {

using findings::Category;
using findings::Finding;
using findings::Severity;
using testing::ElementsAre;
using testing::IsEmpty;

/// A file and findings at substrings of it.
class Case {
 public:
  Case(std::string path, std::string text, std::string root = ".")
      : path_(std::move(path)), text_(std::move(text)), root_(std::move(root)) {
    sources_.add(path_, text_);
  }
  Finding& add(const std::string& rule, const std::string& match, std::vector<std::string> cwe = {}) {
    auto finding = std::make_unique<Finding>();
    const std::size_t at = text_.find(match);
    EXPECT_NE(at, std::string::npos) << match;
    finding->rule = rule;
    finding->fingerprint = "wf1-" + rule;
    finding->category = Category::Security;
    finding->confidence = findings::Confidence::High;
    finding->cwe = std::move(cwe);
    finding->where = {path_, position(at), position(at + match.size()), "sha256:x"};
    all_.push_back(std::move(finding));
    return *all_.back();
  }
  Judgement judge() const {
    std::vector<const Finding*> pointers;
    for (const auto& one : all_) pointers.push_back(one.get());
    return judge_findings(pointers, root_, sources_);
  }
  std::vector<std::string> disproved() const {
    std::vector<std::string> out;
    for (const Disproved& one : judge().disproved) out.push_back(one.finding->rule + ":" + std::string(one.check));
    return out;
  }

 private:
  findings::Position position(std::size_t at) const {
    findings::Position position{1, 1, at};
    for (std::size_t i = 0; i < at; ++i) position.line += text_[i] == '\n' ? 1 : 0;
    return position;
  }
  std::string path_, text_, root_;
  findings::MemorySources sources_;
  std::vector<std::unique_ptr<Finding>> all_;
};

TEST(ConstantArguments, LiteralsOnly) {
  for (const char* call :
       {"os.system(\"ls -l\")", "subprocess.call('ls', shell=True)", "db.execute(\"SELECT 1\", [1, 2.5, None])",
        "exec('a' + 'b');", "cursor().execute(\n  \"x\",\n  timeout = 3)", "a->b(\"x\")", "eval(b'1+1')",
        "f(\"100 %\", {\"k\": \"v\"})", "conn.query('$1 costs 5$')"})
    EXPECT_TRUE(has_constant_arguments(call)) << call;
}

TEST(ConstantArguments, AnyNameOrInterpolationMayComeFromOutside) {
  for (const char* call : {"os.system(cmd)",
                           "os.system(\"ls \" + cmd)",
                           "os.system(f\"ls {cmd}\")",
                           "os.system(fr'{x}')",
                           "exec(`ls ${x}`)",
                           "exec(\"ls $x\")",
                           "system(\"#{x}\")",
                           "os.system('ls %s' % name)",
                           "f(g(\"x\"))",
                           "f(\"a\", key=value)",
                           "query(\"a\").run(x)",
                           "f()",
                           "x = 5",
                           "\"text\"",
                           "f(\"a\"",
                           "f(\"a\"))",
                           "",
                           "f(a == 1)",
                           "f(\"a\" /* x */)",
                           "if (x) { f(\"a\"); }",
                           "f('it\\'s' + x)"})
    EXPECT_FALSE(has_constant_arguments(call)) << call;
}

TEST(Judgement, DropsInjectionIntoConstants) {
  Case code("app.py", "os.system('ls')\nos.system(cmd)\nhashlib.md5('x')\n");
  code.add("constant", "os.system('ls')", {"CWE-78"});
  code.add("real", "os.system(cmd)", {"CWE-78"});
  code.add("hash", "hashlib.md5('x')", {"CWE-327"});
  EXPECT_THAT(code.disproved(), ElementsAre("constant:constant_arguments"));
  EXPECT_EQ(code.judge().disproved[0].evidence, "text:os.system('ls')");
}

TEST(Judgement, ATraceOutweighsTheText) {
  Case code("app.py", "run('ls')\n");
  code.add("traced", "run('ls')", {"CWE-78"}).trace.resize(1);
  EXPECT_THAT(code.disproved(), IsEmpty());
}

TEST(Judgement, TestCodeIsHarmlessButItsSecretsAndBugsAreNot) {
  Case code("tests/test_app.py", "a b c d e");
  code.add("slow", "a").category = Category::Performance;
  code.add("insecure", "b").category = Category::Security;
  code.add("secret", "c").category = Category::Secret;
  code.add("bug", "d").category = Category::Correctness;
  code.add("fatal", "e").severity = Severity::Critical;
  EXPECT_THAT(code.disproved(), ElementsAre("slow:place", "insecure:place"));
}

TEST(Judgement, ExamplesAreNeitherSlowNorLongButWhatTheyTeachCounts) {
  Case code("examples/app.py", "a b c d e");
  code.add("slow", "a").category = Category::Performance;
  code.add("insecure", "b").category = Category::Security;
  code.add("long", "c").category = Category::Maintainability;
  code.add("structure.import-cycle", "d").category = Category::Structure;
  code.add("structure.unused-import", "e").category = Category::Structure;
  EXPECT_THAT(code.disproved(), ElementsAre("slow:place", "long:place", "structure.import-cycle:place"));
}

TEST(Judgement, AProjectMayLieInAFolderCalledTests) {
  Case code("/home/tests/shop/app.py", "b", "/home/tests/shop");
  code.add("insecure", "b");
  EXPECT_THAT(code.disproved(), IsEmpty());
}

TEST(Judgement, DeadCodeCannotBeReached) {
  Case code("app.py", "def unused():\n  os.system(x)\n\nos.system(y)\n");
  Finding& dead = code.add("python.unused-function", "def unused():\n  os.system(x)");
  dead.category = Category::Structure;
  code.add("inside", "os.system(x)", {"CWE-78"});
  code.add("outside", "os.system(y)", {"CWE-78"});
  EXPECT_THAT(code.disproved(), ElementsAre("inside:dead_code"));
  EXPECT_EQ(code.judge().disproved[0].evidence, "finding:wf1-python.unused-function");
  dead.confidence = findings::Confidence::Medium;
  EXPECT_THAT(code.disproved(), IsEmpty()) << "only what is certain";
}

TEST(Judgement, MergesOneCauseUnderTheBest) {
  Case code("app.py", "password = 'x'; run(q)\nrun(q2)\n");
  code.add("weak", "password = 'x'", {"CWE-259", "CWE-798"}).rank = 10;
  code.add("strong", "'x'", {"CWE-798"}).rank = 50;
  code.add("other", "run(q)", {"CWE-78"});
  const Judgement judgement = code.judge();
  ASSERT_EQ(judgement.merged.size(), 1u);
  EXPECT_EQ(judgement.merged[0].kept->rule, "strong");
  ASSERT_EQ(judgement.merged[0].others.size(), 1u);
  EXPECT_EQ(judgement.merged[0].others[0]->rule, "weak");
  EXPECT_EQ(judgement.standing.size(), 3u);
}

TEST(Judgement, TwoHitsOfOneRuleStayTwo) {
  Case code("app.py", "run(a); run(b)\n");
  code.add("injection", "run(a)", {"CWE-78"});
  code.add("injection", "run(b)", {"CWE-78"});
  EXPECT_THAT(code.judge().merged, IsEmpty());
}

TEST(Judgement, MeasuresOfOneFunctionAreOneFinding) {
  Case code("app.py", "def f(): pass\ndef g(): pass\n");
  code.add("code.cognitive-complexity", "def f").rank = 40;
  code.add("code.cyclomatic-complexity", "def f").rank = 20;
  code.add("code.long-function", "def f").rank = 20;
  code.add("code.long-function", "def g");
  const Judgement judgement = code.judge();
  ASSERT_EQ(judgement.merged.size(), 1u);
  EXPECT_EQ(judgement.merged[0].kept->rule, "code.cognitive-complexity");
  EXPECT_EQ(judgement.merged[0].others.size(), 2u);
  EXPECT_EQ(judgement.merged[0].why, "one function that does too much: app.py:1");
}

TEST(Judgement, CopiesAmongTestsAreMeantCopiesOfTheProductAreNot) {
  Case code("tests/test_app.py", "a b");
  auto& among_tests = code.add("code.duplicate", "a");
  among_tests.category = Category::Maintainability;
  among_tests.related.push_back({{"tests/test_b.py", {}, {}, ""}, "copy"});
  auto& of_product = code.add("other.duplicate", "b");
  of_product.category = Category::Maintainability;
  of_product.related.push_back({{"src/app.py", {}, {}, ""}, "copy"});
  EXPECT_THAT(code.disproved(), ElementsAre("code.duplicate:place"));
}

TEST(Judgement, LeavesSuppressedFindingsAlone) {
  Case code("tests/a.py", "a");
  code.add("known", "a").suppressed = findings::Suppressed{"inline", "why", "x"};
  EXPECT_THAT(code.disproved(), IsEmpty());
  EXPECT_THAT(code.judge().standing, IsEmpty());
}

}  // namespace
}  // namespace wrench::agents
