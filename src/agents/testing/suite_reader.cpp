#include "suite_reader.hpp"

#include <algorithm>
#include <utility>

#include "wrench/base/text.hpp"

namespace wrench::agents {

using codec::YamlNode;

namespace {

std::string quoted(std::string_view text) {
  constexpr std::size_t kShownBytes = 60;
  return "'" + escape_for_display(text.substr(0, kShownBytes)) + (text.size() > kShownBytes ? "…'" : "'");
}

}  // namespace

Error suite_error(const YamlNode& at, std::string message) {
  return Error("agent.test_invalid", std::move(message)).at("", static_cast<int>(at.line), static_cast<int>(at.column));
}

Result<void> only_members(const YamlNode& mapping, std::string_view what, const std::vector<std::string_view>& known) {
  if (!mapping.is_mapping()) return suite_error(mapping, std::string(what) + " is a mapping");
  for (const auto& member : mapping.members) {
    if (std::ranges::find(known, member.key.text) != known.end()) continue;
    std::vector<std::string> words(known.begin(), known.end());
    const auto guess = nearest(member.key.text, known);
    return suite_error(member.key, std::string(what) + " has no member " + quoted(member.key.text) +
                                       (guess.empty() ? "; there are " + join(words, ", ")
                                                      : "; did you mean '" + std::string(guess) + "'?"));
  }
  return {};
}

Result<void> only_members(const YamlNode& mapping, std::string_view what,
                          std::initializer_list<std::string_view> known) {
  return only_members(mapping, what, std::vector<std::string_view>(known));
}

Result<std::string> text_of(const YamlNode& node, std::string_view what) {
  if (!node.is_scalar() || node.is_null()) return suite_error(node, std::string(what) + " is a text");
  return node.text;
}

Result<std::vector<std::string>> texts_of(const YamlNode& node, std::string_view what) {
  std::vector<std::string> out;
  if (!node.is_sequence()) {
    out.push_back(WRENCH_TRY(text_of(node, std::string(what) + " is a list of texts, and each")));
    return out;
  }
  for (const YamlNode& item : node.items)
    out.push_back(WRENCH_TRY(text_of(item, std::string(what) + " is a list of texts, and each")));
  return out;
}

Result<std::int64_t> whole_of(const YamlNode& node, std::string_view what, std::int64_t min, std::int64_t max) {
  const auto number = node.is_scalar() ? node.as_integer() : std::nullopt;
  if (!number || *number < min || *number > max)
    return suite_error(
        node, std::string(what) + " is a whole number from " + std::to_string(min) + " to " + std::to_string(max));
  return *number;
}

Result<bool> flag_of(const YamlNode& node, std::string_view what) {
  const auto flag = node.is_scalar() ? node.as_boolean() : std::nullopt;
  if (!flag) return suite_error(node, std::string(what) + " is true or false");
  return *flag;
}

Result<std::vector<const YamlNode*>> list_of(const YamlNode& node, std::string_view what, std::size_t items_max) {
  if (!node.is_sequence()) return suite_error(node, std::string(what) + " is a list");
  if (node.items.size() > items_max)
    return suite_error(node, std::string(what) + " has " + std::to_string(node.items.size()) + " items; at most " +
                                 std::to_string(items_max) + " are read");
  std::vector<const YamlNode*> out;
  for (const YamlNode& item : node.items) out.push_back(&item);
  return out;
}

std::string path_problem(std::string_view path) {
  constexpr std::size_t kPathBytesMax = 1024;
  if (path.empty() || path.size() > kPathBytesMax) return "a path has 1 to 1024 bytes";
  if (path.front() == '/' || path.find('\0') != std::string_view::npos) return "a path is relative to the fixture";
  for (const auto part : split(path, '/')) {
    if (part.empty() || part == "." || part == "..") return "a path leads straight to a file inside of the fixture";
    if (equals_ignoring_case_ascii(part, ".git")) return "what is in .git is made by 'commits'";
  }
  return {};
}

namespace {

class FixtureReader {
 public:
  Result<Fixture> read(const YamlNode& node) {
    WRENCH_TRY(only_members(node, "a fixture", {"files", "dir", "commits"}));
    Fixture out;
    if (const auto* folder = node.find("dir")) {
      out.folder = WRENCH_TRY(path_of(*folder));
      out.folder_at = place_of(*folder);
    }
    if (const auto* commits = node.find("commits"))
      for (const auto* commit : WRENCH_TRY(list_of(*commits, "'commits'", kFixtureCommitsMax)))
        out.commits.push_back(WRENCH_TRY(commit_of(*commit, out.commits.size())));
    if (const auto* files = node.find("files")) out.files = WRENCH_TRY(files_of(*files));
    return out;
  }

 private:
  static Result<std::string> path_of(const YamlNode& node) {
    const std::string path = WRENCH_TRY(text_of(node, "a path"));
    if (const auto problem = path_problem(path); !problem.empty())
      return suite_error(node, quoted(path) + ": " + problem);
    return path;
  }

