#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <cstdio>
#include <map>
#include <mutex>
#include <numeric>
#include <unordered_map>
#include <utility>

#include "blob_contents.hpp"
#include "file_outcome.hpp"
#include "file_worker.hpp"
#include "history_part.hpp"
#include "history_secrets.hpp"
#include "known_contents.hpp"
#include "memory_gate.hpp"
#include "new_since.hpp"
#include "run_once.hpp"
#include "run_setup.hpp"
#include "wrench/base/text.hpp"
#include "wrench/base/version.hpp"
#include "wrench/code/clones.hpp"
#include "wrench/code/known_clones.hpp"
#include "wrench/code/macro_table.hpp"
#include "wrench/code/structure.hpp"
#include "wrench/code/taint_link.hpp"
#include "wrench/codec/record.hpp"
#include "wrench/crypto/sha256.hpp"
#include "wrench/findings/baseline.hpp"
#include "wrench/findings/ranking.hpp"
#include "wrench/findings/report_record.hpp"
#include "wrench/findings/secret_mask.hpp"
#include "wrench/scan/discovery.hpp"
#include "wrench/scan/fact_cache.hpp"
#include "wrench/scan/hotspots.hpp"
#include "wrench/scan/scan.hpp"
#include "wrench/source/ignore_rules.hpp"

namespace wrench::scan {
namespace {

constexpr std::uint64_t kHeldBytesMax = std::uint64_t{256} << 20;  // Read for hashing and kept for the analysis.
constexpr std::uint64_t kLinkTextsBytesMax = std::uint64_t{24} << 20;
constexpr Micros kLinkCpuMax = 120 * kMicrosPerSecond;  // Following values from file to file.
constexpr std::size_t kNamedMax = 5;                    // Of what a note counts.
constexpr std::size_t kMacrosMax = 400'000;             // Of all headers.
constexpr Micros kProgressEvery = 100 * kMicrosPerMs;

Error stopped() { return Error("scan.stopped", "the scan was stopped"); }
Error late() { return Error("scan.deadline", "the scan didn't end within the time that it was given"); }

class Run {
 public:
  Run(const ScanRequest& request, ScanContext& context, const StopToken& stop, Deadline deadline,
      const Revision* revision)
      : request_(request), context_(context), stop_(stop), deadline_(deadline), revision_(revision) {}

  Result<OneRun> run() {
    auto report = WRENCH_TRY(analyse());
    return OneRun{std::move(report), std::move(discovery_.files), std::move(discovery_.folders)};
  }

 private:
  Result<findings::Report> analyse() {
    const Micros started_us = context_.clock.boot_us();
    findings::Report report;
    const std::string started = format_rfc3339(context_.clock.now_us());
    progress(ScanProgress::Phase::Discover, true);
    DiscoveryOptions options;
    options.paths = request_.paths;
    if (revision_ != nullptr)
      options.commit = revision_->tree();
    else
      options.tracked_files = [this](const std::string& root) { return history_.open_and_list(root, stop_); };
    discovery_ = WRENCH_TRY(discover(options, stop_));
    setup_ = WRENCH_TRY(make_setup(request_, discovery_.project_root, context_.clock, stop_));
    apply_config();
    total_ = discovery_.files.size();

    std::string tree_key;
    if (revision_ != nullptr) WRENCH_TRY(identify_blobs());
    if (context_.cache != nullptr) {
      if (revision_ == nullptr) WRENCH_TRY(identify_all());
      tree_key = key_of_tree();
      if (auto kept = kept_report(tree_key)) {
        report = std::move(*kept);
        tell(report.findings);
        // The next change of a file needs the results of all others.
        for (std::size_t i = 0; i < bytes_.size(); ++i)
          context_.cache->keep(key_of_file(discovery_.files[i], bytes_[i].content_id));
        context_.cache->keep(key_of_clones());
        return finish(std::move(report), started, started_us);
      }
    }
    WRENCH_TRY(take_or_load_rules());
    WRENCH_TRY(collect_macros());
    history_.notes.insert(history_.notes.end(), setup_.notes.begin(), setup_.notes.end());
    WRENCH_TRY(analyse_all());
    progress(ScanProgress::Phase::Link, true);
    link(report);
    WRENCH_TRY(still_wanted());
    assemble(report);
    WRENCH_TRY(add_history(report));
    complete(report);
    WRENCH_TRY(still_wanted());
    if (context_.cache != nullptr) keep_report(tree_key, report);
    return finish(std::move(report), started, started_us);
  }

