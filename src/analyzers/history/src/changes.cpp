#include "wrench/history/changes.hpp"

#include <algorithm>
#include <charconv>
#include <utility>

#include "patch_parser.hpp"
#include "wrench/base/text.hpp"

namespace wrench::history {

namespace {

/// Nothing longer than a path matters.
constexpr std::size_t kLineBytesKept = 64 * 1024;

bool take_number(std::string_view& text, std::uint32_t& number) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc()) return false;
  text.remove_prefix(static_cast<std::size_t>(end - text.data()));
  return true;
}

/// "12,3" or "12".
bool take_range(std::string_view& text, std::uint32_t& first, std::uint32_t& count) {
  if (!take_number(text, first)) return false;
  count = 1;
  if (!text.starts_with(',')) return true;
  text.remove_prefix(1);
  return take_number(text, count);
}

std::string unquoted(std::string_view quoted) {
  std::string out;
  for (std::size_t i = 0; i < quoted.size(); ++i) {
    if (quoted[i] != '\\' || i + 1 == quoted.size()) {
      out += quoted[i];
      continue;
    }
    const char c = quoted[++i];
    const auto is_octal = [&](std::size_t at) { return at < quoted.size() && quoted[at] >= '0' && quoted[at] <= '7'; };
    if (is_octal(i) && is_octal(i + 1) && is_octal(i + 2)) {
      out += static_cast<char>(((c - '0') << 6) | ((quoted[i + 1] - '0') << 3) | (quoted[i + 2] - '0'));
      i += 2;
      continue;
    }
    constexpr std::string_view kNames = "abtnvfr";
    constexpr std::string_view kMeans = "\a\b\t\n\v\f\r";
    const auto named = kNames.find(c);
    out += named == std::string_view::npos ? c : kMeans[named];
  }
  return out;
}

}  // namespace

std::string patch_path(std::string_view written) {
  // git puts a tab behind a path with a space.
  if (written.ends_with('\t')) written.remove_suffix(1);
  std::string path = written.size() >= 2 && written.front() == '"' && written.back() == '"'
                         ? unquoted(written.substr(1, written.size() - 2))
                         : std::string(written);
  if (path == "/dev/null") return {};
  return path.starts_with("a/") || path.starts_with("b/") ? path.substr(2) : path;
}

void PatchParser::feed(std::string_view bytes) {
  for (std::size_t end = 0; (end = bytes.find('\n')) != std::string_view::npos; bytes.remove_prefix(end + 1)) {
    if (carry_.empty() && !overlong_) {
      line(bytes.substr(0, end));
      continue;
    }
    carry_.append(bytes.substr(0, std::min(end, kLineBytesKept)));
    line(carry_);
    carry_.clear();
    overlong_ = false;
  }
  if (carry_.size() < kLineBytesKept)
    carry_.append(bytes);
  else
    overlong_ = true;
}

void PatchParser::line(std::string_view text) {
  if (content_left_ > 0 && !text.empty() && (text[0] == '+' || text[0] == '-')) {
    --content_left_;
    return;
  }
  if (text.starts_with("@@ ")) return hunk(text);
  header(text);
}

void PatchParser::header(std::string_view text) {
  auto& files = changes_.files;
  if (text.starts_with("diff --git ")) {
    content_left_ = 0;
    if (files.size() == kChangedFilesMax) {
      changes_.cut = true;
      return;
    }
    // Of a binary or empty file no other line names it. Names with " b/" in them are told by the halves' equal length.
    const auto both = text.substr(std::string_view("diff --git ").size());
    files.push_back({patch_path(both.substr(0, both.size() / 2)), false, 0, 0, {}});
    return;
  }
  if (files.empty()) return;
  ChangedFile& file = files.back();
  if (text.starts_with("deleted file mode "))
    file.deleted = true;
  else if (text.starts_with("--- ") || text.starts_with("+++ "))
    if (auto path = patch_path(text.substr(4)); !path.empty()) file.path = std::move(path);
}

void PatchParser::hunk(std::string_view text) {
  std::uint32_t old_first = 0, removed = 0, first = 0, added = 0;
  text.remove_prefix(std::string_view("@@ ").size());
  if (!text.starts_with('-')) return;
  text.remove_prefix(1);
  if (!take_range(text, old_first, removed) || !text.starts_with(" +")) return;
  text.remove_prefix(2);
  if (!take_range(text, first, added) || changes_.files.empty()) return;
  content_left_ = std::uint64_t{removed} + added;
  ChangedFile& file = changes_.files.back();
  file.added += added;
  file.removed += removed;
  if (added == 0) return;
  if (++ranges_ > kChangedRangesMax) {
    changes_.cut = true;
    return;
  }
  file.lines.push_back({first, first + added - 1});
}

void PatchParser::finish() { std::ranges::sort(changes_.files, {}, &ChangedFile::path); }

Result<Changes> changes_since(const GitRepo& repo, std::string_view revision, const StopToken& stop,
                              const Deadline& deadline) {
  Changes out;
  const std::string other = WRENCH_TRY(repo.resolve(revision, stop));
  out.head = WRENCH_TRY(repo.head(stop));
  const auto asked = [&](std::vector<std::string> arguments) -> Result<std::string> {
    std::string answer;
    const auto outcome = WRENCH_TRY(repo.run(
        std::move(arguments), {},
        [&](std::string_view bytes) -> Result<void> {
          answer.append(bytes.substr(0, kRevisionBytesMax));
          return {};
        },
        stop, deadline));
    return outcome.exit_code == 0 ? std::string(trim(answer)) : std::string();
  };
  out.base = WRENCH_TRY(asked({"merge-base", other, out.head}));
  if (!is_object_id(out.base))
    return Error("history.no_merge_base", "'" + escape_for_display(revision) + "' and HEAD have no commit in common");
  const std::string count = WRENCH_TRY(asked({"rev-list", "--count", out.base + ".." + out.head}));
  std::from_chars(count.data(), count.data() + count.size(), out.commits);

  PatchParser parser(out);
  const auto outcome = WRENCH_TRY(repo.run(
      {"diff-tree", "-r", "-p", "-U0", "--no-renames", "--no-ext-diff", "--no-textconv", "--no-color",
       "--src-prefix=a/", "--dst-prefix=b/", "--ignore-submodules=all", "-O/dev/null", "--no-relative", out.base,
       out.head},
      {},
      [&](std::string_view bytes) -> Result<void> {
        parser.feed(bytes);
        return {};
      },
      stop, deadline));
  if (outcome.exit_code != 0)
    return Error("history.git_failed", "git can't compare " + out.base + " and " + out.head + ": " + outcome.complaint);
  parser.finish();
  return out;
}

}  // namespace wrench::history
