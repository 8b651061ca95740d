#include "generic_text.hpp"

#include <algorithm>
#include <array>
#include <utility>

namespace wrench::code {
namespace {

using What = GenericToken::What;
using Comments = GenericOptions::Comments;

constexpr std::uint32_t kTabColumns = 8;

bool is_word(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_'; }
bool is_space(char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\f' || c == '\v'; }

/// Cuts the text into lines of tokens, without blocks.
class Lexer {
 public:
  struct Line {
    std::uint32_t indent;  ///< In columns.
    std::size_t first;     ///< Of its tokens; they reach to the next line's.
  };

  Lexer(std::string_view text, Comments comments, GenericSyntax syntax)
      : text_(text), comments_(comments), pattern_(syntax == GenericSyntax::Pattern) {}

  void run() {
    while (at_ < text_.size()) {
      read_line();
      if (at_ < text_.size()) ++at_;
      ++line_;
    }
  }

  std::vector<GenericToken> tokens;
  std::vector<Line> lines;  ///< Those that hold a token.

 private:
  void read_line() {
    std::uint32_t indent = 0;
    for (; at_ < text_.size() && is_space(text_[at_]); ++at_)
      indent = text_[at_] == '\t' ? (indent / kTabColumns + 1) * kTabColumns : indent + 1;
    const std::size_t first = tokens.size();
    while (at_ < text_.size() && text_[at_] != '\n') {
      if (is_space(text_[at_]))
        ++at_;
      else if (!skip_comment() && !(pattern_ && special()))
        plain();
    }
    if (tokens.size() > first) lines.push_back({indent, first});
  }

  /// A comment may go over line ends, which count.
  bool skip_comment() {
    const std::string_view rest = text_.substr(at_);
    if ((comments_ == Comments::Shell && rest[0] == '#') || (comments_ == Comments::Cpp && rest.starts_with("//"))) {
      at_ = std::min(text_.find('\n', at_), text_.size());
      return true;
    }
    if ((comments_ != Comments::C && comments_ != Comments::Cpp) || !rest.starts_with("/*")) return false;
    const std::size_t close = text_.find("*/", at_ + 2);
    const std::size_t end = close == std::string_view::npos ? text_.size() : close + 2;
    line_ += static_cast<std::uint32_t>(std::ranges::count(text_.substr(at_, end - at_), '\n'));
    at_ = end;
    return true;
  }

  /// `...`, `$...X`, `$X`.
  bool special() {
    const std::string_view rest = text_.substr(at_);
    if (rest.starts_with("...")) {
      push(What::Ellipsis, 3);
      return true;
    }
    if (!rest.starts_with('$')) return false;
    const bool many = rest.starts_with("$...");
    const std::size_t name = many ? 4 : 1;
    std::size_t end = name;
    while (end < rest.size() && ((rest[end] >= 'A' && rest[end] <= 'Z') || rest[end] == '_' ||
                                 (end > name && rest[end] >= '0' && rest[end] <= '9')))
      ++end;
    if (end == name || (end < rest.size() && is_word(rest[end]))) return false;
    push(many ? What::MetavarEllipsis : What::Metavar, end);
    return true;
  }

  void plain() {
    const bool word = is_word(text_[at_]);
    std::size_t end = at_ + 1;
    if (word)
      while (end < text_.size() && is_word(text_[end])) ++end;
    else
      while (end < text_.size() && (static_cast<unsigned char>(text_[end]) & 0xC0U) == 0x80U) ++end;
    push(word ? What::Word : What::Mark, end - at_);
  }

  void push(What what, std::size_t size) {
    GenericToken token;
    token.what = what;
    token.first = static_cast<std::uint32_t>(at_);
    token.end = static_cast<std::uint32_t>(at_ + size);
    token.line = line_;
    tokens.push_back(token);
    at_ += size;
  }

  std::string_view text_;
  Comments comments_;
  bool pattern_;
  std::size_t at_ = 0;
  std::uint32_t line_ = 0;
};

/// Puts the blocks among the tokens.
class Nester {
 public:
  Nester(std::string_view text, const Lexer& lexer) : text_(text), lexer_(lexer) {}

  std::vector<GenericToken> run() {
    out_.reserve(lexer_.tokens.size() + lexer_.tokens.size() / 4);
    for (std::size_t i = 0; i < lexer_.lines.size(); ++i) {
      const std::size_t first = lexer_.lines[i].first;
      const std::size_t end = i + 1 < lexer_.lines.size() ? lexer_.lines[i + 1].first : lexer_.tokens.size();
      indent_to(lexer_.lines[i].indent, lexer_.tokens[first]);
      add_line(first, end);
    }
    for (; !indents_.empty(); indents_.pop_back()) add(What::Close, out_.back());
    link();
    return std::move(out_);
  }

 private:
  void add(What what, const GenericToken& beside) {
    GenericToken token;
    token.what = what;
    token.first = token.end = what == What::Open ? beside.first : beside.end;
    token.line = beside.line;
    out_.push_back(token);
  }

  void indent_to(std::uint32_t width, const GenericToken& next) {
    if (out_.empty()) {
      // The first line's indentation is the text's own.
      base_ = width;
      return;
    }
    while (!indents_.empty() && width < indents_.back()) {
      indents_.pop_back();
      add(What::Close, out_.back());
    }
    if (width <= (indents_.empty() ? base_ : indents_.back())) return;
    indents_.push_back(width);
    add(What::Open, next);
  }

  void add_line(std::size_t first, std::size_t end) {
    pair_brackets(first, end);
    for (std::size_t i = first; i < end; ++i) {
      const GenericToken& token = lexer_.tokens[i];
      if (pairs_[i - first] == Pair::Closes) add(What::Close, out_.back());
      out_.push_back(token);
      if (pairs_[i - first] == Pair::Opens) {
        GenericToken inner = token;
        inner.first = token.end;
        add(What::Open, inner);
      }
    }
  }

  /// Brackets that don't pair up on their line are plain marks. Counts keep a line of strays linear.
  void pair_brackets(std::size_t first, std::size_t end) {
    static constexpr std::string_view kOpens = "([{", kCloses = ")]}";
    pairs_.assign(end - first, Pair::None);
    open_.clear();
    std::array<std::size_t, kOpens.size()> waiting{};
    for (std::size_t i = first; i < end; ++i) {
      if (lexer_.tokens[i].what != What::Mark) continue;
      const char c = text_[lexer_.tokens[i].first];
      if (const std::size_t kind = kOpens.find(c); kind != std::string_view::npos) {
        open_.emplace_back(i, kind);
        ++waiting[kind];
        continue;
      }
      const std::size_t kind = kCloses.find(c);
      if (kind == std::string_view::npos || waiting[kind] == 0) continue;
      while (open_.back().second != kind) {
        --waiting[open_.back().second];
        open_.pop_back();
      }
      pairs_[open_.back().first - first] = Pair::Opens;
      pairs_[i - first] = Pair::Closes;
      --waiting[kind];
      open_.pop_back();
    }
  }

  void link() {
    std::vector<std::uint32_t> open;
    for (std::uint32_t i = 0; i < out_.size(); ++i) {
      if (out_[i].what == What::Open) open.push_back(i);
      if (out_[i].what != What::Close) continue;
      out_[open.back()].partner = i;
      open.pop_back();
    }
    std::vector<std::uint32_t> ends = {static_cast<std::uint32_t>(out_.size())};
    for (GenericToken& token : out_) {
      if (token.what == What::Open) {
        ends.push_back(token.partner);
        continue;
      }
      if (token.what == What::Close) ends.pop_back();
      token.partner = ends.back();
    }
  }

  enum class Pair : std::uint8_t { None, Opens, Closes };
  std::string_view text_;
  const Lexer& lexer_;
  std::uint32_t base_ = 0;
  std::vector<std::uint32_t> indents_;
  std::vector<Pair> pairs_;
  std::vector<std::pair<std::size_t, std::size_t>> open_;  ///< Token and kind of bracket.
  std::vector<GenericToken> out_;
};

}  // namespace

std::vector<GenericToken> read_generic(std::string_view text, Comments comments, GenericSyntax syntax) {
  Lexer lexer(text, comments, syntax);
  lexer.run();
  return Nester(text, lexer).run();
}

}  // namespace wrench::code