  Result<void> take_or_load_rules() {
    if (const auto kept = context_.rules == nullptr ? nullptr : context_.rules->find(setup_.key)) {
      setup_.take_rules(*kept);
      return {};
    }
    WRENCH_TRY(load_rules(request_, context_.cache, setup_));
    if (context_.rules != nullptr) context_.rules->keep(std::make_shared<const RunSetup>(setup_));
    return {};
  }

  // --- discovery

  // Whether a pattern names the path or a folder above it.
  static bool named_by(const source::IgnoreRules& rules, const std::string& path) {
    using Verdict = source::IgnoreRules::Verdict;
    for (auto slash = path.find('/'); slash != std::string::npos; slash = path.find('/', slash + 1))
      if (rules.decide(std::string_view(path).substr(0, slash), true) == Verdict::Ignored) return true;
    return rules.decide(path, false) == Verdict::Ignored;
  }

  void apply_config() {
    const auto& config = setup_.config;
    for (const auto& warning : config.warnings) history_.notes.push_back(".wrench.yaml: " + warning);
    if (config.exclude.empty()) return;
    const source::IgnoreRules exclude(join(config.exclude, "\n")), include(join(config.include, "\n"));
    std::size_t left_out = 0;
    std::erase_if(discovery_.files, [&](const FoundFile& file) {
      if (file.named || !named_by(exclude, file.project_path) || named_by(include, file.project_path)) return false;
      discovery_.skipped.push_back({file.path, "ignored"});
      ++left_out;
      return true;
    });
    if (left_out > 0)
      history_.notes.push_back(".wrench.yaml excludes " + format_count(left_out) +
                               (left_out == 1 ? " file" : " files"));
  }

  // A run past its time fails as a whole: what it would have got done by then depends on the machine's other work.
  Result<void> still_wanted() const {
    if (stop_.stop_requested()) return stopped();
    if (deadline_.passed(context_.clock)) return late();
    return {};
  }

  // --- work on all cores

  int jobs() const {
    const int threads = static_cast<int>(context_.pool.threads());
    return std::clamp(request_.jobs > 0 ? request_.jobs : threads, 1, std::max(threads, 1));
  }

  // Calls work(worker, file index) for every file, largest first.
  template <class MakeWorker, class Work>
  Result<void> for_all(MakeWorker make_worker, Work work) {
    std::vector<std::size_t> order(discovery_.files.size());
    std::iota(order.begin(), order.end(), std::size_t{0});
    std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
      return discovery_.files[a].stamp.size > discovery_.files[b].stamp.size;
    });
    std::atomic<std::size_t> next{0};
    runtime::TaskGroup group(context_.pool);
    const auto tasks = std::min<std::size_t>(static_cast<std::size_t>(jobs()), std::max<std::size_t>(order.size(), 1));
    for (std::size_t i = 0; i < tasks; ++i) {
      group.run([&]() -> Result<void> {
        auto worker = make_worker();
        for (std::size_t at = next.fetch_add(1); at < order.size(); at = next.fetch_add(1)) {
          WRENCH_TRY(still_wanted());
          work(worker, order[at]);
        }
        return {};
      });
    }
    return group.wait();
  }

  /// What every file holds: by what stat says of it where that is known, else by reading it.
  Result<void> identify_all() {
    const KnownContents known(*context_.cache, context_.clock.now_us());
    bytes_.resize(discovery_.files.size());
    std::atomic<std::uint64_t> held{0};
    auto done = for_all([] { return 0; },
                        [&](int, std::size_t i) {
                          const auto& file = discovery_.files[i];
                          if (auto id = overlaid(file) == nullptr ? known.of(file) : std::nullopt) {
                            bytes_[i].content_id = std::move(*id);
                            return;
                          }
                          auto bytes = read(file);
                          const std::uint64_t size = bytes.bytes.size();
                          if (held.fetch_add(size) + size > kHeldBytesMax) {
                            held.fetch_sub(size);
                            bytes.bytes = std::string();  // Read again when it is its turn.
                            bytes.bytes.shrink_to_fit();
                          }
                          bytes_[i] = std::move(bytes);
                        });
    // What stands in for a file says nothing of the file.
    if (done.ok() && context_.overlay == nullptr) known.save(*context_.cache, discovery_.files, bytes_);
    return done;
  }

