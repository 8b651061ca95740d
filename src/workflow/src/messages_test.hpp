#pragma once

#include <string>
#include <utility>
#include <vector>

#include "store_test.hpp"
#include "wrench/workflow/messages.hpp"

namespace wrench::workflow {

inline MessageTypes test_types() {
  const codec::Json number = codec::Json::object(
      {{"type", "object"},
       {"properties", codec::Json::object({{"n", codec::Json::object({{"type", "integer"}})}, {"sender", true}})},
       {"additionalProperties", false}});
  return *MessageTypes::make({{"t.number", "a number", number}});
}

/// Messages with the types of test_types() between the agents super, journey and inspector.
class MessagesTest : public DatabaseTest {
 protected:
  static inline const MessageSender kSender{"agent:inspector", 0, "exe_A/3"};

  static MessageDraft draft(std::string receiver, std::string type = "t.number",
                            codec::Json content = codec::Json::object({{"n", 1}})) {
    MessageDraft out;
    out.receiver = std::move(receiver);
    out.type = std::move(type);
    out.content = std::move(content);
    return out;
  }
  std::string send(std::string receiver, codec::Json content = codec::Json::object({{"n", 1}})) {
    const auto done = messages_.send(kSender, draft(std::move(receiver), "t.number", std::move(content)));
    EXPECT_TRUE(done.ok()) << describe(done.error());
    return done.ok() ? done->message_id : "";
  }
  std::string sent(MessageDraft what) {
    const auto done = messages_.send(kSender, std::move(what));
    return done.ok() ? "ok" : done.error().code;
  }
  std::vector<Message> list(const MessageQuery& query) {
    const auto page = messages_.list(query);
    EXPECT_TRUE(page.ok()) << describe(page.error());
    return page.ok() ? page->messages : std::vector<Message>();
  }

  const MessageTypes types_ = test_types();
  Messages messages_{*store_, types_,
                     [](std::string_view name) { return name == "super" || name == "journey" || name == "inspector"; },
                     clock_, random_};
};

}  // namespace wrench::workflow
