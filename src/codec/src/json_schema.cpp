#include "wrench/codec/json_schema.hpp"

#include <re2/re2.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <set>

#include "wrench/base/text.hpp"

namespace wrench::codec {

namespace {

// Keywords that don't check anything.
const std::set<std::string_view> kAnnotations = {
    "$schema",  "$id",         "id",         "$comment",         "$anchor",
    "title",    "description", "default",    "examples",         "format",
    "readOnly", "writeOnly",   "deprecated", "contentMediaType", "contentEncoding"};
// Keywords whose value is a schema, a list of schemas, or named schemas.
const std::set<std::string_view> kOneSchema = {
    "additionalProperties", "propertyNames", "contains", "not", "if", "then", "else", "additionalItems"};
const std::set<std::string_view> kSchemaList = {"allOf", "anyOf", "oneOf", "prefixItems"};
const std::set<std::string_view> kSchemaMap = {"properties", "patternProperties", "$defs", "definitions",
                                               "dependentSchemas"};
const std::set<std::string_view> kChecks = {"type",
                                            "enum",
                                            "const",
                                            "required",
                                            "minimum",
                                            "maximum",
                                            "exclusiveMinimum",
                                            "exclusiveMaximum",
                                            "multipleOf",
                                            "minLength",
                                            "maxLength",
                                            "pattern",
                                            "minItems",
                                            "maxItems",
                                            "uniqueItems",
                                            "minProperties",
                                            "maxProperties",
                                            "dependentRequired",
                                            "minContains",
                                            "maxContains",
                                            "items",
                                            "$ref"};

constexpr std::string_view kTypes[] = {"null", "boolean", "integer", "number", "string", "array", "object"};

bool is_type(const Json& value) {
  return value.is_string() && std::ranges::find(kTypes, value.as_string()) != std::end(kTypes);
}
bool is_types(const Json& value) {
  return is_type(value) || (!value.as_array().empty() && std::ranges::all_of(value.as_array(), is_type));
}
bool is_array(const Json& value) { return value.is_array(); }
bool is_string(const Json& value) { return value.is_string(); }
bool is_boolean(const Json& value) { return value.is_boolean(); }
bool is_number(const Json& value) { return value.is_number(); }
bool is_above_zero(const Json& value) { return value.is_number() && value.as_double() > 0; }
bool is_number_or_boolean(const Json& value) { return value.is_number() || value.is_boolean(); }
bool is_count(const Json& value) { return value.is_integer() && value.as_integer() >= 0; }
bool is_strings(const Json& value) {
  return value.is_array() && std::ranges::all_of(value.as_array(), [](const Json& item) { return item.is_string(); });
}
bool is_strings_by_name(const Json& value) {
  return value.is_object() &&
         std::ranges::all_of(value.as_object(), [](const auto& member) { return is_strings(member.second); });
}

/// What the value of a keyword is: one that is something else would check nothing, or refuse everything.
const struct {
  std::string_view keyword;
  bool (*fits)(const Json& value);
  std::string_view words;
} kShapes[] = {{"type", is_types, "a type (string, number, integer, boolean, null, array, object) or a list of them"},
               {"enum", is_array, "a list"},
               {"required", is_strings, "a list of names"},
               {"dependentRequired", is_strings_by_name, "an object of lists of names"},
               {"minimum", is_number, "a number"},
               {"maximum", is_number, "a number"},
               {"exclusiveMinimum", is_number_or_boolean, "a number"},
               {"exclusiveMaximum", is_number_or_boolean, "a number"},
               {"multipleOf", is_above_zero, "a number above 0"},
               {"minLength", is_count, "a whole number from 0 on"},
               {"maxLength", is_count, "a whole number from 0 on"},
               {"minItems", is_count, "a whole number from 0 on"},
               {"maxItems", is_count, "a whole number from 0 on"},
               {"minProperties", is_count, "a whole number from 0 on"},
               {"maxProperties", is_count, "a whole number from 0 on"},
               {"minContains", is_count, "a whole number from 0 on"},
               {"maxContains", is_count, "a whole number from 0 on"},
               {"uniqueItems", is_boolean, "true or false"},
               {"pattern", is_string, "a text"},
               {"$ref", is_string, "a text"}};

std::string_view type_name(const Json& value) {
  switch (value.kind()) {
    case Json::Kind::Null:
      return "null";
    case Json::Kind::Boolean:
      return "boolean";
    case Json::Kind::Integer:
      return "integer";
    case Json::Kind::Double:
      return std::trunc(value.as_double()) == value.as_double() ? "integer" : "number";
    case Json::Kind::String:
      return "string";
    case Json::Kind::Array:
      return "array";
    case Json::Kind::Object:
      return "object";
  }
  return "null";
}

bool has_type(const Json& value, std::string_view wanted) {
  const auto actual = type_name(value);
  return actual == wanted || (wanted == "number" && actual == "integer");
}

/// By value: 1 equals 1.0, order of members doesn't matter.
bool same(const Json& a, const Json& b) {
  return a == b || (a.is_number() && b.is_number() && a.as_double() == b.as_double());
}

std::string escaped(std::string_view token) {
  return replace_all(replace_all(std::string(token), "~", "~0"), "/", "~1");
}
std::string unescaped(std::string_view token) {
  return replace_all(replace_all(std::string(token), "~1", "/"), "~0", "~");
}

std::string shown(const Json& value) {
  auto text = write_json(value);
  return text.size() > 60 ? text.substr(0, 60) + "…" : text;
}

}  // namespace

struct JsonSchema::State {
  Json root;
  std::map<std::string, std::unique_ptr<re2::RE2>, std::less<>> patterns;
  std::map<std::string, const Json*, std::less<>> references;
  std::set<const Json*> checked;
  std::vector<std::pair<const Json*, std::string>> to_check;  ///< Where references lead, which may be anywhere.

