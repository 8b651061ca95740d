#pragma once

#include "wrench/codec/json.hpp"
#include "wrench/findings/finding.hpp"

namespace wrench::agents {

/// The findings of a report that a question is about, as inspector.select's input asks (categories, severity, rules,
/// paths, changes), and what its output says of them besides the report: findings, counts, total, left_out and, with
/// changes, `elsewhere`: those in changed files but on lines that didn't change.
struct Selection {
  findings::Report report;
  codec::Json told = codec::Json::object();
};
/// `query` has passed the capability's schema. Errors: agent.input_invalid.
Result<Selection> select_findings(findings::Report report, const codec::Json& query);

}  // namespace wrench::agents
