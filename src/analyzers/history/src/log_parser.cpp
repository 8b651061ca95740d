#include "log_parser.hpp"

#include <charconv>
#include <optional>
#include <utility>

#include "wrench/history/git_repo.hpp"

namespace wrench::history {
namespace {

Error invalid(std::string_view what) {
  return Error("history.log_invalid", "git's log isn't as expected: " + std::string(what));
}

template <class N>
std::optional<N> read_number(std::string_view text) {
  N value{};
  const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (failure != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

constexpr std::string_view kSubmoduleMode = "160000";

/// Cuts a stream at NUL bytes, keeping the incomplete rest in `carry`.
template <class F>
Result<void> for_each_field(std::string_view bytes, std::string& carry, F&& take) {
  for (std::size_t nul = 0; (nul = bytes.find('\0')) != std::string_view::npos; bytes.remove_prefix(nul + 1)) {
    if (carry.empty()) {
      WRENCH_TRY(take(bytes.substr(0, nul)));
      continue;
    }
    carry.append(bytes.substr(0, nul));
    const std::string field = std::exchange(carry, {});
    WRENCH_TRY(take(std::string_view(field)));
  }
  carry.append(bytes);
  if (carry.size() > kLogFieldBytesMax) return invalid("a field longer than 64 KiB");
  return {};
}

}  // namespace

Result<void> LogParser::feed(std::string_view bytes) {
  return for_each_field(bytes, carry_, [this](std::string_view field) { return take(field); });
}

Result<void> LogParser::finish(Cut cut) {
  // The last field of a commit without changes ends with the stream, not with a NUL.
  if (cut == Cut::Refused && !carry_.empty()) {
    const std::string field = std::exchange(carry_, {});
    WRENCH_TRY(take(field));
  }
  carry_.clear();
  const bool complete = !in_commit_ || expect_ == Expect::Change;
  if (!complete && cut == Cut::Refused) return invalid("it ends in the middle of a commit");
  // A cut log's last commit may lack changes that git had no time to write.
  if (!in_commit_ || cut == Cut::Allowed) return {};
  return emit();
}

Result<void> LogParser::take(std::string_view field) {
  switch (expect_) {
    case Expect::Id:
      if (!field.starts_with('\x01')) return invalid("no start of a commit");
      field.remove_prefix(1);
      if (!is_object_id(field)) return invalid("not a commit id");
      commit_.id = field;
      in_commit_ = true;
      expect_ = Expect::Time;
      return {};
    case Expect::Time: {
      const auto time_s = read_number<std::int64_t>(field);
      if (!time_s) return invalid("not a time");
      commit_.time_s = *time_s;
      expect_ = Expect::Author;
      return {};
    }
    case Expect::Author:
      commit_.author = field;
      expect_ = Expect::Email;
      return {};
    case Expect::Email:
      commit_.email = field;
      expect_ = Expect::Change;
      return {};
    case Expect::Change:
      return take_change(field);
    case Expect::Path:
      if (field.empty()) return invalid("a change without a path");
      if (!submodule_) commit_.changes.push_back(LoggedChange{std::string(field), status_});
      expect_ = Expect::Change;
      return {};
  }
  return {};
}

Result<void> LogParser::take_change(std::string_view field) {
  if (field.empty()) return {};  // The NUL between two commits.
  if (field.starts_with('\x01')) {
    WRENCH_TRY(emit());
    expect_ = Expect::Id;
    return take(field);
  }
  if (field.starts_with('\n')) field.remove_prefix(1);
  // ":<old mode> <new mode> <old id> <new id> <status>"
  const std::size_t space = field.rfind(' ');
  if (!field.starts_with(':') || space == std::string_view::npos || space + 2 != field.size() || field.size() < 16)
    return invalid("not a change");
  status_ = field.back();
  const std::string_view old_mode = field.substr(1, 6);
  const std::string_view new_mode = field.substr(8, 6);
  submodule_ = new_mode == kSubmoduleMode || (status_ == 'D' && old_mode == kSubmoduleMode);
  expect_ = Expect::Path;
  return {};
}

Result<void> LogParser::emit() {
  in_commit_ = false;
  return sink_(std::exchange(commit_, {}));
}

Result<void> NumstatParser::feed(std::string_view bytes) {
  return for_each_field(bytes, carry_, [this](std::string_view record) { return take(record); });
}

Result<void> NumstatParser::take(std::string_view record) {
  const std::size_t first_tab = record.find('\t');
  if (first_tab == std::string_view::npos) {
    // After the id comes a line end in some versions of git, and an empty record between commits in others.
    if (record.starts_with('\n')) record.remove_prefix(1);
    if (record.empty()) return {};
    if (!is_object_id(record)) return invalid("neither a commit nor a line count");
    in_commit_ = true;
    return on_commit_(record);
  }
  if (record.starts_with('\n')) return take(record.substr(1));
  const std::size_t second_tab = record.find('\t', first_tab + 1);
  if (second_tab == std::string_view::npos || !in_commit_) return invalid("a line count without its file or commit");
  LineCount count;
  const std::string_view added = record.substr(0, first_tab);
  const std::string_view deleted = record.substr(first_tab + 1, second_tab - first_tab - 1);
  if (added != "-" || deleted != "-") {
    const auto a = read_number<std::uint32_t>(added);
    const auto d = read_number<std::uint32_t>(deleted);
    if (!a || !d) return invalid("not a line count");
    count = {*a, *d};
  }
  on_file_(record.substr(second_tab + 1), count);
  return {};
}

}  // namespace wrench::history
