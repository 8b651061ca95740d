#include "wrench/workflow/triage.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "store_test.hpp"
#include "wrench/storage/event_log.hpp"
#include "wrench/workflow/engine.hpp"
#include "wrench/workflow/findings_store.hpp"

namespace wrench::workflow {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

/// Its one capability reports what the test says, and takes decisions over as it says.
class Reporter final : public StepRunner {
 public:
  Result<CapabilityTraits> traits(std::string_view) const override {
    return CapabilityTraits{Effect::LocalTransactional, SlotClass::Cpu};
  }
  StepOutcome run(const StepInvocation& in, StepContext& context) override {
    if (meanwhile) meanwhile();
    context.attach([all = taken_over, execution_no = in.execution_no](storage::WriteTx& tx) {
      return triage::after_review(tx, execution_no, all);
    });
    return Completed{codec::Json::object(), found};
  }
  std::vector<findings::Finding> found;
  std::vector<TakenOver> taken_over;
  std::function<void()> meanwhile;
};

findings::Finding finding(std::string_view fingerprint, double rank = 10) {
  findings::Finding out;
  out.fingerprint = "wf1-" + std::string(32 - fingerprint.size(), '0') + std::string(fingerprint);
  out.move_fingerprint = "wm1-" + std::string(32, '0');
  out.rule = "test.rule";
  out.title = "T";
  out.message = "m";
  out.severity = findings::Severity::High;
  out.measure = 20;
  out.rank = rank;
  out.where.path = "a.py";
  return out;
}

class Triage : public StoreTest {
 protected:
  /// One review of /repo that reports these.
  std::int64_t review(std::vector<findings::Finding> found, std::vector<TakenOver> taken_over = {}) {
    clock_.advance(kMicrosPerSecond);
    reporter_.found = std::move(found);
    reporter_.taken_over = std::move(taken_over);
    EngineConfig config;
    config.boot_id = "boot1";
    config.boot_is_live = [](std::string_view) { return true; };
    auto engine = *Engine::open(*store_, std::move(config), clock_, random_);
    engine->start(reporter_);
    CreateTask task;
    task.title = "t";
    task.repository = "/repo";
    task.plan = *Plan::parse_text(R"({"v":1,"nodes":[{"id":"a","kind":"call","capability":"t.report"}]})");
    const auto receipt = engine->create(task);
    EXPECT_TRUE(receipt.ok()) << describe(receipt.error());
    const auto outcome = engine->wait(receipt->task_id, {}, {});
    EXPECT_TRUE(outcome.ok() && outcome->task.state == TaskState::Completed);
    clock_.advance(kMicrosPerSecond);
    return receipt->execution_no;
  }
  StoredFinding stored(std::string_view suffix) {
    auto found = read([&](storage::ReadTx& tx) { return findings_store::find(tx, suffix); });
    EXPECT_TRUE(found.ok()) << describe(found.error());
    return found.ok() ? *found : StoredFinding{};
  }
  Result<void> decide(std::string_view suffix, FindingState state, std::string reason = "because",
                      std::optional<Micros> until = std::nullopt) {
    const auto id = stored(suffix).id;
    return write(
        [&](storage::WriteTx& tx) { return triage::decide(tx, id, {state, std::move(reason), until, "user:ada"}); });
  }
  Result<std::optional<TriageEntry>> undo(std::string_view suffix) {
    const auto id = stored(suffix).id;
    return write([&](storage::WriteTx& tx) { return triage::undo(tx, id, "user:bob"); });
  }
  std::vector<TriageEntry> history(std::string_view suffix) {
    const auto id = stored(suffix).id;
    return *read([&](storage::ReadTx& tx) { return triage::history(tx, id); });
  }
  findings::Decisions decisions(std::int64_t execution_no) {
    return *read([&](storage::ReadTx& tx) { return triage::decisions_for(tx, execution_no); });
  }
  FindingPage list(FindingFilter filter) {
    filter.project_id = kDefaultProject;
    auto page = read([&](storage::ReadTx& tx) { return findings_store::list(tx, filter, clock_.now_us()); });
    EXPECT_TRUE(page.ok()) << describe(page.error());
    return page.ok() ? *page : FindingPage{};
  }

