#include "../core/schemas.hpp"
#include "../core/tree_input.hpp"
#include "fix_proposals.hpp"
#include "wrench/agents/builtin.hpp"
#include "wrench/base/text.hpp"

namespace wrench::agents {

namespace {

using codec::Json;
using scan::Analysis;

/// Of the whole: infosec reports the secrets; here they are looked for so that no snippet of another finding shows one.
std::vector<Analysis> all_analyses() { return {std::begin(scan::kAllAnalyses), std::end(scan::kAllAnalyses)}; }

void leave_secrets_to_infosec(findings::Report& report) {
  std::erase_if(report.findings, [](const findings::Finding& f) { return f.category == findings::Category::Secret; });
  std::erase(report.run.analyses, scan::name(Analysis::Secrets));
}

AgentSpec make_spec() {
  AgentSpec spec;
  spec.name = "code_analysis";
  spec.charter =
      "Reads code once and reports what is wrong with it: rules, complexity with its reasons, duplicated code, import "
      "cycles, unused code and performance "
      "anti-patterns. Every finding names file, range and rule.";
  const auto question = [&](std::string id, std::string title, std::string why, Json output) {
    Capability capability;
    capability.id = std::move(id);
    capability.title = std::move(title);
    capability.why = std::move(why);
    capability.input_schema = schema::object({{"tree", schema::tree()}});
    capability.output_schema = std::move(output);
    capability.takes = {{"tree", "repo.tree"}};
    capability.effect = Effect::Pure;
    capability.cost = {.base_ms = 50, .per_kloc_ms = 12};
    return capability;
  };
  auto analyze = question("code_analysis.analyze", "Analyse the code of a tree",
                          "finds defects, complexity, clones and structural faults in every file, parsed once",
                          schema::object({{"report", schema::report()}}));
  analyze.gives = {{"report", "report.code"}};
  analyze.intent = {{"analyse", "review", "check", "find"},
                    {"code", "bug", "defect", "complexity", "clone", "quality"}};
  auto security = question("code_analysis.check_security", "Security findings of the code",
                           "answers one question: what is insecure here?",
                           schema::object({{"security_check", schema::list_of(schema::of("object"))}}));
  auto performance = question("code_analysis.analyze_performance", "Performance anti-patterns of the code",
                              "answers one question: what is slow here?",
                              schema::object({{"performance_analysis", schema::list_of(schema::of("object"))}}));
  auto explain = question("code_analysis.explain_complexity", "Why a function is complex",
                          "answers one question: where does this function's complexity come from?",
                          schema::object({{"functions", schema::list_of(schema::of("object"))}}));
  explain.input_schema = schema::object({{"tree", schema::tree()}, {"symbol", schema::of("string")}});
  auto fixes = question("code_analysis.propose_fixes", "Fixes that were tried",
                        "says for each finding with a fix what it changes, and whether a scan of the result is clean",
                        schema::object({{"changes", schema::list_of(schema::of("object"))},
                                        {"fixes", schema::list_of(schema::of("object"))}}));
  fixes.input_schema =
      schema::object({{"tree", schema::tree()}, {"fingerprints?", schema::list_of(schema::of("string"))}});
  spec.capabilities = {std::move(analyze), std::move(security), std::move(performance), std::move(explain),
                       std::move(fixes)};
  return spec;
}

Json of_category(const findings::Report& report, findings::Category category) {
  Json out = Json::array();
  for (const auto& finding : report.findings)
    if (finding.category == category && !finding.suppressed) out.push_back(findings::to_json(finding));
  return out;
}

Json explained(const findings::Report& report, std::string_view symbol) {
  Json out = Json::array();
  for (const auto& function : report.functions) {
    const bool named = function.name == symbol || function.name.ends_with("." + std::string(symbol));
    if (!named) continue;
    Json increments = Json::array();
    for (const auto& step : function.increments)
      increments.push_back(Json::object(
          {{"line", step.line}, {"col", step.col}, {"kind", step.kind}, {"add", step.add}, {"nesting", step.nesting}}));
    out.push_back(Json::object({{"path", function.path},
                                {"name", function.name},
                                {"line", function.line},
                                {"cognitive", function.cognitive},
                                {"cyclomatic", function.cyclomatic},
                                {"increments", std::move(increments)}}));
  }
  return out;
}

class CodeAnalysis final : public Agent {
 public:
  const AgentSpec& spec() const override { return spec_; }

  Result<AgentOutput> execute(const Capability& capability, const Json& input, AgentContext& context) const override {
    AgentOutput made;
    const auto& tree = input.at("tree");
    if (capability.id == "code_analysis.analyze") {
      made.report = WRENCH_TRY(scan_tree(tree, all_analyses(), context));
      leave_secrets_to_infosec(*made.report);
    } else if (capability.id == "code_analysis.propose_fixes") {
      made.output = WRENCH_TRY(propose_fixes(input, context));
    } else if (capability.id == "code_analysis.explain_complexity") {
      const auto report = WRENCH_TRY(scan_tree(tree, {Analysis::Metrics}, context));
      auto functions = explained(report, input.at("symbol").as_string());
      if (functions.as_array().empty())
        return Error("agent.not_found", "no function '" + std::string(input.at("symbol").as_string()) + "' below " +
                                            std::string(tree.at("path").as_string()));
      made.output = Json::object({{"functions", std::move(functions)}});
    } else {
      const auto report = WRENCH_TRY(scan_tree(tree, {Analysis::Rules, Analysis::Taint, Analysis::Secrets}, context));
      if (capability.id == "code_analysis.check_security")
        made.output = Json::object({{"security_check", of_category(report, findings::Category::Security)}});
      else
        made.output = Json::object({{"performance_analysis", of_category(report, findings::Category::Performance)}});
    }
    return made;
  }

 private:
  AgentSpec spec_ = make_spec();
};

}  // namespace

std::unique_ptr<Agent> make_code_analysis() { return std::make_unique<CodeAnalysis>(); }

}  // namespace wrench::agents