  /// The same for the files of a commit.
  Result<void> identify_blobs() {
    BlobContents contents(*revision_, context_.cache, setup_.limits);
    bytes_.resize(discovery_.files.size());
    WRENCH_TRY(for_all([] { return 0; },
                       [&](int, std::size_t i) {
                         const runtime::Patience patience{&context_.clock,
                                                          Deadline::after(context_.clock, kFileReadWallMax), stop_};
                         contents.from_memory_or_disk(discovery_.files[i], bytes_[i], patience);
                       }));
    auto read = contents.from_git(discovery_.files, bytes_, stop_, deadline_);
    WRENCH_TRY(still_wanted());
    WRENCH_TRY(std::move(read));
    if (context_.cache != nullptr) contents.save(*context_.cache);
    return {};
  }

  FileBytes read(const FoundFile& file) const {
    if (const std::string* bytes = overlaid(file)) {
      FileBytes out;
      out.bytes = *bytes;
      out.content_id = "sha256:" + crypto::sha256_hex(*bytes);
      return out;
    }
    return read_bytes(file, setup_.limits, context_.clock, stop_);
  }

  const std::string* overlaid(const FoundFile& file) const {
    if (context_.overlay == nullptr) return nullptr;
    const auto found = context_.overlay->find(file.path);
    return found == context_.overlay->end() ? nullptr : &found->second;
  }

  std::string key_of_file(const FoundFile& file, const std::string& content_id) const {
    return "file/" + crypto::sha256_hex(setup_.key + "\n" + content_id + "\n" + file.path + "\n" + file.project_path +
                                        (file.named ? "\nnamed" : "") + (is_c_family(file) ? macros_digest_ : ""));
  }

  static bool is_c_family(const FoundFile& file) {
    const auto language = source::detect_language(file.path, {});
    return language == source::Language::C || language == source::Language::Cpp;
  }
  static bool is_header(const FoundFile& file) {
    constexpr std::string_view kEndings[] = {".h", ".hh", ".hpp", ".hxx", ".h++"};
    return std::any_of(std::begin(kEndings), std::end(kEndings),
                       [&](std::string_view ending) { return file.path.ends_with(ending); });
  }

  /// What the headers define is the same to every C and C++ file: which of them a file includes depends on how it is
  /// built.
  Result<void> collect_macros() {
    const auto& files = discovery_.files;
    const bool wanted = setup_.wants_code_rules() && std::any_of(files.begin(), files.end(), [](const FoundFile& file) {
                          return is_c_family(file) && !is_header(file);
                        });
    if (!wanted) return {};
    std::vector<std::vector<code::Macro>> found(files.size());
    WRENCH_TRY(for_all([] { return 0; },
                       [&](int, std::size_t i) {
                         if (is_header(files[i]) && files[i].stamp.size <= setup_.limits.file_bytes_max)
                           found[i] = macros_of(i);
                       }));
    std::size_t left_out = 0;
    for (auto& macros : found) {
      if (setup_.macros.size() + macros.size() > kMacrosMax)
        ++left_out;
      else
        setup_.macros.add(std::move(macros));
    }
    if (left_out > 0)
      history_.notes.push_back("the headers define over " + format_count(kMacrosMax) + " macros: those of " +
                               format_count(left_out) + " headers aren't looked up");
    macros_digest_ = "\n" + setup_.macros.digest();
    return {};
  }

  std::vector<code::Macro> macros_of(std::size_t i) {
    const auto& file = discovery_.files[i];
    const FileBytes* known = i < bytes_.size() ? &bytes_[i] : nullptr;
    const bool keeps = context_.cache != nullptr && known != nullptr && !known->content_id.empty();
    const std::string key = keeps ? "macros/" + build_id() + known->content_id : std::string();
    if (keeps)
      if (const auto record = context_.cache->get(key))
        if (auto macros = code::macros_from_record(*record)) return std::move(*macros);
    // A header that can't be read is told of when its turn comes.
    if (known != nullptr && !known->bytes.empty()) {
      auto macros = code::macros_in(known->bytes);
      if (keeps) context_.cache->put(key, code::to_record(macros));
      return macros;
    }
    const FileBytes bytes = read(file);
    auto macros = code::macros_in(bytes.bytes);
    if (keeps && bytes.content_id != known->content_id)
      tree_changed_ = true;
    else if (keeps)
      context_.cache->put(key, code::to_record(macros));
    return macros;
  }

  Result<void> analyse_all() {
    outcomes_.resize(discovery_.files.size());
    MemoryGate gate(setup_.limits.memory_soft_max, static_cast<std::size_t>(jobs()));
    return for_all([&] { return FileWorker(setup_, context_.clock); },
                   [&](FileWorker& worker, std::size_t i) {
                     const auto& file = discovery_.files[i];
                     const auto turn = gate.enter(stop_);
                     outcomes_[i] = turn.granted() ? outcome_of(worker, i) : out_of_memory(file);
                     found_.fetch_add(outcomes_[i].findings.size(), std::memory_order_relaxed);
                     tell(outcomes_[i].findings);
                     done_.fetch_add(1, std::memory_order_relaxed);
                     progress(ScanProgress::Phase::Analyse, false);
                   });
  }

