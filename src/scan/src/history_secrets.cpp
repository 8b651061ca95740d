#include "history_secrets.hpp"

#include <algorithm>
#include <atomic>
#include <iterator>
#include <map>
#include <mutex>
#include <tuple>
#include <unordered_map>
#include <unordered_set>
#include <utility>

#include "clean_blobs.hpp"
#include "file_worker.hpp"
#include "wrench/base/text.hpp"
#include "wrench/crypto/sha256.hpp"
#include "wrench/findings/ranking.hpp"
#include "wrench/history/blobs.hpp"
#include "wrench/secrets/secret_scanner.hpp"
#include "wrench/source/file_class.hpp"
#include "wrench/source/source_text.hpp"

namespace wrench::scan {
namespace {

constexpr std::uint64_t kRangeBytesMin = std::uint64_t{16} << 20, kRangeBytesMax = std::uint64_t{256} << 20;
constexpr std::size_t kRangeBlobsMax = 20'000;
constexpr std::uint64_t kRangesPerJob = 4;
constexpr std::size_t kShortIdBytes = 7;
constexpr std::size_t kMissingNamedMax = 20;

/// What git says of a stop or a deadline is said of the scan.
Error of_scan(Error error) {
  if (error.code == "history.stopped") return Error("scan.stopped", "the scan was stopped");
  if (error.code == "history.deadline")
    return Error("scan.deadline", "the scan didn't end within the time that it was given");
  return error;
}
bool ends_the_run(const Error& error) { return error.code == "scan.stopped" || error.code == "scan.deadline"; }

class HistorySearch {
 public:
  HistorySearch(const HistoryScan& scan, const StopToken& stop, const Deadline& deadline)
      : scan_(scan), stop_(stop), deadline_(deadline), secrets_only_(scan.setup) {
    secrets_only_.analyses = {Analysis::Secrets};
    secrets_only_.code_rules = nullptr;
  }

  Result<HistorySecrets> run() {
    for (const auto step : {&HistorySearch::search_all, &HistorySearch::look_closer}) {
      auto done = (this->*step)();
      if (done) continue;
      Error error = of_scan(std::move(done).error());
      if (ends_the_run(error)) return error;
      out_.partial.push_back({"git_object_missing", "", "", "secrets of the history: " + describe(error)});
    }
    if (deadline_.passed(scan_.clock)) return of_scan(Error("history.deadline", ""));
    return std::move(out_);
  }

 private:
  struct Range {
    std::size_t first = 0, last = 0;  // Positions in wanted_; `last` is exclusive.
  };

  // --- every content once

  Result<void> search_all() {
    blobs_ = WRENCH_TRY(history::all_blobs(scan_.repo, bytes_max(), stop_, deadline_));
    out_.blobs = blobs_.size();
    for (const auto bytes : blobs_.bytes) out_.bytes += bytes;
    if (blobs_.too_large_count > 0)
      out_.notes.push_back(format_count(blobs_.too_large_count) +
                           (blobs_.too_large_count == 1 ? " content" : " contents") + " of the history over " +
                           format_bytes(bytes_max()) + " weren't read");
    if (blobs_.cut)
      out_.partial.push_back({"findings_max", "", "",
                              "the repository holds more than " + format_count(history::kBlobListMax) + " contents"});
    if (blobs_.size() == 0) return {};
    CleanBlobs clean(scan_.cache, scan_.setup.secret_rules->hash(), blobs_.id_bytes);
    for (std::size_t i = 0; i < blobs_.size(); ++i)
      if (!clean.contains(blobs_.id(i))) wanted_.push_back(i);
    verdicts_.assign(wanted_.size(), Verdict::Unread);
    auto searched = search(ranges());
    // What was read before a fault is known all the same.
    std::string clean_ids;
    for (std::size_t i = 0; i < wanted_.size(); ++i) {
      if (verdicts_[i] == Verdict::Clean) clean_ids.append(blobs_.id(wanted_[i]));
      if (verdicts_[i] == Verdict::MayHold) candidates_.emplace_back(blobs_.id(wanted_[i]));
      if (verdicts_[i] == Verdict::Missing) missing(blobs_.id(wanted_[i]));
    }
    clean.add(clean_ids);
    std::ranges::sort(candidates_);
    if (missing_ > kMissingNamedMax)
      out_.partial.push_back(
          {"git_object_missing", "", "", format_count(missing_ - kMissingNamedMax) + " more objects"});
    return searched;
  }

  std::uint64_t bytes_max() const { return scan_.setup.limits.secret_file_bytes_max; }

  void missing(std::string_view id) {
    if (++missing_ <= kMissingNamedMax)
      out_.partial.push_back({"git_object_missing", "", "", "the repository can't give the object " + std::string(id)});
  }