  Reporter reporter_;
};

TEST_F(Triage, ADecisionStandsWithItsReasonAndIsAnEvent) {
  const auto execution = review({finding("aaaaaa")});
  EXPECT_THAT(decisions(execution).dismissals, IsEmpty());
  ASSERT_TRUE(decide("aaaaaa", FindingState::FalsePositive, "built from constants").ok());
  const StoredFinding after = stored("aaaaaa");
  EXPECT_EQ(after.state, FindingState::FalsePositive);
  EXPECT_EQ(after.repository, "/repo");
  ASSERT_TRUE(after.decision);
  EXPECT_EQ(after.decision->decision.reason, "built from constants");
  EXPECT_EQ(after.decision->decision.actor, "user:ada");
  EXPECT_TRUE(after.is_dismissed(clock_.now_us()));
  const auto known = decisions(execution);
  ASSERT_THAT(known.dismissals, SizeIs(1));
  EXPECT_EQ(known.dismissals[0].finding_id, after.finding_id);
  EXPECT_EQ(known.dismissals[0].decision, "false_positive");
  EXPECT_EQ(known.dismissals[0].move_fingerprint, finding("aaaaaa").move_fingerprint);
  EXPECT_EQ(known.dismissals[0].basis, findings::basis_of(finding("aaaaaa")));
  EXPECT_THAT(known.dismissals[0].source, HasSubstr("user:ada, "));
  EXPECT_TRUE(known.reported.contains(finding("aaaaaa").fingerprint));
  const auto events = read([&](storage::ReadTx& tx) { return storage::event_log::read(tx, {}, {}, 1000); });
  ASSERT_TRUE(events.ok());
  EXPECT_EQ(events->events.back().what.type, "finding.triaged");
  EXPECT_EQ(events->events.back().what.subject_id, after.finding_id);
  review({finding("aaaaaa")});
  EXPECT_EQ(stored("aaaaaa").state, FindingState::FalsePositive) << "seen again, it stays dismissed";
}

TEST_F(Triage, RefusesWhatMakesNoSense) {
  review({finding("aaaaaa")});
  const Micros now = clock_.now_us();
  const auto code = [&](FindingState state, std::string reason, std::optional<Micros> until = std::nullopt) {
    const auto done = decide("aaaaaa", state, std::move(reason), until);
    return done.ok() ? std::string("ok") : done.error().code;
  };
  EXPECT_EQ(code(FindingState::FalsePositive, "  "), "workflow.invalid_triage");
  EXPECT_EQ(code(FindingState::FalsePositive, std::string(kTriageReasonBytesMax + 1, 'x')), "workflow.invalid_triage");
  EXPECT_EQ(code(FindingState::FalsePositive, "\xff"), "workflow.invalid_triage");
  EXPECT_EQ(code(FindingState::FalsePositive, std::string("a\0b", 3)), "workflow.invalid_triage");
  EXPECT_EQ(code(FindingState::Snoozed, "later"), "workflow.invalid_triage") << "without an end";
  EXPECT_EQ(code(FindingState::Snoozed, "later", now - 1), "workflow.invalid_triage");
  EXPECT_EQ(code(FindingState::Snoozed, "later", now + kTriageUntilMax + kMicrosPerDay), "workflow.invalid_triage");
  EXPECT_EQ(code(FindingState::Fixed, "", now + kMicrosPerDay), "workflow.invalid_triage");
  EXPECT_EQ(code(FindingState::Open, ""), "workflow.invalid_transition");
  EXPECT_EQ(undo("aaaaaa").error().code, "workflow.nothing_to_undo");
  EXPECT_THAT(history("aaaaaa"), IsEmpty());
  EXPECT_EQ(code(FindingState::AcceptedRisk, std::string(kTriageReasonBytesMax, 'x')), "ok");
  EXPECT_EQ(code(FindingState::Snoozed, "later", now + kTriageUntilMax), "ok");
  EXPECT_EQ(write([](storage::WriteTx& tx) {
              return triage::decide(tx, 999, {FindingState::Fixed, "", std::nullopt, "user:ada"});
            })
                .error()
                .code,
            "workflow.finding_not_found");
}

TEST_F(Triage, UndoingGoesBackOneDecisionAtATime) {
  review({finding("aaaaaa")});
  ASSERT_TRUE(decide("aaaaaa", FindingState::AcceptedRisk, "first").ok());
  ASSERT_TRUE(decide("aaaaaa", FindingState::FalsePositive, "second").ok());
  const auto standing = undo("aaaaaa");
  ASSERT_TRUE(standing.ok() && *standing);
  EXPECT_EQ((*standing)->decision.reason, "first");
  EXPECT_EQ(stored("aaaaaa").state, FindingState::AcceptedRisk);
  const auto none = undo("aaaaaa");
  ASSERT_TRUE(none.ok());
  EXPECT_FALSE(*none);
  EXPECT_EQ(stored("aaaaaa").state, FindingState::Open);
  EXPECT_EQ(undo("aaaaaa").error().code, "workflow.nothing_to_undo");
  const auto all = history("aaaaaa");
  ASSERT_THAT(all, SizeIs(2)) << "nothing is forgotten";
  EXPECT_EQ(all[0].undone_by, "user:bob");
  EXPECT_TRUE(all[1].undone_at);
}

TEST_F(Triage, WhatIsStillReportedIsNotFixed) {
  review({finding("aaaaaa")});
  ASSERT_TRUE(decide("aaaaaa", FindingState::Fixed, "").ok());
  EXPECT_THAT(decisions(review({})).dismissals, IsEmpty());
  EXPECT_EQ(stored("aaaaaa").state, FindingState::Fixed);
  review({finding("aaaaaa")});
  EXPECT_EQ(stored("aaaaaa").state, FindingState::Open);
  EXPECT_EQ(history("aaaaaa").back().decision.actor, "system");
}

TEST_F(Triage, AReviewDoesNotOverruleWhatWasDecidedWhileItRan) {
  review({finding("aaaaaa")});
  reporter_.meanwhile = [&] {
    clock_.advance(1);
    EXPECT_TRUE(decide("aaaaaa", FindingState::Fixed, "").ok());
  };
  review({finding("aaaaaa")});
  EXPECT_EQ(stored("aaaaaa").state, FindingState::Fixed);
}

TEST_F(Triage, AWorseFindingIsOpenAgain) {
  review({finding("aaaaaa")});
  ASSERT_TRUE(decide("aaaaaa", FindingState::FalsePositive).ok());
  auto worse = finding("aaaaaa");
  worse.reopened = "false positive, but it has grown";
  const auto execution = review({worse});
  EXPECT_EQ(stored("aaaaaa").state, FindingState::Open);
  EXPECT_EQ(history("aaaaaa").back().decision.reason, "false positive, but it has grown");
  EXPECT_THAT(decisions(execution).dismissals, IsEmpty());
}

TEST_F(Triage, AMovedFindingKeepsItsIdDecisionAndHistory) {
  review({finding("aaaaaa")});
  ASSERT_TRUE(decide("aaaaaa", FindingState::FalsePositive).ok());
  const StoredFinding before = stored("aaaaaa");
  const auto execution =
      review({finding("bbbbbb", 77)}, {{before.finding_id, finding("bbbbbb").fingerprint, true, ""}});
  const StoredFinding after = stored("bbbbbb");
  EXPECT_EQ(after.finding_id, before.finding_id);
  EXPECT_EQ(after.state, FindingState::FalsePositive);
  EXPECT_EQ(after.first_seen, before.first_seen);
  EXPECT_EQ(after.finding.rank, 77);
  EXPECT_EQ(read([](storage::ReadTx& tx) { return findings_store::find(tx, "aaaaaa"); }).error().code,
            "workflow.finding_not_found");
  EXPECT_THAT(*read([&](storage::ReadTx& tx) { return findings_store::list_by_execution(tx, execution); }), SizeIs(1));
  EXPECT_FALSE(decisions(execution).reported.contains(finding("aaaaaa").fingerprint)) << "so that it can move back";
  review({finding("cccccc")}, {{before.finding_id, finding("cccccc").fingerprint, true, "it is worse there"}});
  EXPECT_EQ(stored("cccccc").finding_id, before.finding_id);
  EXPECT_EQ(stored("cccccc").state, FindingState::Open);
}

TEST_F(Triage, ADecisionCoversWhatTheFindingWasMergedInto) {
  review({finding("aaaaaa")});
  ASSERT_TRUE(decide("aaaaaa", FindingState::FalsePositive).ok());
  const std::string id = stored("aaaaaa").finding_id;
  review({finding("bbbbbb")}, {{id, finding("bbbbbb").fingerprint, false, ""}});
  EXPECT_EQ(stored("bbbbbb").state, FindingState::FalsePositive);
  EXPECT_EQ(stored("bbbbbb").decision->origin, id);
  EXPECT_EQ(stored("aaaaaa").state, FindingState::FalsePositive);
}

TEST_F(Triage, TellsWhatTheLatestReviewNoLongerReports) {
  review({finding("aaaaaa"), finding("bbbbbb")});
  EXPECT_FALSE(stored("aaaaaa").gone);
  review({finding("bbbbbb")});
  EXPECT_TRUE(stored("aaaaaa").gone);
  EXPECT_FALSE(stored("bbbbbb").gone);
  review({});
  EXPECT_TRUE(stored("bbbbbb").gone) << "also when it reports nothing at all";
}

TEST_F(Triage, ListsByRankInPages) {
  std::vector<findings::Finding> found;
  for (int i = 0; i < 25; ++i) found.push_back(finding(std::to_string(100'000 + i), i % 10 + 0.1));
  found[3].severity = findings::Severity::Low;
  found[4].rule = "other.rule";
  review(found);
  std::vector<double> ranks;
  std::set<std::string> ids;
  FindingFilter filter;
  filter.limit = 7;
  do {
    const FindingPage page = list(filter);
    for (const StoredFinding& one : page.findings) {
      ranks.push_back(one.finding.rank);
      ids.insert(one.finding_id);
    }
    filter.cursor = page.next_cursor;
  } while (!filter.cursor.empty());
  EXPECT_THAT(ids, SizeIs(25));
  EXPECT_TRUE(std::ranges::is_sorted(ranks, std::greater()));
  filter = {};
  filter.severity_min = findings::Severity::Medium;
  EXPECT_THAT(list(filter).findings, SizeIs(24));
  filter = {};
  filter.rule = "other.rule";
  EXPECT_THAT(list(filter).findings, SizeIs(1));
  filter.repo_id = 99;
  EXPECT_THAT(list(filter).findings, IsEmpty());
  for (const char* cursor : {"x", "1:", ":1", "1:2x", "nan"}) {
    filter.cursor = cursor;
    EXPECT_EQ(read([&](storage::ReadTx& tx) { return findings_store::list(tx, filter, 0); }).error().code,
              "workflow.invalid_cursor")
        << cursor;
  }
}

TEST_F(Triage, ASnoozeThatEndedIsOpen) {
  review({finding("aaaaaa", 5), finding("bbbbbb", 7), finding("cccccc", 6)});
  ASSERT_TRUE(decide("bbbbbb", FindingState::Snoozed, "later", clock_.now_us() + kMicrosPerDay).ok());
  EXPECT_THAT(list({}).findings, SizeIs(2));
  clock_.advance(2 * kMicrosPerDay);
  const auto open = list({}).findings;
  ASSERT_THAT(open, SizeIs(3));
  EXPECT_EQ(open[0].finding.rank, 7);
  EXPECT_FALSE(open[0].is_dismissed(clock_.now_us()));
}

TEST_F(Triage, FindsByIdFingerprintAndTheirEnds) {
  review({finding("aaaaaa"), finding("1aaaaaa"), finding("bbbbbb")});
  const StoredFinding b = stored("bbbbbb");
  EXPECT_EQ(stored(b.finding_id).id, b.id);
  EXPECT_EQ(stored(b.finding.fingerprint).id, b.id);
  EXPECT_EQ(stored("0BBBBBB").id, b.id);
  std::string short_id = b.finding_id.substr(b.finding_id.size() - 6);
  for (char& c : short_id) c = static_cast<char>(std::tolower(c));
  EXPECT_EQ(stored(short_id).id, b.id);
  const auto error = [&](std::string_view id) {
    return read([&](storage::ReadTx& tx) { return findings_store::find(tx, id); }).error();
  };
  EXPECT_EQ(error("aaaaaa").code, "workflow.finding_ambiguous");
  EXPECT_THAT(error("aaaaaa").help, SizeIs(2));
  for (const std::string_view id : {"", "aaaaa", "zzzzzz", "%", "'; DROP TABLE findings; --", "______"})
    EXPECT_EQ(error(id).code, "workflow.finding_not_found") << id;
  EXPECT_EQ(error(std::string(100'000, 'a')).code, "workflow.finding_not_found");
}

}  // namespace
}  // namespace wrench::workflow
