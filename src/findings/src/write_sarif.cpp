#include <algorithm>
#include <array>
#include <map>

#include "json_stream.hpp"
#include "writers.hpp"

// SARIF 2.1.0 (OASIS standard with errata 01). Section numbers below are that document's.
namespace wrench::findings {
namespace {

using codec::Json;

constexpr std::string_view kSchemaUri =
    "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json";
constexpr std::string_view kRoot = "ROOT";

std::string_view level_of(Severity severity) {
  switch (severity) {
    case Severity::Critical:
    case Severity::High:
      return "error";
    case Severity::Medium:
      return "warning";
    default:
      return "note";
  }
}

std::string_view security_severity_of(Severity severity) {
  constexpr std::array<std::string_view, 5> kScores = {"0.0", "3.0", "5.5", "8.0", "9.5"};
  return kScores[static_cast<std::size_t>(severity)];
}

// RFC 3986 path: everything but unreserved characters and '/' as %XX.
std::string percent_encoded(std::string_view path) {
  constexpr std::string_view kHex = "0123456789ABCDEF";
  std::string out;
  for (const char c : path) {
    const auto byte = static_cast<unsigned char>(c);
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
                       c == '.' || c == '_' || c == '~' || c == '/';
    if (plain) {
      out += c;
    } else {
      out += '%';
      out += kHex[byte >> 4];
      out += kHex[byte & 0xF];
    }
  }
  return out;
}

Json message(std::string_view text) { return Json::object({{"text", text.empty() ? std::string_view("-") : text}}); }

Json artifact_location(std::string_view path) {
  if (path.starts_with('/')) return Json::object({{"uri", "file://" + percent_encoded(path)}});
  return Json::object({{"uri", percent_encoded(path)}, {"uriBaseId", kRoot}});
}

Json region(const Location& where) {
  const std::uint32_t start_line = std::max<std::uint32_t>(where.start.line, 1);
  const std::uint32_t end_line = std::max(where.end.line, start_line);
  Json json = Json::object({{"startLine", start_line}, {"startColumn", std::max<std::uint32_t>(where.start.col, 1)}});
  // An end before its start would be no region at all; then the line alone is named.
  if (where.end >= where.start) {
    json.set("endLine", end_line);
    json.set("endColumn", std::max<std::uint32_t>(where.end.col, 1));
    json.set("byteOffset", where.start.offset);
    json.set("byteLength", where.end.offset >= where.start.offset ? where.end.offset - where.start.offset : 0);
  }
  return json;
}

Json physical_location(const Location& where, const std::string& lines = {}) {
  Json json = region(where);
  if (!lines.empty()) json.set("snippet", Json::object({{"text", lines}}));
  return Json::object({{"artifactLocation", artifact_location(where.path)}, {"region", std::move(json)}});
}

Json location(const Location& where, const std::string& note) {
  Json json = Json::object({{"physicalLocation", physical_location(where)}});
  if (!note.empty()) json.set("message", message(note));
  return json;
}

std::string cwe_tag(const std::string& cwe) {
  std::string digits = cwe.starts_with("CWE-") ? cwe.substr(4) : cwe;
  if (digits.size() < 3) digits.insert(0, 3 - digits.size(), '0');
  return "external/cwe/cwe-" + digits;
}

bool is_security(const Finding& finding) {
  return finding.category == Category::Security || finding.category == Category::Secret;
}

class SarifWriter {
 public:
  explicit SarifWriter(const WriterInput& input)
      : input_(input), out_(input.sink, input.style.pretty), is_compared_(!comparisons(input.report).empty()) {}

  Result<void> write() {
    for (const Finding& finding : input_.report.findings) {
      if (finding.is_new) shown_.push_back(&finding);
    }
    out_.begin_object();
    out_.member("$schema", kSchemaUri);
    out_.member("version", "2.1.0");
    out_.name("runs");
    out_.begin_array();
    out_.begin_object();
    out_.member("tool", Json::object({{"driver", driver()}}));
    out_.member("columnKind", "unicodeCodePoints");
    out_.member("originalUriBaseIds",
                Json::object({{kRoot, Json::object({{"description", message("The folder the command ran in.")}})}}));
    out_.member("invocations", Json::array({invocation()}));
    out_.name("results");
    out_.begin_array();
    for (const Finding* finding : shown_) out_.value(result(*finding));
    out_.end_array();
    out_.member("properties", properties());
    out_.end_object();
    out_.end_array();
    out_.end_object();
    return out_.finish();
  }