  static FileOutcome out_of_memory(const FoundFile& file) {
    FileOutcome outcome;
    outcome.partial.push_back({"memory_budget", file.path, "", "memory_soft_max is reached with one file in flight"});
    return outcome;
  }

  FileOutcome outcome_of(FileWorker& worker, std::size_t i) {
    const auto& file = discovery_.files[i];
    FileBytes bytes = i < bytes_.size() ? std::move(bytes_[i]) : read(file);
    if (context_.cache != nullptr && !bytes.content_id.empty())
      if (auto kept = cached_outcome(bytes, file)) return std::move(*kept);
    if (bytes.bytes.empty() && !bytes.content_id.empty()) read_again(bytes, file);
    if (bytes.skipped || bytes.partial) {
      FileOutcome outcome;
      outcome.skipped = std::move(bytes.skipped);
      if (bytes.partial) outcome.partial.push_back(std::move(*bytes.partial));
      return outcome;
    }
    const std::string key = context_.cache == nullptr ? std::string() : key_of_file(file, bytes.content_id);
    FileOutcome outcome = worker.analyse(file, std::move(bytes), stop_);
    // What was cut short is tried again next time.
    if (!key.empty() && outcome.partial.empty() && !outcome.flow_holds_secrets && !stop_.stop_requested())
      context_.cache->put(key, to_record(outcome));
    return outcome;
  }

  /// The bytes behind an id. A file that became another one meanwhile is analysed as it is now, and the report is kept
  /// under no tree's key.
  void read_again(FileBytes& bytes, const FoundFile& file) {
    auto now = read(file);
    if (now.content_id != bytes.content_id) tree_changed_ = true;
    bytes = std::move(now);
  }

  std::optional<FileOutcome> cached_outcome(FileBytes& bytes, const FoundFile& file) {
    const auto record = context_.cache->get(key_of_file(file, bytes.content_id));
    if (!record) return std::nullopt;
    auto outcome = outcome_from_record(*record);
    if (!outcome.ok()) return std::nullopt;
    if (!outcome->needs_text()) return std::move(*outcome);
    if (bytes.bytes.empty()) read_again(bytes, file);
    if (bytes.content_id != outcome->content_id) return std::nullopt;
    outcome->text = std::make_shared<const std::string>(source::decode_text(std::move(bytes.bytes)).text);
    return std::move(*outcome);
  }

  // --- what several files say together

  // Texts of this run's files, read again when linking asks. Clones and traces ask for the same few many times.
  class RunSources final : public findings::SourceLookup {
   public:
    RunSources(const Run& run) : run_(run) {
      for (std::size_t i = 0; i < run.discovery_.files.size(); ++i) by_path_.emplace(run.discovery_.files[i].path, i);
    }
    std::optional<std::size_t> index_of(std::string_view path) const {
      const auto found = by_path_.find(path);
      return found == by_path_.end() ? std::nullopt : std::optional(found->second);
    }
    std::shared_ptr<const std::string> text(std::string_view path) const override {
      const auto index = index_of(path);
      if (!index) return nullptr;
      const auto& outcome = run_.outcomes_[*index];
      if (outcome.text) return outcome.text;
      if (const auto known = texts_.find(*index); known != texts_.end()) return known->second;
      auto bytes = run_.read(run_.discovery_.files[*index]);
      auto text = bytes.content_id != outcome.content_id
                      ? nullptr
                      : std::make_shared<const std::string>(source::decode_text(std::move(bytes.bytes)).text);
      held_bytes_ += text ? text->size() : 0;
      if (held_bytes_ > kLinkTextsBytesMax) {
        texts_.clear();
        held_bytes_ = text ? text->size() : 0;
      }
      texts_.emplace(*index, text);
      return text;
    }

   private:
    const Run& run_;
    std::map<std::string_view, std::size_t> by_path_;
    mutable std::unordered_map<std::size_t, std::shared_ptr<const std::string>> texts_;
    mutable std::uint64_t held_bytes_ = 0;
  };

