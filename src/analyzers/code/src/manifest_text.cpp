#include "manifest_text.hpp"

#include <vector>

#include "wrench/base/text.hpp"

namespace wrench::code::detail {

namespace {

template <class F>
void each_line(std::string_view text, F f) {
  while (!text.empty()) {
    const std::size_t end = text.find('\n');
    f(text.substr(0, end));
    text = end == std::string_view::npos ? std::string_view{} : text.substr(end + 1);
  }
}

std::vector<std::string_view> go_words(std::string_view line) {
  line = line.substr(0, line.find("//"));
  std::vector<std::string_view> out;
  while (!(line = trim(line)).empty()) {
    const char quote = line.front();
    std::size_t end = line.find_first_of(" \t\r");
    if (quote == '"' || quote == '`') {
      end = line.find(quote, 1);
      out.push_back(line.substr(1, end == std::string_view::npos ? end : end - 1));
      if (end != std::string_view::npos) ++end;
    } else {
      out.push_back(line.substr(0, end));
    }
    line = end == std::string_view::npos ? std::string_view{} : line.substr(end);
  }
  return out;
}

void go_directive(std::string_view verb, const std::vector<std::string_view>& words, Manifest& out) {
  if (words.empty()) return;
  if (verb == "module") out.name = words[0];
  if (verb == "use") out.folders.emplace_back(words[0]);
  if (verb == "require") out.dependencies.emplace_back(words[0]);
  if (verb != "replace") return;
  // old [version] => new [version]
  for (std::size_t i = 1; i + 1 < words.size() && out.mappings.size() < kMappingsMax; ++i)
    if (words[i] == "=>" && (words[i + 1].starts_with("./") || words[i + 1].starts_with("../")))
      out.mappings.push_back({std::string(words[0]), {std::string(words[i + 1])}});
}

std::string_view without_comment(std::string_view line) {
  char quote = 0;
  for (std::size_t i = 0; i < line.size(); ++i) {
    if (quote != 0) {
      if (line[i] == quote) quote = 0;
    } else if (line[i] == '"' || line[i] == '\'') {
      quote = line[i];
    } else if (line[i] == '#') {
      return line.substr(0, i);
    }
  }
  return line;
}

/// One `key = value` of TOML or of the format of setup.cfg; a list over several lines is one value.
struct Setting {
  std::string section, key, value;
};

std::vector<Setting> settings(std::string_view text) {
  std::vector<Setting> out;
  std::string section;
  int open_brackets = 0;
  each_line(text, [&](std::string_view raw) {
    const std::string_view line = trim(without_comment(raw));
    if (line.empty()) return;
    const std::size_t equals = line.find('=');
    const bool indented = raw.front() == ' ' || raw.front() == '\t';
    const bool header = line.front() == '[' && !indented && line.find_first_of(",\"'") == std::string_view::npos;
    // setup.cfg indents what belongs to the key above: "package_dir =" and then "= src".
    const bool goes_on = open_brackets > 0 || (indented && (equals == 0 || equals == std::string_view::npos));
    const auto count = [&](std::string_view of) {
      for (const char c : of) open_brackets += c == '[' || c == '{' ? 1 : c == ']' || c == '}' ? -1 : 0;
    };
    if (goes_on && !header && !out.empty() && out.back().section == section) {
      out.back().value.append(" ").append(line);
      return count(line);
    }
    open_brackets = 0;
    if (header) {
      section = trim(line.substr(1, line.find(']') - 1));
      out.push_back({section, {}, {}});
      return;
    }
    if (equals == std::string_view::npos) return;
    const std::string_view value = trim(line.substr(equals + 1));
    out.push_back({section, std::string(trim(line.substr(0, equals))), std::string(value)});
    count(value);
  });
  return out;
}

/// Quoted strings, or else the words behind the last "=".
void add_folders(std::string_view value, std::vector<std::string>& out) {
  std::size_t at = value.find_first_of("\"'");
  if (at == std::string_view::npos) {
    value = trim(value.substr(value.rfind('=') + 1));
    if (!value.empty()) out.emplace_back(value);
    return;
  }
  while (at != std::string_view::npos) {
    const std::size_t end = value.find(value[at], at + 1);
    if (end == std::string_view::npos) return;
    if (end > at + 1) out.emplace_back(value.substr(at + 1, end - at - 1));
    at = value.find_first_of("\"'", end + 1);
  }
}

}  // namespace

void read_go(std::string_view text, Manifest& out) {
  std::string block;
  each_line(text, [&](std::string_view line) {
    std::vector<std::string_view> words = go_words(line);
    if (words.empty()) return;
    if (words[0] == ")") return block.clear();
    if (!block.empty()) return go_directive(block, words, out);
    const std::string_view verb = words[0];
    if (words.size() > 1 && words[1] == "(") {
      block = verb;
      return;
    }
    words.erase(words.begin());
    go_directive(verb, words, out);
  });
}

void read_python(std::string_view text, Manifest& out) {
  bool builds = false, is_package = true;
  for (const Setting& setting : settings(text)) {
    const std::string_view section = setting.section;
    builds |= section == "build-system" || section == "metadata" || section == "tool.poetry";
    if (section == "tool.poetry" && setting.key == "package-mode" && setting.value == "false") is_package = false;
    const bool finds = section == "tool.setuptools.packages.find" || section == "options.packages.find";
    if (finds && setting.key == "where") add_folders(setting.value, out.folders);
    const bool maps = (section == "tool.setuptools" && setting.key == "package-dir") ||
                      (section == "options" && setting.key == "package_dir");
    // {"": "src"} or = src
    if (maps || section == "tool.setuptools.package-dir") add_folders(setting.value, out.folders);
  }
  out.is_library = builds && is_package;
}

}  // namespace wrench::code::detail
