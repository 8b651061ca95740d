#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "wrench/base/error.hpp"
#include "wrench/codec/yaml.hpp"

namespace wrench::workflow::playbook {

inline constexpr std::string_view kInvalid = "workflow.playbook_invalid";
inline constexpr std::string_view kUnknown = "workflow.playbook_unknown";
inline constexpr std::string_view kLimit = "workflow.playbook_limit";

/// What is wrong with a text, with places. Reading goes on after a problem, so that one run names all of them.
class Problems {
 public:
  void add(const codec::YamlNode& at, std::string message, std::string_view code = kInvalid);
  void add(Error error);
  /// Something that is allowed but does nothing.
  void remark(const codec::YamlNode& at, std::string message);
  bool any() const { return !problems_.empty(); }
  /// By place.
  std::vector<Error> take();
  std::vector<Error> take_remarks();

 private:
  std::vector<Error> problems_, remarks_;
};

/// "; did you mean 'a' or 'b'?", or "; known: a, b" when there are few; empty when nothing can be said.
std::string suggestion(std::string_view word, const std::vector<std::string_view>& known);

}  // namespace wrench::workflow::playbook
