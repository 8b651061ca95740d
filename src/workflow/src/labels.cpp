#include "wrench/workflow/labels.hpp"

#include <algorithm>

#include "wrench/base/text.hpp"

namespace wrench::workflow {

namespace {

Error invalid(std::string message) { return Error("workflow.labels_invalid", std::move(message)); }

}  // namespace

bool is_label_word(std::string_view text) {
  if (text.empty() || text.size() > kLabelBytesMax) return false;
  return std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-' ||
           c == '.';
  });
}

std::string to_string(const Labels& labels) {
  std::string out;
  for (const auto& [name, value] : labels) out += (out.empty() ? "" : ",") + name + "=" + value;
  return out;
}

Result<Labels> parse_labels(std::string_view text) {
  Labels out;
  if (text.empty()) return out;
  for (const std::string_view word : split(text, ',')) {
    const std::size_t equals = word.find('=');
    const std::string_view name = word.substr(0, equals);
    const std::string_view value = equals == std::string_view::npos ? "" : word.substr(equals + 1);
    if (!is_label_word(name) || !is_label_word(value))
      return invalid("'" + escape_for_display(word) + "' is no label: NAME=VALUE, each 1 to " +
                     std::to_string(kLabelBytesMax) + " of letters, digits, _, - and .");
    if (!out.emplace(name, value).second) return invalid("the label '" + std::string(name) + "' is given twice");
  }
  if (out.size() > kLabelsMax) return invalid("more than " + std::to_string(kLabelsMax) + " labels");
  return out;
}

bool satisfies(const Labels& offered, const Labels& required) {
  return std::all_of(required.begin(), required.end(), [&](const auto& label) {
    const auto it = offered.find(label.first);
    return it != offered.end() && it->second == label.second;
  });
}

}  // namespace wrench::workflow
