#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "wrench/base/result.hpp"
#include "wrench/codec/json.hpp"

namespace wrench::findings {

enum class Severity : std::uint8_t { Info, Low, Medium, High, Critical };
enum class Confidence : std::uint8_t { Low, Medium, High };
enum class Category : std::uint8_t { Security, Secret, Correctness, Performance, Maintainability, Structure, Style };

std::string_view name(Severity severity);
std::string_view name(Confidence confidence);
std::string_view name(Category category);
/// Own words and semgrep's (CRITICAL, ERROR, WARNING, INVENTORY, ...), in any case. Semgrep's INFO means low, ours
/// info: upper case decides. Error code findings.unknown_severity.
Result<Severity> parse_severity(std::string_view text);
std::optional<Confidence> parse_confidence(std::string_view text);
std::optional<Category> parse_category(std::string_view text);

/// Line and column count from 1, the column in Unicode code points; offset in bytes from 0.
struct Position {
  std::uint32_t line = 1;
  std::uint32_t col = 1;
  std::uint64_t offset = 0;
  auto operator<=>(const Position&) const = default;
};

/// A range in a file; `end` is exclusive. `content` is "sha256:<hex>" of the bytes that were analysed.
struct Location {
  std::string path;
  Position start;
  Position end;
  std::string content;
  bool operator==(const Location&) const = default;
};

struct Metavar {
  std::string name;  ///< "$X"
  std::string text;
  std::optional<std::string> value;  ///< Propagated constant.
  Position start, end;
  bool operator==(const Metavar&) const = default;
};

enum class TraceRole : std::uint8_t { Source, Step, Sink };
struct TraceStep {
  TraceRole role = TraceRole::Step;
  Location where;
  std::string note;
  bool operator==(const TraceStep&) const = default;
};
struct Related {
  Location where;
  std::string note;
  bool operator==(const Related&) const = default;
};

struct Edit {
  Location where;
  std::string text;
  bool operator==(const Edit&) const = default;
};
enum class FixState : std::uint8_t { Suggested, Verified, Rejected };
/// Safe: who made the rule vouches that the fix does what was meant. Suggest: somebody has to look at it.
enum class FixSafety : std::uint8_t { Safe, Suggest };
struct Fix {
  FixState state = FixState::Suggested;
  std::string description;  ///< One imperative line: "bind the parameter".
  std::vector<Edit> edits;  ///< May be empty: advice in words only.
  FixSafety safety = FixSafety::Suggest;
  std::string reason = {};  ///< Why it is rejected; else empty.
  bool operator==(const Fix&) const = default;
};

/// Why a finding isn't shown. `kind` says who decided: a comment ("inline", "file"), a person through `wrench finding
/// triage` ("accepted_risk", "false_positive", "snoozed"; see dismissal.hpp), or an agent (kSetAside of summary.hpp).
struct Suppressed {
  std::string kind;
  std::string reason;           ///< May be empty.
  std::string source;           ///< The directive as written, who decided and when, or an agent's evidence.
  std::string finding_id = {};  ///< Of a person's decision: the finding it is about, "fnd_…".
  std::string until = {};       ///< Of a person's decision: "YYYY-MM-DD", the last day it holds; empty: no end.
  bool operator==(const Suppressed&) const = default;
};

/// The commit that made a line what it is.
struct Introduced {
  std::string commit;  ///< Full hash, lower case.
  std::string date;    ///< "YYYY-MM-DD", of its author's clock.
  std::string author;
  bool operator==(const Introduced&) const = default;
};

/// Of a finding in what version control keeps (`scan --history`): the content, in which `where` is a place. The first
/// commit that brought it there is `introduced`, without one when no branch or tag leads to it.
struct Historic {
  std::string blob;  ///< Object id of the content.
  std::string
      path;  ///< In that commit, relative to the project's root; empty without one. `where.path` adds the commit.
  bool in_head = false;  ///< What is checked out holds it, too.
  bool operator==(const Historic&) const = default;
};

/// Whether input from outside gets to the code. TestOrDead: tests, benchmarks, examples, documentation, unused code.
enum class Reach : std::uint8_t { Unknown, Entry, TestOrDead };

/// One problem or opportunity, with its evidence. Plain data; wire form in docs/reference/scan-json.md.
struct Finding {
  std::string fingerprint;       ///< "wf1-" + 32 hex digits; see fingerprint.hpp.
  std::string move_fingerprint;  ///< "wm1-" + 32 hex digits: survives renames and moves; may be empty.
  std::string rule;
  std::string rule_file;  ///< Empty for built-in checkers.
  std::string title;      ///< Short headline; the message's first sentence when empty.
  std::string message;
  std::string rule_severity;  ///< The rule's own word (semgrep-json), may be empty.
  Severity severity = Severity::Medium;
  Confidence confidence = Confidence::Medium;
  Category category = Category::Maintainability;
  std::vector<std::string> cwe;  ///< "CWE-89"
  std::string agent;             ///< Which agent reported it; empty below `agents`.
  Location where;
  std::string symbol;  ///< Enclosing definition, "Store.find"; may be empty.
  std::string lines;   ///< The source lines of the range, secrets masked, at most 20 lines / 2 KiB.
  std::vector<Metavar> metavars;
  std::vector<TraceStep> trace;
  std::vector<Related> related;
  /// Where secret values stand. No output shows what is there; see secret_mask.hpp.
  std::vector<Location> secrets;
  std::optional<Fix> fix;
  std::optional<Suppressed> suppressed;
  std::string group;  ///< Same cause, shown once; empty when alone.
  double rank = 0;    ///< 0 to 100, see ranking.hpp.
  /// How much there is of what was measured: points, lines, parameters, copies, modules; more is worse. 0: no measure.
  double measure = 0;
  Reach reach = Reach::Unknown;
  std::string reached_from;  ///< Reach::Entry: what reads the input, "index() in web.py"; empty: the code itself.
  /// How often its file is changed and how complex it is, as percentile of the tree; none without history.
  std::optional<std::uint8_t> hotspot_percentile;
  bool near_parse_error = false;
  bool is_new = true;                    ///< In neither the baseline nor the earlier tree.
  std::optional<Introduced> introduced;  ///< Of the first line; asked for the findings that matter most.
  std::optional<Historic> historic;      ///< Found in the history, not in the tree.
  std::string reopened;                  ///< Why it is shown although a person dismissed it once; empty: nobody did.
  codec::Json metadata;                  ///< The rule's metadata as written (object or null).
  bool operator==(const Finding&) const = default;
};

/// A fault or a spent budget: part of the input wasn't analysed. Forbids exit code 0.
struct Partial {
  std::string code;  ///< file_timeout, file_unreadable, rule_invalid, … (docs/reference/scan-json.md)
  std::string path;
  std::string subject;  ///< Rule or function, may be empty.
  std::string detail;
  bool operator==(const Partial&) const = default;
};

/// Policy, not a fault.
struct Skipped {
  std::string path;
  std::string reason;  ///< ignored binary too_large generated vendored minified symlink special_file unknown_language
  bool operator==(const Skipped&) const = default;
};

struct ComplexityIncrement {
  std::uint32_t line = 0, col = 0;
  std::string kind;  ///< "if", "loop", "logical operator", …
  std::uint32_t add = 0, nesting = 0;
  bool operator==(const ComplexityIncrement&) const = default;
};
struct FunctionMetrics {
  std::string path, name;
  std::uint32_t line = 0, end_line = 0;
  std::uint32_t cyclomatic = 0, cognitive = 0, nloc = 0, nesting = 0, parameters = 0;
  double maintainability = 0;
  std::vector<ComplexityIncrement> increments;
  bool operator==(const FunctionMetrics&) const = default;
};
struct FileMetrics {
  std::string path, language;
  std::uint32_t lines = 0, nloc = 0, functions = 0;
  std::uint32_t cognitive = 0, cyclomatic = 0;  ///< Sums over the file's functions.
  bool operator==(const FileMetrics&) const = default;
};

struct CloneClass {
  int type = 1;                    ///< 1 equal tokens, 2 names and literals differ, 3 some lines differ.
  std::uint32_t tokens = 0;        ///< Of the first member.
  std::uint32_t similarity = 100;  ///< Percent of the longer member that two have in common; below 100 of type 3 only.
  std::vector<Location> members;
  std::vector<std::string> renames;
  std::string proposal;
  bool operator==(const CloneClass&) const = default;
};

struct ImportCycle {
  std::vector<std::string> modules;  ///< Shortest cycle of the component; first not repeated at the end.
  std::vector<Location> evidence;    ///< The import that makes each edge.
  bool operator==(const ImportCycle&) const = default;
};

/// One module uses another: files, for Java and Go folders. `where` is an import that says so.
struct ModuleEdge {
  std::string from, to;  ///< Relative to the project's root.
  Location where;
  bool operator==(const ModuleEdge&) const = default;
};

/// What version control says about one file. Percentages are 0 to 100.
struct Hotspot {
  std::string path;
  std::uint32_t revisions = 0;  ///< Within the window.
  std::uint32_t cognitive = 0;
  std::uint32_t findings = 0;
  std::string main_author;
  double main_author_percent = 0;
  double score = 0;  ///< percentile(revisions) x percentile(complexity), 0 to 1.
  bool operator==(const Hotspot&) const = default;
};

/// The earlier state of the tree that a report was compared with.
struct Since {
  std::string revision;                  ///< As the user named it.
  std::string commit;                    ///< Full id.
  std::uint64_t matched = 0, fixed = 0;  ///< Unsuppressed findings: in both; in the earlier tree only.
  bool operator==(const Since&) const = default;
};

/// What verified fixes make of one file.
struct Change {
  std::string path;                       ///< As findings name it.
  std::string before, after;              ///< Content ids, "sha256:<hex>".
  std::vector<std::string> fingerprints;  ///< Of the findings that it takes away.
  /// Unified, with three lines of context; names are "a/" and "b/" and the path below the project root.
  std::string diff, inverse;
  bool masked = false;  ///< A secret stands in the diffs: they show it masked and can't be applied.
  std::string undo;     ///< The file with the inverse patch; empty: nothing was written.
  bool operator==(const Change&) const = default;
};

struct Report {
  struct Run {
    std::string started;
    std::int64_t elapsed_ms = 0;
    int jobs = 1;
    std::vector<std::string> analyses;
    bool complete = true;
    bool operator==(const Run&) const = default;
  } run;
  std::string tool_version;
  std::string rules_sha256;
  std::string root;        ///< As typed.
  std::string repository;  ///< Name for people; empty when unknown.
  std::string revision;    ///< "main@3f2c91a", empty outside git.
  struct Summary {
    std::uint64_t files_scanned = 0, files_cached = 0, bytes = 0, nloc = 0;
    std::uint64_t suppressed = 0, baseline_matched = 0, baseline_fixed = 0;
    std::string baseline_date;                                       ///< Empty without a baseline.
    std::optional<Since> since;                                      ///< --new-since
    std::vector<std::pair<std::string, std::uint64_t>> by_language;  ///< nloc per language, largest first.
    bool operator==(const Summary&) const = default;
  } summary;
  std::vector<Finding> findings;  ///< Suppressed ones included, marked.
  std::vector<FileMetrics> files;
  std::vector<FunctionMetrics> functions;
  std::vector<CloneClass> clones;
  std::vector<ImportCycle> cycles;
  std::vector<ModuleEdge> edges_added, edges_removed;  ///< Against `summary.since`; by `from`, then `to`.
  std::vector<Hotspot> hotspots;                       ///< Best first.
  codec::Json history;                                 ///< Object of journey.mine_history, or null.
  std::vector<Change> changes;                         ///< By path.
  std::vector<Skipped> skipped;
  std::vector<Partial> partial;
  std::vector<Error> errors;       ///< Bad rules and the like, with place.
  std::vector<std::string> notes;  ///< Degraded modes in words: "not a git repository: no history".
};

/// The wire form of docs/reference/scan-json.md. Reading gives back what was written, except text that isn't UTF-8;
/// unknown members are passed over. Error code findings.invalid, its message begins with the place:
/// "findings[3].start".
codec::Json to_json(const Finding& finding);
Result<Finding> finding_from_json(const codec::Json& value);
codec::Json to_json(const Change& change);
codec::Json to_json(const Report::Run& run);
Result<Report::Run> run_from_json(const codec::Json& value);
codec::Json to_json(const Report& report);
Result<Report> report_from_json(const codec::Json& value);

}  // namespace wrench::findings
