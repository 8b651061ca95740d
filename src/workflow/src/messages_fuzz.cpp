#include "wrench/workflow/messages.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "message_address.hpp"
#include "wrench/base/assert.hpp"
#include "wrench/base/random.hpp"
#include "wrench/base/text.hpp"
#include "wrench/runtime/temp_dir.hpp"
#include "wrench/workflow/queries.hpp"

using namespace wrench;
using namespace wrench::workflow;

namespace {

/// A store whose writes nobody waits for: the caller's thread makes them.
struct World {
  runtime::TempDir dir = std::move(*runtime::TempDir::create("wrench-fuzz"));
  ManualClock clock;
  SeededRandom random{1};
  std::unique_ptr<storage::Store> store = [this] {
    storage::StoreConfig config;
    config.directory = dir.path();
    config.statements = {statements()};
    config.mode = storage::WriterMode::Passive;
    config.wal_reserve_bytes = 0;
    return std::move(*storage::Store::open(std::move(config), clock, random));
  }();
};

/// The part of `text` before the next line feed; `text` goes on behind it.
std::string line_of(std::string_view& text) {
  const std::size_t end = std::min(text.find('\n'), text.size());
  std::string line(text.substr(0, end));
  text.remove_prefix(std::min(end + 1, text.size()));
  return line;
}

void check_address(const std::string& text) {
  const auto address = parse_address(text);
  if (!address) {
    WRENCH_ASSERT(address.error().code == "workflow.invalid_message");
    return;
  }
  WRENCH_ASSERT(text.size() <= kAddressBytesMax && is_valid_utf8(text) && !address->name.empty());
  if (address->kind == AddressKind::Step) WRENCH_ASSERT(step_address(address->name, address->step_no) == text);
}

bool is_expected(std::string_view code) {
  return code == "workflow.invalid_message" || code == "workflow.receiver_not_found" ||
         code == "workflow.idempotency_conflict" || code == "workflow.message_not_found";
}

}  // namespace

/// Lines: receiver, type, key, what it replies to, sender; then the content, and after a line "---" a schema of its
/// type.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static World world;
  std::string_view text(reinterpret_cast<const char*>(data), size);
  MessageDraft draft;
  draft.receiver = line_of(text);
  draft.type = line_of(text);
  draft.idem_key = line_of(text);
  draft.reply_to = line_of(text);
  const MessageSender sender{.address = line_of(text), .source_step = {}};
  check_address(draft.receiver);
  check_address(sender.address);
  const std::size_t bar = std::min(text.find("\n---\n"), text.size());
  const auto content = codec::parse_json(text.substr(0, bar));
  const auto schema = codec::parse_json(text.substr(std::min(bar + 5, text.size())));
  if (!content.ok()) return 0;
  draft.content = *content;
  auto types = MessageTypes::make({{draft.type, "of this input", schema.ok() ? *schema : codec::Json::object()}});
  if (!types) types = MessageTypes::make({});
  Messages messages(
      *world.store, *types, [](std::string_view name) { return name == "super"; }, world.clock, world.random);
  const auto sent = messages.send(sender, draft);
  if (!sent) {
    WRENCH_ASSERT(is_expected(sent.error().code) && !sent.error().message.empty());
    return 0;
  }
  const auto found = messages.find(sent->message_id);
  WRENCH_ASSERT(found.ok() && found->receiver == draft.receiver && found->type == draft.type &&
                found->content == draft.content && found->idem_key == draft.idem_key);
  if (!draft.idem_key.empty()) {
    const auto again = messages.send(sender, draft);
    WRENCH_ASSERT(again.ok() && again->existed && again->message_id == sent->message_id);
  }
  const auto inbox = messages.list({.receiver = draft.receiver});
  WRENCH_ASSERT(inbox.ok() && !inbox->messages.empty());
  WRENCH_ASSERT(messages.acknowledge(sent->message_id, "user:fuzz").ok());
  return 0;
}