  /// Neighbours in a pack are deltas of each other: one process reads them together.
  std::vector<Range> ranges() const {
    std::uint64_t total = 0;
    for (const auto i : wanted_) total += blobs_.bytes[i];
    const std::uint64_t wish =
        std::clamp(total / (kRangesPerJob * static_cast<std::uint64_t>(scan_.jobs)), kRangeBytesMin, kRangeBytesMax);
    std::vector<Range> out;
    std::uint64_t bytes = 0;
    for (std::size_t i = 0; i < wanted_.size(); ++i) {
      if (out.empty() || bytes >= wish || out.back().last - out.back().first >= kRangeBlobsMax) {
        out.push_back({i, i});
        bytes = 0;
      }
      out.back().last = i + 1;
      bytes += blobs_.bytes[wanted_[i]];
    }
    return out;
  }

  Result<void> search(const std::vector<Range>& ranges) {
    std::atomic<std::size_t> next{0};
    runtime::TaskGroup group(scan_.pool);
    const auto tasks = std::min<std::size_t>(static_cast<std::size_t>(scan_.jobs), ranges.size());
    for (std::size_t i = 0; i < tasks; ++i) {
      group.run([&]() -> Result<void> {
        secrets::SecretScanner scanner(*scan_.setup.secret_rules);
        for (std::size_t at = next.fetch_add(1); at < ranges.size(); at = next.fetch_add(1))
          WRENCH_TRY(search(ranges[at], scanner));
        return {};
      });
    }
    return group.wait();
  }

  Result<void> search(const Range& range, secrets::SecretScanner& scanner) {
    std::vector<std::string> ids;
    ids.reserve(range.last - range.first);
    for (std::size_t i = range.first; i < range.last; ++i) ids.emplace_back(blobs_.id(wanted_[i]));
    return history::read_blobs(
        scan_.repo, ids, bytes_max(),
        [&](std::size_t at, history::BlobState state, std::string_view bytes) -> Result<void> {
          // Each task writes its own range.
          verdicts_[range.first + at] = state != history::BlobState::Read ? Verdict::Missing
                                        : holds_nothing(bytes, scanner)   ? Verdict::Clean
                                                                          : Verdict::MayHold;
          return {};
        },
        stop_, deadline_);
  }

  static bool holds_nothing(std::string_view bytes, secrets::SecretScanner& scanner) {
    if (source::looks_binary(bytes)) return true;
    const bool as_it_is = !bytes.starts_with("\xFF\xFE") && !bytes.starts_with("\xFE\xFF") && is_valid_utf8(bytes);
    if (as_it_is) return !scanner.may_find(bytes);
    return !scanner.may_find(source::decode_text(std::string(bytes)).text);
  }

  // --- what holds a secret, and where it comes from

  Result<void> look_closer() {
    if (candidates_.size() > kHistoricBlobsMax) {
      out_.partial.push_back({"findings_max", "", "",
                              format_count(candidates_.size()) + " contents of the history may hold secrets; only " +
                                  format_count(kHistoricBlobsMax) + " are reported"});
      candidates_.resize(kHistoricBlobsMax);
    }
    if (candidates_.empty()) return {};
    origins_ =
        WRENCH_TRY(history::blob_origins(scan_.repo, {candidates_.begin(), candidates_.end()}, stop_, deadline_));
    if (!scan_.head.empty())
      for (const auto& file : WRENCH_TRY(history::commit_files(scan_.repo, scan_.head, stop_, deadline_)))
        in_head_.insert(file.object_id);
    FileWorker worker(secrets_only_, scan_.clock);
    WRENCH_TRY(history::read_blobs(
        scan_.repo, candidates_, bytes_max(),
        [&](std::size_t i, history::BlobState state, std::string_view bytes) -> Result<void> {
          if (state == history::BlobState::Read) look_at(candidates_[i], bytes, worker);
          return {};
        },
        stop_, deadline_));
    for (auto& [key, group] : groups_) out_.secrets.push_back(finished(std::move(group)));
    std::ranges::stable_sort(out_.secrets, [](const HistoricSecret& a, const HistoricSecret& b) {
      const auto& x = a.finding;
      const auto& y = b.finding;
      return std::tie(x.where.path, x.where.start.offset, x.rule) <
             std::tie(y.where.path, y.where.start.offset, y.rule);
    });
    return {};
  }

  struct Group {
    findings::Finding finding;
    bool in_head = false;
    std::vector<std::string> fingerprints;
  };

