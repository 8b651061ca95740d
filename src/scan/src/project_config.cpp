#include "wrench/scan/project_config.hpp"

#include <algorithm>

#include "wrench/base/text.hpp"
#include "wrench/codec/yaml.hpp"
#include "wrench/runtime/rooted_dir.hpp"

namespace wrench::scan {
namespace {

using codec::YamlNode;

constexpr std::string_view kFile = ".wrench.yaml";
constexpr std::string_view kTopKeys[] = {"exclude", "include",  "languages", "rules", "severity",
                                         "fail_on", "baseline", "review",    "scan"};
// Settings of people and servers: a repository may not choose them for its reader.
constexpr std::string_view kNotHere[] = {"llm", "server", "storage",   "auth",   "tools", "agents",   "providers",
                                         "mcp", "a2a",    "telemetry", "policy", "cache", "data_dir", "log"};
constexpr std::string_view kThresholdKeys[] = {"cognitive", "cyclomatic", "nloc", "nesting", "parameters", "file_nloc"};
constexpr std::string_view kLimitKeys[] = {"file_bytes_max", "secret_file_bytes_max", "findings_max",
                                           "file_timeout_ms"};

Error fault(const YamlNode& node, std::string message) {
  return Error("scan.invalid_config", std::move(message))
      .at(std::string(kFile), static_cast<int>(node.line), static_cast<int>(node.column));
}

template <std::size_t N>
Result<void> known(const YamlNode& key, const std::string_view (&keys)[N], std::string_view where) {
  if (std::find(std::begin(keys), std::end(keys), key.text) != std::end(keys)) return {};
  const auto near = nearest(key.text, {std::begin(keys), std::end(keys)});
  return fault(key, "unknown key '" + std::string(where) + escape_for_display(key.text) + "'" +
                        (near.empty() ? "" : "; did you mean '" + std::string(near) + "'?"));
}

Result<std::vector<std::string>> texts(const YamlNode& node) {
  std::vector<std::string> out;
  if (node.is_scalar() && !node.is_null()) return std::vector<std::string>{node.text};
  if (!node.is_sequence()) return fault(node, "expected a list of texts");
  for (const auto& item : node.items) {
    if (!item.is_scalar()) return fault(item, "expected a text");
    out.push_back(item.text);
  }
  return out;
}

Result<std::string> inside(const YamlNode& node, std::string path) {
  const auto parts = split(path, '/');
  if (path.empty() || path.front() == '/' || path.front() == '~' ||
      std::find(parts.begin(), parts.end(), "..") != parts.end())
    return fault(node, "'" + escape_for_display(path) + "' leads out of the project");
  return path;
}

Result<std::vector<std::string>> paths(const YamlNode& node) {
  auto list = WRENCH_TRY(texts(node));
  for (auto& path : list) path = WRENCH_TRY(inside(node, std::move(path)));
  return list;
}

Result<void> read_rules(const YamlNode& node, ProjectConfig& config) {
  constexpr std::string_view kKeys[] = {"paths", "disable"};
  if (!node.is_mapping()) return fault(node, "'rules' has the keys paths and disable");
  for (const auto& member : node.members) {
    WRENCH_TRY(known(member.key, kKeys, "rules."));
    if (member.key.text == "paths") config.rule_paths = WRENCH_TRY(paths(member.value));
    if (member.key.text == "disable") config.rules_disabled = WRENCH_TRY(texts(member.value));
  }
  return {};
}

Result<code::Layer> read_layer(const YamlNode& node) {
  constexpr std::string_view kKeys[] = {"name", "paths", "may_use"};
  code::Layer layer;
  if (!node.is_mapping()) return fault(node, "a layer has the keys name, paths and may_use");
  for (const auto& member : node.members) {
    WRENCH_TRY(known(member.key, kKeys, "scan.layers[]."));
    if (member.key.text == "name" && member.value.is_scalar()) layer.name = member.value.text;
    if (member.key.text == "paths") layer.paths = WRENCH_TRY(texts(member.value));
    if (member.key.text == "may_use" && !member.value.is_null()) layer.may_use = WRENCH_TRY(texts(member.value));
  }
  if (layer.name.empty() || layer.paths.empty()) return fault(node, "a layer needs a name and paths");
  return layer;
}

Result<std::vector<code::Layer>> read_layers(const YamlNode& node) {
  if (!node.is_sequence()) return fault(node, "'scan.layers' is a list of layers, each with name, paths and may_use");
  if (node.items.size() > kLayersMax)
    return fault(node, "more than " + std::to_string(kLayersMax) + " layers aren't supported");
  std::vector<code::Layer> layers;
  std::vector<std::string_view> names;
  for (const auto& item : node.items) {
    layers.push_back(WRENCH_TRY(read_layer(item)));
    for (std::size_t i = 0; i + 1 < layers.size(); ++i)
      if (layers[i].name == layers.back().name)
        return fault(item, "two layers have the name '" + escape_for_display(layers.back().name) + "'");
  }
  for (const auto& layer : layers) names.push_back(layer.name);
  for (std::size_t i = 0; i < layers.size(); ++i)
    for (const auto& used : layers[i].may_use) {
      if (std::find(names.begin(), names.end(), used) != names.end()) continue;
      const auto near = nearest(used, names);
      return fault(node.items[i], "layer '" + escape_for_display(layers[i].name) + "' may use '" +
                                      escape_for_display(used) + "', which is no layer" +
                                      (near.empty() ? "" : "; did you mean '" + std::string(near) + "'?"));
    }
  return layers;
}

Result<void> read_scan(const YamlNode& node, ProjectConfig& config) {
  constexpr std::string_view kKeys[] = {"layers", "entry_points", "thresholds", "limits"};
  if (!node.is_mapping()) return fault(node, "'scan' has the keys layers, entry_points, thresholds and limits");
  for (const auto& member : node.members) {
    WRENCH_TRY(known(member.key, kKeys, "scan."));
    if (member.key.text == "entry_points") config.entry_points = WRENCH_TRY(texts(member.value));
    if (member.key.text == "layers") config.layers = WRENCH_TRY(read_layers(member.value));
    if (member.key.text == "thresholds" || member.key.text == "limits") {
      const bool limits = member.key.text == "limits";
      if (!member.value.is_mapping()) return fault(member.value, "expected names with numbers");
      for (const auto& item : member.value.members) {
        if (limits) WRENCH_TRY(known(item.key, kLimitKeys, "scan.limits."));
        if (!limits) WRENCH_TRY(known(item.key, kThresholdKeys, "scan.thresholds."));
        auto number = item.value.is_scalar() ? parse_size(item.value.text) : Result<std::uint64_t>(Error("", ""));
        if (!number.ok()) return fault(item.value, "'" + item.key.text + "' is a number, or a size like 512k");
        (limits ? config.limits : config.thresholds).emplace_back(item.key.text, *number);
      }
    }
  }
  return {};
}

Result<void> read_severity(const YamlNode& node, ProjectConfig& config) {
  if (!node.is_mapping()) return fault(node, "'severity' maps rules to severities");
  for (const auto& member : node.members) {
    auto severity = findings::parse_severity(member.value.text);
    if (!severity.ok()) return fault(member.value, severity.error().message);
    config.severity.emplace_back(member.key.text, *severity);
  }
  return {};
}

}  // namespace

Result<ProjectConfig> parse_project_config(std::string_view text) {
  ProjectConfig config;
  auto parsed = codec::parse_yaml(text, {.bytes_max = kProjectConfigBytesMax});
  if (!parsed.ok()) {
    auto& error = parsed.error();
    return Error("scan.invalid_config", error.message).at(std::string(kFile), error.place.line, error.place.column);
  }
  if (parsed->is_null()) return config;
  if (!parsed->is_mapping()) return fault(*parsed, "expected keys with values");
  for (const auto& [key, value] : parsed->members) {
    if (std::find(std::begin(kNotHere), std::end(kNotHere), key.text) != std::end(kNotHere)) {
      config.warnings.push_back("config.not_allowed_here: '" + key.text +
                                "' is ignored in .wrench.yaml; it belongs to the user's or the server's configuration");
      continue;
    }
    WRENCH_TRY(known(key, kTopKeys, ""));
    if (key.text == "exclude") config.exclude = WRENCH_TRY(texts(value));
    if (key.text == "include") config.include = WRENCH_TRY(texts(value));
    if (key.text == "rules") WRENCH_TRY(read_rules(value, config));
    if (key.text == "severity") WRENCH_TRY(read_severity(value, config));
    if (key.text == "scan") WRENCH_TRY(read_scan(value, config));
    if (key.text == "fail_on") config.fail_on = value.text;
    if (key.text == "baseline") config.baseline = WRENCH_TRY(inside(value, value.text));
    if (key.text == "languages") {
      for (const auto& name : WRENCH_TRY(texts(value))) {
        const auto language = source::parse_language(name);
        if (!language) return fault(value, "unknown language '" + escape_for_display(name) + "'");
        config.languages.push_back(*language);
      }
    }
    if (key.text == "review") {
      const auto* agents = value.find("agents");
      if (agents == nullptr || value.members.size() != 1) return fault(value, "'review' has the key agents");
      config.review_agents = WRENCH_TRY(texts(*agents));
    }
  }
  return config;
}

Result<ProjectConfig> read_project_config(const std::string& project_root) {
  const auto dir = WRENCH_TRY(runtime::RootedDir::open(project_root));
  const auto text = dir.read(std::string(kFile), kProjectConfigBytesMax);
  if (!text.ok()) {
    if (text.error().code == "io.not_found") return ProjectConfig{};
    return Error("scan.invalid_config", text.error().message).at(std::string(kFile));
  }
  return parse_project_config(*text);
}

ScanLimits lowered(const ScanLimits& limits, const ProjectConfig& config) {
  ScanLimits out = limits;
  for (const auto& [key, value] : config.limits) {
    const auto lower = [&](auto& limit) {
      using Limit = std::remove_reference_t<decltype(limit)>;
      limit = static_cast<Limit>(std::min(static_cast<std::uint64_t>(limit), value));
    };
    if (key == "file_bytes_max") lower(out.file_bytes_max);
    if (key == "secret_file_bytes_max") lower(out.secret_file_bytes_max);
    if (key == "findings_max") lower(out.findings_max);
    if (key == "file_timeout_ms")
      out.file_us_max =
          std::min(out.file_us_max, static_cast<Micros>(std::min<std::uint64_t>(value, 600'000)) * kMicrosPerMs);
  }
  return out;
}

}  // namespace wrench::scan
