#include "wrench/findings/dismissal.hpp"

#include <gtest/gtest.h>

namespace wrench::findings {
namespace {

constexpr Micros kNow = 1'700'000'000 * kMicrosPerSecond;

Finding found(std::string fingerprint, std::string move_fingerprint = "wm1-x") {
  Finding finding;
  finding.fingerprint = std::move(fingerprint);
  finding.move_fingerprint = std::move(move_fingerprint);
  finding.severity = Severity::Medium;
  finding.measure = 20;
  return finding;
}

Dismissal dismissed(const Finding& finding) {
  Dismissal dismissal;
  dismissal.finding_id = "fnd_" + finding.fingerprint;
  dismissal.fingerprint = finding.fingerprint;
  dismissal.move_fingerprint = finding.move_fingerprint;
  dismissal.decision = "false_positive";
  dismissal.basis = basis_of(finding);
  return dismissal;
}

class Recall : public ::testing::Test {
 protected:
  const std::vector<Recalled>& recall_in(const std::vector<Finding>& findings) {
    std::vector<const Finding*> pointers;
    for (const Finding& finding : findings) pointers.push_back(&finding);
    recalled_ = recall(pointers, decisions_, merged_, kNow);
    return recalled_;
  }
  /// Of the only finding that there is a decision about.
  std::string why_shown(const Finding& finding) {
    const std::vector<Finding> findings{finding};
    recall_in(findings);
    EXPECT_EQ(recalled_.size(), 1U);
    return recalled_.empty() ? "not recalled" : recalled_[0].why_shown;
  }

  Decisions decisions_;
  MergedFindings merged_;
  std::vector<Recalled> recalled_;
};

TEST_F(Recall, MatchesByFingerprint) {
  decisions_.dismissals = {dismissed(found("a"))};
  const std::vector<Finding> findings{found("b", "other"), found("a")};
  const auto& all = recall_in(findings);
  ASSERT_EQ(all.size(), 1U);
  EXPECT_EQ(all[0].finding, &findings[1]);
  EXPECT_EQ(all[0].dismissal, &decisions_.dismissals[0]);
  EXPECT_EQ(all[0].how, Recalled::How::Same);
  EXPECT_EQ(all[0].why_shown, "");
}

TEST_F(Recall, FollowsAMove) {
  decisions_.dismissals = {dismissed(found("a"))};
  const std::vector<Finding> findings{found("b")};
  ASSERT_EQ(recall_in(findings).size(), 1U);
  EXPECT_EQ(recalled_[0].how, Recalled::How::Moved);
}

TEST_F(Recall, ACopyIsAnotherFinding) {
  decisions_.dismissals = {dismissed(found("a"))};
  const std::vector<Finding> findings{found("a"), found("copy")};
  ASSERT_EQ(recall_in(findings).size(), 1U) << "the dismissed one is still there";
  EXPECT_EQ(recalled_[0].finding, &findings[0]);
  decisions_.reported = {"copy"};
  EXPECT_TRUE(recall_in({found("copy")}).empty()) << "was reported beside the dismissed one, and stays when that goes";
  EXPECT_EQ(recall_in({found("c1"), found("c2")}).size(), 1U) << "one decision, one finding";
}

TEST_F(Recall, WhatACommentHidesHasNotMoved) {
  decisions_.dismissals = {dismissed(found("a"))};
  std::vector<Finding> findings{found("a"), found("copy")};
  findings[0].suppressed = Suppressed{.kind = "inline", .reason = "", .source = ""};
  EXPECT_TRUE(recall_in(findings).empty());
}

TEST_F(Recall, CoversTheFindingItWasMergedInto) {
  decisions_.dismissals = {dismissed(found("a"))};
  merged_["kept"] = {"a"};
  Finding kept = found("kept", "other");
  kept.measure = 200;
  EXPECT_EQ(why_shown(kept), "") << "measures of two rules aren't of one kind";
  EXPECT_EQ(recalled_[0].how, Recalled::How::Merged);
  kept.severity = Severity::High;
  EXPECT_EQ(why_shown(kept), "it is high now, not medium");
}

TEST_F(Recall, SaysWhenItsTimeIsOver) {
  decisions_.dismissals = {dismissed(found("a"))};
  decisions_.dismissals[0].until = kNow + 1;
  EXPECT_EQ(why_shown(found("a")), "");
  decisions_.dismissals[0].until = kNow;
  EXPECT_EQ(why_shown(found("a")), "its time ended on 2023-11-14");
}

TEST_F(Recall, AWorseFindingIsShownAgain) {
  decisions_.dismissals = {dismissed(found("a"))};
  Finding now = found("a");
  now.severity = Severity::Low;
  EXPECT_EQ(why_shown(now), "") << "better is no reason to ask again";
  now.severity = Severity::Critical;
  EXPECT_EQ(why_shown(now), "it is critical now, not medium");
  now = found("a");
  now.measure = 24;
  EXPECT_EQ(why_shown(now), "");
  now.measure = 25;
  EXPECT_EQ(why_shown(now), "it has grown from 20 to 25");
  now = found("a");
  now.reach = Reach::Entry;
  EXPECT_EQ(why_shown(now), "input from outside gets there now");
  decisions_.dismissals[0].basis.reach = Reach::TestOrDead;
  now.reach = Reach::Unknown;
  EXPECT_EQ(why_shown(now), "it is no longer in tests, examples or code that never runs");
  now.reach = Reach::TestOrDead;
  EXPECT_EQ(why_shown(now), "");
}

TEST(DismissalBasis, KeepsItsForm) {
  Finding finding = found("a");
  finding.reach = Reach::Entry;
  const auto back = basis_from_json(to_json(basis_of(finding)));
  ASSERT_TRUE(back.ok()) << describe(back.error());
  EXPECT_EQ(*back, basis_of(finding));
  EXPECT_EQ(basis_from_json(codec::Json::object({{"severity", "huge"}})).error().code, "findings.invalid");
}

TEST(Decision, HasWords) {
  EXPECT_EQ(decision_words("accepted_risk"), "accepted as a risk");
  EXPECT_FALSE(is_dismissal("inline"));
  EXPECT_FALSE(is_dismissal("fixed"));
  EXPECT_TRUE(is_dismissal("snoozed"));
}

}  // namespace
}  // namespace wrench::findings
