#include "wrench/scan/fixes.hpp"

#include <algorithm>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <utility>

#include "file_worker.hpp"
#include "fix_check.hpp"
#include "fix_search.hpp"
#include "history_part.hpp"
#include "run_setup.hpp"
#include "wrench/base/text.hpp"
#include "wrench/code/lower.hpp"
#include "wrench/crypto/sha256.hpp"
#include "wrench/findings/secret_mask.hpp"
#include "wrench/findings/text_edit.hpp"
#include "wrench/findings/unified_diff.hpp"
#include "wrench/scan/discovery.hpp"
#include "wrench/scan/tree_sources.hpp"
#include "wrench/source/source_text.hpp"

namespace wrench::scan {
namespace {

using findings::Finding;
using findings::FixState;

constexpr std::string_view kUtf8Bom = "\xEF\xBB\xBF";
/// Stars in a row that hardly any code has: a masked secret.
constexpr std::string_view kMasked = "***";

std::string content_id_of(std::string_view bytes) { return "sha256:" + crypto::sha256_hex(bytes); }

/// A file with fixes: as it is on disk, and as it would be.
struct OpenFile {
  const FoundFile* found = nullptr;
  std::string problem;  ///< Why nothing in it can be fixed; empty: it can.
  std::string before;   ///< Bytes as on disk.
  std::string_view bom;
  std::string text;        ///< After what was verified so far, without the byte order mark; what offsets refer to.
  std::string content_id;  ///< Of bytes().
  std::vector<std::string> fingerprints;

  std::string bytes() const { return std::string(bom) + text; }
};

class FixRun {
 public:
  FixRun(const ScanRequest& request, findings::Report& report, const FixOptions& options, ScanContext& context,
         const StopToken& stop, Deadline deadline)
      : request_(request), report_(report), options_(options), context_(context), stop_(stop), deadline_(deadline) {}

  Result<FixOutcome> run() {
    wanted_.insert(options_.fingerprints.begin(), options_.fingerprints.end());
    if (!any_wanted()) return FixOutcome{};
    WRENCH_TRY(prepare());
    current_ = report_.findings;
    for (std::size_t i = 0; i < current_.size(); ++i) origin_.push_back(i);
    for (int round = 0; round < kFixRoundsMax; ++round) {
      auto tried = choose();
      if (tried.empty()) break;
      WRENCH_TRY(still_wanted());
      auto in_files = WRENCH_TRY(check_files(std::move(tried)));
      WRENCH_TRY(check_tree(std::move(in_files)));
    }
    for (std::size_t i = 0; i < current_.size(); ++i)
      if (is_open(i))
        reject(origin_[i], "it overlaps others and wasn't reached in " + std::to_string(kFixRoundsMax) + " rounds");
    return outcome();
  }

 private:
  bool wants(const Finding& finding) const {
    if (!finding.fix || finding.fix->edits.empty() || finding.suppressed || !finding.is_new) return false;
    if (finding.fix->state != FixState::Suggested) return false;
    if (options_.which == FixOptions::Which::Safe && finding.fix->safety != findings::FixSafety::Safe) return false;
    return wanted_.empty() || wanted_.contains(finding.fingerprint);
  }
  bool any_wanted() const {
    return std::any_of(report_.findings.begin(), report_.findings.end(), [&](const Finding& f) { return wants(f); });
  }

  Result<void> prepare() {
    DiscoveryOptions discovering;
    discovering.paths = request_.paths;
    HistoryPart history;
    discovering.tracked_files = [&](const std::string& root) { return history.open_and_list(root, stop_); };
    discovery_ = WRENCH_TRY(discover(discovering, stop_));
    for (const auto& file : discovery_.files) {
      const auto [entry, added] = by_path_.emplace(file.path, &file);
      if (!added) entry->second = nullptr;  // Two names that look the same once they are UTF-8.
    }
    setup_ = WRENCH_TRY(make_setup(request_, discovery_.project_root, context_.clock, stop_));
    WRENCH_TRY(load_rules(request_, context_.cache, setup_));
    worker_.emplace(setup_, context_.clock);
    has_secrets_ = std::any_of(report_.findings.begin(), report_.findings.end(),
                               [](const Finding& finding) { return !finding.secrets.empty(); });
    return {};
  }

  Result<void> still_wanted() const {
    if (stop_.stop_requested()) return Error("scan.stopped", "the scan was stopped");
    if (deadline_.passed(context_.clock))
      return Error("scan.deadline", "the fixes weren't checked within the time that the scan was given");
    return {};
  }

  // --- which fixes are tried together

  bool is_open(std::size_t current) const {
    return origin_[current] != kNoFinding && wants(report_.findings[origin_[current]]) &&
           current_[current].fix.has_value() && !current_[current].fix->edits.empty();
  }

