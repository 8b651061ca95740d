#pragma once

#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "wrench/agents/builtin.hpp"
#include "wrench/agents/registry.hpp"
#include "wrench/agents/runner.hpp"
#include "wrench/codec/json.hpp"
#include "wrench/findings/finding.hpp"
#include "wrench/runtime/worker_pool.hpp"

namespace wrench::agents {

inline Registry all_agents() {
  Registry registry;
  for (auto* make : {make_code_analysis, make_infosec, make_inspector, make_journey, make_super}) {
    auto added = registry.add(make());
    EXPECT_TRUE(added.ok()) << (added.ok() ? std::string() : describe(added.error()));
  }
  return registry;
}

inline findings::Finding some_finding(const std::string& rule, const std::string& path, std::uint32_t line,
                                      findings::Severity severity = findings::Severity::Medium) {
  findings::Finding finding;
  finding.fingerprint = "wf1-" + rule + "-" + path + "-" + std::to_string(line);
  finding.rule = rule;
  finding.message = rule;
  finding.severity = severity;
  finding.category = findings::Category::Security;
  finding.where = {path, {line, 1, line * 10}, {line, 5, line * 10 + 4}, "sha256:" + std::string(64, 'a')};
  finding.rank = 10.0 * static_cast<double>(severity);
  return finding;
}

inline findings::Report report_of(std::vector<findings::Finding> found) {
  findings::Report report;
  report.root = ".";
  report.findings = std::move(found);
  return report;
}

/// Calls capabilities as the workflow would, schemas checked both ways.
class Caller {
 public:
  codec::Json call(std::string_view capability, const codec::Json& input) {
    auto made = try_call(capability, input);
    if (made.ok()) return std::move(made->output);
    ADD_FAILURE() << describe(made.error());
    return {};
  }
  Result<AgentOutput> try_call(std::string_view capability, const codec::Json& input) {
    return runner_.call(capability, input, {});
  }

 private:
  Registry registry_ = all_agents();
  runtime::WorkerPool pool_{{.threads = 2}};
  SystemClock clock_;
  AgentRunner runner_{registry_, pool_, clock_};
};

}  // namespace wrench::agents
