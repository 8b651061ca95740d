#pragma once

#include <cstddef>
#include <functional>
#include <map>
#include <string>
#include <string_view>

#include "wrench/base/result.hpp"

namespace wrench::workflow {

inline constexpr std::size_t kLabelsMax = 16;      ///< Of a step or a worker.
inline constexpr std::size_t kLabelBytesMax = 64;  ///< A name, or a value.

/// What a worker says of itself (`os=linux`), and what a step requires of the worker that runs it.
using Labels = std::map<std::string, std::string, std::less<>>;

/// 1 to 64 of letters, digits, `_`, `-`, `.`.
bool is_label_word(std::string_view text);
/// "gpu=yes,os=linux", by name; empty for none.
std::string to_string(const Labels& labels);
/// The same read, in any order. Errors: workflow.labels_invalid, which says what is wrong.
Result<Labels> parse_labels(std::string_view text);
/// Every label that is required is there, with the same value.
bool satisfies(const Labels& offered, const Labels& required);

}  // namespace wrench::workflow
