#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "wrench/base/result.hpp"
#include "wrench/workflow/rows.hpp"

namespace wrench::workflow {

enum class AddressKind : std::uint8_t { Agent, Task, Step, User, Project, Topic };

/// Whom a message is for.
struct Address {
  AddressKind kind = AddressKind::Topic;
  std::string name;          ///< After the colon; of a step the execution's id.
  std::int64_t step_no = 0;  ///< Of a step.

  /// Read by any number of subscribers, each at its own pace.
  bool is_shared() const { return kind == AddressKind::Topic || kind == AddressKind::Project; }
};
/// Errors: workflow.invalid_message.
Result<Address> parse_address(std::string_view text);
/// "step:exe_…/3"
std::string step_address(std::string_view execution_id, std::int64_t step_no);

/// 1 to 64 of a to z, 0 to 9, '_', '.' and `also`.
bool is_message_word(std::string_view text, char also = '_');

}  // namespace wrench::workflow
