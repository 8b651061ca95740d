#include "pattern_forms.hpp"

#include <algorithm>
#include <array>

#include "wrench/base/text.hpp"

namespace wrench::code {
namespace {

using source::Language;

const PatternForms kPhp = {
    .metavariable = {"$%", "%"},
    .ellipsis = {"$%", "%", "$%;", "case $%:", "% => %"},
    .statement_ellipsis = {"$%;", "$%", "case $%:", "% => %", "var $%;"},
    .member_ellipsis = {"var $%;", "case %;", "$%;"},
    .parameter_ellipsis = {"$%"},
    .for_header_ellipsis = {"$%; $%; $%", "$% as $%"},
    .wrappers = {"<?php %", "<?php %;", "<?php class Wq_Wr { % }", "<?php class Wq_Wr { %; }",
                 "<?php function Wq_Wr() { % }", "<?php % {}", "<?php class Wq_Wr { % {} }",
                 "<?php switch (Wq_Wr) { % }", "<?php match (Wq_Wr) { % };", "<?php try {} %", "<?php [%];",
                 "<?php Wq_Wr(%);", "<?php function Wq_Wr(%) {}"},
};

const PatternForms kCSharp = {
    // A name alone is no statement.
    .ellipsis = {"%", "%()", "int %;", "int %", "% = %", "case %:", "% %"},
    .statement_ellipsis = {"int %;", "%", "case %:", "int %"},
    .member_ellipsis = {"int %;", "%;", "%", "int %", "case %:"},
    .parameter_ellipsis = {"int %", "%", "%;"},
    .for_header_ellipsis = {"%; %; %", "var % in %"},
    .wrappers = {"%", "%;", "class Wq_Wr { void Wq_Wr() { % } }", "class Wq_Wr { void Wq_Wr() { %; } }",
                 "class Wq_Wr { % }", "class Wq_Wr { object Wq_Wr = %; }", "% class Wq_Wr {}",
                 "class Wq_Wr { % void Wq_Wr() {} }", "class Wq_Wr { void Wq_Wr() { try {} % } }",
                 "class Wq_Wr { void Wq_Wr() { switch (Wq_Wr) { % } } }", "% {}", "class Wq_Wr { % {} }", "using %;"},
    .expression_wrapper = "object Wq_Wr = %;",
};

const PatternForms kRuby = {
    .metavariable = {"%", "^"},
    .ellipsis = {"%", "^", "**%", "*%"},
    .statement_ellipsis = {"%", "^", "when %", "**%"},
    .wrappers = {"%", "def wq_Wr\n%\nend", "class Wq_Wr\n%\nend", "wq_Wr = {%}", "wq_Wr(%)", "begin\n%\nend",
                 "case wq_Wr\n%\nend", "%\nend", "if wq_Wr\n%\nend"},
};

const PatternForms kRust = {
    .ellipsis = {"%", "%;", "%: %", "% => %", "..%"},
    .statement_ellipsis = {"%;", "%", "% => %,", "%: %,", "const %: %;"},
    .member_ellipsis = {"const %: %;", "%: %,", "%,"},
    .parameter_ellipsis = {"%: %", "%"},
    .wrappers = {"fn Wq_Wr() { % }", "fn Wq_Wr() { %; }", "%", "%;", "impl Wq_Wr { % }", "struct Wq_Wr { % }",
                 "fn Wq_Wr() { match Wq_Wr { % } }", "% {}", "impl Wq_Wr { % {} }", "fn Wq_Wr(%) {}", "use %;",
                 "% struct Wq_Wr {}", "fn Wq_Wr() { if Wq_Wr {} % }"},
};

const PatternForms kKotlin = {
    .ellipsis = {"%", "%: %", "val %: %", "% -> %"},
    .statement_ellipsis = {"%", "% -> %", "val %: %", "%: %"},
    .member_ellipsis = {"val %: %", "%"},
    .parameter_ellipsis = {"%: %", "%"},
    .for_header_ellipsis = {"% in %", "%"},
    .wrappers = {"%", "fun Wq_Wr() {\n%\n}", "class Wq_Wr {\n%\n}", "val Wq_Wr = %", "when (Wq_Wr) {\n%\n}", "% {}",
                 "class Wq_Wr {\n% {}\n}", "Wq_Wr(%)", "fun Wq_Wr(%) {}", "try {} %", "% class Wq_Wr"},
};

const PatternForms kScala = {
    .metavariable = {"%", "^"},
    .ellipsis = {"%", "^", "%: %", "case % => %"},
    .statement_ellipsis = {"%", "case % => %", "val % = %"},
    .member_ellipsis = {"%", "val % = %"},
    .parameter_ellipsis = {"%: %", "%"},
    .for_header_ellipsis = {"% <- %", "%"},
    .wrappers = {"%", "object Wq_Wr {\n%\n}", "class Wq_Wr {\n%\n}", "val Wq_Wr = %", "Wq_Wr match {\n%\n}", "% {}",
                 "class Wq_Wr {\n% {}\n}", "Wq_Wr(%)", "def Wq_Wr(%) = 1", "try {} %", "% class Wq_Wr"},
};

const PatternForms kBash = {
    .metavariable = {"$%", "%"},
    .ellipsis = {"$%", "%"},
    .statement_ellipsis = {"$%", "%", "%) ;;"},
    .wrappers = {"%", "wq_Wr() {\n%\n}", "case x in\n%\nesac", "if x; then\n%\nfi"},
};

bool is_upper(char c) { return c >= 'A' && c <= 'Z'; }
bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_word(char c) { return (c >= 'a' && c <= 'z') || is_upper(c) || is_digit(c) || c == '_'; }

/// How strings are quoted, and what in them is code.
struct Quoting {
  std::string_view quotes;
  bool triple = false;          ///< """ … """
  bool lines = false;           ///< A literal may run over several lines.
  std::string_view holes_in;    ///< Quotes whose contents have holes.
  std::string_view prefixes;    ///< Holes only behind one of these characters; empty: always.
  std::string_view hole;        ///< What opens a hole of any expression; '}' closes it.
  bool bare_variables = false;  ///< `$name` is a hole as well.
};

Quoting quoting(Language grammar) {
  switch (grammar) {
    case Language::CSharp:
      return {"\"'", true, false, "\"", "$@", "{", false};
    case Language::Ruby:
      return {"\"'`", false, true, "\"`", "", "#{", false};
    case Language::Rust:
      return {"\"", false, true, "", "", "", false};
    case Language::Kotlin:
      return {"\"'", true, false, "\"", "", "${", true};
    case Language::Scala:
      return {"\"", true, false, "\"", "sfw", "${", true};
    case Language::Bash:
      return {"\"'", false, true, "\"", "", "$(", true};
    case Language::Php:
      return {"\"'", false, true, "\"", "", "{", true};
    default:
      return {};
  }
}

/// Length of the metavariable that `text` begins with, `$` included, or 0.
std::size_t metavariable_length(std::string_view text) {
  if (text.size() < 2 || text[0] != '$' || !(is_upper(text[1]) || text[1] == '_')) return 0;
  std::size_t end = 1;
  while (end < text.size() && (is_upper(text[end]) || text[end] == '_' || is_digit(text[end]))) ++end;
  return end < text.size() && is_word(text[end]) ? 0 : end;
}

}  // namespace

const PatternForms* pattern_forms(Language grammar) {
  switch (grammar) {
    case Language::CSharp:
      return &kCSharp;
    case Language::Ruby:
      return &kRuby;
    case Language::Rust:
      return &kRust;
    case Language::Kotlin:
      return &kKotlin;
    case Language::Scala:
      return &kScala;
    case Language::Bash:
      return &kBash;
    case Language::Php:
      return &kPhp;
    default:
      return nullptr;
  }
}

const std::vector<std::string_view>& PatternForms::of(bool own_line, PatternPiece::Where where) const {
  if (where == PatternPiece::Where::ForHeader && !for_header_ellipsis.empty()) return for_header_ellipsis;
  if (where == PatternPiece::Where::Parameters && !parameter_ellipsis.empty()) return parameter_ellipsis;
  if (where == PatternPiece::Where::Members && own_line && !member_ellipsis.empty()) return member_ellipsis;
  return own_line && !statement_ellipsis.empty() ? statement_ellipsis : ellipsis;
}

bool writes_type_first(Language grammar) {
  return pattern_forms(grammar) == nullptr || grammar == Language::Php || grammar == Language::CSharp;
}

bool is_own_variable(std::string_view name, Language grammar) {
  constexpr std::array<std::string_view, 9> kSuperglobals = {
      "$_GET", "$_POST", "$_COOKIE", "$_REQUEST", "$_SERVER", "$_FILES", "$_SESSION", "$_ENV", "$GLOBALS"};
  return grammar == Language::Php && std::ranges::find(kSuperglobals, name) != kSuperglobals.end();
}

std::size_t literal_end(std::string_view text, std::size_t at, Language grammar) {
  const Quoting quoting = wrench::code::quoting(grammar);
  const char quote = text[at];
  if (quoting.quotes.find(quote) == std::string_view::npos) return at;
  if (quoting.triple && text.substr(at, 3) == "\"\"\"") {
    const std::size_t close = text.find("\"\"\"", at + 3);
    return close == std::string_view::npos ? at : close + 3;
  }
  for (std::size_t i = at + 1; i < text.size(); ++i) {
    if (text[i] == '\\') {
      ++i;
    } else if (text[i] == quote) {
      return i + 1;
    } else if (text[i] == '\n' && !quoting.lines) {
      return at;
    }
  }
  return at;
}

std::string with_stand_ins(std::string_view literal, std::string_view before, Language grammar) {
  const Quoting quoting = wrench::code::quoting(grammar);
  const bool prefixed =
      quoting.prefixes.empty() || (!before.empty() && quoting.prefixes.find(before.back()) != std::string_view::npos);
  if (quoting.holes_in.find(literal[0]) == std::string_view::npos || !prefixed) return std::string(literal);
  const std::string_view content = literal.size() < 2 ? literal : literal.substr(1, literal.size() - 2);
  // All of a string: its content is bound, not a variable in it.
  const bool expands = grammar == Language::Php || grammar == Language::Bash;  // A hole's variable has its dollar.
  if (!content.empty() && metavariable_length(content) == content.size() && quoting.bare_variables &&
      grammar != Language::Bash)
    return literal[0] + std::string(kMetavarPrefix) + std::string(content.substr(1)) + literal[0];
  std::string out;
  int depth = 0;
  for (std::size_t i = 0; i < literal.size();) {
    const std::string_view rest = literal.substr(i);
    if (!quoting.hole.empty() && rest.starts_with(quoting.hole)) {
      ++depth;
      out += quoting.hole;
      i += quoting.hole.size();
      continue;
    }
    if (rest[0] == '}' && depth > 0) --depth;
    const std::size_t length = metavariable_length(rest);
    if (length > 0 && (depth > 0 || quoting.bare_variables) && !is_own_variable(rest.substr(0, length), grammar)) {
      if (expands || depth == 0) out += '$';
      out += kMetavarPrefix;
      out += rest.substr(1, length - 1);
      i += length;
    } else if (depth > 0 && rest.starts_with("<...")) {
      out += kDeepName;
      out += '(';
      i += 4;
    } else if (depth > 0 && rest.starts_with("...>")) {
      out += ')';
      i += 4;
    } else if (depth > 0 && rest.starts_with("...")) {
      if (expands) out += '$';
      out += kEllipsisName;
      i += 3;
    } else {
      out += rest[0];
      ++i;
    }
  }
  return out;
}

}  // namespace wrench::code
