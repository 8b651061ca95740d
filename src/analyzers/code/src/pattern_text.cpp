#include "pattern_text.hpp"

#include <algorithm>
#include <array>
#include <optional>

#include "pattern_config.hpp"
#include "pattern_forms.hpp"
#include "wrench/base/text.hpp"
#include "wrench/code/lower.hpp"

namespace wrench::code {
namespace {

using source::Language;

bool is_upper(char c) { return c >= 'A' && c <= 'Z'; }
bool is_word(char c) { return (c >= 'a' && c <= 'z') || is_upper(c) || (c >= '0' && c <= '9') || c == '_'; }

/// Length of the metavariable name at `at` (after `$`), or 0.
std::size_t name_length(std::string_view text, std::size_t at) {
  if (at >= text.size() || !(is_upper(text[at]) || text[at] == '_')) return 0;
  std::size_t end = at;
  while (end < text.size() && (is_upper(text[end]) || text[end] == '_' || (text[end] >= '0' && text[end] <= '9')))
    ++end;
  if (end < text.size() && is_word(text[end])) return 0;
  return end - at;
}

bool is_script(Language grammar) {
  return grammar == Language::JavaScript || grammar == Language::TypeScript || grammar == Language::Tsx;
}

/// One past a quoted literal that begins at `at`, or `at` when nothing is quoted there.
std::size_t skip_literal(std::string_view text, std::size_t at, Language grammar) {
  const char quote = text[at];
  const bool tick = quote == '`' && (is_script(grammar) || grammar == Language::Go);
  if (quote != '"' && quote != '\'' && !tick) return at;
  if (quote == '\'' && grammar == Language::Cpp && at > 0 && is_word(text[at - 1])) return at;
  const std::string_view triple = text.substr(at, 3);
  if ((triple == "\"\"\"" || triple == "'''") && (grammar == Language::Python || grammar == Language::Java)) {
    const std::size_t close = text.find(triple, at + 3);
    return close == std::string_view::npos ? at : close + 3;
  }
  for (std::size_t i = at + 1; i < text.size(); ++i) {
    if (text[i] == '\\' && !(quote == '`' && grammar == Language::Go)) {
      ++i;
    } else if (text[i] == quote) {
      return i + 1;
    } else if (text[i] == '\n' && !tick) {
      return at;
    }
  }
  return at;
}

/// Names inside the holes of templates and f-strings are code: `${$X}`, f"{$X}".
bool has_holes(std::string_view literal, std::string_view before, Language grammar) {
  if (is_script(grammar)) return literal.starts_with('`') && literal.find("${") != std::string_view::npos;
  if (grammar != Language::Python) return false;
  for (std::size_t i = before.size(); i > 0 && is_word(before[i - 1]); --i)
    if (before[i - 1] == 'f' || before[i - 1] == 'F') return true;
  return false;
}

class Splitter {
 public:
  Splitter(std::string_view text, Language grammar) : text_(text), grammar_(grammar) {}

  PatternText run() {
    while (at_ < text_.size()) step();
    flush();
    return std::move(out_);
  }