 private:
  // 3.49: what a rule is, from its most severe finding.
  Json driver() {
    std::map<std::string_view, const Finding*> rules;
    for (const Finding* finding : shown_) {
      const Finding*& worst = rules[finding->rule];
      if (worst == nullptr || finding->severity > worst->severity) worst = finding;
    }
    Json list = Json::array();
    for (const auto& [id, worst] : rules) {
      rule_index_.emplace(id, rule_index_.size());
      Json tags = Json::array();
      if (is_security(*worst)) tags.push_back("security");
      if (worst->category != Category::Security) tags.push_back(name(worst->category));
      for (const std::string& cwe : worst->cwe) tags.push_back(cwe_tag(cwe));
      Json rule = Json::object({{"id", id}, {"shortDescription", message(headline(*worst))}});
      if (!worst->message.empty()) rule.set("fullDescription", message(worst->message));
      rule.set("defaultConfiguration", Json::object({{"level", level_of(worst->severity)}}));
      rule.set("properties", Json::object({{"tags", std::move(tags)},
                                           {"precision", name(worst->confidence)},
                                           {"security-severity", security_severity_of(worst->severity)}}));
      list.push_back(std::move(rule));
    }
    const std::string& version = input_.report.tool_version;
    return Json::object({{"name", "wrench"},
                         {"fullName", "WrenchAI"},
                         {"version", version.empty() ? std::string("0") : version},
                         {"rules", std::move(list)}});
  }

  // 3.20.
  Json invocation() const {
    const Report& report = input_.report;
    Json notes = Json::array();
    for (const Partial& partial : report.partial) {
      std::string text = partial.code;
      if (!partial.subject.empty()) text += " (" + partial.subject + ")";
      if (!partial.detail.empty()) text += ": " + partial.detail;
      Json note = Json::object({{"descriptor", Json::object({{"id", partial.code.empty() ? "partial" : partial.code}})},
                                {"level", "error"},
                                {"message", message(text)}});
      if (!partial.path.empty()) {
        const Json physical = Json::object({{"artifactLocation", artifact_location(partial.path)}});
        note.set("locations", Json::array({Json::object({{"physicalLocation", physical}})}));
      }
      notes.push_back(std::move(note));
    }
    Json configuration = Json::array();
    for (const Error& error : report.errors) {
      Json note = Json::object({{"descriptor", Json::object({{"id", error.code.empty() ? "error" : error.code}})},
                                {"level", "error"},
                                {"message", message(error.message)}});
      if (!error.place.file.empty()) {
        Json physical = Json::object({{"artifactLocation", artifact_location(error.place.file)}});
        if (error.place.line > 0) physical.set("region", Json::object({{"startLine", error.place.line}}));
        note.set("locations", Json::array({Json::object({{"physicalLocation", std::move(physical)}})}));
      }
      configuration.push_back(std::move(note));
    }
    Json json = Json::object({{"executionSuccessful", report.partial.empty()}});
    if (!report.run.started.empty()) json.set("startTimeUtc", report.run.started);
    if (!report.partial.empty()) json.set("toolExecutionNotifications", std::move(notes));
    if (!report.errors.empty()) json.set("toolConfigurationNotifications", std::move(configuration));
    return json;
  }

