#include "wrench/findings/baseline.hpp"

#include <algorithm>
#include <array>
#include <unordered_map>

#include "wrench/base/text.hpp"

namespace wrench::findings {
namespace {

constexpr std::array<std::string_view, 2> kSchemas = {"wrench.scan/1", "wrench.review/1"};
constexpr std::array<std::string_view, 7> kMembersRead = {"schema",     "findings", "fingerprint", "move_fingerprint",
                                                          "suppressed", "run",      "started"};
constexpr std::size_t kValuesMax = 100'000'000;

bool is_fingerprint(std::string_view text, std::string_view prefix) {
  constexpr std::size_t kDigits = 32;
  if (text.size() != prefix.size() + kDigits || !text.starts_with(prefix)) return false;
  return text.find_first_not_of("0123456789abcdef", prefix.size()) == std::string_view::npos;
}

}  // namespace

Result<Baseline> Baseline::read(std::string_view json) {
  if (json.size() > kBaselineBytesMax) {
    return Error("findings.baseline_too_large",
                 "the baseline has " + format_bytes(json.size()) + "; the limit is " + format_bytes(kBaselineBytesMax));
  }
  auto document =
      codec::parse_json_members(json, kMembersRead, {.bytes_max = kBaselineBytesMax, .values_max = kValuesMax});
  if (!document.ok()) {
    const ErrorPlace place = document.error().place;
    return Error("findings.baseline_invalid", "the baseline can't be read: " + document.error().message)
        .at("", place.line, place.column)
        .because(std::move(document).error());
  }
  const std::string_view schema = document->at("schema").as_string();
  if (std::find(kSchemas.begin(), kSchemas.end(), schema) == kSchemas.end()) {
    return Error("findings.baseline_schema",
                 schema.empty() ? std::string("the baseline isn't a report of wrench: it has no schema")
                                : "the baseline has the schema \"" + escape_for_display(schema.substr(0, 60)) +
                                      "\"; this version reads wrench.scan/1")
        .with_help("wrench scan --format json --output baseline.json");
  }
  if (!document->at("findings").is_array()) {
    return Error("findings.baseline_invalid", "the baseline has no list of findings");
  }
  Baseline baseline;
  const codec::JsonArray& findings = document->at("findings").as_array();
  baseline.entries_.reserve(findings.size());
  for (std::size_t i = 0; i < findings.size(); ++i) {
    const codec::Json& finding = findings[i];
    Entry entry{.fingerprint = std::string(finding.at("fingerprint").as_string()),
                .move_fingerprint = std::string(finding.at("move_fingerprint").as_string()),
                .suppressed = !finding.at("suppressed").is_null()};
    const bool good_move = entry.move_fingerprint.empty() || is_fingerprint(entry.move_fingerprint, "wm1-");
    if (!is_fingerprint(entry.fingerprint, "wf1-") || !good_move) {
      return Error("findings.baseline_invalid", "findings[" + std::to_string(i) + "] has no valid fingerprint");
    }
    baseline.entries_.push_back(std::move(entry));
  }
  const std::string_view started = document->at("run").at("started").as_string();
  if (started.size() >= 10) baseline.date_ = escape_for_display(started.substr(0, 10));
  return baseline;
}

Baseline Baseline::of(std::span<const Finding> findings) {
  Baseline baseline;
  baseline.entries_.reserve(findings.size());
  for (const Finding& finding : findings)
    baseline.entries_.push_back({finding.fingerprint, finding.move_fingerprint, finding.suppressed.has_value()});
  return baseline;
}

BaselineDiff Baseline::diff(std::span<const Finding> findings) const {
  BaselineDiff diff;
  diff.is_new.assign(findings.size(), true);
  std::vector<bool> taken(entries_.size(), false);

  // One pass: match what is left on both sides by the key, oldest entry first. A finding that is shown now matches
  // only one that was shown then; a suppressed one takes any, so that what was suppressed since isn't called fixed.
  const auto pass = [&](bool suppressed, auto key_of_entry, auto key_of_finding) {
    std::unordered_map<std::string_view, std::vector<std::size_t>> left;
    for (std::size_t i = entries_.size(); i-- > 0;) {
      const std::string_view key = key_of_entry(entries_[i]);
      if (!taken[i] && !key.empty() && (suppressed || !entries_[i].suppressed)) left[key].push_back(i);
    }
    for (std::size_t i = 0; i < findings.size(); ++i) {
      if (!diff.is_new[i] || findings[i].suppressed.has_value() != suppressed) continue;
      const auto found = left.find(key_of_finding(findings[i]));
      if (found == left.end() || found->second.empty()) continue;
      taken[found->second.back()] = true;
      found->second.pop_back();
      diff.is_new[i] = false;
      if (!suppressed) ++diff.matched;
    }
  };
  const auto exact_entry = [](const Entry& e) -> std::string_view { return e.fingerprint; };
  const auto exact_finding = [](const Finding& f) -> std::string_view { return f.fingerprint; };
  const auto moved_entry = [](const Entry& e) -> std::string_view { return e.move_fingerprint; };
  const auto moved_finding = [](const Finding& f) -> std::string_view { return f.move_fingerprint; };
  pass(false, exact_entry, exact_finding);
  pass(true, exact_entry, exact_finding);
  pass(false, moved_entry, moved_finding);
  pass(true, moved_entry, moved_finding);

  for (std::size_t i = 0; i < entries_.size(); ++i) {
    if (!taken[i] && !entries_[i].suppressed) ++diff.fixed;
  }
  return diff;
}

void apply_baseline(Report& report, const Baseline& baseline) {
  const BaselineDiff diff = baseline.diff(report.findings);
  for (std::size_t i = 0; i < report.findings.size(); ++i)
    report.findings[i].is_new = report.findings[i].is_new && diff.is_new[i];
  report.summary.baseline_matched = diff.matched;
  report.summary.baseline_fixed = diff.fixed;
  report.summary.baseline_date = baseline.date();
}

}  // namespace wrench::findings