  void look_at(const std::string& blob, std::string_view bytes, FileWorker& worker) {
    const auto origin = origins_.find(blob);
    FoundFile file;
    if (origin == origins_.end()) {
      file.path = "blob@" + blob.substr(0, kShortIdBytes);
    } else {
      file.project_path = repair_utf8(origin->second.path);
      if (scan_.is_excluded(file.project_path)) return;
      file.path = scan_.path_front + file.project_path + "@" + origin->second.commit.substr(0, kShortIdBytes);
    }
    auto outcome =
        worker.analyse(file, {.bytes = std::string(bytes), .content_id = {}, .skipped = {}, .partial = {}}, stop_);
    settle_suppressions(file, secrets_only_, outcome);
    for (auto& finding : outcome.findings) {
      if (finding.secrets.empty() || outcome.text == nullptr) continue;
      const auto& at = finding.secrets.front();
      const auto value = std::string_view(*outcome.text).substr(at.start.offset, at.end.offset - at.start.offset);
      finding.historic = findings::Historic{blob, file.project_path, false};
      if (origin != origins_.end())
        finding.introduced = findings::Introduced{origin->second.commit, origin->second.date, origin->second.author};
      take({file.project_path, finding.rule, crypto::sha256_hex(value)}, std::move(finding), in_head_.contains(blob));
    }
  }

  using Key = std::tuple<std::string, std::string, std::string>;

  void take(Key key, findings::Finding finding, bool in_head) {
    auto [found, is_new] = groups_.try_emplace(std::move(key));
    auto& group = found->second;
    group.in_head = group.in_head || in_head;
    group.fingerprints.push_back(finding.fingerprint);
    if (is_new || is_earlier(finding, group.finding)) group.finding = std::move(finding);
  }

  /// The log names days; among equal ones the smaller id, so that every run says the same.
  static bool is_earlier(const findings::Finding& a, const findings::Finding& b) {
    if (!a.introduced || !b.introduced) return a.introduced.has_value() && !b.introduced.has_value();
    return std::tie(a.introduced->date, a.introduced->commit, a.historic->blob) <
           std::tie(b.introduced->date, b.introduced->commit, b.historic->blob);
  }

  static HistoricSecret finished(Group group) {
    auto& finding = group.finding;
    finding.historic->in_head = group.in_head;
    finding.message += !finding.introduced ? " No branch or tag leads to it, but the repository holds it still."
                       : group.in_head     ? " It is in the history, and in what is checked out."
                                           : " It was removed from the files, but not from the history: who has a copy "
                                             "of the repository has it.";
    std::ranges::sort(group.fingerprints);
    return {std::move(finding), std::move(group.fingerprints)};
  }

  enum class Verdict : std::uint8_t { Unread, Clean, MayHold, Missing };

  const HistoryScan& scan_;
  const StopToken& stop_;
  const Deadline& deadline_;
  RunSetup secrets_only_;
  HistorySecrets out_;
  history::BlobList blobs_;
  std::vector<std::size_t> wanted_;  // Of blobs_: what isn't known to be clean.
  std::vector<Verdict> verdicts_;    // Of wanted_.
  std::vector<std::string> candidates_;
  std::size_t missing_ = 0;
  std::unordered_map<std::string, history::BlobOrigin> origins_;
  std::unordered_set<std::string> in_head_;
  std::map<Key, Group> groups_;
};

}  // namespace

Result<HistorySecrets> find_history_secrets(const HistoryScan& scan, const StopToken& stop, const Deadline& deadline) {
  return HistorySearch(scan, stop, deadline).run();
}

std::vector<findings::Finding> add_to_report(HistorySecrets found, findings::Report& report) {
  std::unordered_map<std::string, std::size_t> in_tree;
  for (std::size_t i = 0; i < report.findings.size(); ++i)
    if (!report.findings[i].secrets.empty()) in_tree.emplace(report.findings[i].fingerprint, i);
  std::vector<findings::Finding> added;
  for (auto& secret : found.secrets) {
    bool is_told = false;
    for (const auto& fingerprint : secret.fingerprints) {
      const auto same = in_tree.find(fingerprint);
      if (same == in_tree.end()) continue;
      is_told = true;
      if (auto& introduced = report.findings[same->second].introduced; !introduced)
        introduced = secret.finding.introduced;
    }
    if (!is_told) added.push_back(std::move(secret.finding));
  }
  findings::rank_all(added, {});
  for (const auto& finding : added) report.summary.suppressed += finding.suppressed ? 1 : 0;
  report.findings.insert(report.findings.end(), added.begin(), added.end());
  findings::sort_by_place(report.findings);
  std::move(found.partial.begin(), found.partial.end(), std::back_inserter(report.partial));
  std::move(found.notes.begin(), found.notes.end(), std::back_inserter(report.notes));
  if (report.history.is_object())
    report.history.set("contents", codec::Json::object({{"count", found.blobs}, {"bytes", found.bytes}}));
  return added;
}

}  // namespace wrench::scan
