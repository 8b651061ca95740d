#include "wrench/code/macro_table.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <set>
#include <utility>

#include "wrench/base/text.hpp"
#include "wrench/codec/record.hpp"
#include "wrench/crypto/sha256.hpp"

namespace wrench::code {

namespace {

bool is_word(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_'; }
bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_blank(char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n' || c == '\f' || c == '\v'; }

bool is_name(std::string_view text) {
  return !text.empty() && !is_digit(text.front()) && std::all_of(text.begin(), text.end(), is_word);
}

constexpr std::array<std::string_view, 6> kWindowsNames = {"_WIN32",   "WIN32",       "_WIN64",
                                                           "_MSC_VER", "__MINGW32__", "__CYGWIN__"};
bool means_windows(std::string_view name) {
  return std::find(kWindowsNames.begin(), kWindowsNames.end(), name) != kWindowsNames.end();
}

/// `defined(_WIN32)`, `defined _WIN32`, `_WIN32`.
bool tests_windows(std::string_view condition) {
  condition = trim(condition);
  if (condition.starts_with("defined")) condition = trim(condition.substr(7));
  if (condition.starts_with('(') && condition.ends_with(')'))
    condition = trim(condition.substr(1, condition.size() - 2));
  return means_windows(condition);
}

/// Directives of a text, one after the other, with the `#if`s around them.
class Reader {
 public:
  explicit Reader(std::string_view text) : text_(text) {}

  std::vector<Macro> run() {
    while (at_ < text_.size() && found_.size() < kMacrosPerFileMax) line();
    std::set<std::string_view> elsewhere;
    for (const auto& [macro, windows] : found_)
      if (!windows) elsewhere.insert(macro.name);
    std::vector<bool> kept;
    for (const auto& [macro, windows] : found_) kept.push_back(!windows || !elsewhere.contains(macro.name));
    std::vector<Macro> out;
    for (std::size_t i = 0; i < found_.size(); ++i)
      if (kept[i]) out.push_back(std::move(found_[i].first));
    return out;
  }

 private:
  enum class Part : std::uint8_t { Plain, Windows, NotWindows, Never };

  void line() {
    std::size_t at = at_;
    while (at < text_.size() && (text_[at] == ' ' || text_[at] == '\t')) ++at;
    if (at >= text_.size() || text_[at] != '#') return skip_line();
    const std::size_t hash = at;
    at_ = at + 1;
    std::string rest = logical_line();
    std::string_view view = trim(rest);
    std::size_t length = 0;
    while (length < view.size() && is_word(view[length])) ++length;
    const std::string_view word = view.substr(0, length);
    directive(word, view.substr(length), hash);
  }

  /// Code between directives: comments and texts may hold what looks like one.
  void skip_line() {
    while (at_ < text_.size() && text_[at_] != '\n') {
      const char c = text_[at_];
      if (c == '/' && at_ + 1 < text_.size() && text_[at_ + 1] == '*') {
        skip_comment();
      } else if (c == '/' && at_ + 1 < text_.size() && text_[at_ + 1] == '/') {
        at_ = std::min(text_.find('\n', at_), text_.size());
      } else if (c == '"' || c == '\'') {
        for (++at_; at_ < text_.size() && text_[at_] != c && text_[at_] != '\n'; ++at_)
          if (text_[at_] == '\\') ++at_;
        if (at_ < text_.size() && text_[at_] == c) ++at_;
      } else {
        ++at_;
      }
    }
    if (at_ < text_.size()) ++at_;
  }

  void skip_comment() {
    const std::size_t end = text_.find("*/", at_ + 2);
    at_ = end == std::string_view::npos ? text_.size() : end + 2;
  }

  /// From here to the line's end, over `\` ends and without comments.
  std::string logical_line() {
    std::string out;
    const auto blank = [&] {
      if (!out.empty() && out.back() != ' ') out += ' ';
    };
    char quote = 0;
    while (at_ < text_.size()) {
      const char c = text_[at_];
      if (c == '\\' && at_ + 1 < text_.size() && (text_[at_ + 1] == '\n' || text_.substr(at_ + 1, 2) == "\r\n")) {
        at_ += text_[at_ + 1] == '\n' ? 2 : 3;
        blank();
        continue;
      }
      if (c == '\n') {
        ++at_;
        break;
      }
      if (quote != 0) {
        out += c;
        if (c == '\\' && at_ + 1 < text_.size())
          out += text_[++at_];
        else if (c == quote)
          quote = 0;
        ++at_;
      } else if (c == '/' && at_ + 1 < text_.size() && text_[at_ + 1] == '*') {
        skip_comment();
        blank();
      } else if (c == '/' && at_ + 1 < text_.size() && text_[at_ + 1] == '/') {
        at_ = std::min(text_.find('\n', at_), text_.size());
      } else {
        if (c == '"' || c == '\'') quote = c;
        is_blank(c) ? blank() : out.push_back(c);
        ++at_;
      }
    }
    return out;
  }

  void directive(std::string_view word, std::string_view rest, std::size_t hash) {
    if (word == "if")
      parts_.push_back(trim(rest) == "0" ? Part::Never : tests_windows(rest) ? Part::Windows : Part::Plain);
    else if (word == "ifdef")
      parts_.push_back(means_windows(trim(rest)) ? Part::Windows : Part::Plain);
    else if (word == "ifndef")
      parts_.push_back(means_windows(trim(rest)) ? Part::NotWindows : Part::Plain);
    else if (word == "elif" && !parts_.empty())
      parts_.back() = tests_windows(rest) ? Part::Windows : Part::Plain;
    else if (word == "else" && !parts_.empty())
      parts_.back() = parts_.back() == Part::NotWindows ? Part::Windows : Part::Plain;
    else if (word == "endif" && !parts_.empty())
      parts_.pop_back();
    else if (word == "define")
      define(rest, hash);
  }

  bool inside(Part part) const { return std::find(parts_.begin(), parts_.end(), part) != parts_.end(); }

  void define(std::string_view rest, std::size_t hash) {
    if (inside(Part::Never)) return;
    rest = trim(rest);
    std::size_t length = 0;
    while (length < rest.size() && is_word(rest[length])) ++length;
    Macro macro;
    macro.name = rest.substr(0, length);
    macro.first = static_cast<std::uint32_t>(hash);
    rest.remove_prefix(length);
    if (rest.starts_with('(')) {
      const std::size_t end = rest.find(')');
      if (end == std::string_view::npos) return;
      macro.is_function = true;
      for (const std::string_view param : split(rest.substr(1, end - 1), ','))
        if (const std::string_view name = trim(param); !name.empty()) macro.params.emplace_back(name);
      rest.remove_prefix(end + 1);
    }
    macro.body = trim(rest);
    if (!is_name(macro.name) || macro.body.empty() || macro.body.size() > kMacroBodyBytesMax) return;
    found_.emplace_back(std::move(macro), inside(Part::Windows));
  }

  std::string_view text_;
  std::size_t at_ = 0;
  std::vector<Part> parts_;
  std::vector<std::pair<Macro, bool>> found_;
};

/// Whole numbers and operators between them, by precedence; two stacks instead of recursion.
class Calculator {
 public:
  explicit Calculator(std::string_view text) : text_(text) {}

  std::optional<std::int64_t> run() {
    bool wants_value = true;
    while (true) {
      while (at_ < text_.size() && is_blank(text_[at_])) ++at_;
      if (at_ >= text_.size()) break;
      const char c = text_[at_];
      if (wants_value) {
        if (c == '(' || c == '-' || c == '+' || c == '~') {
          operators_.push_back(c == '-' ? 'm' : c == '+' ? 'p' : c);
          ++at_;
          continue;
        }
        if (!number()) return std::nullopt;
        wants_value = false;
      } else if (c == ')') {
        ++at_;
        while (!operators_.empty() && operators_.back() != '(')
          if (!apply()) return std::nullopt;
        if (operators_.empty()) return std::nullopt;
        operators_.pop_back();
      } else {
        char op = c;
        if ((c == '<' || c == '>') && text_.substr(at_ + 1, 1) == text_.substr(at_, 1))
          ++at_;
        else if (std::string_view("+-*/%|&").find(c) == std::string_view::npos)
          return std::nullopt;
        ++at_;
        while (!operators_.empty() && operators_.back() != '(' && strength(operators_.back()) >= strength(op))
          if (!apply()) return std::nullopt;
        operators_.push_back(op);
        wants_value = true;
      }
      if (operators_.size() > kDepthMax) return std::nullopt;
    }
    if (wants_value) return std::nullopt;
    while (!operators_.empty())
      if (operators_.back() == '(' || !apply()) return std::nullopt;
    return values_.size() == 1 ? std::optional(values_.back()) : std::nullopt;
  }

 private:
  static constexpr std::size_t kDepthMax = 64;

  static int strength(char op) {
    switch (op) {
      case 'm':
      case 'p':
      case '~':
        return 6;
      case '*':
      case '/':
      case '%':
        return 5;
      case '+':
      case '-':
        return 4;
      case '<':
      case '>':
        return 3;
      case '&':
        return 2;
      default:
        return 1;
    }
  }

  bool number() {
    std::size_t end = at_;
    while (end < text_.size() && (is_word(text_[end]) || text_[end] == '.')) ++end;
    std::string_view digits = text_.substr(at_, end - at_);
    at_ = end;
    int base = 10;
    if (digits.starts_with("0x") || digits.starts_with("0X")) {
      base = 16;
      digits.remove_prefix(2);
    } else if (digits.size() > 1 && digits.front() == '0') {
      base = 8;
    }
    while (!digits.empty() && std::string_view("uUlL").find(digits.back()) != std::string_view::npos)
      digits.remove_suffix(1);
    std::int64_t value = 0;
    const auto [stop, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value, base);
    if (digits.empty() || error != std::errc() || stop != digits.data() + digits.size()) return false;
    values_.push_back(value);
    return true;
  }

  bool apply() {
    const char op = operators_.back();
    operators_.pop_back();
    if (values_.empty()) return false;
    std::int64_t b = values_.back();
    if (op == 'm') return !__builtin_sub_overflow(std::int64_t{0}, b, &values_.back());
    if (op == '~') values_.back() = ~b;
    if (op == '~' || op == 'p') return true;
    values_.pop_back();
    if (values_.empty()) return false;
    std::int64_t& a = values_.back();
    switch (op) {
      case '+':
        return !__builtin_add_overflow(a, b, &a);
      case '-':
        return !__builtin_sub_overflow(a, b, &a);
      case '*':
        return !__builtin_mul_overflow(a, b, &a);
      case '/':
        if (b <= 0) return false;
        a /= b;
        return true;
      case '%':
        if (b <= 0) return false;
        a %= b;
        return true;
      case '<':
        if (b < 0 || b > 40 || a < 0 || a > (std::int64_t{1} << 20)) return false;
        a <<= b;
        return true;
      case '>':
        if (b < 0 || b > 62 || a < 0) return false;
        a >>= b;
        return true;
      case '&':
        a &= b;
        return true;
      default:
        a |= b;
        return true;
    }
  }

  std::string_view text_;
  std::size_t at_ = 0;
  std::vector<std::int64_t> values_;
  std::vector<char> operators_;
};

/// What is another word for nothing: `#define true 1` is, `#define byte char` isn't a value's name.
bool is_keyword(std::string_view word) {
  static constexpr std::array<std::string_view, 24> kWords = {
      "auto",   "break",  "case",   "char",   "const",  "continue", "default", "do",
      "double", "else",   "extern", "float",  "for",    "if",       "inline",  "int",
      "long",   "return", "short",  "signed", "sizeof", "static",   "void",    "while"};
  return std::find(kWords.begin(), kWords.end(), word) != kWords.end();
}

}  // namespace

std::vector<Macro> macros_in(std::string_view text) {
  if (text.find('#') == std::string_view::npos) return {};
  return Reader(text).run();
}

template <class Archive, codec::RecordOf<Macro> M>
void fields(Archive& archive, M& macro) {
  archive(macro.name, macro.params, macro.is_function, macro.body, macro.first);
}

std::string to_record(const std::vector<Macro>& macros) {
  codec::RecordWriter writer;
  writer(macros);
  return std::move(writer).take();
}

std::optional<std::vector<Macro>> macros_from_record(std::string_view bytes) {
  codec::RecordReader reader(bytes);
  std::vector<Macro> out;
  reader(out);
  return reader.complete() ? std::optional(std::move(out)) : std::nullopt;
}

std::optional<std::int64_t> integer_of_macro(std::string_view body) { return Calculator(body).run(); }

std::string_view alias_of_macro(const Macro& macro) {
  std::string_view body = macro.body;
  if (macro.is_function) {
    const std::size_t open = body.find('(');
    if (open == std::string_view::npos || !body.ends_with(')')) return {};
    std::string_view list = body.substr(open + 1, body.size() - open - 2);
    body = trim(body.substr(0, open));
    std::vector<std::string_view> passed;
    for (std::string_view arg : split(list, ',')) {
      arg = trim(arg);
      while (arg.starts_with('(') && arg.ends_with(')')) arg = trim(arg.substr(1, arg.size() - 2));
      if (!arg.empty()) passed.push_back(arg);
    }
    if (!std::equal(passed.begin(), passed.end(), macro.params.begin(), macro.params.end(),
                    [](std::string_view arg, const std::string& param) {
                      return arg == param || (param == "..." && arg == "__VA_ARGS__");
                    }))
      return {};
  }
  return is_name(body) && body != macro.name && !is_keyword(body) ? body : std::string_view();
}

void MacroTable::add(std::vector<Macro> macros) {
  for (Macro& macro : macros) {
    const auto [found, added] = macros_.try_emplace(macro.name);
    if (added)
      found->second.macro = std::move(macro);
    else if (!(found->second.macro == macro))
      found->second.differs = true;
  }
}

const Macro* MacroTable::find(std::string_view name) const {
  const auto found = macros_.find(name);
  return found == macros_.end() || found->second.differs ? nullptr : &found->second.macro;
}

std::string MacroTable::digest() const {
  crypto::Sha256 hash;
  const auto add = [&](std::string_view text) {
    hash.update(text);
    hash.update(std::string_view("\0", 1));
  };
  for (const auto& [name, entry] : macros_) {
    add(name);
    if (entry.differs) {
      add("differs");
      continue;
    }
    add(entry.macro.is_function ? "(" : "");
    for (const std::string& param : entry.macro.params) add(param);
    add(entry.macro.body);
  }
  return crypto::to_hex(hash.finish());
}

}  // namespace wrench::code