 private:
  void flush() {
    if (code_.empty()) return;
    PatternPiece piece;
    piece.text = std::move(code_);
    piece.at = code_at_;
    out_.pieces.push_back(std::move(piece));
    code_.clear();
  }
  void code(std::string_view text) {
    if (code_.empty()) code_at_ = at_;
    code_ += text;
    at_ += text.size();
  }
  /// Code in place of what the pattern has there.
  void code_as(std::string_view text, std::size_t length) {
    if (code_.empty()) code_at_ = at_;
    code_ += text;
    at_ += length;
  }
  void append(std::string_view text) { code_as(text, 0); }
  void piece(PatternPiece::What what, std::string_view name, std::size_t length) {
    flush();
    PatternPiece piece;
    piece.what = what;
    piece.text = name;
    piece.at = at_;
    if (what == PatternPiece::What::Ellipsis || what == PatternPiece::What::MetavarEllipsis)
      piece.own_line = alone_on_line(length);
    out_.pieces.push_back(std::move(piece));
    at_ += length;
  }
  /// The brace of an object among arguments or behind `=`, not of a block.
  bool opens_value(std::size_t brace) const {
    const std::string_view before = trim(text_.substr(0, brace));
    return !before.empty() && std::string_view("(,=:[").find(before.back()) != std::string_view::npos;
  }
  bool alone_on_line(std::size_t length) const {
    for (std::size_t i = at_; i > 0; --i) {
      const char c = text_[i - 1];
      if (c == '{' && opens_value(i - 1)) return false;
      if (c == '\n' || c == '{' || c == ';' || c == '}') break;
      if (c != ' ' && c != '\t') return false;
    }
    for (std::size_t i = at_ + length; i < text_.size(); ++i) {
      const char c = text_[i];
      // Another statement may follow: `{ ... return; }`.
      if (c == '\n' || c == '}' || (c == '$' && grammar_ != Language::Python) || (is_word(c) && i > at_ + length))
        break;
      if (c != ' ' && c != '\t' && c != '\r') return false;
    }
    return true;
  }

  void step() {
    const std::string_view rest = text_.substr(at_);
    const std::size_t after = hole_depth_ > 0                      ? at_
                              : pattern_forms(grammar_) != nullptr ? literal_end(text_, at_, grammar_)
                                                                   : skip_literal(text_, at_, grammar_);
    if (after > at_) {
      literal(text_.substr(at_, after - at_));
    } else if (rest.starts_with("<...")) {
      piece(PatternPiece::What::DeepOpen, {}, 4);
    } else if (rest.starts_with("...>")) {
      piece(PatternPiece::What::DeepClose, {}, 4);
    } else if (rest.starts_with("...") && !is_spread()) {
      piece(PatternPiece::What::Ellipsis, {}, 3);
    } else if (rest.starts_with("$...")) {
      const std::size_t length = name_length(text_, at_ + 4);
      if (length == 0) return code(rest.substr(0, 1));
      piece(PatternPiece::What::MetavarEllipsis, rest.substr(4, length), 4 + length);
    } else if (rest.starts_with('$')) {
      const std::size_t length = name_length(text_, at_ + 1);
      if (length == 0 || (at_ > 0 && is_word(text_[at_ - 1]))) return code(rest.substr(0, 1));
      // A variable that is set has no dollar.
      const bool set = grammar_ == Language::Bash && rest.substr(1 + length).starts_with('=') &&
                       !rest.substr(2 + length).starts_with('=');
      if (set) {
        if (code_.empty()) code_at_ = at_;
        code_ += std::string(kMetavarPrefix) + std::string(rest.substr(1, length));
        at_ += 1 + length;
        return;
      }
      if (is_own_variable(rest.substr(0, 1 + length), grammar_)) return code(rest.substr(0, 1 + length));
      if (grammar_ == Language::Python && typed_argument(length)) return;
      if (is_script(grammar_) && trim(text_).starts_with("import ") && trim(text_.substr(0, at_)).ends_with(" from"))
        return code_as("\"" + std::string(rest.substr(0, 1 + length)) + "\"", 1 + length);
      const bool attribute = is_script(grammar_) && trim(text_).starts_with('<') && at_ > 0 && text_[at_ - 1] == '=';
      if (attribute) append("{");
      piece(PatternPiece::What::Metavar, rest.substr(1, length), 1 + length);
      if (attribute) append("}");
    } else if (rest.starts_with('(')) {
      if (!typed_metavariable()) code(rest.substr(0, 1));
    } else {
      code(rest.substr(0, 1));
    }
  }