  static Error invalid(const std::string& at, std::string what) {
    return Error("codec.schema_invalid", "schema" + (at.empty() ? "" : " at " + at) + ": " + std::move(what));
  }

  Result<void> add_pattern(std::string_view text, const std::string& at) {
    if (patterns.contains(text)) return {};
    auto compiled = std::make_unique<re2::RE2>(re2::StringPiece(text.data(), text.size()), re2::RE2::Quiet);
    if (!compiled->ok()) return invalid(at, "pattern '" + std::string(text) + "': " + compiled->error());
    patterns.emplace(text, std::move(compiled));
    return {};
  }

  Result<void> add_reference(std::string_view text, const std::string& at) {
    if (references.contains(text)) return {};
    if (!text.starts_with('#')) return invalid(at, "reference '" + std::string(text) + "' isn't local");
    const Json* target = &root;
    if (text.size() > 1) {
      if (text[1] != '/') return invalid(at, "reference '" + std::string(text) + "' isn't a JSON pointer");
      for (const auto token : split(text.substr(2), '/')) {
        const auto name = unescaped(token);
        const Json* next = target->as_object().find(name);
        if (next == nullptr) return invalid(at, "reference '" + std::string(text) + "' leads nowhere");
        target = next;
      }
    }
    references.emplace(text, target);
    to_check.emplace_back(target, std::string(text));
    return {};
  }

  Result<void> check_all() {
    WRENCH_TRY(check(root, "", 0));
    while (!to_check.empty()) {
      const auto [schema, at] = std::move(to_check.back());
      to_check.pop_back();
      WRENCH_TRY(check(*schema, at, 0));
    }
    return {};
  }

  static Result<void> check_shape(std::string_view keyword, const Json& value, const std::string& at) {
    for (const auto& shape : kShapes)
      if (shape.keyword == keyword && !shape.fits(value))
        return invalid(at, "must be " + std::string(shape.words) + ", is " + shown(value));
    return {};
  }

