#include "wrench/net/router.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace wrench::net {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

class RouterTest : public ::testing::Test {
 protected:
  RouterTest() {
    router_.add(Method::Get, "/tasks");          // 0
    router_.add(Method::Post, "/tasks/");        // 1
    router_.add(Method::Get, "/tasks/{id}");     // 2
    router_.add(Method::Delete, "/tasks/{id}");  // 3
    router_.add(Method::Get, "/tasks/latest");   // 4
    router_.add(Method::Get, "/a/{b}/c/{d}");    // 5
    router_.add(Method::Get, "/");               // 6
  }
  /// "route 2", "status 404".
  std::string find(Method method, std::string_view path) {
    auto found = router_.find(method, path);
    if (const auto* response = std::get_if<Response>(&found)) {
      fields_ = response->fields;
      return "status " + std::to_string(response->status);
    }
    parameters_ = std::get<Router::Match>(found).parameters;
    return "route " + std::to_string(std::get<Router::Match>(found).route);
  }
  Router router_;
  std::vector<std::string> parameters_;
  std::vector<std::pair<std::string, std::string>> fields_;
};

TEST_F(RouterTest, FindsRoutesByMethodAndPath) {
  EXPECT_EQ(find(Method::Get, "/tasks"), "route 0");
  EXPECT_EQ(find(Method::Post, "/tasks"), "route 1");
  EXPECT_EQ(find(Method::Get, "/tasks/7"), "route 2");
  EXPECT_THAT(parameters_, ElementsAre("7"));
  EXPECT_EQ(find(Method::Delete, "/tasks/7"), "route 3");
  EXPECT_EQ(find(Method::Get, "/tasks/latest"), "route 4");
  EXPECT_THAT(parameters_, IsEmpty());
  EXPECT_EQ(find(Method::Get, "/a/1/c/2"), "route 5");
  EXPECT_THAT(parameters_, ElementsAre("1", "2"));
  EXPECT_EQ(find(Method::Get, "/"), "route 6");
}

TEST_F(RouterTest, ASlashAtTheEndMakesNoDifference) {
  EXPECT_EQ(find(Method::Get, "/tasks/"), "route 0");
  EXPECT_EQ(find(Method::Get, "/tasks/7/"), "route 2");
}

TEST_F(RouterTest, AnEmptySegmentIsNotThere) {
  EXPECT_EQ(find(Method::Get, "//tasks"), "status 404");
  EXPECT_EQ(find(Method::Get, "/tasks//7"), "status 404");
  EXPECT_EQ(find(Method::Get, "/tasks//"), "status 404");
  EXPECT_EQ(find(Method::Get, "/a//c/2"), "status 404");
}

TEST_F(RouterTest, HeadIsGetWithoutABody) { EXPECT_EQ(find(Method::Head, "/tasks/7"), "route 2"); }

TEST_F(RouterTest, SaysWhichMethodsThereAre) {
  EXPECT_EQ(find(Method::Put, "/tasks/7"), "status 405");
  EXPECT_THAT(fields_, ElementsAre(std::pair<std::string, std::string>("Allow", "GET, HEAD, DELETE, OPTIONS")));
  EXPECT_EQ(find(Method::Options, "/tasks"), "status 204");
  EXPECT_THAT(fields_, ElementsAre(std::pair<std::string, std::string>("Allow", "GET, HEAD, POST, OPTIONS")));
  EXPECT_EQ(find(Method::Options, "*"), "status 204");
  EXPECT_EQ(find(Method::Put, "/nothing"), "status 404");
}

TEST_F(RouterTest, DecodesOnce) {
  EXPECT_EQ(find(Method::Get, "/tasks/a%20b%2541"), "route 2");
  EXPECT_THAT(parameters_, ElementsAre("a b%41"));
  EXPECT_EQ(find(Method::Get, "/%74asks"), "route 0");
  EXPECT_EQ(find(Method::Get, "/tasks/%C3%A4"), "route 2");
  EXPECT_THAT(parameters_, ElementsAre("\xC3\xA4"));
}

TEST_F(RouterTest, RefusesWhatCouldBeReadAsAnotherPath) {
  for (const char* path :
       {"/tasks/..", "/tasks/.", "/tasks/%2e%2E", "/tasks/%2e", "/tasks/a%2Fb", "/tasks/a%5cb", "/tasks/%00",
        "/tasks/%0d%0a", "/tasks/%7f", "/tasks/%c0%ae", "/tasks/%ff", "/tasks/%ed%a0%80", "/tasks/../tasks"})
    EXPECT_EQ(find(Method::Get, path), "status 400") << path;
}

TEST_F(RouterTest, LongPathsAreNotThere) {
  std::string path;
  for (int i = 0; i < 2000; ++i) path += "/a";
  EXPECT_EQ(find(Method::Get, path), "status 404");
}

}  // namespace
}  // namespace wrench::net
