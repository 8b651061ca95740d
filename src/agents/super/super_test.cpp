#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "../core/report_test.hpp"

namespace wrench::agents {
namespace {

using codec::Json;
using findings::Report;
using testing::Contains;
using testing::HasSubstr;

Json no_inspection() { return Json::object({{"dropped", Json::array()}, {"merged", Json::array()}}); }

class Synthesis : public testing::Test {
 protected:
  Report run(const Json& input) {
    auto made = caller_.try_call("super.synthesise", input);
    if (!made.ok()) {
      ADD_FAILURE() << describe(made.error());
      return {};
    }
    stored_ = std::move(made->findings);
    return findings::report_from_json(made->output.at("report")).value();
  }
  Caller caller_;
  std::vector<findings::Finding> stored_;
};

TEST_F(Synthesis, PutsTheAgentsResultsTogether) {
  auto code = report_of({some_finding("code.rule", "b.py", 1)});
  auto secret = some_finding("secret.rule", "a.py", 2);
  secret.category = findings::Category::Secret;
  auto secrets = report_of({secret});
  secrets.partial.push_back({"file_timeout", "c.py", "", ""});
  secrets.run.analyses = {"secrets"};
  const Report report = run(Json::object(
      {{"code", findings::to_json(code)}, {"secrets", findings::to_json(secrets)}, {"inspection", no_inspection()}}));
  ASSERT_EQ(report.findings.size(), 2u);
  EXPECT_EQ(report.findings[0].agent, "infosec");
  EXPECT_EQ(report.findings[1].agent, "code_analysis");
  EXPECT_GT(report.findings[0].rank, 0);
  ASSERT_EQ(report.partial.size(), 1u);
  EXPECT_FALSE(report.run.complete);
  EXPECT_EQ(stored_.size(), 2u);
}

TEST_F(Synthesis, ShowsWhyAFindingWasDroppedAndWhereMergedOnesAre) {
  const auto wrong = some_finding("wrong", "a.py", 1);
  const auto kept = some_finding("kept", "a.py", 2);
  auto twin = some_finding("twin", "a.py", 2);
  twin.related.push_back({twin.where, "copy"});
  const Json inspection = Json::object(
      {{"dropped", Json::array({Json::object(
                       {{"fingerprint", wrong.fingerprint}, {"why", "constants"}, {"evidence", "text:x"}})})},
       {"merged",
        Json::array({Json::object({{"kept", kept.fingerprint}, {"into", Json::array({twin.fingerprint})}})})}});
  const Report report =
      run(Json::object({{"code", findings::to_json(report_of({wrong, kept, twin}))}, {"inspection", inspection}}));
  ASSERT_EQ(report.findings.size(), 2u);
  ASSERT_TRUE(report.findings[0].suppressed.has_value());
  EXPECT_EQ(report.findings[0].suppressed->kind, "inspector");
  EXPECT_EQ(report.findings[0].suppressed->reason, "constants");
  EXPECT_EQ(report.findings[1].message, "kept Mended by the same change: twin.");
  ASSERT_EQ(report.findings[1].related.size(), 1u);
  EXPECT_EQ(report.findings[1].related[0].note, "copy");
  EXPECT_EQ(report.summary.suppressed, 1u);
  EXPECT_EQ(stored_.size(), 1u) << "only what stands becomes a row";
}

TEST_F(Synthesis, HidesWhatPeopleDismissedAndSaysWhyItComesBack) {
  const auto gone = some_finding("gone", "a.py", 1);
  const auto moved = some_finding("moved", "b.py", 2);
  const auto back = some_finding("back", "c.py", 3);
  const auto entry = [](const findings::Finding& finding, std::string_view how, Json why_shown) {
    return Json::object({{"fingerprint", finding.fingerprint},
                         {"finding_id", "fnd_" + finding.rule},
                         {"decision", "false_positive"},
                         {"reason", "no"},
                         {"source", "user:ada, 2026-11-28"},
                         {"until", nullptr},
                         {"how", how},
                         {"why_shown", std::move(why_shown)}});
  };
  const Json inspection = Json::object(
      {{"dropped", Json::array()},
       {"merged", Json::array()},
       {"dismissed", Json::array({entry(gone, "same", {}), entry(moved, "moved", {}), entry(back, "same", "worse")})}});
  const Json input =
      Json::object({{"code", findings::to_json(report_of({gone, moved, back}))}, {"inspection", inspection}});
  const auto made = caller_.try_call("super.synthesise", input);
  ASSERT_TRUE(made.ok()) << describe(made.error());
  const Report report = findings::report_from_json(made->output.at("report")).value();
  ASSERT_EQ(report.findings.size(), 3u);
  ASSERT_TRUE(report.findings[0].suppressed);
  EXPECT_EQ(*report.findings[0].suppressed,
            (findings::Suppressed{
                .kind = "false_positive", .reason = "no", .source = "user:ada, 2026-11-28", .finding_id = "fnd_gone"}));
  EXPECT_FALSE(report.findings[2].suppressed);
  EXPECT_EQ(report.findings[2].reopened, "false positive, but worse: no");
  EXPECT_EQ(made->findings.size(), 3u) << "seen, whatever was decided";
  ASSERT_EQ(made->taken_over.size(), 1u);
  EXPECT_EQ(made->taken_over[0].finding_id, "fnd_moved");
  EXPECT_EQ(made->taken_over[0].fingerprint, moved.fingerprint);
  EXPECT_TRUE(made->taken_over[0].moved);
}

TEST_F(Synthesis, RanksByHotspots) {
  auto code = report_of({some_finding("r", "hot.py", 1), some_finding("r", "cold.py", 1)});
  for (const auto& [path, cognitive] :
       std::vector<std::pair<std::string, std::uint32_t>>{{"hot.py", 50}, {"cold.py", 1}}) {
    findings::FileMetrics file;
    file.path = path;
    file.cognitive = cognitive;
    code.files.push_back(file);
  }
  const Json history = Json::object(
      {{"summary",
        Json::object(
            {{"degraded", Json::array({Json::object({{"reason", "shallow"}, {"detail", "a shallow clone"}})})}})},
       {"files", Json::array({Json::object(
                     {{"path", "hot.py"}, {"revisions", 40}, {"main_author", "ada"}, {"main_author_percent", 92.0}})})},
       {"tree", ""},
       {"repository", "shop"},
       {"revision", "main@abc"}});
  const Report report =
      run(Json::object({{"code", findings::to_json(code)}, {"history", history}, {"inspection", no_inspection()}}));
  ASSERT_EQ(report.hotspots.size(), 1u);
  EXPECT_EQ(report.hotspots[0].path, "hot.py");
  EXPECT_EQ(report.hotspots[0].main_author, "ada");
  EXPECT_EQ(report.hotspots[0].findings, 1u);
  EXPECT_GT(report.findings[1].rank, report.findings[0].rank) << "hot.py stands after cold.py";
  EXPECT_EQ(report.revision, "main@abc");
  EXPECT_THAT(report.notes, Contains(HasSubstr("a shallow clone")));
  EXPECT_THAT(report.notes, Contains(HasSubstr("no search for secrets")));
  const Report meant = run(Json::object(
      {{"code", findings::to_json(code)}, {"inspection", no_inspection()}, {"parts", Json::array({"history"})}}));
  EXPECT_THAT(meant.notes, testing::ElementsAre(HasSubstr("no history")));
}

}  // namespace
}  // namespace wrench::agents