  Result<void> check(const Json& schema, const std::string& at, std::size_t depth) {
    if (depth > kSchemaDepthMax) return invalid(at, "nested too deep");
    if (!checked.insert(&schema).second) return {};
    if (schema.is_boolean()) return {};
    if (!schema.is_object()) return invalid(at, "must be an object or a boolean, is " + std::string(type_name(schema)));
    for (const auto& [keyword, value] : schema.as_object()) {
      const auto here = at + "/" + escaped(keyword);
      WRENCH_TRY(check_shape(keyword, value, here));
      if (kOneSchema.contains(keyword)) {
        WRENCH_TRY(check(value, here, depth + 1));
      } else if (kSchemaList.contains(keyword) || (keyword == "items" && value.is_array())) {
        if (!value.is_array()) return invalid(here, "must be a list of schemas");
        for (const auto& item : value.as_array()) WRENCH_TRY(check(item, here, depth + 1));
      } else if (keyword == "items") {
        WRENCH_TRY(check(value, here, depth + 1));
      } else if (kSchemaMap.contains(keyword)) {
        if (!value.is_object()) return invalid(here, "must be an object of schemas");
        for (const auto& [name, part] : value.as_object()) {
          if (keyword == "patternProperties") WRENCH_TRY(add_pattern(name, here));
          WRENCH_TRY(check(part, here + "/" + escaped(name), depth + 1));
        }
      } else if (keyword == "$ref") {
        WRENCH_TRY(add_reference(value.as_string(), here));
      } else if (keyword == "pattern") {
        WRENCH_TRY(add_pattern(value.as_string(), here));
      } else if (!kChecks.contains(keyword) && !kAnnotations.contains(keyword) && !keyword.starts_with("x-")) {
        return invalid(here, "unknown keyword");
      }
    }
    return {};
  }

  struct Run {
    std::vector<SchemaViolation>* out;
    void fail(const std::string& pointer, std::string message) const {
      if (out->size() < kSchemaViolationsMax) out->push_back({pointer, std::move(message)});
    }
  };

  bool conforms(const Json& schema, const Json& value, std::size_t depth) const {
    std::vector<SchemaViolation> ignored;
    apply(schema, value, "", Run{&ignored}, depth);
    return ignored.empty();
  }

  void apply(const Json& schema, const Json& value, const std::string& pointer, const Run& run,
             std::size_t depth) const {
    if (depth > kSchemaDepthMax) return run.fail(pointer, "nested too deep");
    if (schema.is_boolean()) {
      if (!schema.as_boolean()) run.fail(pointer, "isn't allowed here");
      return;
    }
    const auto& rules = schema.as_object();
    if (const auto* reference = rules.find("$ref"))
      apply(*references.find(reference->as_string())->second, value, pointer, run, depth + 1);
    any_value(rules, value, pointer, run);
    if (value.is_number()) number(rules, value, pointer, run);
    if (value.is_string()) string(rules, value, pointer, run);
    if (value.is_array()) array(rules, value, pointer, run, depth);
    if (value.is_object()) object(rules, value, pointer, run, depth);
    combine(rules, value, pointer, run, depth);
  }

  void any_value(const JsonObject& rules, const Json& value, const std::string& pointer, const Run& run) const {
    if (const auto* type = rules.find("type")) {
      bool fits = false;
      std::string wanted;
      const auto one = [&](std::string_view name) {
        fits = fits || has_type(value, name);
        wanted += (wanted.empty() ? "" : " or ") + std::string(name);
      };
      if (type->is_string()) one(type->as_string());
      for (const auto& name : type->as_array()) one(name.as_string());
      if (!fits) run.fail(pointer, "must be " + wanted + ", is " + std::string(type_name(value)));
    }
    if (const auto* choices = rules.find("enum")) {
      const auto& all = choices->as_array();
      if (std::none_of(all.begin(), all.end(), [&](const Json& choice) { return same(choice, value); }))
        run.fail(pointer, "must be one of " + shown(*choices) + ", is " + shown(value));
    }
    if (const auto* constant = rules.find("const"); constant != nullptr && !same(*constant, value))
      run.fail(pointer, "must be " + shown(*constant));
  }

