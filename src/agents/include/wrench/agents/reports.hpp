#pragma once

#include <cstddef>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>

#include "wrench/codec/json.hpp"
#include "wrench/findings/finding.hpp"
#include "wrench/storage/store.hpp"
#include "wrench/workflow/step_runner.hpp"

namespace wrench::agents {

inline constexpr std::size_t kReportsHeldMax = 4;

/// How a capability gets the reports of earlier steps and hands on its own. A member of an input or output that is a
/// report holds either the report's JSON, or a reference to one that the workflow stores. One thread at a time.
class Reports {
 public:
  virtual ~Reports() = default;
  /// Shared with other steps. Errors: findings.invalid, findings.record_invalid, workflow.bad_reference, storage.*.
  virtual Result<std::shared_ptr<const findings::Report>> read(const codec::Json& member) = 0;
  /// For who goes on to change it: not copied when nobody else holds it.
  virtual Result<findings::Report> take(const codec::Json& member) = 0;
  /// What stands for the report in an output.
  virtual Result<codec::Json> keep(findings::Report report) = 0;
};

/// Reports as their own JSON, for single questions without a workflow.
class InlineReports final : public Reports {
 public:
  Result<std::shared_ptr<const findings::Report>> read(const codec::Json& member) override;
  Result<findings::Report> take(const codec::Json& member) override;
  Result<codec::Json> keep(findings::Report report) override;
};

/// The last few reports that steps of this process kept, as they are in memory, so that the steps after them needn't
/// read them again. Thread-safe.
class ReportShelf {
 public:
  using Held = std::shared_ptr<const findings::Report>;
  void put(std::string key, Held report);
  Held find(const std::string& key) const;
  /// Off the shelf; null when it isn't there.
  Held take(const std::string& key);

 private:
  mutable std::mutex mutex_;
  std::deque<std::pair<std::string, Held>> held_;  // Newest last.
};

/// Reports as records (findings::to_record) that the workflow stores beside a step's output.
class StoredReports final : public Reports {
 public:
  /// Both must outlive this.
  StoredReports(ReportShelf& shelf, workflow::StepContext& step) : shelf_(shelf), step_(step) {}
  Result<std::shared_ptr<const findings::Report>> read(const codec::Json& member) override;
  Result<findings::Report> take(const codec::Json& member) override;
  Result<codec::Json> keep(findings::Report report) override;

 private:
  ReportShelf& shelf_;
  workflow::StepContext& step_;
};

/// The report that a step's output refers to, after the step. Errors as Reports::read.
Result<findings::Report> take_report(ReportShelf& shelf, storage::Store& store, const codec::Json& member);

}  // namespace wrench::agents
