#include "wrench/agents/reports.hpp"

#include <algorithm>
#include <atomic>

#include "wrench/findings/report_record.hpp"
#include "wrench/workflow/artifact.hpp"

namespace wrench::agents {

using codec::Json;
using findings::Report;

namespace {

bool is_inline(const Json& member) { return !member.at("schema").is_null(); }

/// Equal results of two runs are one artifact; their reports differ in `run`.
std::string key_of(const Json& member) {
  return codec::canonical_json(Json::array({member.at("artifact"), member.at("run")}));
}

/// A reference tells what a reader of the journal asks first; `run` isn't part of the record.
Json reference_to(Json artifact, const Report& report) {
  return Json::object({{"artifact", std::move(artifact)},
                       {"findings", report.findings.size()},
                       {"partial", report.partial.size()},
                       {"run", findings::to_json(report.run)}});
}

Result<Report> decode(const Json& member, std::string_view record) {
  Report report = WRENCH_TRY(findings::report_from_record(record));
  report.run = WRENCH_TRY(findings::run_from_json(member.at("run")));
  return report;
}

Report unwrap(ReportShelf::Held held) {
  if (held.use_count() != 1) return *held;
  // Off the shelf nobody can find it any more, so it is ours; the fence orders what its last reader did before.
  std::atomic_thread_fence(std::memory_order_acquire);
  return std::move(const_cast<Report&>(*held));  // Reports are made as non-const objects.
}

}  // namespace

Result<std::shared_ptr<const Report>> InlineReports::read(const Json& member) {
  return std::make_shared<Report>(WRENCH_TRY(take(member)));
}
Result<Report> InlineReports::take(const Json& member) { return findings::report_from_json(member); }
Result<Json> InlineReports::keep(Report report) { return findings::to_json(report); }

void ReportShelf::put(std::string key, Held report) {
  const std::lock_guard lock(mutex_);
  std::erase_if(held_, [&](const auto& entry) { return entry.first == key; });
  held_.emplace_back(std::move(key), std::move(report));
  if (held_.size() > kReportsHeldMax) held_.pop_front();
}

ReportShelf::Held ReportShelf::find(const std::string& key) const {
  const std::lock_guard lock(mutex_);
  const auto entry = std::ranges::find(held_, key, &std::pair<std::string, Held>::first);
  return entry == held_.end() ? nullptr : entry->second;
}

ReportShelf::Held ReportShelf::take(const std::string& key) {
  const std::lock_guard lock(mutex_);
  const auto entry = std::ranges::find(held_, key, &std::pair<std::string, Held>::first);
  if (entry == held_.end()) return nullptr;
  Held out = std::move(entry->second);
  held_.erase(entry);
  return out;
}

Result<std::shared_ptr<const Report>> StoredReports::read(const Json& member) {
  if (is_inline(member)) return InlineReports().read(member);
  const std::string key = key_of(member);
  if (auto held = shelf_.find(key)) return held;
  const std::string record = WRENCH_TRY(step_.kept(member.at("artifact")));
  ReportShelf::Held report = std::make_shared<Report>(WRENCH_TRY(decode(member, record)));
  shelf_.put(key, report);
  return report;
}

Result<Report> StoredReports::take(const Json& member) {
  if (is_inline(member)) return InlineReports().take(member);
  if (auto held = shelf_.take(key_of(member))) return unwrap(std::move(held));
  return decode(member, WRENCH_TRY(step_.kept(member.at("artifact"))));
}

Result<Json> StoredReports::keep(Report report) {
  Json out = reference_to(WRENCH_TRY(step_.keep(findings::to_record(report))), report);
  shelf_.put(key_of(out), std::make_shared<Report>(std::move(report)));
  return out;
}

Result<Report> take_report(ReportShelf& shelf, storage::Store& store, const Json& member) {
  if (auto held = shelf.take(key_of(member))) return unwrap(std::move(held));
  return decode(member, WRENCH_TRY(workflow::read_artifact(store, member.at("artifact"))));
}

}  // namespace wrench::agents