  static void number(const JsonObject& rules, const Json& value, const std::string& pointer, const Run& run) {
    const double n = value.as_double();
    const auto bound = [&](const char* keyword, auto fits, const char* words) {
      const auto* limit = rules.find(keyword);
      if (limit != nullptr && limit->is_number() && !fits(n, limit->as_double()))
        run.fail(pointer, std::string("must be ") + words + " " + shown(*limit) + ", is " + shown(value));
    };
    // Draft 4 writes exclusive bounds as booleans beside minimum and maximum.
    const bool open_min = rules.find("exclusiveMinimum") != nullptr && rules.find("exclusiveMinimum")->as_boolean();
    const bool open_max = rules.find("exclusiveMaximum") != nullptr && rules.find("exclusiveMaximum")->as_boolean();
    bound("minimum", [&](double a, double b) { return open_min ? a > b : a >= b; }, open_min ? "above" : "at least");
    bound("maximum", [&](double a, double b) { return open_max ? a < b : a <= b; }, open_max ? "below" : "at most");
    bound("exclusiveMinimum", [](double a, double b) { return a > b; }, "above");
    bound("exclusiveMaximum", [](double a, double b) { return a < b; }, "below");
    bound(
        "multipleOf", [](double a, double b) { return b > 0 && std::fabs(a / b - std::round(a / b)) < 1e-9; },
        "a multiple of");
  }

  void string(const JsonObject& rules, const Json& value, const std::string& pointer, const Run& run) const {
    const auto text = value.as_string();
    const auto size = static_cast<std::int64_t>(count_code_points(text));
    if (const auto* least = rules.find("minLength"); least != nullptr && size < least->as_integer())
      run.fail(pointer, "must have at least " + shown(*least) + " characters");
    if (const auto* most = rules.find("maxLength"); most != nullptr && size > most->as_integer())
      run.fail(pointer, "must have at most " + shown(*most) + " characters");
    if (const auto* pattern = rules.find("pattern"))
      if (!matches(pattern->as_string(), text)) run.fail(pointer, "must match " + shown(*pattern));
  }

  bool matches(std::string_view pattern, std::string_view text) const {
    return re2::RE2::PartialMatch(re2::StringPiece(text.data(), text.size()), *patterns.find(pattern)->second);
  }

  void array(const JsonObject& rules, const Json& value, const std::string& pointer, const Run& run,
             std::size_t depth) const {
    const auto& items = value.as_array();
    const auto size = static_cast<std::int64_t>(items.size());
    if (const auto* least = rules.find("minItems"); least != nullptr && size < least->as_integer())
      run.fail(pointer, "must have at least " + shown(*least) + " items");
    if (const auto* most = rules.find("maxItems"); most != nullptr && size > most->as_integer())
      run.fail(pointer, "must have at most " + shown(*most) + " items");
    if (const auto* unique = rules.find("uniqueItems"); unique != nullptr && unique->as_boolean()) {
      std::set<std::string> seen;
      for (const auto& item : items)
        if (!seen.insert(canonical_json(item)).second) run.fail(pointer, "must not hold " + shown(item) + " twice");
    }
    const Json* by_place = rules.find("prefixItems");
    const Json* all_items = rules.find("items");
    const Json* rest = all_items;
    if (all_items != nullptr && all_items->is_array()) {
      by_place = all_items;
      rest = rules.find("additionalItems");
    }
    const std::size_t placed = by_place == nullptr ? 0 : by_place->as_array().size();
    std::int64_t containing = 0;
    const Json* contains = rules.find("contains");
    for (std::size_t i = 0; i < items.size(); ++i) {
      const auto here = pointer + "/" + std::to_string(i);
      if (i < placed)
        apply(by_place->as_array()[i], items[i], here, run, depth + 1);
      else if (rest != nullptr)
        apply(*rest, items[i], here, run, depth + 1);
      if (contains != nullptr && conforms(*contains, items[i], depth + 1)) ++containing;
    }
    if (contains == nullptr) return;
    const std::int64_t least = rules.find("minContains") == nullptr ? 1 : rules.find("minContains")->as_integer();
    if (containing < least)
      run.fail(pointer, "must contain " + std::to_string(least) + " matching items, has " + std::to_string(containing));
    if (const auto* most = rules.find("maxContains"); most != nullptr && containing > most->as_integer())
      run.fail(pointer, "contains too many matching items");
  }

