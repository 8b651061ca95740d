#include "wrench/findings/report_record.hpp"

#include <memory>

#include "wrench/codec/record.hpp"

namespace wrench::findings {

using codec::RecordOf;

namespace {

// Heads are one of these and a digit. Raise kForm when a field is added; stores hold the older forms.
constexpr std::string_view kFindingHead = "WRF";
constexpr std::string_view kReportHead = "WRR";
// 1: no measure, introduced, reopened, finding_id, until.
// 2: no reached_from, hotspot_percentile, historic, safety, reason, since, edges, similarity, changes.
constexpr int kForm = 3;

std::string head(std::string_view of) { return std::string(of) + static_cast<char>('0' + kForm); }

struct Cause {
  std::string code, message;
};

/// Error as plain data; its causes from the outside in.
struct ErrorRecord {
  std::string code, message, file;
  std::int64_t line = 0, column = 0;
  std::vector<std::string> help;
  std::vector<Cause> causes;
};

template <class Archive, RecordOf<Cause> C>
void fields(Archive& archive, C& c) {
  archive(c.code, c.message);
}
template <class Archive, RecordOf<ErrorRecord> E>
void fields(Archive& archive, E& e) {
  archive(e.code, e.message, e.file, e.line, e.column, e.help, e.causes);
}

ErrorRecord plain(const Error& error) {
  ErrorRecord out{error.code, error.message, error.place.file, error.place.line, error.place.column, error.help, {}};
  for (const Error* cause = error.cause.get(); cause != nullptr; cause = cause->cause.get())
    out.causes.push_back({cause->code, cause->message});
  return out;
}

Error error_of(ErrorRecord&& record) {
  std::shared_ptr<const Error> cause;
  for (auto inner = record.causes.rbegin(); inner != record.causes.rend(); ++inner) {
    Error next(inner->code, std::move(inner->message));
    next.cause = std::move(cause);
    cause = std::make_shared<const Error>(std::move(next));
  }
  Error error(record.code, std::move(record.message));
  error.place.file = std::move(record.file);
  error.place.line = static_cast<decltype(error.place.line)>(record.line);
  error.place.column = static_cast<decltype(error.place.column)>(record.column);
  error.help = std::move(record.help);
  error.cause = std::move(cause);
  return error;
}

Error invalid(std::string_view what) {
  return Error("findings.record_invalid",
               "a stored " + std::string(what) + " is damaged, or of a version that this program doesn't read");
}

/// False when the record isn't `of` this kind, or of a form that this program doesn't know.
bool read_head(codec::RecordReader& reader, std::string_view of) {
  std::string found;
  reader(found);
  if (found.size() != of.size() + 1 || !found.starts_with(of)) return false;
  reader.set_form(found.back() - '0');
  return reader.form() >= 1 && reader.form() <= kForm;
}

}  // namespace

constexpr Severity last_of(Severity) { return Severity::Critical; }
constexpr Confidence last_of(Confidence) { return Confidence::High; }
constexpr Category last_of(Category) { return Category::Style; }
constexpr TraceRole last_of(TraceRole) { return TraceRole::Sink; }
constexpr FixState last_of(FixState) { return FixState::Rejected; }
constexpr FixSafety last_of(FixSafety) { return FixSafety::Suggest; }
constexpr Reach last_of(Reach) { return Reach::TestOrDead; }

template <class Archive, RecordOf<Position> P>
void fields(Archive& archive, P& p) {
  archive(p.line, p.col, p.offset);
}
template <class Archive, RecordOf<Location> L>
void fields(Archive& archive, L& l) {
  archive(l.path, l.start, l.end, l.content);
}
template <class Archive, RecordOf<Metavar> M>
void fields(Archive& archive, M& m) {
  archive(m.name, m.text, m.value, m.start, m.end);
}
template <class Archive, RecordOf<TraceStep> T>
void fields(Archive& archive, T& t) {
  archive(t.role, t.where, t.note);
}
template <class Archive, RecordOf<Related> R>
void fields(Archive& archive, R& r) {
  archive(r.where, r.note);
}
template <class Archive, RecordOf<Edit> E>
void fields(Archive& archive, E& e) {
  archive(e.where, e.text);
}
template <class Archive, RecordOf<Fix> F>
void fields(Archive& archive, F& f) {
  archive(f.state, f.description, f.edits);
  if (archive.form() >= 3) archive(f.safety, f.reason);
}
template <class Archive, RecordOf<Introduced> I>
void fields(Archive& archive, I& i) {
  archive(i.commit, i.date, i.author);
}
template <class Archive, RecordOf<Historic> H>
void fields(Archive& archive, H& h) {
  archive(h.blob, h.path, h.in_head);
}
template <class Archive, RecordOf<Suppressed> S>
void fields(Archive& archive, S& s) {
  archive(s.kind, s.reason, s.source);
  if (archive.form() >= 2) archive(s.finding_id, s.until);
}
template <class Archive, RecordOf<Finding> F>
void fields(Archive& archive, F& f) {
  archive(f.fingerprint, f.move_fingerprint, f.rule, f.rule_file, f.title, f.message, f.rule_severity, f.severity,
          f.confidence, f.category, f.cwe, f.agent, f.where, f.symbol, f.lines, f.metavars, f.trace, f.related,
          f.secrets, f.fix, f.suppressed, f.group, f.rank, f.reach, f.near_parse_error, f.is_new, f.metadata);
  if (archive.form() >= 2) archive(f.measure, f.introduced, f.reopened);
  if (archive.form() >= 3) archive(f.reached_from, f.hotspot_percentile, f.historic);
}
template <class Archive, RecordOf<Partial> P>
void fields(Archive& archive, P& p) {
  archive(p.code, p.path, p.subject, p.detail);
}
template <class Archive, RecordOf<Skipped> S>
void fields(Archive& archive, S& s) {
  archive(s.path, s.reason);
}
template <class Archive, RecordOf<ComplexityIncrement> I>
void fields(Archive& archive, I& i) {
  archive(i.line, i.col, i.kind, i.add, i.nesting);
}
template <class Archive, RecordOf<FunctionMetrics> F>
void fields(Archive& archive, F& f) {
  archive(f.path, f.name, f.line, f.end_line, f.cyclomatic, f.cognitive, f.nloc, f.nesting, f.parameters,
          f.maintainability, f.increments);
}
template <class Archive, RecordOf<FileMetrics> F>
void fields(Archive& archive, F& f) {
  archive(f.path, f.language, f.lines, f.nloc, f.functions, f.cognitive, f.cyclomatic);
}
template <class Archive, RecordOf<CloneClass> C>
void fields(Archive& archive, C& c) {
  archive(c.type, c.tokens, c.members, c.renames, c.proposal);
  if (archive.form() >= 3) archive(c.similarity);
}
template <class Archive, RecordOf<ImportCycle> C>
void fields(Archive& archive, C& c) {
  archive(c.modules, c.evidence);
}
template <class Archive, RecordOf<ModuleEdge> E>
void fields(Archive& archive, E& e) {
  archive(e.from, e.to, e.where);
}
template <class Archive, RecordOf<Since> S>
void fields(Archive& archive, S& s) {
  archive(s.revision, s.commit, s.matched, s.fixed);
}
template <class Archive, RecordOf<Hotspot> H>
void fields(Archive& archive, H& h) {
  archive(h.path, h.revisions, h.cognitive, h.findings, h.main_author, h.main_author_percent, h.score);
}
template <class Archive, RecordOf<Change> C>
void fields(Archive& archive, C& c) {
  archive(c.path, c.before, c.after, c.fingerprints, c.diff, c.inverse, c.masked, c.undo);
}
template <class Archive, RecordOf<Report::Summary> S>
void fields(Archive& archive, S& s) {
  archive(s.files_scanned, s.files_cached, s.bytes, s.nloc, s.suppressed, s.baseline_matched, s.baseline_fixed,
          s.baseline_date, s.by_language);
  if (archive.form() >= 3) archive(s.since);
}
// Without `errors`, whose causes are no plain data.
template <class Archive, RecordOf<Report> R>
void fields(Archive& archive, R& r) {
  archive(r.tool_version, r.rules_sha256, r.root, r.repository, r.revision, r.summary, r.findings, r.files, r.functions,
          r.clones, r.cycles, r.hotspots, r.history, r.skipped, r.partial, r.notes);
  if (archive.form() >= 3) archive(r.edges_added, r.edges_removed, r.changes);
}

std::string to_record(const Finding& finding) {
  codec::RecordWriter writer;
  writer(head(kFindingHead), finding);
  return std::move(writer).take();
}

Result<Finding> finding_from_record(std::string_view bytes) {
  codec::RecordReader reader(bytes);
  Finding finding;
  if (!read_head(reader, kFindingHead)) return invalid("finding");
  reader(finding);
  if (!reader.complete()) return invalid("finding");
  return finding;
}

std::string to_record(const Report& report) {
  std::vector<ErrorRecord> errors;
  for (const Error& error : report.errors) errors.push_back(plain(error));
  codec::RecordWriter writer;
  writer(head(kReportHead), report, errors);
  return std::move(writer).take();
}

Result<Report> report_from_record(std::string_view bytes) {
  codec::RecordReader reader(bytes);
  Report report;
  if (!read_head(reader, kReportHead)) return invalid("report");
  std::vector<ErrorRecord> errors;
  reader(report, errors);
  if (!reader.complete()) return invalid("report");
  for (ErrorRecord& error : errors) report.errors.push_back(error_of(std::move(error)));
  return report;
}

}  // namespace wrench::findings
