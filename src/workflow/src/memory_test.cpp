#include "wrench/workflow/memory.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "memory_cache.hpp"
#include "memory_index.hpp"
#include "store_test.hpp"
#include "wrench/storage/event_log.hpp"

namespace wrench::workflow {
namespace {

using codec::Json;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

MemoryDraft draft(Json content, std::string agent = "journey") {
  MemoryDraft out;
  out.agent = std::move(agent);
  out.content = std::move(content);
  return out;
}

Json text_query(std::string_view text) { return Json::object({{"$text", text}}); }

class MemoryTest : public DatabaseTest {
 protected:
  std::string remember(MemoryDraft what) {
    auto stored = memory_.store(std::move(what));
    EXPECT_TRUE(stored.ok()) << describe(stored.error());
    return stored.ok() ? stored->memory_id : "";
  }
  std::string remember(Json content) { return remember(draft(std::move(content))); }
  MemoryPage retrieve(const Json& query, std::string_view agent = "journey", std::size_t limit = 100) {
    auto page = memory_.retrieve(agent, query, limit);
    EXPECT_TRUE(page.ok()) << describe(page.error());
    return page.ok() ? *page : MemoryPage{};
  }
  std::vector<std::string> found(const Json& query, std::string_view agent = "journey", std::size_t limit = 100) {
    std::vector<std::string> ids;
    for (const MemoryItem& item : retrieve(query, agent, limit).items) ids.push_back(item.memory_id);
    return ids;
  }
  std::string refused(const Json& query) {
    const auto page = memory_.retrieve("journey", query, 10);
    return page.ok() ? "ok" : page.error().code;
  }
  std::string refused(MemoryDraft what) {
    const auto stored = memory_.store(std::move(what));
    return stored.ok() ? "ok" : stored.error().code;
  }

