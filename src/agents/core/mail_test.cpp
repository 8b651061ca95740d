#include "wrench/agents/mail.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "fake_step_test.hpp"
#include "report_test.hpp"
#include "wrench/crypto/sha256.hpp"
#include "wrench/runtime/atomic_file.hpp"
#include "wrench/runtime/subprocess.hpp"
#include "wrench/runtime/temp_dir.hpp"
#include "wrench/storage/store.hpp"
#include "wrench/workflow/queries.hpp"

namespace wrench::agents {
namespace {

using codec::Json;
using ::testing::IsEmpty;
using ::testing::SizeIs;

/// The inspector asks, the journey answers, the inspector reads: steps of one execution on a store, with a real
/// repository.
class CorrespondenceTest : public testing::Test {
 protected:
  CorrespondenceTest() {
    storage::StoreConfig config;
    config.directory = data_.path();
    config.statements = {workflow::statements()};
    config.wal_reserve_bytes = 0;
    auto opened = storage::Store::open(std::move(config), clock_, random_);
    EXPECT_TRUE(opened.ok()) << describe(opened.error());
    store_ = std::move(*opened);
    messages_.emplace(
        *store_, types_, [this](std::string_view name) { return registry_.find(name) != nullptr; }, clock_, random_);
    runner_.emplace(registry_, pool_, clock_, RunnerServices{.messages = &*messages_});
    git({"init", "-q", "-b", "main"});
  }

  void write(const std::string& name, std::string_view text) {
    ASSERT_TRUE(runtime::write_file_atomically(root_ + "/" + name, text).ok());
  }
  void git(std::vector<std::string> arguments) {
    runtime::SubprocessSpec spec;
    spec.program = runtime::find_program("git").value();
    spec.arguments = std::move(arguments);
    spec.environment = {"PATH=/usr/bin:/bin", "HOME=/nonexistent", "GIT_CONFIG_GLOBAL=/dev/null",
                        "GIT_AUTHOR_DATE=1700000000 +0000", "GIT_COMMITTER_DATE=1700000000 +0000"};
    spec.working_directory = root_;
    ASSERT_TRUE(runtime::capture_subprocess(spec)->result.succeeded());
  }
  void commit(const std::string& author) {
    git({"add", "-A"});
    git({"-c", "user.name=" + author, "-c", "user.email=a@example.org", "commit", "-qm", "x"});
  }

  /// The step's output, when it and what it attached are written.
  Json step(const std::string& capability, Json input) {
    FakeStep context;
    workflow::StepInvocation invocation;
    invocation.capability = capability;
    invocation.input = std::move(input);
    invocation.execution_no = 1;
    invocation.execution_id = "exe_A";
    invocation.step_no = ++step_no_;
    auto outcome = runner_->run(invocation, context);
    auto* done = std::get_if<workflow::Completed>(&outcome);
    EXPECT_NE(done, nullptr) << describe(std::get<workflow::Failed>(outcome).error);
    for (const auto& body : context.attached_) EXPECT_TRUE(store_->write(body).ok());
    return done == nullptr ? Json() : std::move(done->output);
  }
  Json ask(std::vector<findings::Finding> found) {
    auto report = report_of(std::move(found));
    return step("inspector.ask", Json::object({{"code", findings::to_json(report)}, {"inspection", Json::object()}}));
  }
  Json testify() {
    return step("journey.testify",
                Json::object({{"tree", Json::object({{"path", root_}, {"root", root_}, {"working_directory", root_}})},
                              {"question", Json::object()}}));
  }
  Json weigh() { return step("inspector.weigh", Json::object({{"testimony", Json::object()}})); }
  std::vector<workflow::Message> mail(std::optional<workflow::MessageState> state = {}) {
    return messages_->list({.state = state, .execution_no = 1})->messages;
  }
  static findings::Finding in_file(const std::string& path, std::uint32_t line, std::string_view text) {
    auto finding = some_finding("r", path, line);
    finding.where.content = "sha256:" + crypto::sha256_hex(text);
    return finding;
  }