  /// `...x` and `...$X` in JavaScript, `xs...` in Go and Java, `...)` of C varargs are the language's own.
  bool is_spread() const {
    const char next = at_ + 3 < text_.size() ? text_[at_ + 3] : '\0';
    const char before = at_ > 0 ? text_[at_ - 1] : '\0';
    if (is_script(grammar_)) return is_word(next) || next == '$' || next == '[' || next == '{';
    if (grammar_ == Language::Php) return next == '$' || next == '[';
    if (grammar_ == Language::Ruby) return (is_word(before) || before == ')') && (is_word(next) || next == '(');
    if (grammar_ == Language::Go || grammar_ == Language::Java)
      return is_word(before) || before == ']' || is_word(next);
    return false;
  }

  void literal(std::string_view whole) {
    if (pattern_forms(grammar_) != nullptr) {
      if (code_.empty()) code_at_ = at_;
      code_ += with_stand_ins(whole, text_.substr(0, at_), grammar_);
      at_ += whole.size();
      return;
    }
    if (!has_holes(whole, text_.substr(0, at_), grammar_)) return code(whole);
    // The holes' metavariables become pieces, the text between stays.
    const std::size_t end = at_ + whole.size();
    int depth = 0;
    while (at_ < end) {
      const char c = text_[at_];
      if (c == '{') ++depth;
      if (c == '}' && depth > 0) --depth;
      const std::string_view rest = text_.substr(at_);
      if (depth > 0 && c == '$') {
        if (const std::size_t length = name_length(text_, at_ + 1); length > 0) {
          piece(PatternPiece::What::Metavar, rest.substr(1, length), 1 + length);
          continue;
        }
      }
      if (depth > 0 && rest.starts_with("...")) {
        piece(PatternPiece::What::Ellipsis, {}, 3);
        out_.pieces.back().own_line = false;
        continue;
      }
      code(rest.substr(0, 1));
    }
  }

  bool typed_metavariable() {
    const std::size_t close = text_.find(')', at_);
    if (close == std::string_view::npos) return false;
    const std::string_view inner = trim(text_.substr(at_ + 1, close - at_ - 1));
    if (inner.find('\n') != std::string_view::npos) return false;
    if (inner.find(',') != std::string_view::npos && inner.find('<') > inner.find(',')) return false;
    std::string name, type;
    if (inner.starts_with('$')) {  // ($X: T), Go ($X : T)
      const std::size_t length = name_length(inner, 1);
      if (length == 0) return false;
      const std::string_view rest = trim(inner.substr(1 + length));
      if (!rest.starts_with(':') || rest.starts_with("::") || rest.starts_with(":=")) {
        if (rest.starts_with('.')) return qualified_type(inner, close);
        // Java: ($TYPE $X) has a metavariable for the type.
        if (!rest.starts_with('$') || name_length(rest, 1) != rest.size() - 1 || is_script(grammar_)) return false;
        if (after_name()) return false;
        name = rest.substr(1);
        type = inner.substr(0, 1 + length);
      } else {
        if (pattern_forms(grammar_) != nullptr && after_name()) return false;
        if (is_parameter_list(close)) return false;
        name = inner.substr(1, length);
        type = trim(rest.substr(1));
      }
    } else {
      if (grammar_ == Language::Python || is_script(grammar_) || !writes_type_first(grammar_)) return false;
      const std::size_t dollar = inner.rfind('$');
      if (dollar == std::string_view::npos || dollar == 0) return false;
      const char before = inner[dollar - 1];
      if (before != ' ' && before != '*' && before != '&') return false;
      if (name_length(inner, dollar + 1) != inner.size() - dollar - 1) return false;
      name = inner.substr(dollar + 1);
      type = trim(inner.substr(0, dollar));
      if (pattern_forms(grammar_) != nullptr && (type == "new" || type == "await" || type.find(' ') != type.npos))
        return false;
      for (const char c : type)
        if (!is_word(c) && std::string_view(".,<>[]*&: $").find(c) == std::string_view::npos) return false;
      if (after_name()) return false;
    }
    // `(*$X)` has no type.
    if (std::none_of(type.begin(), type.end(), [](char c) { return is_word(c); })) return false;
    out_.typed.push_back({name, type});
    const std::string_view whole = text_.substr(at_, close + 1 - at_);
    piece(PatternPiece::What::Metavar, name, whole.size());
    return true;
  }
  /// `($P.Type $X)`: only the last part of the type says something.
  bool qualified_type(std::string_view inner, std::size_t close) {
    const std::size_t space = inner.rfind(' ');
    if (grammar_ != Language::Java || space == std::string_view::npos || after_name()) return false;
    const std::string_view name = inner.substr(space + 1);
    if (!name.starts_with('$') || name_length(name, 1) != name.size() - 1) return false;
    if (inner.find_first_of("(),\"'") != std::string_view::npos) return false;
    out_.typed.push_back({std::string(name.substr(1)), std::string(trim(inner.substr(0, space)))});
    piece(PatternPiece::What::Metavar, name.substr(1), close + 1 - at_);
    return true;
  }

