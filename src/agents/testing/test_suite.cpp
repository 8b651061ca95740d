#include "wrench/agents/test_suite.hpp"

#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include "expectation.hpp"
#include "suite_reader.hpp"
#include "wrench/base/text.hpp"

namespace wrench::agents {
namespace {

using codec::Json;
using codec::YamlNode;

constexpr std::size_t kSuiteDepthMax = 32;
constexpr std::size_t kSuiteNodesMax = 200'000;
constexpr std::size_t kStepIdBytesMax = 32;
constexpr std::string_view kCaseStepId = "case";

bool is_step_id(std::string_view id) {
  const auto word = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_'; };
  return !id.empty() && id.size() <= kStepIdBytesMax && id.front() >= 'a' && id.front() <= 'z' &&
         std::ranges::all_of(id, word);
}

/// "s1", "s2", …: what the planner calls its steps.
bool is_planned_id(std::string_view id) {
  return id.size() > 1 && id.front() == 's' &&
         std::ranges::all_of(id.substr(1), [](char c) { return c >= '0' && c <= '9'; });
}

class SuiteReader {
 public:
  explicit SuiteReader(const Registry& registry) : registry_(registry) {}

  Result<TestSuite> read(const YamlNode& root) {
    WRENCH_TRY(only_members(root, "a suite", {"suite", "cases"}));
    const YamlNode* agent = root.find("suite");
    if (agent == nullptr) return suite_error(root, "'suite' is missing: the agent that is tested");
    TestSuite out;
    out.agent = WRENCH_TRY(text_of(*agent, "'suite'"));
    if (registry_.find(out.agent) == nullptr) {
      std::vector<std::string_view> known;
      for (const auto& one : registry_.agents()) known.push_back(one->spec().name);
      return suite_error(*agent, "there is no agent '" + escape_for_display(out.agent) + "'" + guess(out.agent, known));
    }
    agent_ = out.agent;
    const YamlNode* cases = root.find("cases");
    if (cases == nullptr) return suite_error(root, "'cases' is missing");
    std::map<std::string, std::uint32_t> names;
    for (const auto* node : WRENCH_TRY(list_of(*cases, "'cases'", kSuiteCasesMax))) {
      out.cases.push_back(WRENCH_TRY(case_of(*node)));
      const auto& added = out.cases.back();
      const auto [known, is_new] = names.emplace(added.name, node->line);
      if (!is_new)
        return suite_error(*node, "the case '" + escape_for_display(added.name) + "' stands twice, first in line " +
                                      std::to_string(known->second));
    }
    if (out.cases.empty()) return suite_error(*cases, "a suite without cases tests nothing");
    return out;
  }

 private:
  static std::string guess(std::string_view word, const std::vector<std::string_view>& known) {
    const auto near = nearest(word, known);
    return near.empty() ? "" : "; did you mean '" + std::string(near) + "'?";
  }

  Result<std::string> capability_of(const YamlNode& node) const {
    auto id = WRENCH_TRY(text_of(node, "'capability'"));
    if (registry_.capability(id) != nullptr) return id;
    std::vector<std::string_view> known;
    for (const auto* one : registry_.capabilities()) known.push_back(one->id);
    return suite_error(node, "there is no capability '" + escape_for_display(id) + "'" + guess(id, known));
  }

  static Result<Json> input_of(const YamlNode& node) {
    if (!node.is_mapping()) return suite_error(node, "'input' is a mapping");
    return codec::to_json(node);
  }

  Result<TestCase> case_of(const YamlNode& node) {
    WRENCH_TRY(only_members(
        node, "a case",
        {"name", "fixture", "capability", "goal", "input", "with", "before", "llm", "repeat", "timeout", "expect"}));
    const YamlNode* name = node.find("name");
    if (name == nullptr) return suite_error(node, "a case needs a name");
    TestCase out;
    out.place = place_of(node);
    out.name = WRENCH_TRY(text_of(*name, "'name'"));
    if (trim(out.name).empty() || out.name.size() > kCaseNameBytesMax)
      return suite_error(*name, "a name has 1 to " + std::to_string(kCaseNameBytesMax) + " bytes");
    if (const auto* fixture = node.find("fixture")) out.fixture = WRENCH_TRY(read_fixture(*fixture));
    WRENCH_TRY(read_what(node, out));
    if (const auto* llm = node.find("llm")) WRENCH_TRY(read_llm(*llm, out));
    if (const auto* repeat = node.find("repeat"))
      out.repeat = static_cast<int>(WRENCH_TRY(whole_of(*repeat, "'repeat'", 1, kCaseRepeatMax)));
    if (const auto* timeout = node.find("timeout")) {
      const auto time = parse_duration(WRENCH_TRY(text_of(*timeout, "'timeout'")));
      if (!time || *time <= 0 || *time > kCaseTimeMax)
        return suite_error(*timeout, "'timeout' is a duration up to " + format_duration(kCaseTimeMax) + ", e.g. 20s");
      out.time_max = *time;
    }
    WRENCH_TRY(read_expectations(node, out));
    return out;
  }

