#include "wrench/code/manifest.hpp"

#include <algorithm>
#include <optional>

#include "manifest_text.hpp"
#include "wrench/codec/json.hpp"

namespace wrench::code {

using codec::Json;

namespace {

constexpr std::size_t kStringsPerKeyMax = 100;  ///< Files of one export, by condition.

std::string_view file_name(std::string_view path) { return path.substr(path.rfind('/') + 1); }

/// All strings below a value: `exports` nests files in conditions.
void strings_below(const Json& value, std::vector<std::string>& out) {
  if (out.size() >= kStringsPerKeyMax) return;
  if (value.is_string()) out.emplace_back(value.as_string());
  for (const Json& item : value.as_array()) strings_below(item, out);
  for (const auto& [key, item] : value.as_object()) strings_below(item, out);
}

void add_names(const Json& object, std::vector<std::string>& out) {
  for (const auto& [name, version] : object.as_object()) out.push_back(name);
}

void add_mapping(std::vector<Manifest::Mapping>& to, std::string key, const Json& value) {
  std::vector<std::string> files;
  strings_below(value, files);
  if (!files.empty() && to.size() < kMappingsMax) to.emplace_back(std::move(key), std::move(files));
}

void read_package(const Json& json, Manifest& out) {
  out.name = json.at("name").as_string();
  for (const std::string_view key : {"dependencies", "devDependencies", "peerDependencies", "optionalDependencies"})
    add_names(json.at(key), out.dependencies);
  const Json& exports = json.at("exports");
  const bool subpaths =
      exports.is_object() && exports.as_object().size() > 0 && exports.as_object().begin()->first.starts_with('.');
  if (subpaths) {
    for (const auto& [key, value] : exports.as_object()) add_mapping(out.mappings, key, value);
  } else {
    add_mapping(out.mappings, ".", exports);
  }
  for (const std::string_view key : {"source", "module", "main", "browser", "types", "typings", "bin"})
    add_mapping(out.mappings, ".", json.at(key));
  for (const auto& [key, value] : json.at("imports").as_object()) add_mapping(out.private_mappings, key, value);
}

void read_script_config(const Json& json, Manifest& out) {
  strings_below(json.at("extends"), out.folders);
  const Json& options = json.at("compilerOptions");
  out.base_url = options.at("baseUrl").as_string();
  for (const auto& [key, value] : options.at("paths").as_object()) add_mapping(out.mappings, key, value);
}

/// tsconfig.json is JSON with comments and commas at the end of lists: both become blanks.
std::string plain_json(std::string_view text) {
  std::string out(text);
  bool in_string = false;
  std::optional<std::size_t> comma;
  for (std::size_t i = 0; i < out.size(); ++i) {
    const char c = out[i];
    if (in_string) {
      if (c == '\\') ++i;
      if (c == '"') in_string = false;
    } else if (c == '"') {
      in_string = true;
      comma.reset();
    } else if (c == '/' && i + 1 < out.size() && (out[i + 1] == '/' || out[i + 1] == '*')) {
      const bool line = out[i + 1] == '/';
      std::size_t end = out.find(line ? "\n" : "*/", i + 2);
      end = end == std::string::npos ? out.size() : line ? end : end + 2;
      for (; i < end; ++i)
        if (out[i] != '\n') out[i] = ' ';
      --i;
    } else if (c == ',') {
      comma = i;
    } else if ((c == '}' || c == ']') && comma) {
      out[*comma] = ' ';
      comma.reset();
    } else if (c != ' ' && c != '\t' && c != '\n' && c != '\r') {
      comma.reset();
    }
  }
  return out;
}

}  // namespace

ManifestKind manifest_kind(std::string_view path) {
  const std::string_view name = file_name(path);
  if (name == "go.mod") return ManifestKind::GoModule;
  if (name == "go.work") return ManifestKind::GoWorkspace;
  if (name == "package.json") return ManifestKind::ScriptPackage;
  if (name == "jsconfig.json" || (name.starts_with("tsconfig") && name.ends_with(".json")))
    return ManifestKind::ScriptConfig;
  if (name == "pyproject.toml" || name == "setup.cfg") return ManifestKind::PythonProject;
  return ManifestKind::None;
}

Manifest read_manifest(ManifestKind kind, std::string_view text) {
  Manifest out;
  out.kind = kind;
  out.broken = text.size() > kManifestBytesMax;
  if (out.broken) return out;
  switch (kind) {
    case ManifestKind::None:
      break;
    case ManifestKind::ScriptPackage:
    case ManifestKind::ScriptConfig: {
      const auto json = codec::parse_json(plain_json(text));
      if (!json.ok() || !json->is_object()) {
        out.broken = true;
      } else if (kind == ManifestKind::ScriptPackage) {
        read_package(*json, out);
      } else {
        read_script_config(*json, out);
      }
      break;
    }
    case ManifestKind::GoModule:
    case ManifestKind::GoWorkspace:
      detail::read_go(text, out);
      break;
    case ManifestKind::PythonProject:
      detail::read_python(text, out);
      break;
  }
  return out;
}

}  // namespace wrench::code
