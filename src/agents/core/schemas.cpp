#include "schemas.hpp"

namespace wrench::agents::schema {

using codec::Json;

Json of(std::string_view type) { return Json::object({{"type", type}}); }

Json object(std::initializer_list<std::pair<std::string_view, Json>> members) {
  Json properties = Json::object(), required = Json::array();
  for (const auto& [name, schema] : members) {
    const bool optional = name.ends_with('?');
    const auto plain = optional ? name.substr(0, name.size() - 1) : name;
    properties.set(plain, schema);
    if (!optional) required.push_back(plain);
  }
  return Json::object({{"type", "object"},
                       {"properties", std::move(properties)},
                       {"required", std::move(required)},
                       {"additionalProperties", false}});
}

Json list_of(Json item) { return Json::object({{"type", "array"}, {"items", std::move(item)}}); }

Json tree() {
  return object(
      {{"path",
        Json::object(
            {{"type", "string"}, {"minLength", 1}, {"maxLength", 4096}, {"description", "as the user typed it"}})},
       {"root",
        Json::object(
            {{"type", "string"}, {"minLength", 1}, {"maxLength", 4096}, {"description", "absolute path of the same"}})},
       {"working_directory", Json::object({{"type", "string"},
                                           {"minLength", 1},
                                           {"maxLength", 4096},
                                           {"description", "what a relative path is relative to"}})},
       {"rules?", list_of(of("string"))},
       {"builtin_rules?", of("boolean")},
       {"project_config?", of("boolean")},
       // Report as new only what that commit's tree doesn't have; `revision` is what the user calls it.
       {"since?", object({{"revision", of("string")}, {"commit", of("string")}})},
       {"history_secrets?", of("boolean")},
       {"jobs?", Json::object({{"type", "integer"}, {"minimum", 0}, {"maximum", 256}})}});
}

Json report() {
  // Its own JSON, or a reference to a stored one.
  return Json::object({{"type", "object"},
                       {"anyOf", Json::array({Json::object({{"required", Json::array({"schema", "findings"})}}),
                                              Json::object({{"required", Json::array({"artifact", "run"})}})})}});
}

}  // namespace wrench::agents::schema
