#include "cron.hpp"

#include <bit>
#include <charconv>
#include <chrono>
#include <string>
#include <utility>

#include "wrench/base/text.hpp"

namespace wrench::workflow {

namespace {

using std::chrono::days;
using std::chrono::sys_days;

constexpr std::int64_t kMinutesPerDay = 24 * 60;
/// The calendar repeats after so long: what doesn't come until then never comes.
constexpr int kMonthsMax = 400 * 12 + 1;
constexpr int kWeek = 7;

struct Names {
  std::string_view words;  ///< Three letters each, from the field's smallest number on.
  int first = 0;
};

struct Field {
  std::string_view name;
  int min = 0, max = 0;
  Names names = {};
};

constexpr Field kFields[] = {
    {"minute", 0, 59},
    {"hour", 0, 23},
    {"day of the month", 1, 31},
    {"month", 1, 12, {"janfebmaraprmayjunjulaugsepoctnovdec", 1}},
    {"day of the week", 0, kWeek, {"sunmontuewedthufrisat", 0}},  // Sunday is 0 and 7.
};
constexpr const Field& kWeekdays = kFields[4];

/// One field: a list of ranges with steps.
class FieldParser {
 public:
  FieldParser(const Field& field, std::string_view text, std::size_t begin)
      : field_(field), text_(text), begin_(begin) {}

  Result<std::uint64_t> parse() {
    std::uint64_t out = 0;
    do {
      out |= WRENCH_TRY(part());
    } while (skip(','));
    if (at_ != text_.size())
      return wrong(at_, "there is something after it: '" + escape_for_display(text_.substr(at_)) + "'");
    return out;
  }

 private:
  bool skip(char c) {
    if (at_ >= text_.size() || text_[at_] != c) return false;
    ++at_;
    return true;
  }

  Error wrong(std::size_t at, const std::string& message) const {
    return invalid_schedule(begin_ + at, std::string(field_.name) + ": " + message);
  }

  Result<std::uint64_t> part() {
    const std::size_t begin = at_;
    int first = field_.min, last = &field_ == &kWeekdays ? field_.max - 1 : field_.max;
    bool is_range = true;
    if (!skip('*')) {
      first = last = WRENCH_TRY(number());
      is_range = skip('-');
      if (is_range) {
        const std::size_t end = at_;
        last = WRENCH_TRY(number());
        if (&field_ == &kWeekdays && last == 0) last = kWeek;  // Sunday ends a week, too.
        if (last < first) return wrong(end, "a range goes from the smaller to the larger");
      }
    }
    int step = 1;
    if (skip('/')) {
      const std::size_t at = at_;
      if (!is_range)
        return wrong(begin, "a step needs a range before it, as in " + std::to_string(first) + "-" +
                                std::to_string(field_.max) + "/5 or */5");
      step = WRENCH_TRY(digits());
      if (step < 1 || step > field_.max) return wrong(at, "a step is 1 to " + std::to_string(field_.max));
    }
    std::uint64_t out = 0;
    for (int value = first; value <= last; value += step)
      out |= std::uint64_t{1} << (&field_ == &kWeekdays ? value % kWeek : value);
    return out;
  }

  Result<int> digits() {
    const std::size_t begin = at_;
    int value = 0;
    const auto [end, error] = std::from_chars(text_.data() + at_, text_.data() + text_.size(), value);
    at_ = static_cast<std::size_t>(end - text_.data());
    if (at_ == begin || text_[begin] == '-') return wrong(begin, "a number is missing");
    if (error != std::errc()) return wrong(begin, "that number is too large");
    return value;
  }

  Result<int> number() {
    const std::size_t begin = at_;
    if (at_ < text_.size() && !field_.names.words.empty() && is_letter(text_[at_])) return named();
    const int value = WRENCH_TRY(digits());
    if (value < field_.min || value > field_.max)
      return wrong(
          begin, std::to_string(value) + " isn't " + std::to_string(field_.min) + " to " + std::to_string(field_.max));
    return value;
  }

  Result<int> named() {
    const std::size_t begin = at_;
    std::string word;
    for (; at_ < text_.size() && is_letter(text_[at_]); ++at_) word += static_cast<char>(text_[at_] | 0x20);
    const auto& [words, first] = field_.names;
    for (std::size_t i = 0; i + 3 <= words.size(); i += 3)
      if (words.substr(i, 3) == word) return first + static_cast<int>(i / 3);
    return wrong(begin, "'" + word + "' is none; names have three letters, such as " + std::string(words.substr(0, 3)));
  }

  static bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

