#include "log_parser.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace wrench::history {
namespace {

using namespace std::string_literals;

const std::string kId1(40, 'a');
const std::string kId2(40, 'b');
const std::string kZero(40, '0');

std::string change(const std::string& mode, char status, const std::string& path) {
  return ":" + mode + " " + mode + " " + kZero + " " + kZero + " " + status + "\0"s + path + "\0"s;
}
std::string commit(const std::string& id, const std::string& author) {
  return "\x01"s + id + "\0"s + "1700000000\0"s + author + "\0"s + "a@example.org\0"s;
}

struct Parsed {
  std::vector<LoggedCommit> commits;
  bool ok = true;
};
Parsed parse(std::string_view bytes, std::size_t step, LogParser::Cut cut = LogParser::Cut::Refused) {
  Parsed parsed;
  LogParser parser([&](LoggedCommit&& one) -> Result<void> {
    parsed.commits.push_back(std::move(one));
    return {};
  });
  for (std::size_t at = 0; parsed.ok && at < bytes.size(); at += step)
    parsed.ok = parser.feed(bytes.substr(at, step)).ok();
  if (parsed.ok) parsed.ok = parser.finish(cut).ok();
  return parsed;
}

TEST(LogParser, ReadsCommitsHoweverTheStreamIsCut) {
  const std::string log = commit(kId1, "Ann \x01 \n:odd") + "\n" + change("100644", 'M', "a b.c") +
                          change("100644", 'D', ":100644 x") + "\0"s + commit(kId2, "Bob") + "\n" +
                          change("120000", 'A', "\x01link\n");
  for (const std::size_t step : {log.size(), std::size_t{1}, std::size_t{7}}) {
    const Parsed parsed = parse(log, step);
    ASSERT_TRUE(parsed.ok) << step;
    ASSERT_EQ(parsed.commits.size(), 2u);
    EXPECT_EQ(parsed.commits[0].author, "Ann \x01 \n:odd");
    EXPECT_EQ(parsed.commits[0].time_s, 1'700'000'000);
    ASSERT_EQ(parsed.commits[0].changes.size(), 2u);
    EXPECT_EQ(parsed.commits[0].changes[1].path, ":100644 x");
    EXPECT_EQ(parsed.commits[0].changes[1].status, 'D');
    EXPECT_EQ(parsed.commits[1].changes[0].path, "\x01link\n");
  }
}

TEST(LogParser, CommitsWithoutChangesAndSubmodules) {
  const std::string log = commit(kId1, "Ann") + commit(kId2, "Bob") + "\n" + change("160000", 'M', "sub");
  const Parsed parsed = parse(log, 3);
  ASSERT_TRUE(parsed.ok);
  ASSERT_EQ(parsed.commits.size(), 2u);
  EXPECT_TRUE(parsed.commits[0].changes.empty());
  EXPECT_TRUE(parsed.commits[1].changes.empty());
  EXPECT_TRUE(parse("", 1).ok);
}

TEST(LogParser, RefusesWhatIsNotALog) {
  EXPECT_FALSE(parse("hello\0"s, 10).ok);
  EXPECT_FALSE(parse("\x01short\0"s, 10).ok);
  EXPECT_FALSE(parse("\x01"s + kId1 + "\0soon\0"s, 10).ok);
  EXPECT_FALSE(parse(commit(kId1, "Ann") + "\n:100644 M\0x\0"s, 10).ok);
  EXPECT_FALSE(parse("\x01"s + kId1 + "\0"s + "17\0"s, 10).ok) << "ends inside a commit";
  EXPECT_FALSE(parse(std::string(kLogFieldBytesMax + 1, 'x'), 4096).ok);
}

TEST(LogParser, ACutLogKeepsOnlyWholeCommits) {
  const std::string log = commit(kId1, "Ann") + "\n" + change("100644", 'M', "a") + "\0"s + commit(kId2, "Bob");
  const Parsed parsed = parse(log.substr(0, log.size() - 5), 9, LogParser::Cut::Allowed);
  ASSERT_TRUE(parsed.ok);
  ASSERT_EQ(parsed.commits.size(), 1u);
  EXPECT_EQ(parsed.commits[0].id, kId1);
}

TEST(NumstatParser, ReadsCountsAndBinaryFiles) {
  std::vector<std::string> seen;
  NumstatParser parser(
      [&](std::string_view id) -> Result<void> {
        seen.push_back("commit " + std::string(id.substr(0, 1)));
        return {};
      },
      [&](std::string_view path, LineCount count) {
        seen.push_back(std::to_string(count.added) + "+" + std::to_string(count.deleted) + "-" + std::string(path));
      });
  const std::string text = kId1 + "\0"s + "3\t4\ta\tb\0"s + "-\t-\tx.png\0"s + kId2 + "\0"s + "0\t1\tc\0"s;
  for (const char c : text) ASSERT_TRUE(parser.feed(std::string_view(&c, 1)).ok());
  EXPECT_EQ(seen, (std::vector<std::string>{"commit a", "3+4-a\tb", "0+0-x.png", "commit b", "0+1-c"}));
  EXPECT_FALSE(parser.feed("99999999999\t1\tx\0"s).ok());
  EXPECT_FALSE(parser.feed("nonsense\0"s).ok());
}

}  // namespace
}  // namespace wrench::history
