#include "wrench/workflow/playbook.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <ctime>
#include <filesystem>
#include <string>

#include "case_file_test.hpp"

namespace wrench::workflow {
namespace {

using codec::Json;

/// One node a line, so that a change of one shows as one.
std::string plan_text(const Json& plan) {
  std::string out = "{\"v\":1,\"nodes\":[";
  for (const Json& node : plan.at("nodes").as_array())
    out += (out.back() == '[' ? "\n" : ",\n") + codec::write_json(node);
  return out + "]}\n";
}

std::string lines(const std::vector<Error>& errors) {
  std::string out;
  for (const Error& error : errors)
    out += std::to_string(error.place.line) + ":" + std::to_string(error.place.column) + ": " + error.message + " [" +
           error.code + "]\n";
  return out;
}

/// Those that steps of the cases run.
Result<std::string> other_playbook(const std::string& name) {
  if (name == "tidy")
    return std::string("name: Tidy\ninputs: {tree: {type: tree}, deep: {type: boolean, default: false}}\nsteps:\n") +
           "  - {step_id: scan, agent: scanner, operation: scan}\n";
  if (name == "ticks")
    return std::string("name: Ticks\nsteps:\n  - {step_id: a, agent: clock, operation: tick}\n") +
           "  - {step_id: b, needs: [], agent: clock, operation: tick}\n";
  if (name == "broken") return std::string("steps:\n  - {step_id: a, agent: clock}\n");
  if (name == "endless") return std::string("name: Endless\nsteps:\n  - {step_id: a, playbook: endless}\n");
  return Error("workflow.playbook_not_found", "no playbook '" + name + "'");
}

std::string what_came_out(const testing::Case& one, const CapabilityCatalogue& catalogue, std::string_view section) {
  PlaybookOptions options;
  options.find = other_playbook;
  if (one.find("manual") != nullptr) options.on_missing = OnMissing::Manual;
  const auto compiled = compile_playbook(one.text, catalogue, options);
  if (section == "problems") return lines(compiled.problems);
  if (section == "remarks") return lines(compiled.remarks);
  if (!compiled.playbook) return "no plan:\n" + lines(compiled.problems);
  if (section == "plan") return plan_text(compiled.playbook->plan);
  if (section == "result") return join(compiled.playbook->result, " ") + "\n";
  return "unknown section '" + std::string(section) + "'";
}

std::vector<std::string> case_files() {
  std::vector<std::string> out;
  for (const auto& entry : std::filesystem::directory_iterator(WRENCH_SOURCE_DIR "/tests/workflow"))
    if (entry.path().extension() == ".case") out.push_back(entry.path());
  std::sort(out.begin(), out.end());
  return out;
}

/// With WRENCH_WRITE_CASES set the files are rewritten with what comes out: read the difference before you keep it.
TEST(Playbook, CasesGiveWhatTheySay) {
  const bool write = std::getenv("WRENCH_WRITE_CASES") != nullptr;
  const auto files = case_files();
  ASSERT_FALSE(files.empty());
  for (const auto& path : files) {
    auto file = testing::CaseFile::read(path);
    const auto catalogue = testing::catalogue_of(file.head);
    for (auto& one : file.cases) {
      ASSERT_FALSE(one.sections.empty()) << path << ": " << one.name;
      for (auto& section : one.sections) {
        if (section.title == "manual") continue;
        const auto out = what_came_out(one, catalogue, section.title);
        EXPECT_EQ(section.text, out) << path << ":" << section.line << ": " << one.name;
        if (write) section.text = out;
      }
    }
    if (write) file.write(path);
  }
}

/// Every YAML block of the reference is a playbook without a problem.
TEST(Playbook, ExamplesOfTheReferenceCompile) {
  std::ifstream file(WRENCH_SOURCE_DIR "/docs/reference/playbooks.md");
  const std::string text((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
  const auto catalogue = testing::catalogue_of(text);
  constexpr std::string_view kOpen = "```yaml\n";
  int examples = 0;
  for (std::size_t at = text.find(kOpen); at != std::string::npos; at = text.find(kOpen, at)) {
    at += kOpen.size();
    const std::string example = text.substr(at, text.find("```", at) - at);
    const auto compiled = compile_playbook(example, catalogue);
    EXPECT_TRUE(compiled.problems.empty()) << example << lines(compiled.problems);
    ++examples;
  }
  EXPECT_GE(examples, 8);
}

CatalogueEntry entry(std::string_view agent, std::string_view operation) {
  return {std::string(agent), std::string(operation), 1, "", testing::schema_of("..."), testing::schema_of("...")};
}

CapabilityCatalogue small_catalogue() {
  CapabilityCatalogue out;
  out.add(entry("code_generator", "write"));
  out.add(entry("infosec", "scan"));
  return out;
}

TEST(Playbook, AgentNamesNormalise) {
  EXPECT_EQ(normal_agent_name("CodeGeneratorAgent"), "code_generator");
  EXPECT_EQ(normal_agent_name("UXDesignerAgent"), "ux_designer");
  EXPECT_EQ(normal_agent_name("DBA"), "dba");
  EXPECT_EQ(normal_agent_name("DBAAgent"), "dba");
  EXPECT_EQ(normal_agent_name("code-generator agent"), "code_generator");
  EXPECT_EQ(normal_agent_name("agent"), "agent");
  EXPECT_EQ(normal_agent_name(""), "");
  const auto catalogue = small_catalogue();
  EXPECT_EQ(catalogue.agent("InfoSecAgent"), "infosec");
  EXPECT_EQ(catalogue.agent("codegenerator"), "code_generator");
  EXPECT_EQ(catalogue.agent("code"), std::nullopt);
}

Playbook compiled(std::string_view text) {
  auto out = compile_playbook(text, small_catalogue());
  EXPECT_TRUE(out.playbook.has_value()) << lines(out.problems);
  return out.playbook.value_or(Playbook());
}

TEST(Playbook, InputsAreCheckedAndGetTheirDefaults) {
  const auto playbook = compiled(
      "inputs: {n: {type: integer, default: 3}, name: {type: string, description: whose}, any: {default: null}}\n"
      "steps: [{step_id: a, agent: infosec, operation: scan}]\n");
  const auto bound = bind_inputs(playbook, Json::object({{"name", "x"}}));
  ASSERT_TRUE(bound.ok());
  EXPECT_EQ(codec::canonical_json(*bound), R"({"any":null,"n":3,"name":"x"})");
  const auto failure = [&](Json given) {
    const auto out = bind_inputs(playbook, std::move(given));
    return out.ok() ? "none" : out.error().code + ": " + out.error().message;
  };
  EXPECT_EQ(failure(Json::object()), "workflow.playbook_input: the input 'name' (string) is missing: whose");
  EXPECT_EQ(failure(Json::object({{"name", 1}})), "workflow.playbook_input: the input 'name' must be of type string");
  EXPECT_EQ(failure(Json::object({{"name", "x"}, {"m", 1}})),
            "workflow.playbook_input: the playbook has no input 'm'; known: n, name, any");
  const auto free = compiled("steps: [{step_id: a, agent: infosec, operation: scan}]\n");
  EXPECT_TRUE(bind_inputs(free, Json::object({{"m", 1}})).ok());
}

std::string only_problem(std::string_view text) {
  const auto out = compile_playbook(text, small_catalogue());
  return out.problems.size() == 1 ? lines(out.problems) : std::to_string(out.problems.size()) + " problems";
}

TEST(Playbook, SaysWhereABadByteIs) {
  EXPECT_EQ(only_problem("name: x\nsteps: \xff\n"), "2:8: a byte that isn't UTF-8 [workflow.playbook_invalid]\n");
  EXPECT_EQ(only_problem("name: \xEF\xBF\xBD\xC3\n"), "1:8: a byte that isn't UTF-8 [workflow.playbook_invalid]\n");
}

std::string many(std::size_t count, std::string_view piece, std::string_view before = "", std::string_view after = "") {
  std::string out(before);
  for (std::size_t i = 0; i < count; ++i) out += piece;
  return out + std::string(after);
}

std::string chain(std::size_t steps, std::string_view rest) {
  std::string out = "steps:\n";
  for (std::size_t i = 0; i < steps; ++i)
    out += "- {step_id: s" + std::to_string(i) + ", agent: infosec, operation: scan" + std::string(rest) + "}\n";
  return out;
}

TEST(Playbook, StopsAtEveryLimit) {
  const auto ok = [](const std::string& text) {
    return compile_playbook(text, small_catalogue()).playbook.has_value();
  };
  EXPECT_TRUE(ok(chain(kPlaybookStepsMax, "")));
  EXPECT_EQ(only_problem(chain(kPlaybookStepsMax + 1, "")),
            "2:1: the playbook has 501 steps; the limit is 500 [workflow.playbook_limit]\n");
  const std::string body = chain(1, "");
  EXPECT_TRUE(ok(body + std::string(kPlaybookBytesMax - body.size(), '#')));
  EXPECT_EQ(only_problem(body + std::string(kPlaybookBytesMax - body.size() + 1, '#')),
            "1:1: the playbook has 256.0 KiB; the limit is 256.0 KiB [workflow.playbook_limit]\n");
  const auto nested = [](std::size_t depth) {
    return chain(1, ", parameters: {a: " + std::string(depth, '[') + std::string(depth, ']') + "}");
  };
  EXPECT_TRUE(ok(nested(kPlaybookDepthMax - 4)));
  EXPECT_EQ(only_problem(nested(kPlaybookDepthMax - 3)).find("2:94: nested deeper than 32 levels"), 0u)
      << only_problem(nested(kPlaybookDepthMax - 3));
  const auto branches = [](std::size_t count) {
    return "steps: [{step_id: a, type: work_in_parallel, agents: [" +
           many(count - 1, "infosec:scan, ", "", "infosec:scan") + "]}]";
  };
  EXPECT_TRUE(ok(branches(kPlaybookBranchesMax)));
  EXPECT_NE(compile_playbook(branches(kPlaybookBranchesMax + 1), small_catalogue())
                .problems.at(0)
                .message.find("101 entries; the limit is 100"),
            std::string::npos);
  const auto loop = [](int rounds) {
    return "steps: [{step_id: a, type: self_feedback_loop, agent: infosec, operation: scan, iterations: " +
           std::to_string(rounds) + "}]";
  };
  EXPECT_TRUE(ok(loop(kPlaybookIterationsMax)));
  EXPECT_FALSE(ok(loop(kPlaybookIterationsMax + 1)));
  const auto values = many(kPlaybookNodesMax, "1,", "steps: [", "]");
  EXPECT_NE(only_problem(values).find("more than 20000 nodes"), std::string::npos);
  EXPECT_EQ(compile_playbook(chain(400, ", nonsense: 1"), small_catalogue()).problems.size(), kPlaybookProblemsMax);
}

/// 100 ms is the promise of the optimised program; assertions and sanitizers take their share.
TEST(Playbook, IsCheapOnHostileInput) {
  std::string jumps = "steps:\n";
  for (int i = 0; i < 480; ++i)
    jumps += "- {step_id: s" + std::to_string(i) +
             ", type: process, agent: infosec, process: [{operation: scan, condition: x, failure_action: goto:s" +
             std::to_string(i + 1 + (i * 7) % (480 - i)) + "}]}\n";
  jumps += "- {step_id: s480, agent: infosec, operation: scan}\n";
  const std::string texts[] = {
      many(kPlaybookBytesMax / 2, "[]"),
      many(kPlaybookBytesMax / 4, "- a\n"),
      many(kPlaybookBytesMax / 3, "a: ", "x: "),
      std::string(kPlaybookBytesMax, '['),
      many(kPlaybookBytesMax / 8, "{a: 1}, ", "steps: [", "]").substr(0, kPlaybookBytesMax),
      chain(kPlaybookStepsMax, ", when: " + many(30, "+ nothing ", "nothing ")),
      chain(kPlaybookStepsMax, ", parameters: {x: {$expr: a.b.c.d + nope}}, needs: [s0]"),
      jumps,
      std::string(kPlaybookBytesMax, '\xff'),
  };
  for (const auto& text : texts) {
    const std::clock_t began = std::clock();
    static_cast<void>(compile_playbook(text, small_catalogue()));
    const auto took_ms = static_cast<double>(std::clock() - began) * 1000 / CLOCKS_PER_SEC;
    EXPECT_LT(took_ms, 1500) << text.substr(0, 80);
  }
}

}  // namespace
}  // namespace wrench::workflow
