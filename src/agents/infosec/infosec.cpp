#include <algorithm>
#include <map>
#include <memory>
#include <set>

#include "../core/inspection.hpp"
#include "../core/schemas.hpp"
#include "../core/tree_input.hpp"
#include "recommendations.hpp"
#include "wrench/agents/builtin.hpp"
#include "wrench/agents/reports.hpp"

namespace wrench::agents {

namespace {

using codec::Json;
using findings::Finding;

constexpr std::size_t kLocationsPerClass = 20;

AgentSpec make_spec() {
  AgentSpec spec;
  spec.name = "infosec";
  spec.charter =
      "Looks for leaked secrets and insecure code, groups what it finds by weakness class, grades it and says what to "
      "do. It never shows, stores or sends a secret.";
  Capability secrets;
  secrets.id = "infosec.scan_secrets";
  secrets.title = "Find secrets in files";
  secrets.why = "finds keys, tokens and passwords that anyone with the code can read";
  secrets.input_schema = schema::object({{"tree", schema::tree()}});
  secrets.output_schema = schema::object({{"report", schema::report()}});
  secrets.takes = {{"tree", "repo.tree"}};
  secrets.gives = {{"report", "report.secrets"}};
  secrets.effect = Effect::Pure;
  secrets.cost = {.base_ms = 40, .per_kloc_ms = 0.2};
  secrets.intent = {{"find", "scan", "audit"}, {"secret", "credential", "key", "token", "password"}};
  Capability code;
  code.id = "infosec.scan_code";
  code.title = "Assess the security findings";
  code.why = "groups security findings by weakness, grades the tree and recommends what to do first";
  code.input_schema = schema::object(
      {{"code", schema::report()}, {"secrets?", schema::report()}, {"inspection?", schema::of("object")}});
  code.output_schema = schema::object({{"vulnerabilities", schema::list_of(schema::of("string"))},
                                       {"assessment", schema::of("object")},
                                       {"recommendations", schema::list_of(schema::of("object"))},
                                       {"report", schema::of("string")}});
  code.takes = {{"code", "report.code"}, {"secrets?", "report.secrets"}, {"inspection?", "inspection"}};
  code.gives = {{std::string(kWholeOutput), "findings.security"}};
  code.effect = Effect::Pure;
  code.cost = {.base_ms = 10, .per_kloc_ms = 0.05};
  code.intent = {{"audit", "assess", "scan"}, {"security", "vulnerability"}};
  spec.capabilities = {std::move(secrets), std::move(code)};
  return spec;
}

std::string grade(double worst_rank) {
  constexpr std::pair<double, const char*> kGrades[] = {{80, "E"}, {60, "D"}, {40, "C"}, {20, "B"}};
  for (const auto& [from, letter] : kGrades)
    if (worst_rank >= from) return letter;
  return "A";
}

struct WeaknessClass {
  std::vector<const Finding*> findings;
  double worst = 0;
  bool wants_work =
      false;  ///< Anything above info: what stands in tests and examples is told, nobody is sent to mend it.
};

AgentOutput assess(const std::vector<std::shared_ptr<const findings::Report>>& reports, const Json& inspection) {
  const std::set<std::string> settled = settled_by(inspection);
  std::map<std::string, WeaknessClass> classes;
  std::vector<const Finding*> all;
  for (const auto& report : reports)
    for (const auto& finding : report->findings) {
      if (finding.suppressed || settled.contains(finding.fingerprint) ||
          (finding.category != findings::Category::Security && finding.category != findings::Category::Secret))
        continue;
      all.push_back(&finding);
      auto& entry = classes[finding.cwe.empty() ? "unclassified" : finding.cwe.front()];
      entry.findings.push_back(&finding);
      entry.worst = std::max(entry.worst, finding.rank);
      entry.wants_work |= finding.severity > findings::Severity::Info;
    }
  std::sort(all.begin(), all.end(), [](const Finding* a, const Finding* b) {
    return a->rank != b->rank ? a->rank > b->rank : a->fingerprint < b->fingerprint;
  });
  std::vector<std::pair<std::string, const WeaknessClass*>> order;
  for (const auto& [cwe, entry] : classes) order.emplace_back(cwe, &entry);
  std::sort(order.begin(), order.end(), [](const auto& a, const auto& b) {
    return a.second->worst != b.second->worst ? a.second->worst > b.second->worst : a.first < b.first;
  });

  Json vulnerabilities = Json::array(), by_cwe = Json::array(), recommendations = Json::array();
  for (const auto* finding : all) vulnerabilities.push_back(finding->fingerprint);
  std::map<std::string, std::int64_t> by_owasp;
  std::string text;
  for (const auto& [cwe, entry] : order) {
    const auto* known = recommendation_for(cwe);
    const auto count = static_cast<std::int64_t>(entry->findings.size());
    by_cwe.push_back(Json::object({{"cwe", cwe}, {"findings", count}, {"worst_rank", entry->worst}}));
    if (known == nullptr) continue;
    by_owasp[std::string(known->owasp)] += count;
    if (!entry->wants_work) continue;
    Json evidence = Json::array();
    for (const auto* finding : entry->findings)
      if (evidence.as_array().size() < kLocationsPerClass) evidence.push_back(finding->fingerprint);
    recommendations.push_back(Json::object(
        {{"cwe", cwe}, {"owasp", known->owasp}, {"advice", known->advice}, {"evidence", std::move(evidence)}}));
    text += cwe + " (" + std::to_string(count) + "): " + std::string(known->advice) + "\n";
  }
  if (text.empty()) text = all.empty() ? "No security findings." : "Nothing that has to be mended.";
  Json owasp = Json::object();
  for (const auto& [name, count] : by_owasp) owasp.set(name, count);
  const double worst = all.empty() ? 0 : all.front()->rank;
  AgentOutput made;
  made.output = Json::object({{"vulnerabilities", std::move(vulnerabilities)},
                              {"assessment", Json::object({{"grade", grade(worst)},
                                                           {"worst_rank", worst},
                                                           {"by_cwe", std::move(by_cwe)},
                                                           {"by_owasp", std::move(owasp)}})},
                              {"recommendations", std::move(recommendations)},
                              {"report", std::move(text)}});
  return made;
}

class InfoSec final : public Agent {
 public:
  const AgentSpec& spec() const override { return spec_; }

  Result<AgentOutput> execute(const Capability& capability, const Json& input, AgentContext& context) const override {
    if (capability.id == "infosec.scan_secrets") {
      AgentOutput made;
      made.report = WRENCH_TRY(scan_tree(input.at("tree"), {scan::Analysis::Secrets}, context));
      return made;
    }
    std::vector<std::shared_ptr<const findings::Report>> reports;
    for (const auto* name : {"code", "secrets"})
      if (!input.at(name).is_null()) reports.push_back(WRENCH_TRY(context.reports.read(input.at(name))));
    return assess(reports, input.at("inspection"));
  }

 private:
  AgentSpec spec_ = make_spec();
};

}  // namespace

std::unique_ptr<Agent> make_infosec() { return std::make_unique<InfoSec>(); }

}  // namespace wrench::agents
