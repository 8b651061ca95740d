#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "wrench/base/result.hpp"
#include "wrench/codec/yaml.hpp"

/// YAML files that people write settings in (recovery.yaml, retention.yaml): small, without anchors, and whatever isn't
/// known is an error with its place.
namespace wrench::workflow::settings_file {

struct Format {
  std::string_view error_code;  ///< Of whatever is wrong with the file.
  std::size_t bytes_max = 0, depth_max = 0;
};

/// What a reader says of a node.
Error invalid(const codec::YamlNode& at, std::string message);
/// A mapping whose members are all known.
Result<void> only(const codec::YamlNode& node, const std::vector<std::string_view>& known);

/// Has `reader` read the document. Errors, of YAML and of the reader: the format's, with `file`, line and column.
Result<void> read(std::string_view yaml, const std::string& file, const Format& format,
                  const std::function<Result<void>(const codec::YamlNode& root)>& reader);

}  // namespace wrench::workflow::settings_file