  /// `f($X: T)` and `($X: T) =>` in scripts and Python are lists of parameters or arguments.
  bool is_parameter_list(std::size_t close) const {
    if (grammar_ != Language::Python && !is_script(grammar_)) return false;
    return after_name() || trim(text_.substr(close + 1)).starts_with("=>");
  }

  /// `f($X: int)` in Python; in a definition that's a parameter.
  bool typed_argument(std::size_t length) {
    std::string_view rest = text_.substr(at_ + 1 + length);
    const std::size_t colon = rest.find_first_not_of(' ');
    if (colon == std::string_view::npos || rest[colon] != ':') return false;
    rest.remove_prefix(colon + 1);
    const std::size_t end = rest.find_first_of(",)=\n");
    if (end == std::string_view::npos || (rest[end] != ',' && rest[end] != ')')) return false;
    const std::string_view type = trim(rest.substr(0, end));
    if (type.empty() || !in_call()) return false;
    const std::string name(text_.substr(at_ + 1, length));
    out_.typed.push_back({name, std::string(type)});
    piece(PatternPiece::What::Metavar, name, 1 + length + colon + 1 + end);
    return true;
  }
  /// Whether the innermost open bracket is a call's.
  bool in_call() const {
    int depth = 0;
    for (std::size_t i = at_; i > 0; --i) {
      const char c = text_[i - 1];
      if (c == ')' || c == ']' || c == '}') ++depth;
      if (c != '(' && c != '[' && c != '{') continue;
      if (depth-- > 0) continue;
      const std::size_t line = text_.rfind('\n', i - 1);
      const std::string_view header = trim(text_.substr(line + 1, i - 1 - (line + 1)));
      return c == '(' && i > 1 && is_word(text_[i - 2]) && !header.starts_with("def ") &&
             !header.starts_with("async def ");
    }
    return false;
  }

  /// A word before the parenthesis makes it a parameter list: `void f(int $X)`.
  bool after_name() const {
    std::size_t i = at_;
    while (i > 0 && text_[i - 1] == ' ') --i;
    return i > 0 && (is_word(text_[i - 1]) || text_[i - 1] == '>') && !keyword_before(i);
  }
  bool keyword_before(std::size_t end) const {
    std::size_t first = end;
    while (first > 0 && is_word(text_[first - 1])) --first;
    const std::string_view word = text_.substr(first, end - first);
    return word == "return" || word == "throw" || word == "case" || word == "else";
  }

  std::string_view text_;
  Language grammar_;
  std::size_t at_ = 0;
  int hole_depth_ = 0;
  std::string code_;
  std::size_t code_at_ = 0;
  PatternText out_;
};

}  // namespace

namespace {

/// Sets what each ellipsis stands among: members of a type, parameters of a function.
class ContextReader {
 public:
  explicit ContextReader(PatternText& pattern) : pattern_(pattern) {}