  /// The capability with its input, or the goal.
  Result<void> read_what(const YamlNode& node, TestCase& out) {
    const YamlNode* capability = node.find("capability");
    const YamlNode* goal = node.find("goal");
    if ((capability == nullptr) == (goal == nullptr))
      return suite_error(node, "a case tests either a 'capability' or a 'goal'");
    if (goal != nullptr) {
      if (agent_ != "super") return suite_error(*goal, "goals are planned by super: a case of its suite");
      for (const std::string_view member : {"input", "with", "before"})
        if (const auto* found = node.find(member))
          return suite_error(*found, "'" + std::string(member) + "' is for a capability");
      out.goal = WRENCH_TRY(goal_of(*goal));
      return {};
    }
    out.capability = WRENCH_TRY(capability_of(*capability));
    if (agent_of(out.capability) != agent_)
      return suite_error(*capability, out.capability + " isn't an operation of " + agent_ + "; 'before' may use it");
    if (const auto* before = node.find("before")) WRENCH_TRY(read_before(*before, out));
    if (const auto* input = node.find("input")) out.input = WRENCH_TRY(input_of(*input));
    if (const auto* with = node.find("with")) {
      out.with = WRENCH_TRY(texts_of(*with, "'with'"));
      for (const auto& type : out.with)
        if (!is_port_type(type)) return suite_error(*with, "nothing is known of '" + escape_for_display(type) + "'");
    }
    return {};
  }

  static Result<CaseGoal> goal_of(const YamlNode& node) {
    CaseGoal out;
    if (node.is_scalar()) {
      out.kind = WRENCH_TRY(text_of(node, "'goal'"));
      return out;
    }
    WRENCH_TRY(only_members(node, "a goal", {"kind", "wants", "agents", "run"}));
    if (const auto* kind = node.find("kind")) out.kind = WRENCH_TRY(text_of(*kind, "'kind'"));
    if (const auto* wants = node.find("wants")) out.wants = WRENCH_TRY(texts_of(*wants, "'wants'"));
    if (const auto* agents = node.find("agents")) out.agents = WRENCH_TRY(texts_of(*agents, "'agents'"));
    if (const auto* run = node.find("run")) out.runs = WRENCH_TRY(flag_of(*run, "'run'"));
    if (out.kind.empty() && out.wants.empty()) return suite_error(node, "a goal has a 'kind' or 'wants'");
    return out;
  }

  Result<void> read_before(const YamlNode& node, TestCase& out) {
    std::set<std::string> ids;
    for (const auto* step : WRENCH_TRY(list_of(node, "'before'", kCaseStepsMax))) {
      WRENCH_TRY(only_members(*step, "a step", {"id", "capability", "input"}));
      const YamlNode* id = step->find("id");
      const YamlNode* capability = step->find("capability");
      if (id == nullptr || capability == nullptr) return suite_error(*step, "a step needs an id and a capability");
      CaseStep& added = out.before.emplace_back();
      added.id = WRENCH_TRY(text_of(*id, "'id'"));
      if (!is_step_id(added.id) || is_planned_id(added.id) || added.id == kCaseStepId)
        return suite_error(*id, "an id is [a-z][a-z0-9_]*, but not 'case' and not 's1'");
      if (!ids.insert(added.id).second) return suite_error(*id, "the step '" + added.id + "' stands twice");
      added.capability = WRENCH_TRY(capability_of(*capability));
      if (const auto* input = step->find("input")) added.input = WRENCH_TRY(input_of(*input));
    }
    return {};
  }