  void link(findings::Report& report) {
    const RunSources sources(*this);
    std::vector<const code::FileFacts*> facts;
    for (const auto& outcome : outcomes_)
      if (outcome.facts) facts.push_back(outcome.facts.get());
    std::vector<std::string> other_paths;
    for (std::size_t i = 0; i < outcomes_.size(); ++i)
      if (!outcomes_[i].facts) other_paths.push_back(discovery_.files[i].project_path);
    code::LinkOptions options;
    options.other_paths = other_paths;
    const bool whole = std::any_of(discovery_.files.begin(), discovery_.files.end(), [](const FoundFile& file) {
      return !file.named && file.relative == file.project_path;
    });
    const bool all = setup_.config.exclude.empty() && setup_.config.languages.empty();
    options.extent = whole && all ? code::TreeExtent::Whole : code::TreeExtent::Part;
    options.entry_points = setup_.config.entry_points;
    options.layers = setup_.config.layers;
    options.structure = setup_.wants(Analysis::Structure);
    options.clones = setup_.wants(Analysis::Clones);
    code::KnownClones known_clones = take_known_clones();
    options.known_clones = context_.cache == nullptr ? nullptr : &known_clones;
    if (!facts.empty() && (options.structure || options.clones)) {
      auto linked = code::link_project(facts, sources, options, stop_);
      if (options.clones) keep(known_clones);
      report.clones = std::move(linked.clones);
      report.cycles = std::move(linked.cycles);
      for (const auto& layer : linked.empty_layers)
        history_.notes.push_back(".wrench.yaml: no file is in the layer '" + escape_for_display(layer) + "'");
      report.edges_added = std::move(linked.edges);
      if (linked.clones_with_more > 0)
        history_.notes.push_back(format_count(linked.clones_with_more) +
                                 (linked.clones_with_more == 1 ? " clone has" : " clones have") + " over " +
                                 std::to_string(code::kCloneMembersMax) + " copies, of which so many are listed");
      std::map<std::size_t, std::vector<findings::Finding>> by_file;
      for (auto& finding : linked.findings)
        if (const auto index = sources.index_of(finding.where.path)) by_file[*index].push_back(std::move(finding));
      for (auto& [index, more] : by_file) {
        setup_.apply_config(more, discovery_.files[index].project_path);
        tell(more);
        std::move(more.begin(), more.end(), std::back_inserter(outcomes_[index].findings));
      }
    }
    if (setup_.wants(Analysis::Taint)) link_values(facts, sources);
    for (std::size_t i = 0; i < outcomes_.size(); ++i)
      if (settle_suppressions(discovery_.files[i], setup_, outcomes_[i])) valid_on_ = setup_.today;
  }

  static std::string key_of_clones() { return "clones/" + build_id(); }

  code::KnownClones take_known_clones() const {
    if (context_.cache == nullptr || !setup_.wants(Analysis::Clones)) return {};
    const auto record = context_.cache->get(key_of_clones());
    auto out = record ? code::KnownClones::from_record(*record) : code::KnownClones();
    for (std::size_t i = 0; i < outcomes_.size(); ++i)
      if (holds_secrets(outcomes_[i])) out.hide(discovery_.files[i].path);
    return out;
  }

  void keep(const code::KnownClones& known) const {
    if (known.is_new() && !stop_.stop_requested()) context_.cache->put(key_of_clones(), known.to_record());
  }

  static bool holds_secrets(const FileOutcome& outcome) {
    return std::any_of(outcome.findings.begin(), outcome.findings.end(),
                       [](const auto& finding) { return !finding.secrets.empty(); });
  }

  /// What goes from file to file. A sink that its own file's values reach was reported with the file.
  void link_values(const std::vector<const code::FileFacts*>& facts, const RunSources& sources) {
    auto linked = code::link_taint(facts, sources, CpuBudget(context_.clock, kLinkCpuMax));
    std::map<std::size_t, std::vector<findings::Finding>> by_file;
    for (auto& finding : linked.findings) {
      const auto index = sources.index_of(finding.where.path);
      if (!index) continue;
      const auto& known = outcomes_[*index].findings;
      const bool told = std::any_of(known.begin(), known.end(), [&](const findings::Finding& other) {
        return other.rule == finding.rule && other.where.start == finding.where.start &&
               other.where.end == finding.where.end;
      });
      if (!told) by_file[*index].push_back(std::move(finding));
    }
    for (auto& [index, more] : by_file) {
      setup_.apply_config(more, discovery_.files[index].project_path);
      tell(more);
      std::move(more.begin(), more.end(), std::back_inserter(outcomes_[index].findings));
    }
    std::move(linked.partial.begin(), linked.partial.end(), std::back_inserter(discovery_.partial));
    for (const auto& [path, bodies] : linked.bodies)
      if (const auto index = sources.index_of(path)) tell_reach(bodies, outcomes_[*index].findings);
  }

