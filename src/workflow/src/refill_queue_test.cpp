#include "refill_queue.hpp"

#include <gtest/gtest.h>

#include <algorithm>

#include "wrench/base/random.hpp"

namespace wrench::workflow {
namespace {

TEST(RefillQueue, GivesKeysWhenTheirTimeHasCome) {
  RefillQueue queue;
  EXPECT_EQ(queue.next_due(), std::numeric_limits<Micros>::max());
  queue.set("late", 30);
  queue.set("soon", 10);
  queue.set("moved", 5);
  queue.set("moved", 20);
  queue.set("gone", 1);
  queue.erase("gone");
  queue.erase("never there");
  EXPECT_EQ(queue.next_due(), 10);
  EXPECT_FALSE(queue.pop(9));
  EXPECT_EQ(queue.pop(25), "soon");
  EXPECT_EQ(queue.pop(25), "moved");
  EXPECT_FALSE(queue.pop(25));
  EXPECT_EQ(queue.next_due(), 30);
}

/// Against a map that is looked through.
TEST(RefillQueue, DoesWhatASlowOneDoes) {
  SeededRandom random(1);
  RefillQueue queue;
  std::map<std::string, Micros> slow;
  for (int i = 0; i < 20'000; ++i) {
    const std::string key = "a key that is too long to be kept in place " + std::to_string(random.below(300));
    const auto at = static_cast<Micros>(random.below(1'000));
    if (random.below(4) == 0) {
      queue.erase(key);
      slow.erase(key);
    } else if (random.below(4) == 0) {
      const auto first = std::ranges::min_element(slow, {}, [](const auto& e) { return std::pair(e.second, e.first); });
      const bool due = first != slow.end() && first->second <= at;
      ASSERT_EQ(queue.pop(at), due ? std::optional(first->first) : std::nullopt);
      if (due) slow.erase(first);
    } else {
      queue.set(key, at);
      slow[key] = at;
    }
  }
}

}  // namespace
}  // namespace wrench::workflow
