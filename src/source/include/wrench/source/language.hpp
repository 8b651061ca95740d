#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace wrench::source {

enum class Language : std::uint8_t {
  Unknown,
  Python,
  JavaScript,
  TypeScript,
  Tsx,
  Java,
  Go,
  C,
  Cpp,
  Php,
  Ruby,
  CSharp,
  Rust,
  Bash,
  Kotlin,
  Scala,
  Json,
  Yaml,
  Toml,
  Html,
  Css,
  Sql,
  Hcl,
  Dockerfile,
  Markdown,
  Text,
};

/// "Python", "C++": for people.
std::string_view display_name(Language language);
/// "python", "cpp": stable id.
std::string_view id(Language language);
/// Rule names as semgrep writes them: "py", "python3", "js", "ts", "c++", "golang", …
std::optional<Language> parse_language(std::string_view rule_name);

/// By extension, file name, shebang; `.h` is C++ when it has class/template/namespace/:: outside comments.
Language detect_language(std::string_view path, std::string_view first_bytes);

}  // namespace wrench::source
