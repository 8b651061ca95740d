#include "message_address.hpp"

#include <algorithm>
#include <array>
#include <charconv>

#include "wrench/base/text.hpp"
#include "wrench/workflow/messages.hpp"

namespace wrench::workflow {

namespace {

constexpr std::array<std::string_view, 6> kPrefixes = {"agent", "task", "step", "user", "project", "topic"};

Error no_receiver(std::string_view text) {
  return Error("workflow.invalid_message",
               "'" + escape_for_display(text.substr(0, kAddressBytesMax)) + "' is no receiver")
      .with_help("agent:NAME, task:ID, step:EXECUTION/NO, user:NAME, project:NAME or topic:NAME");
}

/// Nothing that a reader can't see.
bool is_plain(std::string_view text) {
  return is_valid_utf8(text) && text.find(' ') == std::string_view::npos && escape_for_display(text) == text;
}

}  // namespace

bool is_message_word(std::string_view text, char also) {
  return !text.empty() && text.size() <= kMessageTypeBytesMax && std::ranges::all_of(text, [&](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '.' || c == also;
  });
}

Result<Address> parse_address(std::string_view text) {
  const std::size_t colon = text.find(':');
  if (colon == std::string_view::npos || text.size() > kAddressBytesMax) return no_receiver(text);
  const auto prefix = std::ranges::find(kPrefixes, text.substr(0, colon));
  if (prefix == kPrefixes.end()) return no_receiver(text);
  Address out;
  out.kind = static_cast<AddressKind>(prefix - kPrefixes.begin());
  out.name = text.substr(colon + 1);
  if (out.kind == AddressKind::Step) {
    const std::size_t slash = out.name.find('/');
    if (slash == std::string::npos) return no_receiver(text);
    const char* const end = out.name.data() + out.name.size();
    const auto [at, ec] = std::from_chars(out.name.data() + slash + 1, end, out.step_no);
    // One way to write each address: else a step had two mailboxes.
    if (ec != std::errc() || at != end || out.name.substr(slash + 1) != std::to_string(out.step_no))
      return no_receiver(text);
    out.name.resize(slash);
  }
  const bool good = out.kind == AddressKind::Topic ? is_message_word(out.name, '-') : is_plain(out.name);
  if (out.name.empty() || !good) return no_receiver(text);
  return out;
}

std::string step_address(std::string_view execution_id, std::int64_t step_no) {
  return "step:" + std::string(execution_id) + "/" + std::to_string(step_no);
}

}  // namespace wrench::workflow