  runtime::TempDir data_ = *runtime::TempDir::create(), folder_ = *runtime::TempDir::create();
  const std::string root_ = std::filesystem::canonical(folder_.path()).string();
  SystemClock clock_;
  SystemRandom random_;
  Registry registry_ = all_agents();
  runtime::WorkerPool pool_{{.threads = 1}};
  const workflow::MessageTypes types_ = *workflow::MessageTypes::make(message_types());
  std::unique_ptr<storage::Store> store_;
  std::optional<workflow::Messages> messages_;
  std::optional<AgentRunner> runner_;
  std::int64_t step_no_ = 0;
};

TEST_F(CorrespondenceTest, WithoutQuestionOrTestimonyThereIsNothingToSay) {
  write("a.py", "one\n");
  commit("Ada");
  // What a plan gives them when the step before has failed.
  const Json tree = Json::object({{"path", root_}, {"root", root_}, {"working_directory", root_}});
  EXPECT_EQ(step("journey.testify", Json::object({{"tree", tree}, {"question", Json()}})).at("questions").as_integer(),
            0);
  const Json weighed = step("inspector.weigh", Json::object({{"testimony", Json()}}));
  EXPECT_THAT(weighed.at("evidence").as_array(), IsEmpty());
  EXPECT_THAT(weighed.at("unknown").as_array(), IsEmpty());
}

TEST_F(CorrespondenceTest, WhatAPersonAsksIsAnsweredAtAnyTime) {
  write("a.py", "one\n");
  commit("Ada");
  const auto mailboxes = runner_->mailboxes({});
  ASSERT_THAT(mailboxes, SizeIs(1));
  EXPECT_EQ(mailboxes[0].receiver, "agent:journey");
  const auto question = [&](const std::string& root, std::string idem_key) {
    const std::string content = "sha256:" + crypto::sha256_hex("one\n");
    workflow::MessageDraft draft;
    draft.receiver = "agent:journey";
    draft.type = kEvidenceWanted;
    draft.content = Json::object(
        {{"root", root},
         {"findings",
          Json::array({Json::object({{"fingerprint", "f"}, {"path", "a.py"}, {"line", 1}, {"content", content}})})}});
    draft.idem_key = std::move(idem_key);
    return draft;
  };
  ASSERT_TRUE(messages_->send({"user:eve", 0, ""}, question(root_, "person")).ok());
  ASSERT_TRUE(messages_->send({"agent:inspector", 7, "exe_Z/1"}, question(root_, "step")).ok());
  EXPECT_EQ(messages_->deliver(mailboxes[0])->count, 1U);
  const auto answers = messages_->list({.receiver = "user:eve"})->messages;
  ASSERT_THAT(answers, SizeIs(1));
  EXPECT_EQ(answers[0].sender, "agent:journey");
  EXPECT_EQ(answers[0].type, kEvidence);
  EXPECT_EQ(answers[0].content.at("evidence").as_array().at(0).at("author").as_string(), "Ada");
  const auto asked = messages_->list({.receiver = "agent:journey"})->messages;
  ASSERT_THAT(asked, SizeIs(2));
  EXPECT_EQ(answers[0].reply_to, asked[0].message_id);
  EXPECT_EQ(asked[0].state, workflow::MessageState::Acknowledged);
  EXPECT_EQ(asked[1].state, workflow::MessageState::Open) << "a step of the same execution reads it";
  EXPECT_EQ(messages_->deliver(mailboxes[0])->count, 0U);
  // What can't be answered is tried again.
  ASSERT_TRUE(messages_->send({"user:eve", 0, ""}, question(data_.path(), "no repository")).ok());
  EXPECT_TRUE(messages_->deliver(mailboxes[0])->again_at);
}

TEST_F(CorrespondenceTest, TheInspectorAsksAndTheJourneyAnswers) {
  write("a.py", "one\n");
  commit("Ada");
  write("a.py", "one\ntwo\n");
  commit("Eve");
  write("changed.py", "one\n");
  commit("Eve");
  write("changed.py", "another\n");
  EXPECT_EQ(ask({in_file("a.py", 1, "one\ntwo\n"), in_file("a.py", 2, "one\ntwo\n"),
                 in_file("changed.py", 1, "another\n"), in_file("new.py", 1, "x")})
                .at("asked")
                .as_integer(),
            4);
  const auto question = mail();
  ASSERT_THAT(question, SizeIs(1));
  EXPECT_EQ(question[0].sender, "agent:inspector");
  EXPECT_EQ(question[0].receiver, "agent:journey");
  EXPECT_EQ(question[0].source_step, "exe_A/1");
  const Json told = testify();
  EXPECT_EQ(codec::write_json(told), R"({"questions":1,"answered":2,"unknown":2})");
  const Json known = weigh();
  ASSERT_THAT(known.at("evidence").as_array(), SizeIs(2));
  const Json& first = known.at("evidence").as_array()[0];
  EXPECT_EQ(first.at("fingerprint").as_string(), "wf1-r-a.py-1");
  EXPECT_EQ(first.at("author").as_string(), "Ada");
  EXPECT_EQ(first.at("date").as_string(), "2023-11-14");
  EXPECT_EQ(known.at("evidence").as_array()[1].at("author").as_string(), "Eve");
  EXPECT_EQ(known.at("unknown").as_array().size(), 2U);
  const auto all = mail();
  ASSERT_THAT(all, SizeIs(2));
  EXPECT_EQ(all[1].reply_to, all[0].message_id);
  EXPECT_EQ(first.at("message_id").as_string(), all[1].message_id);
  EXPECT_THAT(mail(workflow::MessageState::Open), IsEmpty());
  EXPECT_EQ(testify().at("questions").as_integer(), 0) << "answered once";
  EXPECT_THAT(weigh().at("evidence").as_array(), IsEmpty());
}

TEST_F(CorrespondenceTest, NothingToAskIsNoMessage) {
  auto minor = in_file("a.py", 1, "x");
  minor.severity = findings::Severity::Low;
  auto held_back = in_file("a.py", 2, "x");
  held_back.suppressed = findings::Suppressed{"inline", "", ""};
  EXPECT_EQ(ask({minor, held_back}).at("asked").as_integer(), 0);
  EXPECT_THAT(mail(), IsEmpty());
}

TEST_F(CorrespondenceTest, AsksAboutTheWorst) {
  std::vector<findings::Finding> many;
  for (std::uint32_t line = 1; line <= 30; ++line) many.push_back(in_file("a.py", line, "x"));
  many.back().severity = findings::Severity::Critical;
  EXPECT_EQ(ask(many).at("asked").as_integer(), 20);
  const Json asked = mail().at(0).content.at("findings");
  EXPECT_EQ(asked.as_array()[0].at("line").as_integer(), 30);
}

TEST_F(CorrespondenceTest, MailOfOtherExecutionsIsNotRead) {
  workflow::MessageDraft forged;
  forged.receiver = "agent:inspector";
  forged.type = kEvidence;
  forged.content = Json::object({{"evidence", Json::array()}, {"unknown", Json::array()}});
  ASSERT_TRUE(messages_->send({"user:eve", 2, ""}, forged).ok());
  ASSERT_TRUE(messages_->send({"user:eve"}, forged).ok());
  EXPECT_THAT(weigh().at("evidence").as_array(), IsEmpty());
  EXPECT_THAT(messages_->list({.receiver = "agent:inspector", .state = workflow::MessageState::Open})->messages,
              SizeIs(2));
}

}  // namespace
}  // namespace wrench::agents
