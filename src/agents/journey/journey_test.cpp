#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "../core/report_test.hpp"
#include "wrench/runtime/subprocess.hpp"
#include "wrench/runtime/temp_dir.hpp"

namespace wrench::agents {
namespace {

using codec::Json;
using findings::Severity;
using testing::HasSubstr;

Json tree_of(const std::string& root) {
  return Json::object({{"path", root}, {"root", root}, {"working_directory", root}});
}

/// Output member `history` as mine_history gives it, with what a test cares about.
Json history_with(Json summary) {
  summary.set("head", std::string(40, 'c'));
  return Json::object({{"summary", std::move(summary)},
                       {"files", Json::array()},
                       {"tree", ""},
                       {"repository", "shop"},
                       {"revision", "main@ccccccc"}});
}

std::vector<std::string> texts(const Json& output) {
  std::vector<std::string> out;
  for (const Json& insight : output.at("insights").as_array()) {
    EXPECT_FALSE(insight.at("evidence").as_array().empty());
    out.emplace_back(insight.at("text").as_string());
  }
  return out;
}

TEST(Journey, EveryInsightNamesItsEvidence) {
  const std::string commit = "commit:" + std::string(40, 'd');
  const Json history = history_with(Json::object(
      {{"truck_factor", Json::object({{"value", 1}, {"authors", Json::array({"ada"})}})},
       {"knowledge_loss", Json::object({{"percent", 41.6}})},
       {"coupling",
        Json::array({Json::object({{"files", Json::array({"a.c", "b.c"})}, {"percent", 80}, {"evidence", commit}}),
                     Json::object({{"files", Json::array({"a.c", "c.c"})}, {"percent", 50}, {"evidence", commit}})})},
       {"churn",
        Json::array({Json::object({{"path", "hot.c"}, {"recent_revisions", 30}, {"previous_revisions", 10}}),
                     Json::object({{"path", "calm.c"}, {"recent_revisions", 12}, {"previous_revisions", 11}})})}}));
  Caller caller;
  const Json output =
      caller.call("journey.track",
                  Json::object({{"tree", tree_of("/x")},
                                {"code", findings::to_json(report_of({some_finding("bad", "a.c", 1, Severity::High)}))},
                                {"history", history}}));
  EXPECT_THAT(texts(output), testing::ElementsAre(HasSubstr("without ada"), HasSubstr("42 %"), HasSubstr("a.c and b.c"),
                                                  HasSubstr("hot.c changed 30 times"), HasSubstr("one finding")));
  EXPECT_EQ(output.at("insights").as_array()[2].at("evidence").as_array()[0].as_string(), commit);
  EXPECT_EQ(output.at("current_state").at("revision").as_string(), "main@ccccccc");
  EXPECT_TRUE(output.at("progress").at("first_look").as_boolean());
  EXPECT_EQ(output.at("progress").at("findings").at("high").as_integer(), 1);
}

TEST(Journey, WithoutHistoryItSpeaksOfFindingsAlone) {
  Caller caller;
  const Json output =
      caller.call("journey.track", Json::object({{"tree", tree_of("/x")}, {"code", findings::to_json(report_of({}))}}));
  EXPECT_THAT(texts(output), testing::IsEmpty());
  EXPECT_TRUE(output.at("current_state").at("activity").is_null());
}

TEST(Journey, PhaseComesFromTheProjectsOwnPace) {
  const auto phase = [](const std::vector<int>& commits_by_month) {
    Json months = Json::array();
    for (const int commits : commits_by_month) months.push_back(Json::object({{"commits", commits}}));
    Caller caller;
    const Json output = caller.call(
        "journey.track", Json::object({{"tree", tree_of("/x")},
                                       {"code", findings::to_json(report_of({}))},
                                       {"history", history_with(Json::object({{"activity", std::move(months)}}))}}));
    return std::string(output.at("current_state").at("activity").at("phase").as_string());
  };
  EXPECT_EQ(phase({1, 1, 1}), "young");
  EXPECT_EQ(phase({1, 1, 1, 1, 1, 1, 4, 4, 4, 4, 4, 4}), "growing");
  EXPECT_EQ(phase({4, 4, 4, 4, 4, 4, 1, 1, 1, 1, 1, 1}), "slowing");
  EXPECT_EQ(phase({4, 4, 4, 4, 4, 4, 5, 3, 4, 4, 4, 4}), "steady");
}

TEST(Journey, MinesARealRepositoryBelowItsRoot) {
  const auto folder = runtime::TempDir::create().value();
  std::filesystem::create_directories(folder / "src");
  std::ofstream(folder / "src/a.py") << "x = 1\n";
  for (const auto& arguments : std::vector<std::vector<std::string>>{
           {"init", "-q", "-b", "main"},
           {"add", "-A"},
           {"-c", "user.name=ada", "-c", "user.email=a@example.org", "commit", "-qm", "x"}}) {
    runtime::SubprocessSpec spec;
    spec.program = runtime::find_program("git").value();
    spec.arguments = arguments;
    spec.environment = {"PATH=/usr/bin:/bin", "HOME=/nonexistent", "GIT_CONFIG_GLOBAL=/dev/null"};
    spec.working_directory = folder.path();
    ASSERT_TRUE(runtime::capture_subprocess(spec)->result.succeeded());
  }
  ::setenv("WRENCH_SCAN_CACHE", "off", 1);
  Caller caller;
  const std::string root = std::filesystem::canonical(folder / "src").string();
  const Json output = caller.call("journey.mine_history", Json::object({{"tree", tree_of(root)}}));
  const Json& history = output.at("history");
  EXPECT_EQ(history.at("tree").as_string(), "src");
  EXPECT_EQ(history.at("files").as_array()[0].at("path").as_string(), "src/a.py");
  EXPECT_EQ(history.at("files").as_array()[0].at("main_author").as_string(), "ada");
  EXPECT_TRUE(history.at("revision").as_string().starts_with("main@"));

  auto none = caller.try_call("journey.mine_history", Json::object({{"tree", tree_of("/")}}));
  ASSERT_FALSE(none.ok());
  EXPECT_EQ(none.error().code, "history.not_a_repository");
}

}  // namespace
}  // namespace wrench::agents
