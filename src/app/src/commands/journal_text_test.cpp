#include "journal_text.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace wrench::app {
namespace {

using codec::Json;
using ::testing::HasSubstr;
using workflow::JournalEntry;
using workflow::StepView;

JournalEntry entry(Micros at, std::string kind, std::optional<std::int64_t> step = {}, Json data = {}) {
  JournalEntry out;
  out.at = at;
  out.kind = std::move(kind);
  out.step_no = step;
  out.attempt = 1;
  out.data = std::move(data);
  return out;
}

TEST(JournalText, TellsWhatHappenedToWhomAndWhen) {
  StepView scan;
  scan.step_no = 1;
  scan.node = "scan";
  scan.capability = "t.scan@1";
  StepView item;
  item.step_no = 7;
  item.node = "file";
  item.item = 3;
  const StepView steps[] = {scan, item};
  JournalEntry again = entry(2'000'000, "claim", 1);
  again.attempt = 2;
  const JournalEntry entries[] = {
      entry(1'000'000, "started"),
      entry(1'000'000, "claim", 1),
      entry(1'500'000, "retry", 1, Json::object({{"code", "io.gone"}, {"message", "it \x1b[31mvanished"}})),
      again,
      entry(
          2'500'000, "usage", 1,
          Json::object({{"cpu_ms", 700}, {"children_cpu_ms", 500}, {"rss_bytes_max", 3 << 20}, {"read_bytes", 4096}})),
      entry(2'500'000, "cancel_requested", {}, Json::object({{"reason", "wrong folder"}})),
      entry(2'500'000, "claim", 7),
      entry(2'500'000, "claim", 9),
      entry(3'000'000, "a_kind_of_later", 1),
      entry(3'000'000, "ended", {}, Json::object({{"status", "cancelled"}})),
  };
  EXPECT_EQ(journal_text(entries, steps),
            "From 1970-01-01T00:00:01.000Z on:\n\n"
            "     +0 ms  the task begins\n"
            "     +0 ms  scan  t.scan@1  begins\n"
            "   +500 ms  scan  t.scan@1  failed, will be tried again: it \\x1b[31mvanished [io.gone]\n"
            "    +1.0 s  scan  t.scan@1  begins, attempt 2\n"
            "    +1.5 s  scan  t.scan@1  used 1.2 s CPU, 3.0 MiB memory, read 4.0 KiB\n"
            "    +1.5 s  somebody cancels the task: wrong folder\n"
            "    +1.5 s  file[3]         begins\n"
            "    +1.5 s  step 9          begins\n"
            "    +2.0 s  scan  t.scan@1  a_kind_of_later\n"
            "    +2.0 s  the task ended: cancelled\n");
  EXPECT_EQ(journal_text({}, steps), "Nothing happened yet.\n");
}

TEST(JournalText, NamesThePeople) {
  JournalEntry decided = entry(1, "completed", 1);
  decided.actor = "user:k\x1bim";
  JournalEntry done = entry(1, "claim", 2);
  done.actor = "boot_01JAAAAAAAAAAAAAAAAAAAAAAA";
  const JournalEntry entries[] = {decided, done};
  const std::string text = journal_text(entries, {});
  EXPECT_THAT(text, HasSubstr("completed, by user:k\\x1bim\n"));
  EXPECT_THAT(text, HasSubstr("begins\n"));
}

}  // namespace
}  // namespace wrench::app