  void run() {
    for (PatternPiece& piece : pattern_.pieces) {
      if (piece.what == PatternPiece::What::Ellipsis || piece.what == PatternPiece::What::MetavarEllipsis) {
        if (!open_.empty()) open_.back().holds.push_back(&piece);
      }
      read(piece.what == PatternPiece::What::Code ? std::string_view(piece.text) : std::string_view("x"));
    }
  }

 private:
  struct Bracket {
    char mark;
    bool type_body = false;
    bool may_be_parameters = false;
    bool for_header = false;
    std::vector<PatternPiece*> holds;
  };

  void read(std::string_view code) {
    for (const char c : code) {
      if (c != ' ' && c != '\n' && c != '\t') settle(c);
      if (c == '{' || c == '(' || c == '[') {
        open_.push_back({c, c == '{' && names_type(), c == '(' && !after_keyword(), c == '(' && after_for(), {}});
      } else if ((c == '}' || c == ')' || c == ']') && !open_.empty()) {
        Bracket closed = std::move(open_.back());
        open_.pop_back();
        if (closed.type_body)
          for (PatternPiece* piece : closed.holds) piece->where = PatternPiece::Where::Members;
        if (closed.for_header && closed.holds.size() == 1) closed.holds.front()->where = PatternPiece::Where::ForHeader;
        if (closed.may_be_parameters) closed_ = std::move(closed.holds);
      }
      if (c == '{' || c == '}' || c == ';')
        header_.clear();
      else
        header_ += c;
    }
  }
  /// What follows `f(...)` tells a definition from a call.
  void settle(char next) {
    if (next == '{' || next == 't')
      for (PatternPiece* piece : closed_) piece->where = PatternPiece::Where::Parameters;
    closed_.clear();
  }
  bool names_type() const {
    for (const std::string_view word : {"class ", "interface ", "struct ", "enum ", "record ", "trait "})
      if (header_.find(word) != std::string::npos) return true;
    return false;
  }
  bool after_for() const {
    const std::string_view header = trim(header_);
    return header == "for" || header.ends_with(" for") || header.ends_with("\nfor") || header.ends_with("foreach");
  }
  bool after_keyword() const {
    const std::string_view header = trim(header_);
    for (const std::string_view word : {"if", "for", "while", "switch", "catch", "try", "synchronized", "return"})
      if (header.ends_with(word) && (header.size() == word.size() || !is_word(header[header.size() - word.size() - 1])))
        return true;
    return header.empty();
  }

