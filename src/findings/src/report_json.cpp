#include <map>

#include "finding_json.hpp"
#include "wrench/base/text.hpp"
#include "wrench/findings/dismissal.hpp"
#include "wrench/findings/finding.hpp"
#include "wrench/findings/summary.hpp"

namespace wrench::findings {
namespace {

using codec::Json;

constexpr std::string_view kSchema = "wrench.scan/1";
constexpr int kCausesMax = 16;

template <class T, class F>
Json list_json(const std::vector<T>& items, F convert) {
  codec::JsonArray array;
  array.reserve(items.size());
  for (const T& item : items) array.push_back(convert(item));
  return Json(std::move(array));
}

Json text_json(const std::string& text) { return Json(text); }

Json location_json(const Location& where) {
  Json object = Json::object();
  set_location(object, where);
  return object;
}

Json summary_json(const Report& report) {
  const Report::Summary& s = report.summary;
  Json skipped = Json::object();
  for (const auto& [reason, count] : count_skipped(report)) skipped.set(reason, count);
  Json by_severity = Json::object();
  const SeverityCounts counts = count_findings(report);
  for (int i = 4; i >= 0; --i) {
    const auto severity = static_cast<Severity>(i);
    by_severity.set(name(severity), counts.of(severity));
  }
  Json languages = Json::array();
  for (const auto& [language, nloc] : s.by_language) {
    languages.push_back(Json::object({{"name", language}, {"nloc", nloc}}));
  }
  Json baseline;
  if (!s.baseline_date.empty() || s.baseline_matched > 0 || s.baseline_fixed > 0) {
    baseline = Json::object({{"matched", s.baseline_matched}, {"fixed", s.baseline_fixed}, {"date", s.baseline_date}});
  }
  Json since;
  if (s.since)
    since = Json::object({{"revision", s.since->revision},
                          {"commit", s.since->commit},
                          {"matched", s.since->matched},
                          {"fixed", s.since->fixed}});
  return Json::object(
      {{"files", Json::object({{"scanned", s.files_scanned}, {"cached", s.files_cached}, {"skipped", skipped}})},
       {"bytes", s.bytes},
       {"nloc", s.nloc},
       {"languages", std::move(languages)},
       {"findings", std::move(by_severity)},
       {"suppressed", s.suppressed},
       {"baseline", std::move(baseline)},
       {"since", std::move(since)}});
}

template <class T>
Json members_json(const T& item) {
  Json object = Json::object();
  each_member(item, [&](std::string_view name, const auto& value) { object.set(name, value); });
  return object;
}

Json cycle_json(const ImportCycle& c) {
  return Json::object(
      {{"modules", list_json(c.modules, text_json)}, {"evidence", list_json(c.evidence, location_json)}});
}

Json edge_json(const ModuleEdge& e) {
  return Json::object({{"from", e.from}, {"to", e.to}, {"where", location_json(e.where)}});
}

Json hotspot_json(const Hotspot& h) {
  return Json::object({{"path", h.path},
                       {"revisions", h.revisions},
                       {"cognitive", h.cognitive},
                       {"findings", h.findings},
                       {"main_author", h.main_author},
                       {"main_author_percent", h.main_author_percent},
                       {"score", h.score}});
}

Json skipped_json(const Skipped& s) { return Json::object({{"path", s.path}, {"reason", s.reason}}); }

Json partial_json(const Partial& p) {
  return Json::object({{"code", p.code}, {"path", p.path}, {"subject", p.subject}, {"detail", p.detail}});
}

Json error_json(const Error& error) {
  Json object = Json::object(
      {{"code", error.code},
       {"message", error.message},
       {"location",
        Json::object({{"file", error.place.file}, {"line", error.place.line}, {"column", error.place.column}})},
       {"help", list_json(error.help, text_json)}});
  Json causes = Json::array();
  int count = 0;
  for (const Error* cause = error.cause.get(); cause != nullptr && count < kCausesMax; cause = cause->cause.get()) {
    causes.push_back(Json::object({{"code", cause->code}, {"message", cause->message}}));
    ++count;
  }
  object.set("causes", std::move(causes));
  return object;
}

void read_run(const JsonFields& fields, Report::Run& run) {
  fields.text("started", run.started);
  fields.number("elapsed_ms", run.elapsed_ms);
  fields.number("jobs", run.jobs);
  fields.texts("analyses", run.analyses);
  fields.boolean("complete", run.complete);
}

void read_summary(const JsonFields& fields, Report::Summary& s) {
  if (!fields.json("files").is_null()) {
    const JsonFields files = fields.object("files");
    files.number("scanned", s.files_scanned);
    files.number("cached", s.files_cached);
  }
  fields.number("bytes", s.bytes);
  fields.number("nloc", s.nloc);
  fields.objects("languages", s.by_language, [](const JsonFields& language, auto& target) {
    language.text("name", target.first);
    language.number("nloc", target.second);
  });
  fields.number("suppressed", s.suppressed);
  if (!fields.json("baseline").is_null()) {
    const JsonFields baseline = fields.object("baseline");
    baseline.number("matched", s.baseline_matched);
    baseline.number("fixed", s.baseline_fixed);
    baseline.text("date", s.baseline_date);
  }
  if (!fields.json("since").is_null()) {
    const JsonFields since = fields.object("since");
    Since& target = s.since.emplace();
    since.text("revision", target.revision);
    since.text("commit", target.commit);
    since.number("matched", target.matched);
    since.number("fixed", target.fixed);
  }
}

void read_file(const JsonFields& fields, FileMetrics& f) {
  fields.text("path", f.path);
  fields.text("language", f.language);
  fields.number("lines", f.lines);
  fields.number("nloc", f.nloc);
  fields.number("functions", f.functions);
  fields.number("cognitive", f.cognitive);
  fields.number("cyclomatic", f.cyclomatic);
}

void read_function(const JsonFields& fields, FunctionMetrics& f) {
  fields.text("path", f.path);
  fields.text("name", f.name);
  fields.number("line", f.line);
  fields.number("end_line", f.end_line);
  fields.number("cyclomatic", f.cyclomatic);
  fields.number("cognitive", f.cognitive);
  fields.number("nloc", f.nloc);
  fields.number("nesting", f.nesting);
  fields.number("parameters", f.parameters);
  fields.number("maintainability", f.maintainability);
  fields.objects("increments", f.increments, [](const JsonFields& increment, ComplexityIncrement& target) {
    increment.number("line", target.line);
    increment.number("col", target.col);
    increment.text("kind", target.kind);
    increment.number("add", target.add);
    increment.number("nesting", target.nesting);
  });
}

void read_clone(const JsonFields& fields, CloneClass& c) {
  fields.number("type", c.type);
  fields.number("tokens", c.tokens);
  fields.number("similarity", c.similarity);
  fields.objects("members", c.members, read_location);
  fields.texts("renames", c.renames);
  fields.text("proposal", c.proposal);
}

void read_cycle(const JsonFields& fields, ImportCycle& c) {
  fields.texts("modules", c.modules);
  fields.objects("evidence", c.evidence, read_location);
}

void read_edge(const JsonFields& fields, ModuleEdge& edge) {
  fields.text("from", edge.from);
  fields.text("to", edge.to);
  if (!fields.json("where").is_null()) read_location(fields.object("where"), edge.where);
}

void read_hotspot(const JsonFields& fields, Hotspot& h) {
  fields.text("path", h.path);
  fields.number("revisions", h.revisions);
  fields.number("cognitive", h.cognitive);
  fields.number("findings", h.findings);
  fields.text("main_author", h.main_author);
  fields.number("main_author_percent", h.main_author_percent);
  fields.number("score", h.score);
}

void read_change(const JsonFields& fields, Change& c) {
  fields.text("path", c.path);
  fields.text("before", c.before);
  fields.text("after", c.after);
  fields.texts("fingerprints", c.fingerprints);
  fields.text("diff", c.diff);
  fields.text("inverse", c.inverse);
  fields.boolean("masked", c.masked);
  fields.text("undo", c.undo);
}

void read_skipped(const JsonFields& fields, Skipped& s) {
  fields.text("path", s.path);
  fields.text("reason", s.reason);
}

void read_partial(const JsonFields& fields, Partial& p) {
  fields.text("code", p.code);
  fields.text("path", p.path);
  fields.text("subject", p.subject);
  fields.text("detail", p.detail);
}

Error read_error(const JsonFields& fields) {
  Error error("", "");
  fields.text("code", error.code);
  fields.text("message", error.message);
  if (!fields.json("location").is_null()) {
    const JsonFields location = fields.object("location");
    location.text("file", error.place.file);
    location.number("line", error.place.line);
    location.number("column", error.place.column);
  }
  fields.texts("help", error.help);
  std::vector<Error> causes;
  fields.each("causes", [&](const Json& item, const std::string& place) {
    Error cause("", "");
    const JsonFields inner(item, place, fields.error());
    inner.text("code", cause.code);
    inner.text("message", cause.message);
    if (causes.size() < static_cast<std::size_t>(kCausesMax)) causes.push_back(std::move(cause));
  });
  while (!causes.empty()) {
    Error cause = std::move(causes.back());
    causes.pop_back();
    Error& outer = causes.empty() ? error : causes.back();
    outer.cause = std::make_shared<const Error>(std::move(cause));
  }
  return error;
}

}  // namespace

SeverityCounts count_findings(const Report& report) {
  SeverityCounts counts;
  for (const Finding& finding : report.findings) {
    if (!finding.suppressed && finding.is_new) ++counts.by_severity[static_cast<std::size_t>(finding.severity)];
  }
  return counts;
}

std::vector<std::string> hidden_counts(const Report& report) {
  std::uint64_t suppressed = 0, set_aside = 0;
  std::map<std::string_view, std::uint64_t> dismissed;
  for (const Finding& finding : report.findings) {
    if (!finding.suppressed) continue;
    if (is_dismissal(finding.suppressed->kind))
      ++dismissed[finding.suppressed->kind];
    else
      ++(finding.suppressed->kind == kSetAside ? set_aside : suppressed);
  }
  std::vector<std::string> out;
  if (suppressed > 0) out.push_back(format_count(suppressed) + " suppressed");
  for (const auto& [decision, count] : dismissed)
    out.push_back(format_count(count) + " " + std::string(decision_words(decision)));
  if (set_aside > 0) out.push_back(format_count(set_aside) + " set aside");
  return out;
}

std::string decided_by(const Suppressed& suppressed) {
  const std::string_view words = decision_words(suppressed.kind);
  if (words.empty()) return suppressed.kind == kSetAside ? std::string(kSetAside) : "a comment";
  return std::string(words) + (suppressed.until.empty() ? "" : " until " + suppressed.until) + ", " + suppressed.source;
}

std::map<std::string, std::uint64_t, std::less<>> count_skipped(const Report& report) {
  std::map<std::string, std::uint64_t, std::less<>> counts;
  for (const Skipped& skipped : report.skipped) ++counts[skipped.reason];
  return counts;
}

Json to_json(const FileMetrics& f) {
  return Json::object({{"path", f.path},
                       {"language", f.language},
                       {"lines", f.lines},
                       {"nloc", f.nloc},
                       {"functions", f.functions},
                       {"cognitive", f.cognitive},
                       {"cyclomatic", f.cyclomatic}});
}

Json to_json(const FunctionMetrics& f) {
  Json object = members_json(f);
  object.set("increments", list_json(f.increments, members_json<ComplexityIncrement>));
  return object;
}

Json to_json(const CloneClass& c) {
  return Json::object({{"type", c.type},
                       {"tokens", c.tokens},
                       {"similarity", c.similarity},
                       {"members", list_json(c.members, location_json)},
                       {"renames", list_json(c.renames, text_json)},
                       {"proposal", c.proposal}});
}

Json to_json(const Change& c) {
  return Json::object({{"path", c.path},
                       {"before", c.before},
                       {"after", c.after},
                       {"fingerprints", list_json(c.fingerprints, text_json)},
                       {"diff", c.diff},
                       {"inverse", c.inverse},
                       {"masked", c.masked},
                       {"undo", c.undo.empty() ? Json() : Json(c.undo)}});
}

Json report_shell_json(const Report& report) {
  Json structure = Json::object({{"cycles", list_json(report.cycles, cycle_json)},
                                 {"edges_added", list_json(report.edges_added, edge_json)},
                                 {"edges_removed", list_json(report.edges_removed, edge_json)}});
  return Json::object(
      {{"schema", kSchema},
       {"tool",
        Json::object({{"name", "wrench"}, {"version", report.tool_version}, {"rules_sha256", report.rules_sha256}})},
       {"run", to_json(report.run)},
       {"root", report.root},
       {"repository", report.repository},
       {"revision", report.revision},
       {"summary", summary_json(report)},
       {"findings", Json::array()},
       {"metrics", Json::object({{"files", Json::array()}, {"functions", Json::array()}})},
       {"clones", Json::array()},
       {"structure", std::move(structure)},
       {"hotspots", list_json(report.hotspots, hotspot_json)},
       {"history", report.history},
       {"changes", list_json(report.changes, [](const Change& change) { return to_json(change); })},
       {"skipped", list_json(report.skipped, skipped_json)},
       {"partial", list_json(report.partial, partial_json)},
       {"errors", list_json(report.errors, error_json)},
       {"notes", list_json(report.notes, text_json)}});
}

Json to_json(const Report::Run& run) {
  return Json::object({{"started", run.started},
                       {"elapsed_ms", run.elapsed_ms},
                       {"jobs", run.jobs},
                       {"analyses", list_json(run.analyses, text_json)},
                       {"complete", run.complete}});
}

Result<Report::Run> run_from_json(const Json& value) {
  std::optional<Error> error;
  Report::Run run;
  read_run(JsonFields(value, "run", error), run);
  if (error) return std::move(*error);
  return run;
}

Json to_json(const Report& report) {
  const auto any_json = [](const auto& item) { return to_json(item); };
  Json object = report_shell_json(report);
  object.set("findings", list_json(report.findings, any_json));
  object["metrics"].set("files", list_json(report.files, any_json));
  object["metrics"].set("functions", list_json(report.functions, any_json));
  object.set("clones", list_json(report.clones, any_json));
  return object;
}

Result<Report> report_from_json(const Json& value) {
  std::optional<Error> error;
  const JsonFields fields(value, "", error);
  Report report;
  if (fields.json("schema").as_string() != kSchema) fields.fail("schema", "isn't \"wrench.scan/1\"");
  if (!fields.json("tool").is_null()) {
    fields.object("tool").text("version", report.tool_version);
    fields.object("tool").text("rules_sha256", report.rules_sha256);
  }
  if (!fields.json("run").is_null()) read_run(fields.object("run"), report.run);
  fields.text("root", report.root);
  fields.text("repository", report.repository);
  fields.text("revision", report.revision);
  if (!fields.json("summary").is_null()) read_summary(fields.object("summary"), report.summary);
  fields.objects("findings", report.findings, read_finding);
  if (!fields.json("metrics").is_null()) {
    const JsonFields metrics = fields.object("metrics");
    metrics.objects("files", report.files, read_file);
    metrics.objects("functions", report.functions, read_function);
  }
  fields.objects("clones", report.clones, read_clone);
  if (!fields.json("structure").is_null()) {
    const JsonFields structure = fields.object("structure");
    structure.objects("cycles", report.cycles, read_cycle);
    structure.objects("edges_added", report.edges_added, read_edge);
    structure.objects("edges_removed", report.edges_removed, read_edge);
  }
  fields.objects("hotspots", report.hotspots, read_hotspot);
  report.history = fields.json("history");
  fields.objects("changes", report.changes, read_change);
  fields.objects("skipped", report.skipped, read_skipped);
  fields.objects("partial", report.partial, read_partial);
  fields.each("errors", [&](const Json& item, const std::string& place) {
    report.errors.push_back(read_error(JsonFields(item, place, error)));
  });
  fields.texts("notes", report.notes);
  if (error) return std::move(*error);
  return report;
}

}  // namespace wrench::findings