  static Result<void> read_llm(const YamlNode& node, TestCase& out) {
    if (node.is_scalar()) {
      if (node.text != "none")
        return suite_error(node, "'llm' is none, or one of script, cassette and live: {script: F}");
      return {};
    }
    WRENCH_TRY(only_members(node, "'llm'", {"script", "cassette", "live"}));
    if (node.members.size() != 1) return suite_error(node, "'llm' is one of script, cassette and live");
    const auto& [key, value] = node.members.front();
    const auto what = WRENCH_TRY(text_of(value, "'" + key.text + "'"));
    out.needs_missing = "needs a model (" + key.text + ": " + what + "), and there is none yet";
    return {};
  }

  static Result<void> read_expectations(const YamlNode& node, TestCase& out) {
    const YamlNode* expect = node.find("expect");
    if (expect == nullptr) return suite_error(node, "'expect' is missing: the case can't fail");
    for (const auto* one : WRENCH_TRY(list_of(*expect, "'expect'", kCaseExpectationsMax))) {
      auto read = WRENCH_TRY(expectation_of(*one));
      const auto& kind = *find_expectation_kind(read.word);
      if (!kind.needs_missing.empty() && out.needs_missing.empty())
        out.needs_missing = "expects '" + std::string(kind.word) + "', and " + std::string(kind.needs_missing);
      if (out.goal && !out.goal->runs && kind.needs_run && kind.needs_missing.empty())
        return suite_error(*one,
                           "'" + std::string(kind.word) + "' is about a run, and this goal is only planned: run: true");
      out.expectations.push_back(std::move(read));
    }
    if (out.expectations.empty()) return suite_error(*expect, "without expectations the case can't fail");
    return {};
  }

  static Result<Expectation> expectation_of(const YamlNode& node) {
    const YamlNode* word = node.is_mapping() ? node.find("kind") : nullptr;
    if (word == nullptr) return suite_error(node, "an expectation is a mapping with a 'kind'");
    const std::string text = WRENCH_TRY(text_of(*word, "'kind'"));
    const ExpectationKind* kind = find_expectation_kind(text);
    if (kind == nullptr) {
      std::vector<std::string_view> known;
      for (const auto& one : expectation_kinds()) known.push_back(one.word);
      return suite_error(*word,
                         "nothing is known of the expectation '" + escape_for_display(text) + "'" + guess(text, known));
    }
    Expectation out{kind->word, Json::object(), place_of(node)};
    if (!kind->needs_missing.empty()) return out;
    std::vector<std::string_view> names = {"kind"};
    for (const MemberSpec& member : kind->members) names.push_back(member.name);
    WRENCH_TRY(only_members(node, "the expectation " + text, names));
    for (const MemberSpec& member : kind->members) {
      const YamlNode* written = node.find(member.name);
      if (written == nullptr) {
        if (member.required)
          return suite_error(node, "the expectation " + text + " needs '" + std::string(member.name) + "'");
        continue;
      }
      out.members.set(member.name, WRENCH_TRY(member_of(*written, member)));
    }
    if (kind->problem != nullptr)
      if (const auto problem = kind->problem(out.members); !problem.empty()) return suite_error(node, problem);
    return out;
  }

  static Result<Json> member_of(const YamlNode& node, const MemberSpec& member) {
    const std::string what = "'" + std::string(member.name) + "'";
    switch (member.type) {
      case MemberType::Text:
        return Json(WRENCH_TRY(text_of(node, what)));
      case MemberType::Texts: {
        Json out = Json::array();
        for (auto& text : WRENCH_TRY(texts_of(node, what))) out.push_back(std::move(text));
        return out;
      }
      case MemberType::Whole:
        return Json(WRENCH_TRY(whole_of(node, what, 0, INT64_MAX)));
      case MemberType::Any:
        break;
    }
    return codec::to_json(node);
  }

  const Registry& registry_;
  std::string agent_;
};

}  // namespace

Result<TestSuite> parse_test_suite(std::string_view yaml, std::string file, std::string folder,
                                   const Registry& registry) {
  const auto placed = [&](const Error& error) {
    // What isn't even text has no line.
    return Error("agent.test_invalid", error.message)
        .at(file, std::max(error.place.line, 1), std::max(error.place.column, 1));
  };
  codec::YamlLimits limits;
  limits.bytes_max = kSuiteBytesMax;
  limits.depth_max = kSuiteDepthMax;
  limits.nodes_max = kSuiteNodesMax;
  const auto root = codec::parse_yaml(yaml, limits);
  if (!root) return placed(root.error());
  auto suite = SuiteReader(registry).read(*root);
  if (!suite) return placed(suite.error());
  suite->file = std::move(file);
  suite->folder = std::move(folder);
  return suite;
}

}  // namespace wrench::agents