  PatternText& pattern_;
  std::vector<Bracket> open_;
  std::vector<PatternPiece*> closed_;
  std::string header_;
};

}  // namespace

PatternText split_pattern(std::string_view text, Language grammar) {
  if (is_config(grammar)) return split_config_pattern(text, grammar);
  PatternText out = Splitter(text, grammar).run();
  ContextReader(out).run();
  return out;
}

std::vector<std::string_view> ellipsis_forms(Language grammar, const PatternPiece& piece) {
  if (const PatternForms* forms = pattern_forms(grammar)) return forms->of(piece.own_line, piece.where);
  const bool own_line = piece.own_line;
  const bool typed = grammar == Language::Java || grammar == Language::C || grammar == Language::Cpp;
  if (typed && own_line && piece.where == PatternPiece::Where::Members)
    return {"int %;", "%;", "%", "int %", "case %:"};
  if (typed && piece.where == PatternPiece::Where::Parameters) return {"int %", "%", "%;"};
  // All of `for (...)`: the matcher takes it for a loop over elements, too.
  if (piece.where == PatternPiece::Where::ForHeader && grammar != Language::Python && grammar != Language::Go)
    return {"%; %; %", "%"};
  switch (grammar) {
    case Language::Python:
      return {"%", "%: %", "**%", "case %: %"};
    case Language::Java:
      if (own_line) return {"%;", "%", "int %;", "case %:", "int %"};
      return {"%", "%;", "int %", "% = %", "% %", "int %;", "case %:"};
    case Language::Go:
      if (own_line) return {"%", "% any", "case %:", "%: %", "\"%\""};
      return {"%", "% any", "%: %", "case %:", "\"%\"", "% = %"};
    case Language::C:
    case Language::Cpp:
      if (own_line) return {"%;", "%", "int %;", "case %:", "int %"};
      return {"%", "%;", "int %", "int %;", "case %:"};
    default:
      if (own_line) return {"%;", "%", "case %:", "%: %", "%,"};
      return {"%", "%: %", "%;", "case %:", "...%", "{%}"};
  }
}

std::vector<std::string_view> metavariable_forms(Language grammar) {
  const PatternForms* forms = pattern_forms(grammar);
  return forms == nullptr ? std::vector<std::string_view>{"%"} : forms->metavariable;
}

std::vector<std::string_view> pattern_wrappers(Language grammar) {
  if (is_config(grammar)) return config_wrappers(grammar);
  if (const PatternForms* forms = pattern_forms(grammar)) return forms->wrappers;
  switch (grammar) {
    case Language::Python:
      return {"%",   "try:\n  pass\n%", "if Wq_Wr:\n  pass\n%", "%\ndef Wq_Wr(): pass", "Wq_Wr(%)",
              "{%}", "%:\n  pass",      "match Wq_Wr:\n  %"};
    case Language::Java:
      return {"%",
              "class Wq_Wr { void Wq_Wr() { % } }",
              "class Wq_Wr { void Wq_Wr() { %; } }",
              "class Wq_Wr { % }",
              "class Wq_Wr { Object Wq_Wr = %; }",
              "% class Wq_Wr {}",
              "class Wq_Wr { % void Wq_Wr() {} }",
              "class Wq_Wr { void Wq_Wr() { try {} % } }",
              "class Wq_Wr { void Wq_Wr() { switch (Wq_Wr) { % } } }",
              "% {}",
              "class Wq_Wr { % {} }",
              "class Wq_Wr { void Wq_Wr() { % {} } }",
              "import %;"};
    case Language::Go:
      // At the top level `f(x)` reads as a conversion.
      return {"package Wq_Wr\nfunc Wq_Wr() {\n%\n}",
              "%",
              "package Wq_Wr\n%",
              "package Wq_Wr\nvar Wq_Wr = %",
              "package Wq_Wr\nfunc Wq_Wr() { switch Wq_Wr {\n%\n} }",
              "package Wq_Wr\nimport (\n%\n)",
              "package Wq_Wr\nfunc Wq_Wr(%) {}",
              "package Wq_Wr\ntype Wq_Wr struct {\n%\n}",
              "package Wq_Wr\nfunc Wq_Wr() {\n% {}\n}",
              "package Wq_Wr\nvar Wq_Wr = []Wq_Wr{%}",
              "package Wq_Wr\nvar Wq_Wr = Wq_Wr{%}"};
    case Language::C:
    case Language::Cpp:
      return {"void Wq_Wr() { % }",  "%",    "void Wq_Wr() { %; }",   "int Wq_Wr = %;",
              "struct Wq_Wr { % };", "% {}", "void Wq_Wr() { % {} }", "void Wq_Wr() { switch (Wq_Wr) { % } }",
              "void Wq_Wr(%) {}",    "%;"};
    default:
      return {"%",
              "(%)",
              "({%})",
              "class Wq_Wr { % }",
              "function Wq_Wr() { % }",
              "async function Wq_Wr() { % }",
              "switch (Wq_Wr) { % }",
              "try {} %",
              "Wq_Wr(%)",
              "<div %></div>",
              "% {}",
              "function Wq_Wr(%) {}",
              "% class Wq_Wr {}"};
  }
}

}  // namespace wrench::code
