// Messages between processes that are killed at any moment: none that was acknowledged to its sender is lost, and what
// a handler writes is there once for each. The test is its own child program.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "child.hpp"
#include "wrench/base/random.hpp"
#include "wrench/runtime/temp_dir.hpp"
#include "wrench/storage/store.hpp"
#include "wrench/workflow/messages.hpp"
#include "wrench/workflow/queries.hpp"

namespace wrench::workflow {
namespace {

using codec::Json;
using storage::Child;

/// What a process of this test works with.
struct Process {
  explicit Process(const std::string& directory) {
    storage::StoreConfig config;
    config.directory = directory;
    config.statements = {statements()};
    auto opened = storage::Store::open(std::move(config), clock, random);
    if (!opened.ok()) fail(opened.error());
    store = std::move(*opened);
    messages = std::make_unique<Messages>(*store, types, [](std::string_view) { return true; }, clock, random);
  }
  [[noreturn]] static void fail(const Error& error) {
    std::fprintf(stderr, "child: %s\n", describe(error).c_str());
    std::_Exit(1);
  }

  SystemClock clock;
  SystemRandom random;
  const MessageTypes types = *MessageTypes::make({});
  std::unique_ptr<storage::Store> store;
  std::unique_ptr<Messages> messages;
};

MessageDraft numbered(std::string receiver, std::int64_t n) {
  MessageDraft out;
  out.receiver = std::move(receiver);
  out.type = "x.number";
  out.content = Json(n);
  return out;
}

void say(std::int64_t n) {
  const std::string line = std::to_string(n) + "\n";
  if (::write(STDOUT_FILENO, line.data(), line.size()) < 0) std::_Exit(1);
}

/// All rounds together fit an inbox.
constexpr int kRounds = 12;
constexpr std::int64_t kSentPerRoundMax = kInboxMax / (kRounds + 2);

/// Sends numbers from `first` on until killed, each under its own key; says each once it is sent.
int send_until_killed(const std::string& directory, std::int64_t first) {
  const Process process(directory);
  for (std::int64_t n = first;; ++n) {
    MessageDraft draft = numbered("agent:worker", n);
    draft.idem_key = std::to_string(n);
    if (const auto sent = process.messages->send({"user:test"}, std::move(draft)); !sent.ok())
      Process::fail(sent.error());
    say(n);
    if (n - first == kSentPerRoundMax) ::pause();
  }
}

/// Its effect is a message to user:log, without a key that could hide a second one.
Subscription worker(const Messages& messages) {
  Subscription out;
  out.subscriber = "worker";
  out.receiver = "agent:worker";
  out.handler = [&messages](const Message& message) {
    return messages.sending({"agent:worker"}, numbered("user:log", message.content.as_integer()));
  };
  return out;
}

/// Handles messages until killed; says how many it has after each few.
int handle_until_killed(const std::string& directory) {
  const Process process(directory);
  const Subscription to = worker(*process.messages);
  std::int64_t handled = 0;
  for (;;) {
    const auto done = process.messages->deliver(to, 3);
    if (!done.ok()) Process::fail(done.error());
    handled += static_cast<std::int64_t>(done->count);
    if (done->count > 0) say(handled);
  }
}

std::vector<std::int64_t> numbers_of(Messages& messages, const std::string& receiver) {
  std::vector<std::int64_t> out;
  MessageQuery query{.receiver = receiver, .limit = kMessagePageMax};
  do {
    const auto page = messages.list(query);
    EXPECT_TRUE(page.ok()) << describe(page.error());
    if (!page.ok()) break;
    for (const Message& message : page->messages) out.push_back(message.content.as_integer());
    query.cursor = page->next_cursor;
  } while (!query.cursor.empty());
  return out;
}

TEST(MessageProcesses, KilledSendersAndHandlersLoseNothingAndDoubleNothing) {
  const auto dir = runtime::TempDir::create().value();
  const std::string data = dir / "data";
  constexpr std::int64_t kNumbersPerRound = 100'000;
  SeededRandom dice(7);
  std::set<std::int64_t> acknowledged;
  for (int round = 0; round < kRounds; ++round) {
    Child sender("send", data, std::to_string(round * kNumbersPerRound + 1));
    std::int64_t n = 0;
    for (std::uint64_t left = 1 + dice.below(20); left > 0; --left) {
      ASSERT_TRUE(sender.read_id(n));
      acknowledged.insert(n);
    }
    Child one("handle", data, "");
    Child two("handle", data, "");
    std::int64_t handled = 0;
    Child& busy = dice.below(2) == 0 ? one : two;
    for (std::uint64_t left = 1 + dice.below(5); left > 0; --left) {
      // The other one may take all that there is: then the sender goes on.
      ASSERT_TRUE(sender.read_id(n));
      acknowledged.insert(n);
    }
    busy.kill_now();
    ASSERT_TRUE((&busy == &one ? two : one).read_id(handled)) << "the survivor goes on";
    sender.kill_now();
    while (sender.read_id(n)) acknowledged.insert(n);
  }
  Process process(data);
  while (process.messages->deliver(worker(*process.messages)).value().count > 0) continue;
  const auto sent = numbers_of(*process.messages, "agent:worker");
  const auto handled = numbers_of(*process.messages, "user:log");
  EXPECT_EQ(handled, sent) << "each once, in order";
  for (const std::int64_t n : acknowledged) ASSERT_TRUE(std::ranges::find(handled, n) != handled.end()) << "lost " << n;
  EXPECT_TRUE(process.messages->list({.receiver = "agent:worker", .state = MessageState::Open})->messages.empty());
  EXPECT_GE(acknowledged.size(), static_cast<std::size_t>(2 * kRounds));
}

}  // namespace
}  // namespace wrench::workflow

int main(int argc, char** argv) {
  if (argc == 4 && std::strcmp(argv[1], "send") == 0)
    return wrench::workflow::send_until_killed(argv[2], std::strtoll(argv[3], nullptr, 10));
  if (argc == 4 && std::strcmp(argv[1], "handle") == 0) return wrench::workflow::handle_until_killed(argv[2]);
  ::testing::InitGoogleTest(&argc, argv);
  return RUN_ALL_TESTS();
}
