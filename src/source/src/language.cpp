#include "wrench/source/language.hpp"

#include <algorithm>
#include <iterator>

#include "wrench/base/text.hpp"

namespace wrench::source {

namespace {

struct Row {
  std::string_view id, display;
};
// In the order of the enumeration.
constexpr Row kRows[] = {
    {"unknown", "Unknown"},
    {"python", "Python"},
    {"javascript", "JavaScript"},
    {"typescript", "TypeScript"},
    {"tsx", "TypeScript"},
    {"java", "Java"},
    {"go", "Go"},
    {"c", "C"},
    {"cpp", "C++"},
    {"php", "PHP"},
    {"ruby", "Ruby"},
    {"csharp", "C#"},
    {"rust", "Rust"},
    {"bash", "Shell"},
    {"kotlin", "Kotlin"},
    {"scala", "Scala"},
    {"json", "JSON"},
    {"yaml", "YAML"},
    {"toml", "TOML"},
    {"html", "HTML"},
    {"css", "CSS"},
    {"sql", "SQL"},
    {"hcl", "HCL"},
    {"dockerfile", "Dockerfile"},
    {"markdown", "Markdown"},
    {"text", "Text"},
};

struct Name {
  std::string_view name;
  Language language;
};

constexpr Name kRuleNames[] = {
    {"python2", Language::Python},    {"python3", Language::Python}, {"py", Language::Python},
    {"js", Language::JavaScript},     {"ts", Language::TypeScript},  {"golang", Language::Go},
    {"c++", Language::Cpp},           {"rb", Language::Ruby},        {"c#", Language::CSharp},
    {"rs", Language::Rust},           {"sh", Language::Bash},        {"kt", Language::Kotlin},
    {"yml", Language::Yaml},          {"terraform", Language::Hcl},  {"tf", Language::Hcl},
    {"docker", Language::Dockerfile}, {"generic", Language::Text},   {"regex", Language::Text},
    {"none", Language::Text},
};

constexpr Name kExtensions[] = {
    {"py", Language::Python},
    {"pyi", Language::Python},
    {"pyw", Language::Python},
    {"js", Language::JavaScript},
    {"jsx", Language::JavaScript},
    {"mjs", Language::JavaScript},
    {"cjs", Language::JavaScript},
    {"ts", Language::TypeScript},
    {"mts", Language::TypeScript},
    {"cts", Language::TypeScript},
    {"tsx", Language::Tsx},
    {"java", Language::Java},
    {"go", Language::Go},
    {"c", Language::C},
    {"cc", Language::Cpp},
    {"cpp", Language::Cpp},
    {"cxx", Language::Cpp},
    {"c++", Language::Cpp},
    {"hpp", Language::Cpp},
    {"hh", Language::Cpp},
    {"hxx", Language::Cpp},
    {"h++", Language::Cpp},
    {"ipp", Language::Cpp},
    {"inl", Language::Cpp},
    {"php", Language::Php},
    {"phtml", Language::Php},
    {"rb", Language::Ruby},
    {"rake", Language::Ruby},
    {"gemspec", Language::Ruby},
    {"ru", Language::Ruby},
    {"cs", Language::CSharp},
    {"csx", Language::CSharp},
    {"rs", Language::Rust},
    {"sh", Language::Bash},
    {"bash", Language::Bash},
    {"kt", Language::Kotlin},
    {"kts", Language::Kotlin},
    {"scala", Language::Scala},
    {"sc", Language::Scala},
    {"sbt", Language::Scala},
    {"json", Language::Json},
    {"yaml", Language::Yaml},
    {"yml", Language::Yaml},
    {"toml", Language::Toml},
    {"html", Language::Html},
    {"htm", Language::Html},
    {"css", Language::Css},
    {"sql", Language::Sql},
    {"tf", Language::Hcl},
    {"hcl", Language::Hcl},
    {"tfvars", Language::Hcl},
    {"md", Language::Markdown},
    {"markdown", Language::Markdown},
    {"txt", Language::Text},
    {"rst", Language::Text},
    {"ini", Language::Text},
    {"cfg", Language::Text},
    {"conf", Language::Text},
    {"env", Language::Text},
    {"properties", Language::Text},
    {"xml", Language::Text},
    {"pem", Language::Text},
};

constexpr Name kFileNames[] = {
    {"dockerfile", Language::Dockerfile}, {"containerfile", Language::Dockerfile},
    {"makefile", Language::Text},         {"sconstruct", Language::Python},
    {"rakefile", Language::Ruby},         {"gemfile", Language::Ruby},
};

constexpr Name kInterpreters[] = {
    {"python", Language::Python}, {"node", Language::JavaScript}, {"sh", Language::Bash}, {"bash", Language::Bash},
    {"dash", Language::Bash},     {"ruby", Language::Ruby},       {"php", Language::Php},
};

template <std::size_t N>
Language look_up(const Name (&table)[N], std::string_view name) {
  const auto* found =
      std::find_if(std::begin(table), std::end(table), [&](const Name& row) { return row.name == name; });
  return found == std::end(table) ? Language::Unknown : found->language;
}

/// "#!/usr/bin/env -S python3.11 -u" -> "python".
std::string_view interpreter(std::string_view text) {
  if (!text.starts_with("#!")) return {};
  const auto line = text.substr(2, text.find_first_of("\r\n") - 2);
  std::string_view word;
  for (const auto part : split(line, ' ')) {
    if (part.empty() || part.starts_with('-')) continue;
    word = part.substr(part.rfind('/') + 1);
    if (word != "env") break;
  }
  while (!word.empty() && ((word.back() >= '0' && word.back() <= '9') || word.back() == '.')) word.remove_suffix(1);
  return word;
}

/// Blanks comments and string literals, so that a word in them doesn't decide.
std::string code_only(std::string_view text) {
  std::string out(text);
  for (std::size_t i = 0; i < out.size();) {
    const char c = out[i];
    const char next = i + 1 < out.size() ? out[i + 1] : '\0';
    std::size_t end = i;
    if (c == '/' && next == '/') {
      end = std::min(out.size(), out.find('\n', i));
    } else if (c == '/' && next == '*') {
      const auto close = out.find("*/", i + 2);
      end = close == std::string::npos ? out.size() : close + 2;
    } else if (c == '"') {
      end = i + 1;
      while (end < out.size() && out[end] != '"' && out[end] != '\n') end += out[end] == '\\' ? 2 : 1;
      end = std::min(out.size(), end + 1);
    } else {
      ++i;
      continue;
    }
    std::fill(out.begin() + static_cast<std::ptrdiff_t>(i), out.begin() + static_cast<std::ptrdiff_t>(end), ' ');
    i = end;
  }
  return out;
}

bool defines_class(std::string_view code) {
  for (auto at = code.find("class "); at != std::string_view::npos; at = code.find("class ", at + 1)) {
    if (at > 0 && code[at - 1] != ' ' && code[at - 1] != '\n' && code[at - 1] != '\t') continue;
    const auto rest = code.substr(at + 6, 200);
    const auto stop = rest.find_first_of("{;");
    if (stop != std::string_view::npos && rest[stop] == '{') return true;
  }
  return false;
}

Language header_language(std::string_view text) {
  const auto code = code_only(text);
  const bool cpp = code.find("template<") != std::string::npos || code.find("template <") != std::string::npos ||
                   code.find("namespace ") != std::string::npos || code.find("::") != std::string::npos ||
                   defines_class(code);
  return cpp ? Language::Cpp : Language::C;
}

}  // namespace

std::string_view display_name(Language language) { return kRows[static_cast<std::size_t>(language)].display; }
std::string_view id(Language language) { return kRows[static_cast<std::size_t>(language)].id; }

std::optional<Language> parse_language(std::string_view rule_name) {
  const auto lower = to_lower_ascii(rule_name);
  if (const auto found = look_up(kRuleNames, lower); found != Language::Unknown) return found;
  for (std::size_t i = 1; i < std::size(kRows); ++i)
    if (kRows[i].id == lower) return static_cast<Language>(i);
  return std::nullopt;
}

Language detect_language(std::string_view path, std::string_view first_bytes) {
  const auto slash = path.rfind('/');
  const auto file = to_lower_ascii(slash == std::string_view::npos ? path : path.substr(slash + 1));
  if (const auto named = look_up(kFileNames, file); named != Language::Unknown) return named;
  if (file.starts_with("dockerfile.") || file.ends_with(".dockerfile")) return Language::Dockerfile;
  if (file == ".env" || file.starts_with(".env.")) return Language::Text;
  const auto dot = file.rfind('.');
  if (dot != std::string::npos && dot > 0) {
    const auto extension = std::string_view(file).substr(dot + 1);
    if (extension == "h") return header_language(first_bytes);
    // Qt keeps translations in XML files of this name, with megabytes of text.
    if (extension == "ts" && (first_bytes.starts_with("<?xml") || first_bytes.starts_with("<!DOCTYPE")))
      return Language::Text;
    return look_up(kExtensions, extension);
  }
  return look_up(kInterpreters, interpreter(first_bytes));
}

}  // namespace wrench::source