  std::vector<TriedFix> choose() {
    std::map<std::string, std::vector<TriedFix>> by_file;
    for (std::size_t i = 0; i < current_.size(); ++i) {
      if (!is_open(i)) continue;
      if (auto problem = cannot_try(current_[i]); !problem.empty()) {
        reject(origin_[i], std::move(problem));
        continue;
      }
      const Finding& finding = current_[i];
      const auto& edit = finding.fix->edits.front();
      by_file[finding.where.path].push_back(
          {i,
           finding.where.path,
           finding.rule,
           finding.fingerprint,
           finding.move_fingerprint,
           {edit.where.start.offset, edit.where.end.offset,
            findings::with_line_ends_of(files_.at(finding.where.path).text, edit.text)}});
    }
    std::vector<TriedFix> out;
    for (auto& [path, all] : by_file) {
      std::stable_sort(all.begin(), all.end(), [](const TriedFix& a, const TriedFix& b) {
        return a.edit.first != b.edit.first ? a.edit.first < b.edit.first : a.edit.end < b.edit.end;
      });
      std::vector<findings::TextEdit> edits;
      for (const auto& fix : all) edits.push_back(fix.edit);
      for (const std::size_t i : findings::without_overlaps(edits)) out.push_back(std::move(all[i]));
    }
    return out;
  }

  std::string cannot_try(const Finding& finding) {
    const auto& edits = finding.fix->edits;
    if (edits.size() != 1 || edits.front().where.path != finding.where.path)
      return "it changes several places, which isn't supported";
    const findings::Edit& edit = edits.front();
    if (has_secrets_ && edit.text.find(kMasked) != std::string::npos)
      return "a secret stands in the code that it replaces: change it by hand";
    OpenFile& file = open(finding.where.path);
    if (!file.problem.empty()) return file.problem;
    if (file.content_id != finding.where.content) return "the file has changed since it was analysed";
    const auto first = edit.where.start.offset, end = edit.where.end.offset;
    if (first > end || end > file.text.size()) return "it names a place that the file doesn't have";
    if (std::string_view(file.text).substr(first, end - first) == edit.text) return "it changes nothing";
    return {};
  }

  OpenFile& open(const std::string& path) {
    const auto [entry, added] = files_.try_emplace(path);
    OpenFile& file = entry->second;
    if (!added) return file;
    const auto found = by_path_.find(path);
    if (found == by_path_.end() || found->second == nullptr) {
      file.problem = "the file can't be told by its name";
      return file;
    }
    file.found = found->second;
    if (!is_valid_utf8(file.found->relative)) {
      file.problem = "the file's name isn't UTF-8";
      return file;
    }
    auto bytes = read_bytes(*file.found, setup_.limits, context_.clock, stop_);
    if (bytes.content_id.empty()) {
      file.problem = "the file can't be read";
      return file;
    }
    file.before = std::move(bytes.bytes);
    file.content_id = std::move(bytes.content_id);
    const auto text = source::decode_text(file.before);
    if (text.encoding != "utf-8") {
      file.problem = text.encoding == "invalid-utf-8" ? "the file isn't valid UTF-8"
                                                      : "the file is " + text.encoding + ": only UTF-8 is written";
      return file;
    }
    if (std::string_view(file.before).starts_with(kUtf8Bom)) file.bom = kUtf8Bom;
    file.text = text.text;
    return file;
  }

  void reject(std::size_t origin, std::string reason) {
    findings::Fix& fix = *report_.findings[origin].fix;
    fix.state = FixState::Rejected;
    fix.reason = std::move(reason);
    ++rejected_;
  }

  // --- one file after the other: cheap, and most of what is wrong shows here

  struct FileState {
    std::uint32_t syntax_errors = 0;
    FileOutcome outcome;
  };

  Result<FileState> analyse(const OpenFile& file, std::string bytes) {
    WRENCH_TRY(still_wanted());
    FileState out;
    FileBytes read;
    read.bytes = std::move(bytes);
    read.content_id = content_id_of(read.bytes);
    const std::string text = read.bytes.substr(file.bom.size());
    out.outcome = worker_->analyse(*file.found, std::move(read), stop_);
    settle_suppressions(*file.found, setup_, out.outcome);
    source::Language language = out.outcome.language;
    if (file.found->named && !code::can_parse(language)) language = setup_.named_language;
    if (!code::can_parse(language)) return out;
    code::Atoms atoms;
    auto ir = parser_.parse(language, text, atoms, {}, CpuBudget(context_.clock, setup_.limits.file_us_max), stop_);
    // What can't be parsed in time is among the outcome's partial entries.
    if (ir.ok()) out.syntax_errors = ir->error_nodes;
    return out;
  }

