#include "finding_json.hpp"

#include <algorithm>
#include <array>
#include <span>

namespace wrench::findings {
namespace {

using codec::Json;
using codec::JsonArray;

constexpr std::array<std::string_view, 3> kRoles = {"source", "step", "sink"};
constexpr std::array<std::string_view, 3> kFixStates = {"suggested", "verified", "rejected"};
constexpr std::array<std::string_view, 2> kFixSafeties = {"safe", "suggest"};
constexpr std::array<std::string_view, 3> kReaches = {"unknown", "entry", "test_or_dead"};

template <class E>
std::string_view word_of(std::span<const std::string_view> words, E value) {
  return words[static_cast<std::size_t>(value)];
}

template <class E>
auto parser_of(std::span<const std::string_view> words) {
  return [words](std::string_view text) -> std::optional<E> {
    const auto found = std::find(words.begin(), words.end(), text);
    if (found == words.end()) return std::nullopt;
    return static_cast<E>(found - words.begin());
  };
}

Json texts_json(const std::vector<std::string>& texts) {
  JsonArray array;
  for (const std::string& text : texts) array.emplace_back(text);
  return Json(std::move(array));
}

Json metavars_json(const std::vector<Metavar>& metavars) {
  Json object = Json::object();
  for (const Metavar& metavar : metavars) {
    object.set(metavar.name, Json::object({{"text", metavar.text},
                                           {"value", metavar.value ? Json(*metavar.value) : Json()},
                                           {"start", position_json(metavar.start)},
                                           {"end", position_json(metavar.end)}}));
  }
  return object;
}

Json trace_json(const std::vector<TraceStep>& trace) {
  Json array = Json::array();
  for (const TraceStep& step : trace) {
    Json object = Json::object({{"role", word_of(kRoles, step.role)}});
    set_location(object, step.where);
    object.set("note", step.note);
    array.push_back(std::move(object));
  }
  return array;
}

Json related_json(const std::vector<Related>& related) {
  Json array = Json::array();
  for (const Related& other : related) {
    Json object = Json::object();
    set_location(object, other.where);
    object.set("note", other.note);
    array.push_back(std::move(object));
  }
  return array;
}

Json secrets_json(const std::vector<Location>& secrets) {
  Json array = Json::array();
  for (const Location& where : secrets) {
    Json object = Json::object();
    set_location(object, where);
    array.push_back(std::move(object));
  }
  return array;
}

Json text_or_null(const std::string& text) { return text.empty() ? Json() : Json(text); }

Json fix_json(const std::optional<Fix>& fix) {
  if (!fix) return {};
  Json edits = Json::array();
  for (const Edit& edit : fix->edits) {
    Json object = Json::object();
    set_location(object, edit.where);
    object.set("text", edit.text);
    edits.push_back(std::move(object));
  }
  return Json::object({{"state", word_of(kFixStates, fix->state)},
                       {"safety", word_of(kFixSafeties, fix->safety)},
                       {"reason", text_or_null(fix->reason)},
                       {"description", fix->description},
                       {"edits", std::move(edits)}});
}

Json suppressed_json(const std::optional<Suppressed>& suppressed) {
  if (!suppressed) return {};
  return Json::object({{"kind", suppressed->kind},
                       {"reason", suppressed->reason},
                       {"source", suppressed->source},
                       {"finding_id", text_or_null(suppressed->finding_id)},
                       {"until", text_or_null(suppressed->until)}});
}

Json historic_json(const std::optional<Historic>& historic) {
  if (!historic) return {};
  return Json::object({{"blob", historic->blob}, {"path", historic->path}, {"in_head", historic->in_head}});
}

Json introduced_json(const std::optional<Introduced>& introduced) {
  if (!introduced) return {};
  return Json::object({{"commit", introduced->commit}, {"date", introduced->date}, {"author", introduced->author}});
}

void read_metavars(const JsonFields& fields, std::vector<Metavar>& metavars) {
  const Json& value = fields.json("metavars");
  if (!value.is_null() && !value.is_object()) fields.fail("metavars", "isn't an object");
  for (const auto& [name, member] : value.as_object()) {
    const JsonFields inner(member, fields.place("metavars") + "[\"" + name + "\"]", fields.error());
    Metavar& metavar = metavars.emplace_back();
    metavar.name = name;
    inner.text("text", metavar.text);
    if (!inner.json("value").is_null()) inner.text("value", metavar.value.emplace());
    read_position(inner, "start", metavar.start);
    read_position(inner, "end", metavar.end);
  }
}

}  // namespace

Json position_json(const Position& position) {
  return Json::object({{"line", position.line}, {"col", position.col}, {"offset", position.offset}});
}

std::string_view reach_word(Reach reach) { return word_of(kReaches, reach); }
std::optional<Reach> reach_of_word(std::string_view word) { return parser_of<Reach>(kReaches)(word); }
std::optional<Severity> severity_of_word(std::string_view word) {
  auto parsed = parse_severity(word);
  if (!parsed.ok()) return std::nullopt;
  return *parsed;
}

void set_location(Json& object, const Location& where) {
  object.set("path", where.path);
  object.set("content", where.content.empty() ? Json() : Json(where.content));
  object.set("start", position_json(where.start));
  object.set("end", position_json(where.end));
}

void read_position(const JsonFields& fields, std::string_view name, Position& position) {
  if (fields.json(name).is_null()) return;
  const JsonFields inner = fields.object(name);
  inner.number("line", position.line);
  inner.number("col", position.col);
  inner.number("offset", position.offset);
}

void read_location(const JsonFields& fields, Location& where) {
  fields.text("path", where.path);
  fields.text("content", where.content);
  read_position(fields, "start", where.start);
  read_position(fields, "end", where.end);
}

Json to_json(const Finding& f) {
  Json object = Json::object({{"fingerprint", f.fingerprint},
                              {"move_fingerprint", f.move_fingerprint},
                              {"rule", f.rule},
                              {"rule_file", f.rule_file},
                              {"title", f.title},
                              {"message", f.message},
                              {"severity", name(f.severity)},
                              {"rule_severity", f.rule_severity},
                              {"confidence", name(f.confidence)},
                              {"category", name(f.category)},
                              {"cwe", texts_json(f.cwe)},
                              {"agent", f.agent},
                              {"group", text_or_null(f.group)},
                              {"rank", f.rank},
                              {"measure", f.measure == 0 ? Json() : Json(f.measure)},
                              {"new", f.is_new}});
  set_location(object, f.where);
  object.set("symbol", f.symbol);
  object.set("lines", f.lines);
  object.set("metavars", metavars_json(f.metavars));
  object.set("trace", trace_json(f.trace));
  object.set("related", related_json(f.related));
  object.set("secrets", secrets_json(f.secrets));
  object.set("fix", fix_json(f.fix));
  object.set("suppressed", suppressed_json(f.suppressed));
  object.set("introduced", introduced_json(f.introduced));
  object.set("historic", historic_json(f.historic));
  object.set("reopened", text_or_null(f.reopened));
  object.set("properties",
             Json::object({{"near_parse_error", f.near_parse_error},
                           {"reachable", reach_word(f.reach)},
                           {"reached_from", text_or_null(f.reached_from)},
                           {"hotspot_percentile", f.hotspot_percentile ? Json(*f.hotspot_percentile) : Json()}}));
  object.set("metadata", f.metadata);
  return object;
}

void read_finding(const JsonFields& fields, Finding& f) {
  fields.text("fingerprint", f.fingerprint);
  fields.text("move_fingerprint", f.move_fingerprint);
  fields.text("rule", f.rule);
  if (f.rule.empty()) fields.fail("rule", "is missing");
  fields.text("rule_file", f.rule_file);
  fields.text("title", f.title);
  fields.text("message", f.message);
  fields.word("severity", f.severity, severity_of_word);
  fields.text("rule_severity", f.rule_severity);
  fields.word("confidence", f.confidence, parse_confidence);
  fields.word("category", f.category, parse_category);
  fields.texts("cwe", f.cwe);
  fields.text("agent", f.agent);
  fields.text("group", f.group);
  fields.number("rank", f.rank);
  fields.number("measure", f.measure);
  fields.boolean("new", f.is_new);
  read_location(fields, f.where);
  fields.text("symbol", f.symbol);
  fields.text("lines", f.lines);
  read_metavars(fields, f.metavars);
  fields.objects("trace", f.trace, [](const JsonFields& step, TraceStep& target) {
    step.word("role", target.role, parser_of<TraceRole>(kRoles));
    read_location(step, target.where);
    step.text("note", target.note);
  });
  fields.objects("related", f.related, [](const JsonFields& related, Related& target) {
    read_location(related, target.where);
    related.text("note", target.note);
  });
  fields.objects("secrets", f.secrets, read_location);
  if (!fields.json("fix").is_null()) {
    const JsonFields fix = fields.object("fix");
    Fix& target = f.fix.emplace();
    fix.word("state", target.state, parser_of<FixState>(kFixStates));
    fix.word("safety", target.safety, parser_of<FixSafety>(kFixSafeties));
    fix.text("reason", target.reason);
    fix.text("description", target.description);
    fix.objects("edits", target.edits, [](const JsonFields& edit, Edit& one) {
      read_location(edit, one.where);
      edit.text("text", one.text);
    });
  }
  if (!fields.json("suppressed").is_null()) {
    const JsonFields suppressed = fields.object("suppressed");
    Suppressed& target = f.suppressed.emplace();
    suppressed.text("kind", target.kind);
    suppressed.text("reason", target.reason);
    suppressed.text("source", target.source);
    suppressed.text("finding_id", target.finding_id);
    suppressed.text("until", target.until);
  }
  if (!fields.json("historic").is_null()) {
    const JsonFields historic = fields.object("historic");
    Historic& target = f.historic.emplace();
    historic.text("blob", target.blob);
    historic.text("path", target.path);
    historic.boolean("in_head", target.in_head);
  }
  if (!fields.json("introduced").is_null()) {
    const JsonFields introduced = fields.object("introduced");
    Introduced& target = f.introduced.emplace();
    introduced.text("commit", target.commit);
    introduced.text("date", target.date);
    introduced.text("author", target.author);
  }
  fields.text("reopened", f.reopened);
  if (!fields.json("properties").is_null()) {
    const JsonFields properties = fields.object("properties");
    properties.boolean("near_parse_error", f.near_parse_error);
    properties.word("reachable", f.reach, reach_of_word);
    properties.text("reached_from", f.reached_from);
    if (!properties.json("hotspot_percentile").is_null()) {
      constexpr std::uint8_t kHundred = 100;
      std::uint8_t percentile = 0;
      properties.number("hotspot_percentile", percentile);
      f.hotspot_percentile = std::min(percentile, kHundred);
    }
  }
  f.metadata = fields.json("metadata");
}

Result<Finding> finding_from_json(const Json& value) {
  std::optional<Error> error;
  Finding finding;
  read_finding(JsonFields(value, "", error), finding);
  if (error) return std::move(*error);
  return finding;
}

}  // namespace wrench::findings
