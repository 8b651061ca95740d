#include "file_worker.hpp"

#include <algorithm>
#include <utility>

#include "wrench/base/text.hpp"
#include "wrench/code/logic.hpp"
#include "wrench/code/structure.hpp"
#include "wrench/crypto/sha256.hpp"
#include "wrench/findings/ranking.hpp"
#include "wrench/findings/secret_mask.hpp"
#include "wrench/findings/suppression.hpp"
#include "wrench/source/file_class.hpp"
#include "wrench/source/source_text.hpp"

namespace wrench::scan {

using findings::Finding;

namespace {

std::uint32_t lines_with_text(const source::SourceText& text) {
  std::uint32_t lines = 0;
  for (std::uint32_t line = 1; line <= text.lines.line_count(); ++line)
    if (!trim(text.lines.line(text.text, line)).empty()) ++lines;
  return lines;
}

}  // namespace

FileBytes read_bytes(const FoundFile& file, const ScanLimits& limits, const Clock& clock, const StopToken& stop) {
  FileBytes out;
  const std::uint64_t bytes_max = file.named ? limits.named_file_bytes_max : limits.secret_file_bytes_max;
  if (file.stamp.size > bytes_max) {
    out.skipped = findings::Skipped{file.path, "too_large"};
    return out;
  }
  const runtime::Patience patience{&clock, Deadline::after(clock, kFileReadWallMax), stop};
  auto bytes = file.base->read(file.relative, static_cast<std::size_t>(bytes_max), patience);
  if (!bytes.ok()) {
    out.partial = findings::Partial{"file_unreadable", file.path, "", bytes.error().message};
    return out;
  }
  out.bytes = std::move(*bytes);
  out.content_id = "sha256:" + crypto::sha256_hex(out.bytes);
  return out;
}

FileWorker::FileWorker(const RunSetup& setup, const Clock& clock) : setup_(setup), clock_(clock) {
  if (setup.secret_rules)
    secrets_.emplace(*setup.secret_rules,
                     secrets::SecretOptions{.findings_per_rule_max = setup.limits.findings_per_rule_and_file_max});
  if (!setup.code_rules) return;
  code::CodeOptions options;
  options.findings_per_rule_max = setup.limits.findings_per_rule_and_file_max;
  options.disabled_rules = setup.config.rules_disabled;
  options.search = setup.wants(Analysis::Rules);
  options.memory_checks = setup.wants(Analysis::Taint) && setup.use_builtin_rules;
  options.taint = options.taint_facts = setup.wants(Analysis::Taint);
  options.macros = &setup.macros;
  code_.emplace(*setup.code_rules, std::move(options), clock);
}

FileOutcome FileWorker::analyse(const FoundFile& file, FileBytes bytes, const StopToken& stop) {
  FileOutcome outcome;
  outcome.content_id = bytes.content_id;
  outcome.bytes = bytes.bytes.size();
  const auto file_class = source::classify(file.project_path, bytes.bytes);
  if (file_class == source::FileClass::Binary) {
    outcome.skipped = findings::Skipped{file.path, "binary"};
    return outcome;
  }
  auto text = source::make_source_text(file.path, file.project_path, std::move(bytes.bytes), bytes.content_id);
  outcome.language = text.language;
  outcome.nloc = lines_with_text(text);
  // Bundles and generated code hold real credentials, but nobody edits them.
  if (!file.named) {
    if (file_class == source::FileClass::Minified) outcome.skipped = findings::Skipped{file.path, "minified"};
    if (file_class == source::FileClass::Generated) outcome.skipped = findings::Skipped{file.path, "generated"};
    if (outcome.bytes > setup_.limits.file_bytes_max) outcome.skipped = findings::Skipped{file.path, "too_large"};
  }
  std::vector<findings::CommentSpan> comments{{0, text.text.size()}};
  if (!outcome.skipped) outcome.analysed = analyse_code(text, file, stop, outcome, comments);
  if (outcome.facts == nullptr && setup_.wants(Analysis::Structure))
    outcome.facts = std::make_shared<const code::FileFacts>(code::text_facts(text));
  find_secrets(text, outcome);
  if (secrets_ && !outcome.skipped) outcome.analysed = true;
  if (!outcome.analysed && !outcome.skipped) outcome.skipped = findings::Skipped{file.path, "unknown_language"};
  outcome.directives = directives_in(text.text, comments);
  finish(text, outcome);
  return outcome;
}

bool FileWorker::analyse_code(source::SourceText& text, const FoundFile& file, const StopToken& stop,
                              FileOutcome& outcome, std::vector<findings::CommentSpan>& comments) {
  if (!code_) return false;
  if (file.named && !code::can_parse(text.language) && setup_.named_language != source::Language::Unknown)
    text.language = setup_.named_language;
  const auto& languages = setup_.config.languages;
  if (!languages.empty() && std::find(languages.begin(), languages.end(), text.language) == languages.end())
    return false;
  auto result = code_->analyze(text, CpuBudget(clock_, setup_.limits.file_us_max), stop);
  outcome.findings = std::move(result.findings);
  outcome.partial = std::move(result.partial);
  outcome.followed_in_part = std::move(result.followed_in_part);
  // Without a tree nothing tells comments from code: directives count anywhere then, as in text files.
  if (result.ir == nullptr) return !outcome.partial.empty() || setup_.code_rules->has_rules_for(text.language);
  // JSON has no comments of its own; what some write for them counts anywhere.
  if (text.language != source::Language::Json) comments = std::move(result.comments);
  if (code::is_config(text.language)) return true;
  const auto add = [&](std::vector<Finding> more) {
    std::move(more.begin(), more.end(), std::back_inserter(outcome.findings));
  };
  if (setup_.wants(Analysis::Metrics)) {
    auto measures = code::measure(*result.ir, *result.atoms, text);
    add(code::metric_findings(measures, text, setup_.thresholds));
    outcome.metrics = std::move(measures.file);
    for (auto& function : measures.functions) {
      function.metrics.path = text.path;
      outcome.functions.push_back(std::move(function.metrics));
    }
  }
  if (setup_.wants(Analysis::Structure)) {
    add(code::structure_findings(*result.ir, *result.atoms, text));
    add(code::logic_findings(*result.ir, *result.atoms, text));
  }
  if (setup_.wants(Analysis::Structure) || setup_.wants(Analysis::Clones) || !result.taint.empty()) {
    auto facts = code::extract_facts(*result.ir, *result.atoms, text);
    facts.taint = std::move(result.taint);
    outcome.facts = std::make_shared<const code::FileFacts>(std::move(facts));
  }
  return true;
}

void FileWorker::find_secrets(const source::SourceText& text, FileOutcome& outcome) {
  if (!secrets_) return;
  auto found = secrets_->scan(text);
  std::move(found.findings.begin(), found.findings.end(), std::back_inserter(outcome.findings));
  std::move(found.partial.begin(), found.partial.end(), std::back_inserter(outcome.partial));
}

void FileWorker::finish(const source::SourceText& text, FileOutcome& outcome) {
  auto& all = outcome.findings;
  setup_.apply_config(all, text.project_path);
  if (!outcome.needs_text()) return;
  outcome.text = std::make_shared<const std::string>(text.text);
  const bool has_secrets =
      std::any_of(all.begin(), all.end(), [](const Finding& finding) { return !finding.secrets.empty(); });
  if (!has_secrets) return;
  outcome.flow_holds_secrets = outcome.facts && !outcome.facts->taint.empty();
  // Before anything is kept: another rule's snippet or message can hold the same value.
  findings::MemorySources sources;
  sources.add(text.path, text.text);
  findings::Report report;
  report.findings = std::move(all);
  report.functions = std::move(outcome.functions);
  report.partial = std::move(outcome.partial);
  findings::mask_secrets(report, sources);
  all = std::move(report.findings);
  outcome.functions = std::move(report.functions);
  outcome.partial = std::move(report.partial);
}

bool settle_suppressions(const FoundFile& file, const RunSetup& setup, FileOutcome& outcome) {
  if (outcome.directives.empty() || outcome.text == nullptr) return false;
  auto& all = outcome.findings;
  findings::sort_by_place(all);
  findings::Suppressions suppressions(*outcome.text, outcome.directives, setup.today);
  if (suppressions.empty()) return false;
  for (auto& finding : all) finding.suppressed = suppressions.match(finding);
  // A directive for a rule that didn't run isn't unused.
  const bool all_ran = setup.analyses.size() == std::size(kAllAnalyses) && outcome.partial.empty();
  for (auto& complaint : suppressions.complaints(
           file.path, file.project_path,
           all_ran ? findings::Suppressions::Unused::Report : findings::Suppressions::Unused::Keep)) {
    complaint.where.content = outcome.content_id;
    all.push_back(std::move(complaint));
  }
  return outcome.text->find("until") != std::string::npos;
}

}  // namespace wrench::scan
