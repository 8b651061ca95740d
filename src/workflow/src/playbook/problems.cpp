#include "problems.hpp"

#include <algorithm>
#include <set>
#include <tuple>
#include <utility>

#include "wrench/base/text.hpp"
#include "wrench/workflow/playbook.hpp"

namespace wrench::workflow::playbook {

namespace {

constexpr std::size_t kSuggested = 3;
constexpr std::size_t kListed = 12;
constexpr std::size_t kWordBytes = 64;  ///< Longer words resemble nothing.

Error error_at(const codec::YamlNode& at, std::string message, std::string_view code) {
  return Error(code, std::move(message)).at("", static_cast<int>(at.line), static_cast<int>(at.column));
}

std::vector<Error> by_place(std::vector<Error> errors) {
  std::ranges::stable_sort(errors, {}, [](const Error& e) { return std::tuple(e.place.line, e.place.column); });
  return errors;
}

}  // namespace

void Problems::add(Error error) {
  // A parameter that several operations share is read once for each.
  const bool said = std::ranges::any_of(problems_, [&](const Error& other) {
    return other.place.line == error.place.line && other.place.column == error.place.column &&
           other.message == error.message;
  });
  if (!said && problems_.size() < kPlaybookProblemsMax) problems_.push_back(std::move(error));
}

void Problems::add(const codec::YamlNode& at, std::string message, std::string_view code) {
  add(error_at(at, std::move(message), code));
}

void Problems::remark(const codec::YamlNode& at, std::string message) {
  if (remarks_.size() < kPlaybookProblemsMax) remarks_.push_back(error_at(at, std::move(message), kInvalid));
}

std::vector<Error> Problems::take() { return by_place(std::move(problems_)); }
std::vector<Error> Problems::take_remarks() { return by_place(std::move(remarks_)); }

std::string suggestion(std::string_view word, const std::vector<std::string_view>& known) {
  std::vector<std::pair<std::size_t, std::string_view>> near;
  if (word.size() <= kWordBytes) {
    const std::size_t limit = std::max<std::size_t>(2, word.size() / 3);
    for (const auto candidate : known) {
      const auto distance = edit_distance(word, candidate, limit);
      const bool alike = distance <= limit && distance < std::max(word.size(), candidate.size());
      const bool part = word.size() >= 3 && candidate.find(word) != std::string_view::npos;
      const bool again =
          std::ranges::find(near, candidate, &std::pair<std::size_t, std::string_view>::second) != near.end();
      if ((alike || part) && !again) near.emplace_back(alike ? distance : limit + 1, candidate);
    }
  }
  std::ranges::stable_sort(near, {}, &std::pair<std::size_t, std::string_view>::first);
  if (near.size() > kSuggested) near.resize(kSuggested);
  std::string out;
  for (std::size_t i = 0; i < near.size(); ++i)
    out += (i == 0 ? "" : i + 1 == near.size() ? " or " : ", ") + ("'" + std::string(near[i].second) + "'");
  if (!out.empty()) return "; did you mean " + out + "?";
  if (known.empty() || known.size() > kListed) return {};
  std::set<std::string_view> listed;
  for (const auto name : known)
    if (listed.insert(name).second) out += (out.empty() ? "" : ", ") + std::string(name);
  return "; known: " + out;
}

}  // namespace wrench::workflow::playbook