  const Field& field_;
  std::string_view text_;
  std::size_t begin_, at_ = 0;
};

/// Those days of a month that are meant, from bit 1.
std::uint32_t days_of(const Cron& cron, std::chrono::year_month month) {
  const std::chrono::year_month_day_last last{month.year(), std::chrono::month_day_last{month.month()}};
  const auto count = static_cast<unsigned>(last.day());
  const std::uint32_t all = (std::uint32_t{2} << count) - 2;
  const unsigned first = std::chrono::weekday{sys_days{month / 1}}.c_encoding();
  std::uint32_t by_week = 0;
  for (unsigned day = 1; day <= count; ++day)
    if ((cron.weekdays >> ((first + day - 1) % kWeek) & 1) != 0) by_week |= std::uint32_t{1} << day;
  return (cron.either_day ? cron.days | by_week : cron.days & by_week) & all;
}

/// Bits of `set` from `bit` on; the lowest of them, or nothing.
std::optional<int> next_bit(std::uint64_t set, int bit) {
  const std::uint64_t rest = bit >= 64 ? 0 : set >> bit << bit;
  return rest == 0 ? std::nullopt : std::optional(std::countr_zero(rest));
}

/// In a day, from that minute of it on.
std::optional<std::int64_t> minute_of_day(const Cron& cron, std::int64_t from) {
  auto hour = next_bit(cron.hours, static_cast<int>(from / 60));
  if (!hour) return std::nullopt;
  if (*hour == from / 60) {
    if (const auto minute = next_bit(cron.minutes, static_cast<int>(from % 60))) return *hour * 60 + *minute;
    hour = next_bit(cron.hours, *hour + 1);
    if (!hour) return std::nullopt;
  }
  return *hour * 60 + *next_bit(cron.minutes, 0);
}

}  // namespace

Error invalid_schedule(std::size_t offset, std::string message) {
  message += " (at character " + std::to_string(offset + 1) + ")";
  return Error("workflow.invalid_schedule", std::move(message)).at("", 1, static_cast<int>(offset) + 1);
}

Result<Cron> parse_cron(std::string_view text) {
  std::uint64_t sets[5] = {};
  bool stars[5] = {};
  std::size_t at = 0, count = 0;
  const auto is_space = [&](std::size_t i) { return text[i] == ' ' || text[i] == '\t'; };
  while (true) {
    while (at < text.size() && is_space(at)) ++at;
    if (at == text.size()) break;
    std::size_t end = at;
    while (end < text.size() && !is_space(end)) ++end;
    if (count == 5)
      return invalid_schedule(
          at, "there are more than five fields: minute, hour, day of the month, month, day of the week");
    stars[count] = text[at] == '*';
    sets[count] = WRENCH_TRY(FieldParser(kFields[count], text.substr(at, end - at), at).parse());
    ++count;
    at = end;
  }
  if (count < 5)
    return invalid_schedule(
        text.size(), "the " + std::string(kFields[count].name) + " is missing: five fields, as in 0 3 * * mon-fri");
  Cron out{.minutes = sets[0],
           .hours = static_cast<std::uint32_t>(sets[1]),
           .days = static_cast<std::uint32_t>(sets[2]),
           .months = static_cast<std::uint32_t>(sets[3]),
           .weekdays = static_cast<std::uint32_t>(sets[4]),
           .either_day = !stars[2] && !stars[4]};
  if (!next_minute(out, 0)) return invalid_schedule(0, "it never fires: no such month has such a day");
  return out;
}

std::optional<std::int64_t> next_minute(const Cron& cron, std::int64_t minute) {
  ++minute;
  const auto day = std::chrono::floor<days>(std::chrono::minutes{minute});
  std::int64_t from = (std::chrono::minutes{minute} - day).count();
  const std::chrono::year_month_day date{sys_days{day}};
  auto month = date.year() / date.month();
  auto first_day = static_cast<unsigned>(date.day());
  for (int i = 0; i < kMonthsMax; ++i, month += std::chrono::months{1}, first_day = 1, from = 0) {
    if (((cron.months >> static_cast<unsigned>(month.month())) & 1) == 0) continue;
    const std::uint32_t set = days_of(cron, month);
    for (auto bit = next_bit(set, static_cast<int>(first_day)); bit; bit = next_bit(set, *bit + 1)) {
      const auto in_day = minute_of_day(cron, *bit == static_cast<int>(first_day) ? from : 0);
      if (in_day) return (sys_days{month / *bit}.time_since_epoch().count() * kMinutesPerDay) + *in_day;
    }
  }
  return std::nullopt;
}

}  // namespace wrench::workflow
