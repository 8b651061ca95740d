#include "playbook_graph.hpp"

#include <gtest/gtest.h>

namespace wrench::app {
namespace {

workflow::PlaybookStep step(std::string id, std::vector<std::string> after, std::vector<std::string> calls = {"a.b"},
                            std::string type = "standard", std::string when = "") {
  workflow::PlaybookStep out;
  out.id = std::move(id);
  out.type = std::move(type);
  out.after = std::move(after);
  out.calls = std::move(calls);
  out.when = std::move(when);
  return out;
}

workflow::Playbook playbook(std::vector<workflow::PlaybookStep> steps) {
  workflow::Playbook out;
  out.name = "p";
  out.steps = std::move(steps);
  return out;
}

TEST(PlaybookGraph, DrawsAChain) {
  EXPECT_EQ(draw_playbook(playbook({step("one", {}), step("two", {"one"}, {"a.b", "c.d"}, "work_in_parallel")}), {}),
            "  ● one   a.b\n"
            "  │\n"
            "  ● two   side by side\n"
            "      - a.b\n"
            "      - c.d\n");
}

TEST(PlaybookGraph, DrawsBranchesThatMeetAgain) {
  const auto branches =
      playbook({step("start", {}), step("left", {"start"}), step("right", {"start"}, {}, "standard", "x > 1"),
                step("far", {"start"}), step("end", {"left", "right", "far"})});
  EXPECT_EQ(draw_playbook(branches, {}),
            "  ● start   a.b\n"
            "  ├─┬─┐\n"
            "  │ │ │\n"
            "  ● │ │ left   a.b\n"
            "  │ │ │\n"
            "  │ ● │ right   waits\n"
            "  │ │ │   if x > 1\n"
            "  │ │ │\n"
            "  │ │ ● far   a.b\n"
            "  ├─┴─┘\n"
            "  ● end   a.b\n");
  EXPECT_EQ(draw_playbook(branches, {.width = 40, .unicode = false}).substr(0, 30), "  * start   a.b\n  +-+-+\n  | | ");
}

TEST(PlaybookGraph, DrawsALineThatPassesBy) {
  EXPECT_EQ(draw_playbook(playbook({step("a", {}), step("b", {"a"}), step("c", {"b"}), step("d", {"a", "c"})}), {}),
            "  ● a   a.b\n"
            "  ├─┐\n"
            "  │ │\n"
            "  ● │ b   a.b\n"
            "  │ │\n"
            "  ● │ c   a.b\n"
            "  ├─┘\n"
            "  ● d   a.b\n");
}

TEST(PlaybookGraph, WritesDotThatCannotBeBrokenOutOf) {
  EXPECT_EQ(playbook_dot(playbook({step("a", {}), step("b", {"a"}, {"c.d"}, "versus", "x == \"\\\"")})),
            "digraph \"p\" {\n"
            "  node [shape=box, fontname=\"sans-serif\"];\n"
            "  \"a\" [label=\"a\\na.b\"];\n"
            "  \"b\" [label=\"b (versus)\\nc.d\"];\n"
            "  \"a\" -> \"b\" [label=\"x == \\\"\\\\\\\"\"];\n"
            "}\n");
}

}  // namespace
}  // namespace wrench::app