  /// What stands in code that runs on input from outside.
  static void tell_reach(const std::vector<code::CodeBody>& bodies, std::vector<findings::Finding>& all) {
    for (auto& finding : all) {
      if (finding.reach != findings::Reach::Unknown) continue;
      const code::CodeBody* innermost = nullptr;
      for (const auto& body : bodies) {
        if (finding.where.start.offset < body.first || finding.where.start.offset >= body.end) continue;
        if (innermost == nullptr || body.end - body.first <= innermost->end - innermost->first) innermost = &body;
      }
      if (innermost == nullptr || !innermost->reached) continue;
      finding.reach = findings::Reach::Entry;
      finding.reached_from = innermost->from;
    }
  }

  // --- the report

  /// No fault of the tree's, and nothing that another run could do better: a note.
  void tell_followed_in_part() {
    std::vector<std::string> named;
    std::size_t count = 0;
    for (std::size_t i = 0; i < outcomes_.size(); ++i)
      for (const std::string& function : outcomes_[i].followed_in_part)
        if (++count <= kNamedMax) named.push_back(function + " in " + discovery_.files[i].path);
    if (count == 0) return;
    history_.notes.push_back("summary_budget: " + format_count(count) +
                             (count == 1 ? " function has" : " functions have") +
                             " more ways through than the memory checks follow, so what goes wrong on every way isn't "
                             "told of " +
                             (count == 1 ? "it: " : "them: ") + join(named, ", ") + (count > kNamedMax ? ", …" : ""));
  }

  /// Manuals and other texts: lines, but none of code.
  static bool is_prose(source::Language language) {
    return language == source::Language::Unknown || language == source::Language::Text ||
           language == source::Language::Markdown;
  }

  void assemble(findings::Report& report) {
    tell_followed_in_part();
    report.skipped = std::move(discovery_.skipped);
    report.partial = std::move(discovery_.partial);
    report.partial.insert(report.partial.end(), setup_.partial.begin(), setup_.partial.end());
    report.errors = setup_.errors;
    std::map<source::Language, std::uint64_t> by_language;
    for (std::size_t i = 0; i < outcomes_.size(); ++i) {
      auto& outcome = outcomes_[i];
      inputs_.push_back({discovery_.files[i].path, discovery_.files[i].project_path,
                         outcome.metrics ? outcome.metrics->cognitive : 0,
                         static_cast<std::uint32_t>(outcome.findings.size())});
      if (outcome.text) secret_texts_.add(discovery_.files[i].path, *outcome.text);
      std::move(outcome.findings.begin(), outcome.findings.end(), std::back_inserter(report.findings));
      std::move(outcome.partial.begin(), outcome.partial.end(), std::back_inserter(report.partial));
      std::move(outcome.functions.begin(), outcome.functions.end(), std::back_inserter(report.functions));
      if (outcome.metrics) report.files.push_back(std::move(*outcome.metrics));
      if (outcome.skipped) report.skipped.push_back(*outcome.skipped);
      if (!outcome.analysed) continue;
      ++(outcome.cached ? report.summary.files_cached : report.summary.files_scanned);
      report.summary.bytes += outcome.bytes;
      const std::uint64_t nloc = outcome.metrics ? report.files.back().nloc : outcome.nloc;
      if (!is_prose(outcome.language)) report.summary.nloc += nloc;
      by_language[outcome.language] += nloc;
    }
    for (const auto& [language, nloc] : by_language)
      report.summary.by_language.emplace_back(
          language == source::Language::Unknown ? "other" : source::display_name(language), nloc);
    std::stable_sort(report.summary.by_language.begin(), report.summary.by_language.end(),
                     [](const auto& a, const auto& b) { return a.second > b.second; });
    std::stable_sort(report.skipped.begin(), report.skipped.end(),
                     [](const auto& a, const auto& b) { return a.path < b.path; });
    std::stable_sort(report.partial.begin(), report.partial.end(),
                     [](const auto& a, const auto& b) { return a.path < b.path; });
    report.tool_version = version();
    report.rules_sha256 = setup_.rules_sha256;
  }

  Result<void> add_history(findings::Report& report) {
    if (!request_.with_history) return {};
    progress(ScanProgress::Phase::History, true);
    const auto summary = history_.mine(context_.cache, context_.pool, stop_, deadline_);
    WRENCH_TRY(still_wanted());
    report.partial.insert(report.partial.end(), history_.partial.begin(), history_.partial.end());
    if (!summary) return {};
    report.history = history::to_json(*summary);
    auto hotspots = find_hotspots(inputs_, *summary);
    report.hotspots = std::move(hotspots.best);
    rank_ = std::move(hotspots.rank);
    return {};
  }