  static std::string with(const OpenFile& file, std::span<const TriedFix> fixes) {
    std::vector<findings::TextEdit> edits;
    for (const auto& fix : fixes) edits.push_back(fix.edit);
    return std::string(file.bom) + findings::apply_edits(file.text, edits);
  }

  Result<std::vector<TriedFix>> check_files(std::vector<TriedFix> tried) {
    std::vector<TriedFix> out;
    for (std::size_t i = 0; i < tried.size();) {
      std::size_t end = i;
      while (end < tried.size() && tried[end].path == tried[i].path) ++end;
      std::vector<TriedFix> of_file(std::make_move_iterator(tried.begin() + static_cast<std::ptrdiff_t>(i)),
                                    std::make_move_iterator(tried.begin() + static_cast<std::ptrdiff_t>(end)));
      i = end;
      const OpenFile& file = files_.at(of_file.front().path);
      const FileState before = WRENCH_TRY(analyse(file, file.bytes()));
      auto kept = WRENCH_TRY(keep_good(std::move(of_file), kFixFileChecksMax, [&](std::span<const TriedFix> fixes) {
        return judge_file(file, before, fixes);
      }));
      for (auto& wrong : kept.rejected) reject(origin_[wrong.fix.finding], std::move(wrong.reason));
      std::move(kept.kept.begin(), kept.kept.end(), std::back_inserter(out));
    }
    return out;
  }

  Result<FixVerdict> judge_file(const OpenFile& file, const FileState& before, std::span<const TriedFix> fixes) {
    const FileState after = WRENCH_TRY(analyse(file, with(file, fixes)));
    FixVerdict verdict;
    if (after.syntax_errors > before.syntax_errors)
      verdict.problem = "the file would have a syntax error that it doesn't have now";
    else if (after.outcome.skipped && !before.outcome.skipped)
      verdict.problem = "it can't be checked: the file would be passed over as " + after.outcome.skipped->reason;
    else
      verdict.problem = newly_partial(before.outcome.partial, after.outcome.partial);
    if (!verdict.good()) return verdict;
    return judge_fixes(before.outcome.findings, fixes, after.outcome.findings);
  }

  // --- the whole tree: what depends on the changed files

  Result<void> check_tree(std::vector<TriedFix> tried) {
    if (tried.empty()) return {};
    std::optional<findings::Report> good;
    std::vector<std::size_t> before_of;
    const std::size_t checks = kFixTreeChecksMax - std::min(kFixTreeChecksMax, tree_checks_);
    auto kept =
        WRENCH_TRY(keep_good(std::move(tried), checks, [&](std::span<const TriedFix> fixes) -> Result<FixVerdict> {
          ++tree_checks_;
          auto after = WRENCH_TRY(scan_with(fixes));
          FixVerdict verdict;
          verdict.problem = newly_partial(report_.partial, after.partial);
          if (verdict.good()) verdict = judge_fixes(current_, fixes, after.findings);
          if (!verdict.good()) return verdict;
          good = std::move(after);
          before_of = verdict.before_of;
          return verdict;
        }));
    for (auto& wrong : kept.rejected) reject(origin_[wrong.fix.finding], std::move(wrong.reason));
    if (kept.kept.empty()) return {};
    accept(kept.kept, std::move(good->findings), before_of);
    return {};
  }

  FileOverlay overlay_with(std::span<const TriedFix> fixes) const {
    FileOverlay overlay;
    for (const auto& [path, file] : files_)
      if (file.problem.empty() && file.bytes() != file.before) overlay[path] = file.bytes();
    for (std::size_t i = 0; i < fixes.size();) {
      std::size_t end = i;
      while (end < fixes.size() && fixes[end].path == fixes[i].path) ++end;
      overlay[fixes[i].path] = with(files_.at(fixes[i].path), fixes.subspan(i, end - i));
      i = end;
    }
    return overlay;
  }

  Result<findings::Report> scan_with(std::span<const TriedFix> fixes) {
    const FileOverlay overlay = overlay_with(fixes);
    ScanRequest request = request_;
    request.with_history = false;  // It changes ranks only.
    request.baseline.reset();      // Which finding is which is told by comparison.
    ScanContext context{.pool = context_.pool, .clock = context_.clock, .cache = context_.cache};
    context.overlay = &overlay;
    return scan::run(request, context, stop_, deadline_);
  }