  void object(const JsonObject& rules, const Json& value, const std::string& pointer, const Run& run,
              std::size_t depth) const {
    const auto& members = value.as_object();
    const auto size = static_cast<std::int64_t>(members.size());
    if (const auto* least = rules.find("minProperties"); least != nullptr && size < least->as_integer())
      run.fail(pointer, "must have at least " + shown(*least) + " members");
    if (const auto* most = rules.find("maxProperties"); most != nullptr && size > most->as_integer())
      run.fail(pointer, "must have at most " + shown(*most) + " members");
    if (const auto* required = rules.find("required"))
      for (const auto& name : required->as_array())
        if (members.find(name.as_string()) == nullptr)
          run.fail(pointer, "needs member '" + std::string(name.as_string()) + "'");
    if (const auto* dependent = rules.find("dependentRequired"))
      for (const auto& [name, needs] : dependent->as_object())
        if (members.find(name) != nullptr)
          for (const auto& need : needs.as_array())
            if (members.find(need.as_string()) == nullptr)
              run.fail(pointer, "needs member '" + std::string(need.as_string()) + "' with '" + name + "'");
    if (const auto* dependent = rules.find("dependentSchemas"))
      for (const auto& [name, schema] : dependent->as_object())
        if (members.find(name) != nullptr) apply(schema, value, pointer, run, depth + 1);
    const Json* properties = rules.find("properties");
    const Json* by_pattern = rules.find("patternProperties");
    const Json* additional = rules.find("additionalProperties");
    const Json* names = rules.find("propertyNames");
    for (const auto& [name, member] : members) {
      const auto here = pointer + "/" + escaped(name);
      if (names != nullptr) apply(*names, Json(name), here, run, depth + 1);
      bool known = false;
      if (properties != nullptr)
        if (const auto* schema = properties->as_object().find(name)) {
          known = true;
          apply(*schema, member, here, run, depth + 1);
        }
      if (by_pattern != nullptr)
        for (const auto& [pattern, schema] : by_pattern->as_object())
          if (matches(pattern, name)) {
            known = true;
            apply(schema, member, here, run, depth + 1);
          }
      if (known || additional == nullptr) continue;
      if (additional->is_boolean() && !additional->as_boolean())
        run.fail(pointer, "has unknown member '" + name + "'");
      else
        apply(*additional, member, here, run, depth + 1);
    }
  }

  void combine(const JsonObject& rules, const Json& value, const std::string& pointer, const Run& run,
               std::size_t depth) const {
    if (const auto* all = rules.find("allOf"))
      for (const auto& schema : all->as_array()) apply(schema, value, pointer, run, depth + 1);
    const auto fitting = [&](const Json& list) {
      return std::count_if(list.as_array().begin(), list.as_array().end(),
                           [&](const Json& schema) { return conforms(schema, value, depth + 1); });
    };
    if (const auto* any = rules.find("anyOf"); any != nullptr && fitting(*any) == 0)
      run.fail(pointer, "fits none of the alternatives");
    if (const auto* one = rules.find("oneOf")) {
      const auto count = fitting(*one);
      if (count != 1)
        run.fail(pointer, count == 0 ? "fits none of the alternatives" : "fits more than one alternative");
    }
    if (const auto* no = rules.find("not"); no != nullptr && conforms(*no, value, depth + 1))
      run.fail(pointer, "is what it must not be");
    if (const auto* condition = rules.find("if")) {
      const auto* branch = rules.find(conforms(*condition, value, depth + 1) ? "then" : "else");
      if (branch != nullptr) apply(*branch, value, pointer, run, depth + 1);
    }
  }
};

JsonSchema::JsonSchema(std::unique_ptr<State> state) : state_(std::move(state)) {}
JsonSchema::JsonSchema(JsonSchema&&) noexcept = default;
JsonSchema& JsonSchema::operator=(JsonSchema&&) noexcept = default;
JsonSchema::~JsonSchema() = default;

Result<JsonSchema> JsonSchema::compile(const Json& schema) {
  auto state = std::make_unique<State>();
  state->root = schema;
  WRENCH_TRY(state->check_all());
  return JsonSchema(std::move(state));
}

std::vector<SchemaViolation> JsonSchema::validate(const Json& value) const {
  std::vector<SchemaViolation> violations;
  state_->apply(state_->root, value, "", State::Run{&violations}, 0);
  return violations;
}

}  // namespace wrench::codec