  /// Secrets of all contents that the repository holds. What the tree holds, too, is told once, there.
  Result<void> add_history_secrets(findings::Report& report) {
    if (!request_.history_secrets || !setup_.wants(Analysis::Secrets)) return {};
    if (history_.repo() == nullptr) {
      report.notes.emplace_back("no git repository: no secrets of a history");
      return {};
    }
    progress(ScanProgress::Phase::History, true);
    if (!setup_.secret_rules) WRENCH_TRY(take_or_load_rules());
    const std::string front = path_front();
    const source::IgnoreRules exclude(join(setup_.config.exclude, "\n")), include(join(setup_.config.include, "\n"));
    const auto is_excluded = [&](const std::string& path) {
      return named_by(exclude, path) && !named_by(include, path);
    };
    auto found = WRENCH_TRY(find_history_secrets({.repo = *history_.repo(),
                                                  .head = history_.head(),
                                                  .setup = setup_,
                                                  .path_front = front,
                                                  .is_excluded = is_excluded,
                                                  .pool = context_.pool,
                                                  .clock = context_.clock,
                                                  .cache = context_.cache,
                                                  .jobs = jobs()},
                                                 stop_, deadline_));
    tell(add_to_report(std::move(found), report));
    keep_findings_max(report);
    return {};
  }

  /// What stands before a project path in the paths as they are reported.
  std::string path_front() const {
    for (const auto& file : discovery_.files)
      if (file.path.ends_with(file.project_path))
        return file.path.substr(0, file.path.size() - file.project_path.size());
    return {};
  }

  void keep_findings_max(findings::Report& report) const {
    auto& all = report.findings;
    if (all.size() <= setup_.limits.findings_max) return;
    report.partial.push_back({"findings_max", "", "",
                              format_count(all.size()) + " findings; only the first " +
                                  format_count(setup_.limits.findings_max) + " are kept"});
    all.resize(setup_.limits.findings_max);
  }

  void complete(findings::Report& report) {
    auto& all = report.findings;
    findings::sort_by_place(all);
    keep_findings_max(report);
    findings::assign_groups(all);
    findings::rank_all(all, rank_);
    report.summary.suppressed = static_cast<std::uint64_t>(
        std::count_if(all.begin(), all.end(), [](const auto& finding) { return finding.suppressed.has_value(); }));
    report.notes = history_.notes;
    findings::mask_secrets(report, secret_texts_);
  }

  // What belongs to this run alone, not to the tree.
  Result<findings::Report> finish(findings::Report report, const std::string& started, Micros started_us) {
    WRENCH_TRY(add_history_secrets(report));
    report.root = request_.paths.empty() ? "." : join(request_.paths, " ");
    const auto& root = discovery_.project_root;
    report.repository = repair_utf8(root.substr(root.rfind('/') + 1));
    report.revision = history_.revision();
    report.run.started = started;
    report.run.jobs = jobs();
    report.run.analyses.clear();
    for (const auto analysis : setup_.analyses) report.run.analyses.emplace_back(name(analysis));
    report.run.complete = report.partial.empty();
    if (request_.baseline) findings::apply_baseline(report, *request_.baseline);
    if (context_.cache != nullptr) {
      context_.cache->flush();
      if (const auto warning = context_.cache->warning(); !warning.empty()) report.notes.push_back(warning);
    }
    report.run.elapsed_ms = (context_.clock.boot_us() - started_us) / kMicrosPerMs;
    progress(ScanProgress::Phase::Finish, true);
    return report;
  }

  // --- a whole tree seen before

  std::string key_of_tree() const {
    crypto::Sha256 hash;
    const auto add = [&](std::string_view text) {
      hash.update(text);
      hash.update(std::string_view("\0", 1));
    };
    add(setup_.key);
    add(request_.with_history ? "history " + history_.head() : "");
    for (const auto& note : history_.notes) add(note);
    for (const auto& skipped : discovery_.skipped) {
      add(skipped.path);
      add(skipped.reason);
    }
    for (const auto& partial : discovery_.partial) add(partial.path + partial.detail);
    for (std::size_t i = 0; i < discovery_.files.size(); ++i) {
      const auto& file = discovery_.files[i];
      add(file.path);
      add(file.project_path);
      add(file.named ? "named" : "");
      add(bytes_[i].content_id);
      add(bytes_[i].skipped ? bytes_[i].skipped->reason : "");
      add(bytes_[i].partial ? bytes_[i].partial->detail : "");
    }
    return "tree/" + crypto::to_hex(hash.finish());
  }