  // 3.27.
  Json result(const Finding& f) const {
    Json where = Json::object({{"physicalLocation", physical_location(f.where, f.lines)}});
    if (!f.symbol.empty()) {
      where.set("logicalLocations", Json::array({Json::object({{"fullyQualifiedName", f.symbol}})}));
    }
    Json json = Json::object({{"ruleId", f.rule},
                              {"ruleIndex", rule_index_.at(f.rule)},
                              {"level", level_of(f.severity)},
                              {"message", message(f.message.empty() ? headline(f) : f.message)}});
    if (!f.where.path.empty()) json.set("locations", Json::array({std::move(where)}));
    if (!f.fingerprint.empty()) {
      json.set("partialFingerprints", Json::object({{"wrenchFingerprint/v1", f.fingerprint}}));
    }
    json.set("rank", std::clamp(f.rank, 0.0, 100.0));
    if (!f.trace.empty()) json.set("codeFlows", Json::array({code_flow(f.trace)}));
    if (!f.related.empty()) {
      Json related = Json::array();
      for (const Related& other : f.related) related.push_back(location(other.where, other.note));
      json.set("relatedLocations", std::move(related));
    }
    if (f.fix && f.fix->state != FixState::Rejected && !f.fix->edits.empty()) {
      json.set("fixes", Json::array({fix(*f.fix)}));
    }
    if (f.suppressed) json.set("suppressions", Json::array({suppression(*f.suppressed)}));
    if (is_compared_) json.set("baselineState", "new");
    Json more = Json::object(
        {{"severity", name(f.severity)}, {"confidence", name(f.confidence)}, {"category", name(f.category)}});
    if (!f.cwe.empty()) {
      Json cwe = Json::array();
      for (const std::string& id : f.cwe) cwe.push_back(id);
      more.set("cwe", std::move(cwe));
    }
    if (!f.group.empty()) more.set("group", f.group);
    if (!f.agent.empty()) more.set("agent", f.agent);
    json.set("properties", std::move(more));
    return json;
  }

  static Json code_flow(const std::vector<TraceStep>& trace) {
    Json steps = Json::array();
    for (const TraceStep& step : trace) {
      constexpr std::array<std::string_view, 3> kKinds = {"source", "pass-through", "sink"};
      steps.push_back(Json::object({{"location", location(step.where, step.note)},
                                    {"kinds", Json::array({kKinds[static_cast<std::size_t>(step.role)]})}}));
    }
    const Json flow = Json::object({{"locations", std::move(steps)}});
    return Json::object({{"threadFlows", Json::array({flow})}});
  }

  // 3.55: one change per file, its replacements in order.
  static Json fix(const Fix& fix) {
    std::vector<std::pair<std::string, Json>> by_path;
    for (const Edit& edit : fix.edits) {
      auto found = std::find_if(by_path.begin(), by_path.end(),
                                [&](const auto& entry) { return entry.first == edit.where.path; });
      if (found == by_path.end()) found = by_path.insert(by_path.end(), {edit.where.path, Json::array()});
      found->second.push_back(Json::object(
          {{"deletedRegion", region(edit.where)}, {"insertedContent", Json::object({{"text", edit.text}})}}));
    }
    Json changes = Json::array();
    for (auto& [path, replacements] : by_path) {
      changes.push_back(
          Json::object({{"artifactLocation", artifact_location(path)}, {"replacements", std::move(replacements)}}));
    }
    Json json = Json::object({{"artifactChanges", std::move(changes)}});
    if (!fix.description.empty()) json.set("description", message(fix.description));
    return json;
  }

  static Json suppression(const Suppressed& suppressed) {
    const bool in_source = suppressed.kind == "inline" || suppressed.kind == "file";
    Json json = Json::object({{"kind", in_source ? "inSource" : "external"}, {"status", "accepted"}});
    if (!suppressed.reason.empty()) json.set("justification", suppressed.reason);
    return json;
  }

  Json properties() const {
    const Report& report = input_.report;
    Json json = Json::object({{"complete", report.run.complete && report.partial.empty()},
                              {"filesScanned", report.summary.files_scanned + report.summary.files_cached}});
    if (!report.revision.empty()) json.set("revision", report.revision);
    const Report::Summary& summary = report.summary;
    if (!summary.baseline_date.empty() || summary.baseline_matched > 0 || summary.baseline_fixed > 0)
      json.set("baseline", Json::object({{"matched", summary.baseline_matched}, {"fixed", summary.baseline_fixed}}));
    if (summary.since)
      json.set("since", Json::object({{"commit", summary.since->commit},
                                      {"matched", summary.since->matched},
                                      {"fixed", summary.since->fixed}}));
    return json;
  }

  const WriterInput& input_;
  JsonStream out_;
  const bool is_compared_;
  std::vector<const Finding*> shown_;
  std::map<std::string_view, std::size_t> rule_index_;
};

}  // namespace

Result<void> write_sarif(const WriterInput& input) { return SarifWriter(input).write(); }

}  // namespace wrench::findings