  Memory memory_{*store_, clock_, random_};
};

TEST_P(MemoryTest, GivesBackWhatMembersSayNewestFirst) {
  const auto a = remember(Json::object({{"key", "value"}, {"n", 1}}));
  const auto b = remember(Json::object({{"key", "value"}, {"n", 2}}));
  remember(Json::object({{"key", "other"}}));
  remember(draft(Json::object({{"key", "value"}}), "super"));
  EXPECT_THAT(found(Json::object({{"key", "value"}})), ElementsAre(b, a));
  EXPECT_THAT(found(Json::object({{"key", "value"}, {"n", 1}})), ElementsAre(a));
  EXPECT_THAT(found(Json::object({{"key", "value"}}), "journey", 1), ElementsAre(b));
  EXPECT_THAT(found(Json::object({{"key", Json()}})), IsEmpty());
  EXPECT_THAT(found(Json::object()), SizeIs(3));
  const MemoryItem item = retrieve(Json::object({{"n", 2}})).items.at(0);
  EXPECT_EQ(item.agent, "journey");
  EXPECT_EQ(item.content, Json::object({{"key", "value"}, {"n", 2}}));
  if (clock_is_ours()) EXPECT_EQ(item.created_at, clock_.now_us());
}

TEST_P(MemoryTest, NarrowsByKindScopeTagsAndTime) {
  if (!clock_is_ours()) GTEST_SKIP() << "the database has a clock of its own";
  auto one = draft("one");
  one.kind = "procedure";
  one.scope = "/repo/a";
  one.tags = {"red", "dry"};
  const auto first = remember(one);
  clock_.advance(kMicrosPerDay);
  auto two = draft("two");
  two.scope = "/repo/a";
  two.tags = {"red"};
  const auto second = remember(two);
  clock_.advance(kMicrosPerDay);
  const auto third = remember("three");
  EXPECT_THAT(found(Json::object({{"$kind", "procedure"}})), ElementsAre(first));
  EXPECT_THAT(found(Json::object({{"$scope", "/repo/a"}})), ElementsAre(second, first));
  EXPECT_THAT(found(Json::object({{"$scope", "/repo"}})), IsEmpty());
  EXPECT_THAT(found(Json::object({{"$tags", Json::array({"red"})}})), ElementsAre(second, first));
  EXPECT_THAT(found(Json::object({{"$tags", Json::array({"dry", "red"})}})), ElementsAre(first));
  EXPECT_THAT(found(Json::object({{"$since", format_rfc3339(clock_.now_us() - kMicrosPerDay)}})),
              ElementsAre(third, second));
  EXPECT_THAT(found(Json::object({{"$text", "one two three"}, {"$since", format_rfc3339(clock_.now_us())}})),
              ElementsAre(third));
}

TEST_P(MemoryTest, FindsByWordsBestFirst) {
  const auto both = remember("the parser is slow on deep nesting");
  const auto once = remember("nesting of folders has a limit, and so on and so forth in many words");
  remember("something else");
  remember(draft("nesting of another agent", "super"));
  EXPECT_THAT(found(text_query("deep nesting")), ElementsAre(both, once));
  EXPECT_THAT(found(text_query("NESTING, (folders)!")), ElementsAre(once, both));
  EXPECT_THAT(found(text_query("nothing of that")), SizeIs(1)) << "'of' stands somewhere";
  EXPECT_GT(retrieve(text_query("nesting")).items.at(0).score, 0);
  EXPECT_FALSE(retrieve(text_query("nesting")).approximate);
}

TEST_P(MemoryTest, FindsTextInsideOfObjectsAndTags) {
  auto what = draft(Json::object({{"list", Json::array({Json::object({{"note", "überraschend"}}), 4711})}}));
  what.tags = {"Weekly-Report"};
  const auto id = remember(what);
  for (const char* text : {"überraschend", "4711", "weekly", "WEEKLY-report"})
    EXPECT_THAT(found(text_query(text)), ElementsAre(id)) << text;
  if (GetParam() == storage::Dialect::Sqlite)
    for (const char* text : {"uberraschend", "ÜBERRASCHEND"})
      EXPECT_THAT(found(text_query(text)), ElementsAre(id)) << text;
  EXPECT_THAT(found(text_query("note")), IsEmpty()) << "names of members aren't what it says";
}

TEST_P(MemoryTest, TakesOperatorsForWords) {
  const auto id = remember("alpha OR beta NEAR gamma");
  for (const char* text :
       {"alpha*", "\"alpha", "alpha AND NOT beta", "text:alpha", "NEAR(alpha gamma)", "-alpha", "^alpha", "{alpha}",
        "alpha\" OR \"x", "'; DROP TABLE memory_items; --  alpha", "alpha\xE2\x80\x94"})
    EXPECT_THAT(found(text_query(text)), ElementsAre(id)) << text;
  EXPECT_THAT(found(text_query("alph*")), IsEmpty());
  for (const char* text : {"", "*", "\"", "\"\"", "—", "((("}) EXPECT_THAT(found(text_query(text)), IsEmpty()) << text;
  std::string many;
  for (int i = 0; i < 2000; ++i) many += "w" + std::to_string(i) + " ";
  EXPECT_THAT(found(text_query(many + "alpha")), IsEmpty()) << "only the first words are looked for";
  EXPECT_THAT(found(text_query("alpha " + many)), ElementsAre(id));
}

TEST_P(MemoryTest, RefusesQueriesThatItDoesNotUnderstand) {
  EXPECT_EQ(refused(Json::array()), "workflow.invalid_query");
  EXPECT_EQ(refused(Json::object({{"$where", "1"}})), "workflow.invalid_query");
  EXPECT_EQ(refused(Json::object({{"$text", 1}})), "workflow.invalid_query");
  EXPECT_EQ(refused(Json::object({{"$tags", "red"}})), "workflow.invalid_query");
  EXPECT_EQ(refused(Json::object({{"$tags", Json::array({1})}})), "workflow.invalid_query");
  EXPECT_EQ(refused(Json::object({{"$since", "yesterday"}})), "workflow.invalid_query");
  EXPECT_EQ(refused(Json::object({{"$kind", Json()}})), "workflow.invalid_query");
  EXPECT_EQ(refused(text_query(std::string(kMemoryQueryBytesMax, 'x'))), "workflow.invalid_query");
  EXPECT_EQ(refused(text_query(std::string(10'000, 'x'))), "ok");
}

TEST_P(MemoryTest, RefusesWhatCantBeKept) {
  const auto with = [](auto change) {
    MemoryDraft what = draft("x");
    change(what);
    return what;
  };
  EXPECT_EQ(refused(with([](auto& d) { d.agent = "Journey"; })), "workflow.invalid_memory");
  EXPECT_EQ(refused(with([](auto& d) { d.agent = ""; })), "workflow.invalid_memory");
  EXPECT_EQ(refused(with([](auto& d) { d.kind = "a kind"; })), "workflow.invalid_memory");
  EXPECT_EQ(refused(with([](auto& d) { d.content = Json(); })), "workflow.invalid_memory");
  EXPECT_EQ(refused(with([](auto& d) { d.content = std::string("a\0b", 3); })), "workflow.invalid_memory");
  EXPECT_EQ(refused(with([](auto& d) { d.scope = "\xff"; })), "workflow.invalid_memory");
  EXPECT_EQ(refused(with([](auto& d) { d.scope = std::string(kMemoryScopeBytesMax + 1, 'x'); })),
            "workflow.invalid_memory");
  EXPECT_EQ(refused(with([](auto& d) { d.tags.assign(kMemoryTagsMax + 1, "t"); })), "workflow.invalid_memory");
  EXPECT_EQ(refused(with([](auto& d) { d.tags = {std::string(kMemoryTagBytesMax + 1, 'x')}; })),
            "workflow.invalid_memory");
  EXPECT_EQ(refused(with([](auto& d) { d.tags = {""}; })), "workflow.invalid_memory");
  EXPECT_EQ(refused(with([](auto& d) { d.ttl = 0; })), "workflow.invalid_memory");
  EXPECT_EQ(refused(with([](auto& d) { d.supersedes = "mem_NOTHING"; })), "workflow.memory_not_found");
  EXPECT_EQ(refused(with([](auto& d) { d.content = std::string(kMemoryContentBytesMax - 1, 'x'); })),
            "workflow.invalid_memory");
  EXPECT_EQ(refused(with([](auto& d) { d.content = std::string(kMemoryContentBytesMax - 2, 'x'); })), "ok");
}

TEST_P(MemoryTest, TheSameFactIsKnownOnceAnEpisodeEachTime) {
  const Json fact = Json::object({{"a", 1}, {"b", 2}});
  const auto id = remember(fact);
  const auto again = memory_.store(draft(Json::object({{"b", 2}, {"a", 1}})));
  ASSERT_TRUE(again.ok());
  EXPECT_EQ(again->memory_id, id);
  EXPECT_TRUE(again->existed);
  EXPECT_FALSE(memory_.store(draft(fact, "super"))->existed) << "of another agent";
  auto elsewhere = draft(fact);
  elsewhere.scope = "/b";
  EXPECT_FALSE(memory_.store(elsewhere)->existed);
  auto episode = draft(fact);
  episode.kind = "episode";
  EXPECT_FALSE(memory_.store(episode)->existed);
  EXPECT_FALSE(memory_.store(episode)->existed);
}

TEST_P(MemoryTest, WhatIsSupersededNoLongerHolds) {
  const auto old = remember("the limit is ten");
  auto newer = draft("the limit is twelve");
  newer.supersedes = old;
  const auto id = remember(newer);
  EXPECT_THAT(found(text_query("limit")), ElementsAre(id));
  EXPECT_THAT(found(Json::object()), ElementsAre(id));
  EXPECT_EQ(memory_.find(old).error().code, "workflow.memory_not_found");
  EXPECT_NE(remember("the limit is ten"), old) << "said again it holds again, as another item";
  auto foreign = draft("x", "super");
  foreign.supersedes = id;
  EXPECT_EQ(refused(foreign), "workflow.memory_not_found");
}

TEST_P(MemoryTest, ForgetsForGoodAndLeavesATombstone) {
  const auto id = remember("a secret of mine");
  EXPECT_EQ(memory_.forget("mem_OTHER", "user:ada", "").error().code, "workflow.memory_not_found");
  ASSERT_TRUE(memory_.forget(id, "user:ada", "private").ok());
  EXPECT_THAT(found(text_query("secret")), IsEmpty());
  EXPECT_THAT(found(Json::object()), IsEmpty());
  EXPECT_EQ(memory_.forget(id, "user:ada", "").error().code, "workflow.memory_not_found");
  const auto rows = read([](storage::ReadTx& tx) { return storage::event_log::read(tx, {}, {}, 1000); });
  EXPECT_EQ(rows->events.back().what.type, "memory.forgotten");
  EXPECT_EQ(rows->events.back().what.actor, "user:ada");
  EXPECT_EQ(rows->events.back().what.payload.find("secret"), std::string::npos);
}

TEST_P(MemoryTest, ExpiresByItself) {
  if (!clock_is_ours()) GTEST_SKIP() << "the database has a clock of its own";
  auto short_lived = draft("soon gone");
  short_lived.ttl = kMicrosPerSecond;
  remember(short_lived);
  const auto kept = remember("stays");
  EXPECT_THAT(found(Json::object()), SizeIs(2));
  clock_.advance(kMicrosPerSecond);
  EXPECT_THAT(found(Json::object()), ElementsAre(kept));
  EXPECT_THAT(found(text_query("gone")), IsEmpty());
  remember("another");
  clock_.advance(-kMicrosPerSecond);
  EXPECT_THAT(found(Json::object()), SizeIs(2)) << "gone, not only hidden";
}

TEST_P(MemoryTest, KeepsTheNewestOfAScope) {
  std::vector<std::string> ids;
  for (int i = 0; i < 5; ++i) {
    auto episode = draft(Json(i));
    episode.kind = "episode";
    episode.scope = "/a";
    episode.keep_max = 3;
    ids.push_back(remember(episode));
  }
  EXPECT_THAT(found(Json::object({{"$scope", "/a"}})), ElementsAre(ids[4], ids[3], ids[2]));
  EXPECT_THAT(found(text_query("0")), IsEmpty());
}

TEST_P(MemoryTest, IsWrittenWithTheTransactionItIsGivenTo) {
  const auto body = memory_.storing(draft("with the step"));
  ASSERT_TRUE(body.ok());
  EXPECT_FALSE(store_
                   ->write([&](storage::WriteTx& tx) -> Result<void> {
                     WRENCH_TRY((*body)(tx));
                     return Error("t.broken", "the step failed");
                   })
                   .ok());
  EXPECT_THAT(found(Json::object()), IsEmpty());
  ASSERT_TRUE(store_->write(*body).ok());
  EXPECT_THAT(found(Json::object()), SizeIs(1));
}

TEST_P(MemoryTest, AnswersFromTheCacheUntilSomethingChanges) {
  remember("alpha");
  const Json query = text_query("alpha");
  EXPECT_THAT(found(query), SizeIs(1));
  EXPECT_THAT(found(query), SizeIs(1));
  EXPECT_EQ(memory_.stats().cache_hits, 1U);
  EXPECT_EQ(memory_.stats().cache_misses, 1U);
  remember(draft("alpha", "super"));
  EXPECT_THAT(found(query), SizeIs(1));
  EXPECT_EQ(memory_.stats().cache_hits, 2U) << "another agent's memory is none of it";
  Memory of_another_process(*store_, clock_, random_);
  ASSERT_TRUE(of_another_process.store(draft("alpha beta")).ok());
  EXPECT_THAT(found(query), SizeIs(2)) << "no stale answer";
  EXPECT_EQ(memory_.stats().cache_misses, 2U);
  EXPECT_GT(memory_.stats().cache_bytes, 0U);
}

TEST_P(MemoryTest, SurvivesReopening) {
  const auto id = remember("still there");
  open_store();
  Memory again(*store_, clock_, random_);
  EXPECT_EQ(again.retrieve("journey", text_query("still"), 10)->items.at(0).memory_id, id);
}

TEST_P(MemoryTest, FindsByShortId) {
  const auto id = remember("x");
  const std::string end = id.substr(id.size() - 6);
  EXPECT_EQ(memory_.find(end)->memory_id, id);
  EXPECT_EQ(memory_.find(id)->memory_id, id);
  EXPECT_EQ(memory_.find(end, "journey")->memory_id, id);
  EXPECT_EQ(memory_.find(end, "super").error().code, "workflow.memory_not_found") << "foreign";
  for (const std::string_view none : {"", "%", "short", "'; --xx"})
    EXPECT_EQ(memory_.find(none).error().code, "workflow.memory_not_found");
}

TEST_P(MemoryTest, BlocksHaveVersionsCapsAndOwners) {
  const auto set = [&](BlockChange change, std::string_view actor = "user:ada") {
    const auto done = memory_.set_block("journey", change, actor);
    return done.ok() ? "version " + std::to_string(done->version) : done.error().code;
  };
  EXPECT_EQ(set({"persona", "calm", false, 1}), "workflow.version_conflict");
  EXPECT_EQ(set({"persona", "calm", false, 0}), "version 1");
  EXPECT_EQ(set({"persona", "calm", false, 0}), "workflow.version_conflict");
  EXPECT_EQ(set({"persona", "brisk", true, 1}), "version 2");
  EXPECT_EQ(set({"persona", "mine", false, std::nullopt}, "agent:journey"), "workflow.block_read_only");
  EXPECT_EQ(set({"own", "mine", true, std::nullopt}, "agent:journey"), "workflow.block_read_only");
  EXPECT_EQ(set({"own", "mine", false, std::nullopt}, "agent:journey"), "version 1");
  EXPECT_EQ(set({"", "x", false, std::nullopt}), "workflow.invalid_memory");
  EXPECT_EQ(set({"Persona", "x", false, std::nullopt}), "workflow.invalid_memory");
  std::string wide;
  for (std::size_t i = 0; i < kMemoryBlockCharactersMax; ++i) wide += "é";
  EXPECT_EQ(set({"own", wide, false, std::nullopt}), "version 2") << "characters, not bytes";
  EXPECT_EQ(set({"own", wide + "x", false, std::nullopt}), "workflow.invalid_memory");
  EXPECT_EQ(set({"own", "\xff", false, std::nullopt}), "workflow.invalid_memory");
  for (std::size_t i = 2; i < kMemoryBlocksMax; ++i)
    EXPECT_EQ(set({"b" + std::to_string(i), "x", false, std::nullopt}), "version 1");
  EXPECT_EQ(set({"one_too_many", "x", false, std::nullopt}), "workflow.too_many_blocks");
  const auto blocks = memory_.blocks("journey");
  ASSERT_THAT(*blocks, SizeIs(kMemoryBlocksMax));
  EXPECT_EQ(blocks->back().label, "persona");
  EXPECT_EQ(blocks->back().value, "brisk");
  EXPECT_EQ(blocks->back().updated_by, "user:ada");
  EXPECT_EQ(memory_.remove_block("journey", "persona", "agent:journey").error().code, "workflow.block_read_only");
  EXPECT_TRUE(memory_.remove_block("journey", "persona", "user:ada").ok());
  EXPECT_EQ(memory_.remove_block("journey", "persona", "user:ada").error().code, "workflow.block_not_found");
  EXPECT_THAT(*memory_.blocks("super"), IsEmpty());
}

TEST_P(MemoryTest, ManyMatchesOfCommonWordsAreApproximate) {
  for (int batch = 0; batch < 24; ++batch)
    ASSERT_TRUE(store_
                    ->write([&](storage::WriteTx& tx) -> Result<void> {
                      for (int i = 0; i < 500; ++i) {
                        const int n = batch * 500 + i;
                        WRENCH_TRY((*memory_.storing(draft("common number" + std::to_string(n))))(tx));
                      }
                      return {};
                    })
                    .ok());
  const MemoryPage page = retrieve(text_query("common"), "journey", 10);
  EXPECT_TRUE(page.approximate);
  EXPECT_THAT(page.items, SizeIs(10));
  const MemoryPage rare = retrieve(text_query("common number77"), "journey", 10);
  EXPECT_FALSE(rare.approximate);
  ASSERT_THAT(rare.items, SizeIs(1));
  EXPECT_EQ(rare.items[0].content.as_string(), "common number77");
}

TEST(MemoryCache, DropsWhatWasUsedLongestAgo) {
  const auto page = std::make_shared<const MemoryPage>();
  MemoryCache cache(1000);
  const auto put = [&](const std::string& key) { cache.put(key, {"a", page, {}}); };
  for (const char* key : {"one", "two", "three"}) put(key);
  EXPECT_TRUE(cache.find("one"));
  put("four");
  EXPECT_TRUE(cache.find("one"));
  EXPECT_FALSE(cache.find("two"));
  EXPECT_LE(cache.bytes(), 1000U);
  put(std::string(2000, 'x'));
  EXPECT_TRUE(cache.find("four")) << "what doesn't fit at all takes nothing away";
  cache.erase("four");
  EXPECT_FALSE(cache.find("four"));
}

TEST(MemoryIndex, LengthsAreToldApartByAnEighth) {
  using memory_index::length_class;
  EXPECT_EQ(length_class(0), 0);
  EXPECT_LT(length_class(8), length_class(10));
  EXPECT_LT(length_class(100), length_class(120));
  EXPECT_EQ(length_class(1'000'000'000), memory_index::kLengthClasses - 1);
}

INSTANTIATE_TEST_SUITE_P(Databases, MemoryTest, kBothDatabases, database_name);

}  // namespace
}  // namespace wrench::workflow
