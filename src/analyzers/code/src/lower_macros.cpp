#include "lower_macros.hpp"

#include <algorithm>
#include <array>

namespace wrench::code::detail {

namespace {

constexpr std::array<std::string_view, 9> kAttributeWords = {"__attribute__", "__attribute",   "__declspec",
                                                             "__extension__", "__restrict",    "__inline",
                                                             "__inline__",    "__forceinline", "__stdcall"};
/// After these an ALL_CAPS word is an expression.
constexpr std::array<std::string_view, 9> kExpressionWords = {"return", "case", "throw",  "else",  "do",
                                                              "goto",   "new",  "delete", "sizeof"};
constexpr std::size_t kMacroNameBytesMin = 3;

bool is_word(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_'; }
bool is_space(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }

bool is_all_caps(std::string_view word) {
  if (word.size() < kMacroNameBytesMin) return false;
  bool letter = false;
  for (const char c : word) {
    if (c >= 'a' && c <= 'z') return false;
    letter |= c >= 'A' && c <= 'Z';
  }
  return letter;
}

class Blanker {
 public:
  explicit Blanker(std::string_view text) : text_(text) {}

  std::optional<std::string> run() {
    while (at_ < text_.size()) step();
    if (out_.empty()) return std::nullopt;
    return std::move(out_);
  }

 private:
  void step() {
    const char c = text_[at_];
    if (c == '\n') {
      line_start_ = true;
      ++at_;
    } else if (is_space(c)) {
      ++at_;
    } else if (c == '#' && line_start_) {
      skip_directive();
    } else if (c == '/' && at_ + 1 < text_.size() && (text_[at_ + 1] == '/' || text_[at_ + 1] == '*')) {
      skip_comment();
    } else if (c == '"' || c == '\'') {
      skip_quoted(c);
    } else if (is_word(c)) {
      word();
      line_start_ = false;
    } else {
      line_start_ = false;
      last_ = c;
      ++at_;
    }
  }

  void skip_directive() {
    for (; at_ < text_.size() && text_[at_] != '\n'; ++at_)
      if (text_[at_] == '\\' && at_ + 1 < text_.size()) ++at_;
  }

  void skip_comment() {
    const bool line = text_[at_ + 1] == '/';
    const std::size_t found = text_.find(line ? "\n" : "*/", at_ + 2);
    at_ = found == std::string_view::npos ? text_.size() : found + (line ? 0 : 2);
  }

  void skip_quoted(char quote) {
    for (++at_; at_ < text_.size() && text_[at_] != quote && text_[at_] != '\n'; ++at_)
      if (text_[at_] == '\\') ++at_;
    at_ = std::min(at_ + 1, text_.size());
    last_ = quote;
  }

  void word() {
    const std::size_t from = at_;
    while (at_ < text_.size() && is_word(text_[at_])) ++at_;
    const std::string_view word = text_.substr(from, at_ - from);
    std::size_t next = skip_spaces(at_);
    if (std::ranges::find(kAttributeWords, word) != kAttributeWords.end()) {
      if (next < text_.size() && text_[next] == '(') at_ = past_parentheses(next);
      blank(from, at_);
      return;
    }
    // A macro in front of a declaration: at a statement's start or after another word, with a word behind it.
    const bool at_start =
        last_ == 0 || last_ == ';' || last_ == '{' || last_ == '}' || last_ == 'w' || last_ == ')' || last_ == ':';
    if (at_start && is_all_caps(word)) {
      std::size_t end = at_;
      const bool call = next < text_.size() && text_[next] == '(';
      if (call) {
        end = past_parentheses(next);
        next = skip_spaces(end);
      }
      const bool after_operator =
          last_ == 'w' && std::ranges::find(kExpressionWords, last_word_) != kExpressionWords.end();
      const bool after_class =
          last_ == 'w' && (last_word_ == "class" || last_word_ == "struct" || last_word_ == "union");
      const char behind = next < text_.size() ? text_[next] : 0;
      const bool word_behind = is_word(behind) && !(behind >= '0' && behind <= '9');
      // `void f() NOEXCEPT_MACRO;`, `int x GUARDED_BY(mutex);`
      const bool trails =
          (behind == '{' || behind == ';' || (call && behind == '=')) && (last_ == ')' || (call && last_ == 'w'));
      // `TYPE name;` reads the same as `MACRO type name;` until the second word: only then is the first one a macro.
      const bool leads =
          word_behind && (after_class || (call ? last_ != ')' && last_ != 'w' : second_word_behind(next)));
      if ((leads || trails) && !after_operator) {
        blank(from, end);
        at_ = end;
        return;
      }
    }
    last_word_ = word;
    last_ = 'w';
  }

  bool second_word_behind(std::size_t at) const {
    while (at < text_.size() && is_word(text_[at])) ++at;
    std::size_t next = skip_spaces(at);
    while (next < text_.size() && (text_[next] == '*' || text_[next] == '&')) next = skip_spaces(next + 1);
    return next > at && next < text_.size() && is_word(text_[next]);
  }

  std::size_t skip_spaces(std::size_t at) const {
    while (at < text_.size() && is_space(text_[at])) ++at;
    return at;
  }

  std::size_t past_parentheses(std::size_t at) const {
    std::size_t depth = 0;
    for (; at < text_.size(); ++at) {
      if (text_[at] == '(') ++depth;
      if (text_[at] == ')' && --depth == 0) return at + 1;
      if (text_[at] == ';' || text_[at] == '{') return at;
    }
    return at;
  }

  void blank(std::size_t from, std::size_t end) {
    if (out_.empty()) out_ = std::string(text_);
    for (std::size_t i = from; i < end; ++i)
      if (out_[i] != '\n' && out_[i] != '\r') out_[i] = ' ';
  }

  std::string_view text_;
  std::size_t at_ = 0;
  bool line_start_ = true;
  std::string_view last_word_;
  char last_ = 0;  ///< Last token's character; 'w' for a word.
  std::string out_;
};

}  // namespace

std::optional<std::string> blank_macros(std::string_view text) { return Blanker(text).run(); }

}  // namespace wrench::code::detail
