#include "wrench/history/blame.hpp"

#include <algorithm>
#include <charconv>
#include <utility>

#include "wrench/base/assert.hpp"
#include "wrench/base/clock.hpp"
#include "wrench/base/text.hpp"

namespace wrench::history {

namespace {

/// Headers and lines of code; a line of several megabytes is still one.
constexpr std::size_t kAnswerBytesMax = 2 * kBlameFileBytesMax;
constexpr std::int64_t kMinutesOfDay = 24 * 60;

template <class Integer>
bool parse_number(std::string_view text, Integer& out) {
  const auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), out);
  return ec == std::errc() && end == text.data() + text.size();
}

/// "+0130" in minutes; 0 when it is none.
std::int64_t zone_minutes(std::string_view text) {
  std::int64_t hhmm = 0;
  if (text.size() != 5 || (text[0] != '+' && text[0] != '-') || !parse_number(text.substr(1), hhmm)) return 0;
  const std::int64_t minutes = std::min(hhmm / 100 * 60 + hhmm % 100, kMinutesOfDay);
  return text[0] == '-' ? -minutes : minutes;
}

/// One line of the file, as `git blame --line-porcelain` tells of it: headers, then the line itself after a tab.
class BlameParser {
 public:
  explicit BlameParser(std::vector<LineOrigin>& out) : out_(out) {}

  void line(std::string_view text) {
    if (text.starts_with('\t')) {
      end();
    } else if (!begun_) {
      begin(text);
    } else {
      header(text);
    }
  }

 private:
  /// "<id> <line before> <line now> <lines that follow>"
  void begin(std::string_view text) {
    now_ = {};
    begun_ = true;
    const std::vector<std::string_view> words = split(text, ' ');
    if (words.size() < 3 || !is_object_id(words[0]) || !parse_number(words[2], now_.line)) return;
    now_.commit = words[0];
  }
  void header(std::string_view text) {
    const std::size_t space = std::min(text.find(' '), text.size());
    const std::string_view key = text.substr(0, space);
    const std::string_view value = text.substr(std::min(space + 1, text.size()));
    if (key == "author") now_.author = repair_utf8(value);
    if (key == "author-time" && !parse_number(value, time_s_)) time_s_ = 0;
    if (key == "author-tz") zone_minutes_ = zone_minutes(value);
  }
  void end() {
    // Beyond a million years a clock says nothing.
    constexpr std::int64_t kSecondsMax = std::int64_t{253'402'300'799};
    const bool sane = time_s_ >= 0 && time_s_ <= kSecondsMax - kMinutesOfDay * 60;
    if (sane) now_.date = format_date((time_s_ + zone_minutes_ * 60) * kMicrosPerSecond);
    if (!now_.commit.empty() && sane) out_.push_back(std::move(now_));
    begun_ = false;
  }

  std::vector<LineOrigin>& out_;
  LineOrigin now_;
  bool begun_ = false;
  std::int64_t time_s_ = 0, zone_minutes_ = 0;
};

}  // namespace

Result<std::vector<LineOrigin>> blame(const GitRepo& repo, std::string_view commit_id, std::string_view path,
                                      std::span<const std::uint32_t> lines, const StopToken& stop,
                                      const Deadline& deadline) {
  WRENCH_ASSERT(is_object_id(commit_id) && lines.size() <= kBlameLinesMax);
  std::vector<LineOrigin> out;
  if (lines.empty()) return out;
  std::vector<std::string> arguments = {"-c",     "blame.ignoreRevsFile=", "blame",        "--line-porcelain",
                                        "--root", "--no-progress",         "--no-textconv"};
  for (const std::uint32_t line : lines)
    arguments.insert(arguments.end(), {"-L", std::to_string(line) + "," + std::to_string(line)});
  arguments.insert(arguments.end(), {std::string(commit_id), "--", std::string(path)});
  std::string answer;
  const auto outcome = WRENCH_TRY(repo.run(
      std::move(arguments), {},
      [&](std::string_view bytes) -> Result<void> {
        if (answer.size() + bytes.size() > kAnswerBytesMax)
          return Error("history.git_failed", "git's answer about " + escape_for_display(path) + " is too long");
        answer.append(bytes);
        return {};
      },
      stop, deadline));
  if (outcome.exit_code != 0)
    return Error("history.no_such_lines",
                 "git can't say who wrote lines of " + escape_for_display(path) + ": " + outcome.complaint);
  BlameParser parser(out);
  for (const std::string_view line : split(answer, '\n')) parser.line(line);
  // It looks as if such a commit had added every line.
  std::erase_if(out, [&](const LineOrigin& origin) {
    return std::ranges::binary_search(repo.shallow_boundary(), origin.commit);
  });
  return out;
}

Result<std::optional<std::string>> text_at(const GitRepo& repo, std::string_view commit_id, std::string_view path,
                                           const StopToken& stop, const Deadline& deadline) {
  WRENCH_ASSERT(is_object_id(commit_id));
  std::string text;
  bool too_large = false;
  const auto outcome = WRENCH_TRY(repo.run(
      {"cat-file", "blob", std::string(commit_id) + ":" + std::string(path)}, {},
      [&](std::string_view bytes) -> Result<void> {
        too_large |= text.size() + bytes.size() > kBlameFileBytesMax;
        if (!too_large) text.append(bytes);
        return {};
      },
      stop, deadline));
  if (outcome.exit_code != 0 || too_large) return std::optional<std::string>();
  return std::optional(std::move(text));
}

}  // namespace wrench::history
