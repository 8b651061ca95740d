#include <algorithm>
#include <array>

#include "wrench/base/text.hpp"
#include "wrench/findings/finding.hpp"

namespace wrench::findings {
namespace {

template <class E>
struct Word {
  std::string_view text;
  E value;
};

constexpr std::array kSeverities = {
    Word<Severity>{"info", Severity::Info},         Word<Severity>{"low", Severity::Low},
    Word<Severity>{"medium", Severity::Medium},     Word<Severity>{"high", Severity::High},
    Word<Severity>{"critical", Severity::Critical},
};

constexpr std::array kSemgrepSeverities = {
    Word<Severity>{"CRITICAL", Severity::Critical}, Word<Severity>{"ERROR", Severity::High},
    Word<Severity>{"HIGH", Severity::High},         Word<Severity>{"WARNING", Severity::Medium},
    Word<Severity>{"MEDIUM", Severity::Medium},     Word<Severity>{"INFO", Severity::Low},
    Word<Severity>{"LOW", Severity::Low},           Word<Severity>{"INVENTORY", Severity::Info},
    Word<Severity>{"EXPERIMENT", Severity::Info},
};

constexpr std::array kConfidences = {
    Word<Confidence>{"low", Confidence::Low},
    Word<Confidence>{"medium", Confidence::Medium},
    Word<Confidence>{"high", Confidence::High},
};

constexpr std::array kCategories = {
    Word<Category>{"security", Category::Security},
    Word<Category>{"secret", Category::Secret},
    Word<Category>{"correctness", Category::Correctness},
    Word<Category>{"performance", Category::Performance},
    Word<Category>{"maintainability", Category::Maintainability},
    Word<Category>{"structure", Category::Structure},
    Word<Category>{"style", Category::Style},
};

template <class Words, class E>
std::string_view name_in(const Words& words, E value) {
  return std::find_if(words.begin(), words.end(), [&](const auto& word) { return word.value == value; })->text;
}

template <class E, class Words>
std::optional<E> value_in(const Words& words, std::string_view text) {
  const auto found = std::find_if(words.begin(), words.end(),
                                  [&](const auto& word) { return equals_ignoring_case_ascii(word.text, text); });
  if (found == words.end()) return std::nullopt;
  return found->value;
}

}  // namespace

std::string_view name(Severity severity) { return name_in(kSeverities, severity); }
std::string_view name(Confidence confidence) { return name_in(kConfidences, confidence); }
std::string_view name(Category category) { return name_in(kCategories, category); }

Result<Severity> parse_severity(std::string_view text) {
  for (const auto& word : kSemgrepSeverities) {
    if (word.text == text) return word.value;
  }
  if (const auto own = value_in<Severity>(kSeverities, text)) return *own;
  if (const auto foreign = value_in<Severity>(kSemgrepSeverities, text)) return *foreign;
  return Error("findings.unknown_severity", "\"" + escape_for_display(text.substr(0, 40)) +
                                                "\" is no severity: use info, low, medium, high or critical");
}

std::optional<Confidence> parse_confidence(std::string_view text) { return value_in<Confidence>(kConfidences, text); }
std::optional<Category> parse_category(std::string_view text) { return value_in<Category>(kCategories, text); }

}  // namespace wrench::findings
