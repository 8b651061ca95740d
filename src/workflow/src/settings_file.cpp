#include "settings_file.hpp"

#include <algorithm>
#include <utility>

#include "wrench/base/text.hpp"

namespace wrench::workflow::settings_file {

using codec::YamlNode;

Error invalid(const YamlNode& at, std::string message) {
  return Error("workflow.settings_invalid", std::move(message))
      .at("", static_cast<int>(at.line), static_cast<int>(at.column));
}

Result<void> only(const YamlNode& node, const std::vector<std::string_view>& known) {
  if (!node.is_mapping()) return invalid(node, "this is a mapping");
  for (const auto& member : node.members)
    if (std::ranges::find(known, member.key.text) == known.end()) {
      const auto guess = nearest(member.key.text, known);
      return invalid(member.key, "there is no member '" + escape_for_display(member.key.text) + "'" +
                                     (guess.empty() ? "" : "; did you mean '" + std::string(guess) + "'?"));
    }
  return {};
}

Result<void> read(std::string_view yaml, const std::string& file, const Format& format,
                  const std::function<Result<void>(const YamlNode& root)>& reader) {
  const auto placed = [&](const Error& error) {
    return Error(format.error_code, error.message)
        .at(file, std::max(error.place.line, 1), std::max(error.place.column, 1));
  };
  codec::YamlLimits limits;
  limits.bytes_max = format.bytes_max;
  limits.depth_max = format.depth_max;
  limits.anchors = codec::YamlAnchors::Refused;
  const auto root = codec::parse_yaml(yaml, limits);
  if (!root) return placed(root.error());
  if (const auto done = reader(*root); !done) return placed(done.error());
  return {};
}

}  // namespace wrench::workflow::settings_file