  std::optional<findings::Report> kept_report(const std::string& key) {
    const auto record = context_.cache->get(key);
    if (!record) return std::nullopt;
    codec::RecordReader reader(*record);
    std::string valid_on, bytes;
    reader(valid_on, macros_digest_, bytes);
    if (!reader.complete() || (!valid_on.empty() && valid_on != setup_.today)) return std::nullopt;
    auto report = findings::report_from_record(bytes);
    if (!report.ok()) return std::nullopt;
    report->summary.files_cached += std::exchange(report->summary.files_scanned, 0);
    return std::move(*report);
  }

  void keep_report(const std::string& key, const findings::Report& report) const {
    if (!report.partial.empty() || tree_changed_) return;
    codec::RecordWriter writer;
    writer(valid_on_, macros_digest_, findings::to_record(report));
    context_.cache->put(key, std::move(writer).take());
  }

  // --- progress

  void tell(const std::vector<findings::Finding>& found) const {
    if (!context_.found) return;
    for (const auto& finding : found)
      if (!finding.suppressed) context_.found(finding);
  }

  void progress(ScanProgress::Phase phase, bool always) {
    if (!context_.progress) return;
    const Micros now_us = context_.clock.boot_us();
    Micros last_us = progress_at_us_.load(std::memory_order_relaxed);
    if (!always && (now_us - last_us < kProgressEvery || !progress_at_us_.compare_exchange_strong(last_us, now_us)))
      return;
    context_.progress({phase, done_.load(), total_, found_.load()});
  }

  const ScanRequest& request_;
  ScanContext& context_;
  const StopToken& stop_;
  const Deadline deadline_;
  const Revision* const revision_;  ///< Null: what is on disk.
  HistoryPart history_;
  Discovery discovery_;
  RunSetup setup_;
  std::vector<FileBytes> bytes_;
  std::vector<FileOutcome> outcomes_;
  std::vector<HotspotInput> inputs_;
  findings::RankInputs rank_;
  findings::MemorySources secret_texts_;
  std::string valid_on_;
  std::string macros_digest_;
  std::uint64_t total_ = 0;
  std::atomic<bool> tree_changed_{false};  ///< A file isn't what the tree's key says.
  std::atomic<std::uint64_t> done_{0}, found_{0};
  std::atomic<Micros> progress_at_us_{0};
};

}  // namespace

Result<findings::Report> run(const ScanRequest& request, ScanContext& context, const StopToken& stop,
                             Deadline deadline) {
  if (!request.new_since.empty()) return std::move(WRENCH_TRY(run_new_since(request, context, stop, deadline)).report);
  auto one = WRENCH_TRY(run_once(request, context, stop, deadline, nullptr));
  one.report.edges_added.clear();  // Against nothing, none is new.
  return std::move(one.report);
}

Result<OneRun> run_once(const ScanRequest& request, ScanContext& context, const StopToken& stop, Deadline deadline,
                        const Revision* revision) {
  return Run(request, context, stop, deadline, revision).run();
}

std::string_view name(Analysis analysis) {
  constexpr std::string_view kNames[] = {"rules", "taint", "secrets", "metrics", "clones", "structure"};
  return kNames[static_cast<std::size_t>(analysis)];
}

std::optional<Analysis> parse_analysis(std::string_view text) {
  for (const auto analysis : kAllAnalyses)
    if (name(analysis) == text) return analysis;
  return std::nullopt;
}

Result<TreeSurvey> survey(const std::string& path, const ScanLimits& limits, const StopToken& stop) {
  TreeSurvey out;
  HistoryPart history;
  DiscoveryOptions options;
  options.paths = {path};
  options.tracked_files = [&](const std::string& root) { return history.open_and_list(root, stop); };
  const auto discovery = WRENCH_TRY(discover(options, stop));
  out.root = discovery.project_root;
  out.in_git = discovery.in_git;
  std::map<source::Language, std::uint64_t> by_language;
  for (const auto& file : discovery.files) {
    if (file.stamp.size > limits.secret_file_bytes_max) continue;
    ++out.files;
    out.bytes += file.stamp.size;
    by_language[source::detect_language(file.path, {})] += file.stamp.size;
    if (out.paths.size() < kSurveyPathsMax) out.paths.push_back(file.project_path);
  }
  std::sort(out.paths.begin(), out.paths.end());
  out.bytes_by_language.assign(by_language.begin(), by_language.end());
  std::stable_sort(out.bytes_by_language.begin(), out.bytes_by_language.end(),
                   [](const auto& a, const auto& b) { return a.second > b.second; });
  return out;
}

}  // namespace wrench::scan
