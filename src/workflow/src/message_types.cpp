#include <algorithm>
#include <array>
#include <utility>

#include "message_address.hpp"
#include "wrench/base/text.hpp"
#include "wrench/workflow/messages.hpp"

namespace wrench::workflow {

namespace {
constexpr std::string_view kPrivatePrefix = "x.";
constexpr std::array<std::string_view, 3> kStates = {"open", "acknowledged", "dead"};
}  // namespace

std::string_view name(MessageState state) { return kStates[static_cast<std::size_t>(state)]; }

std::optional<MessageState> parse_message_state(std::string_view word) {
  const auto found = std::ranges::find(kStates, word);
  if (found == kStates.end()) return std::nullopt;
  return static_cast<MessageState>(found - kStates.begin());
}

Result<MessageTypes> MessageTypes::make(std::vector<MessageType> types) {
  MessageTypes out;
  out.all_ = std::move(types);
  std::ranges::sort(out.all_, {}, &MessageType::name);
  for (const MessageType& type : out.all_) {
    if (!is_message_word(type.name) || type.name.starts_with(kPrivatePrefix))
      return Error("workflow.invalid_message", "'" + escape_for_display(type.name) + "' is no type of messages");
    if (!out.schemas_.emplace(type.name, WRENCH_TRY(codec::JsonSchema::compile(type.schema))).second)
      return Error("workflow.invalid_message", "the type of messages " + type.name + " is there twice");
  }
  return out;
}

Result<void> MessageTypes::check(std::string_view type, const codec::Json& content) const {
  if (!is_message_word(type))
    return Error("workflow.invalid_message",
                 "'" + escape_for_display(type.substr(0, kMessageTypeBytesMax)) + "' is no type of messages");
  if (type.starts_with(kPrivatePrefix)) return {};
  const auto found = schemas_.find(type);
  if (found == schemas_.end())
    return Error("workflow.invalid_message",
                 "nobody registered messages of the type " + std::string(type) + "; types of your own begin with 'x.'");
  const auto violations = found->second.validate(content);
  if (violations.empty()) return {};
  return Error("workflow.invalid_message", "the content is no " + std::string(type) + ": " +
                                               (violations[0].pointer.empty() ? "it" : violations[0].pointer) + " " +
                                               violations[0].message);
}

}  // namespace wrench::workflow