  Result<std::vector<FixtureFile>> files_of(const YamlNode& node) {
    if (!node.is_mapping()) return suite_error(node, "'files' is a mapping of paths to contents");
    std::vector<FixtureFile> out;
    for (const auto& member : node.members) {
      if (++files_ > kFixtureFilesMax)
        return suite_error(member.key, "a fixture has at most " + std::to_string(kFixtureFilesMax) + " files");
      FixtureFile& file = out.emplace_back();
      file.path = WRENCH_TRY(path_of(member.key));
      WRENCH_TRY(content_of(member.value, file));
    }
    for (const FixtureFile& one : out)
      for (const FixtureFile& other : out)
        if (other.path.starts_with(one.path + "/"))
          return suite_error(node, quoted(one.path) + " is a file and the folder of " + quoted(other.path));
    return out;
  }

  Result<void> content_of(const YamlNode& node, FixtureFile& file) {
    if (node.is_scalar()) return add(node, file, node.text, 1);
    WRENCH_TRY(only_members(node, "a file's content", {"text", "times", "hex", "link"}));
    const YamlNode* text = node.find("text");
    const YamlNode* hex = node.find("hex");
    const YamlNode* link = node.find("link");
    if ((text != nullptr) + (hex != nullptr) + (link != nullptr) != 1)
      return suite_error(node, "a file has one of 'text', 'hex' and 'link'");
    const YamlNode* times = node.find("times");
    if (times != nullptr && link != nullptr) return suite_error(*times, "'times' is for 'text' and 'hex'");
    const auto repeated =
        times == nullptr ? 1 : WRENCH_TRY(whole_of(*times, "'times'", 0, static_cast<std::int64_t>(kFixtureBytesMax)));
    if (text != nullptr) {
      const auto written = WRENCH_TRY(text_of(*text, "'text'"));
      return add(*text, file, written, repeated);
    }
    if (hex != nullptr) {
      std::string digits = WRENCH_TRY(text_of(*hex, "'hex'"));
      std::erase(digits, ' ');
      const auto bytes = from_hex(digits);
      if (!bytes) return suite_error(*hex, "'hex' has an even number of hex digits");
      return add(*hex, file, *bytes, repeated);
    }
    file.kind = FixtureFile::Kind::Symlink;
    const auto target = WRENCH_TRY(text_of(*link, "'link'"));
    WRENCH_TRY(add(*link, file, target, 1));
    if (file.content.empty() || file.content.find('\0') != std::string::npos)
      return suite_error(*link, "a link needs a target");
    return {};
  }

  Result<void> add(const YamlNode& at, FixtureFile& file, const std::string& part, std::int64_t times) {
    const auto count = static_cast<std::size_t>(times);
    if (!part.empty() && count > (kFixtureBytesMax - bytes_) / part.size())
      return suite_error(at, "a fixture has at most " + format_bytes(kFixtureBytesMax));
    bytes_ += part.size() * count;
    file.content.reserve(part.size() * count);
    for (std::size_t i = 0; i < count && !part.empty(); ++i) file.content += part;
    return {};
  }

  Result<FixtureCommit> commit_of(const YamlNode& node, std::size_t index) {
    constexpr Micros kFirstDay = 1'704'103'200 * kMicrosPerSecond;  // 2024-01-01 10:00; a commit a day.
    WRENCH_TRY(only_members(node, "a commit", {"files", "remove", "message", "author", "date"}));
    FixtureCommit out;
    out.at = kFirstDay + static_cast<Micros>(index) * kMicrosPerDay;
    if (const auto* files = node.find("files")) out.files = WRENCH_TRY(files_of(*files));
    if (const auto* removed = node.find("remove")) {
      for (auto& path : WRENCH_TRY(texts_of(*removed, "'remove'"))) {
        if (const auto problem = path_problem(path); !problem.empty())
          return suite_error(*removed, quoted(path) + ": " + problem);
        out.removed.push_back(std::move(path));
      }
    }
    if (const auto* message = node.find("message")) {
      out.message = WRENCH_TRY(text_of(*message, "'message'"));
      if (trim(out.message).empty() || out.message.find('\0') != std::string::npos)
        return suite_error(*message, "a commit needs a message");
    }
    if (const auto* author = node.find("author")) {
      const std::string text = WRENCH_TRY(text_of(*author, "'author'"));
      constexpr std::string_view kMarks("<>\n\0", 4);
      const auto open = text.find(" <");
      const bool named = open != std::string::npos && open > 0 && text.find_first_of(kMarks) == open + 1 &&
                         text.ends_with('>') && text.find_first_of(kMarks, open + 2) == text.size() - 1;
      if (!named) return suite_error(*author, "an author is 'Name <mail@example.org>'");
      out.author_name = text.substr(0, open);
      out.author_email = text.substr(open + 2, text.size() - open - 3);
    }
    if (const auto* date = node.find("date")) {
      const auto at = parse_rfc3339(WRENCH_TRY(text_of(*date, "'date'")));
      if (!at || *at < 0) return suite_error(*date, "a date is 2024-03-01 or 2024-03-01T12:00:00Z, after 1970");
      out.at = *at;
    }
    return out;
  }

  std::size_t files_ = 0, bytes_ = 0;
};

}  // namespace

Result<Fixture> read_fixture(const YamlNode& node) { return FixtureReader().read(node); }

}  // namespace wrench::agents