  void accept(std::span<const TriedFix> fixes, std::vector<Finding> after, std::span<const std::size_t> before_of) {
    for (std::size_t i = 0; i < fixes.size();) {
      std::size_t end = i;
      while (end < fixes.size() && fixes[end].path == fixes[i].path) ++end;
      OpenFile& file = files_.at(fixes[i].path);
      file.text = with(file, fixes.subspan(i, end - i)).substr(file.bom.size());
      file.content_id = content_id_of(file.bytes());
      for (; i < end; ++i) {
        Finding& finding = report_.findings[origin_[fixes[i].finding]];
        finding.fix->state = FixState::Verified;
        file.fingerprints.push_back(finding.fingerprint);
        ++verified_;
      }
    }
    std::vector<std::size_t> origin;
    for (std::size_t i = 0; i < after.size(); ++i)
      origin.push_back(before_of[i] == kNoFinding ? kNoFinding : origin_[before_of[i]]);
    current_ = std::move(after);
    origin_ = std::move(origin);
  }

  // --- what comes of it

  FixOutcome outcome() {
    FixOutcome out;
    out.project_root = discovery_.project_root;
    out.verified = verified_;
    out.rejected = rejected_;
    for (auto& [path, file] : files_) {
      if (file.fingerprints.empty() || file.bytes() == file.before) continue;
      FixedFile fixed;
      fixed.path = path;
      fixed.project_path = file.found->project_path;
      fixed.before_id = content_id_of(file.before);
      fixed.after = file.bytes();
      fixed.before = std::move(file.before);
      fixed.fingerprints = std::move(file.fingerprints);
      out.files.push_back(std::move(fixed));
    }
    describe_changes(out);
    return out;
  }

  /// What is shown is masked: the text before by the secrets of the report, the text after by those of the last scan.
  void describe_changes(const FixOutcome& out) {
    findings::MemorySources before, after;
    for (const auto& file : out.files) {
      before.add(file.path, text_of(file.before));
      after.add(file.path, text_of(file.after));
    }
    const TreeSources others(report_);
    const findings::SecretMask mask_before(report_.findings, Both(before, others));
    const findings::SecretMask mask_after(current_, Both(after, others));
    report_.changes.clear();
    for (const auto& file : out.files) {
      const std::string shown_before = mask_after.in_text(mask_before.in_source(file.path, text_of(file.before), 0));
      const std::string shown_after = mask_before.in_text(mask_after.in_source(file.path, text_of(file.after), 0));
      const std::string old_name = "a/" + file.project_path, new_name = "b/" + file.project_path;
      // The mark in front stays where it is in both: a patch must name it.
      const std::string bom(std::string_view(file.before).starts_with(kUtf8Bom) ? kUtf8Bom : "");
      const std::string old_shown = bom + shown_before, new_shown = bom + shown_after;
      findings::Change change;
      change.path = file.path;
      change.before = file.before_id;
      change.after = content_id_of(file.after);
      change.fingerprints = file.fingerprints;
      change.diff = findings::unified_diff({old_name, file.before, old_shown}, {new_name, file.after, new_shown});
      change.inverse = findings::unified_diff({old_name, file.after, new_shown}, {new_name, file.before, old_shown});
      change.masked = change.diff !=
                      findings::unified_diff({old_name, file.before, file.before}, {new_name, file.after, file.after});
      report_.changes.push_back(std::move(change));
    }
  }

  static std::string text_of(const std::string& bytes) {
    return std::string_view(bytes).starts_with(kUtf8Bom) ? bytes.substr(kUtf8Bom.size()) : bytes;
  }

  class Both final : public findings::SourceLookup {
   public:
    Both(const findings::SourceLookup& first, const findings::SourceLookup& second) : first_(first), second_(second) {}
    std::shared_ptr<const std::string> text(std::string_view path) const override {
      auto text = first_.text(path);
      return text != nullptr ? text : second_.text(path);
    }

   private:
    const findings::SourceLookup &first_, &second_;
  };

  const ScanRequest& request_;
  findings::Report& report_;
  const FixOptions& options_;
  ScanContext& context_;
  const StopToken& stop_;
  const Deadline deadline_;
  std::set<std::string, std::less<>> wanted_;
  Discovery discovery_;
  std::map<std::string, const FoundFile*, std::less<>> by_path_;
  RunSetup setup_;
  std::optional<FileWorker> worker_;
  code::Parser parser_;
  bool has_secrets_ = false;
  std::map<std::string, OpenFile, std::less<>> files_;
  std::vector<Finding> current_;     ///< Of the tree with what was verified so far.
  std::vector<std::size_t> origin_;  ///< For each of them, which one of the report it is.
  std::size_t tree_checks_ = 0, verified_ = 0, rejected_ = 0;
};

}  // namespace

Result<FixOutcome> apply_fixes(const ScanRequest& request, findings::Report& report, const FixOptions& options,
                               ScanContext& context, const StopToken& stop, Deadline deadline) {
  return FixRun(request, report, options, context, stop, deadline).run();
}

}  // namespace wrench::scan
