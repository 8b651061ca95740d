#include "pattern_config.hpp"

#include <algorithm>
#include <string>

#include "wrench/base/text.hpp"

namespace wrench::code {
namespace {

using source::Language;

bool is_upper(char c) { return c >= 'A' && c <= 'Z'; }
bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_word(char c) { return (c >= 'a' && c <= 'z') || is_upper(c) || is_digit(c) || c == '_'; }
bool is_space(char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; }

/// Length of `$X` or `$...X` at `at`, or 0.
std::size_t metavariable_length(std::string_view text, std::size_t at) {
  if (text[at] != '$') return 0;
  const std::size_t name = at + (text.substr(at + 1).starts_with("...") ? 4 : 1);
  std::size_t end = name;
  while (end < text.size() && (is_upper(text[end]) || text[end] == '_' || (end > name && is_digit(text[end])))) ++end;
  return end == name || (end < text.size() && is_word(text[end])) ? 0 : end - at;
}
/// Its stand-in.
std::string stand_in(std::string_view metavariable) {
  const bool many = metavariable.starts_with("$...");
  return std::string(many ? kMetavarEllipsisPrefix : kMetavarPrefix) + std::string(metavariable.substr(many ? 4 : 1));
}

/// One past the quoted text at `at`, or `at`.
std::size_t skip_quoted(std::string_view text, std::size_t at, std::string_view quotes) {
  const char quote = text[at];
  if (quotes.find(quote) == std::string_view::npos) return at;
  for (std::size_t i = at + 1; i < text.size(); ++i) {
    if (text[i] == '\\')
      ++i;
    else if (text[i] == quote)
      return i + 1;
    else if (text[i] == '\n')
      return at;
  }
  return at;
}

// --- languages with brackets

/// How a language of brackets writes what stands in.
struct Spelling {
  std::string_view quotes;   ///< That begin a literal.
  std::string_view member;   ///< `...` among members; `%` is the stand-in.
  std::string_view value;    ///< `$X` and `...` as a value.
  std::string_view key;      ///< `$X` as a key.
  std::string_view assigns;  ///< Characters between key and value.
  bool drops_trailing_commas = false;
};

Spelling spelling_of(Language grammar) {
  switch (grammar) {
    case Language::Json:
      return {"\"", "\"%\": 0", "\"%\"", "\"%\"", ":", true};
    case Language::Toml:
      return {"\"'", "% = 0", "\"%\"", "%", "=", false};
    case Language::Css:
      return {"\"'", "%: 0;", "%", "%", ":", false};
    default:
      return {"\"", "% = 0", "%", "%", "=:", false};
  }
}

class BracketSplitter {
 public:
  BracketSplitter(std::string_view text, Language grammar)
      : text_(text), grammar_(grammar), spelling_(spelling_of(grammar)) {}

  std::string run() {
    for (std::size_t at = 0; at < text_.size();) at = step(at);
    if (spelling_.drops_trailing_commas) drop_comma();
    return std::move(out_);
  }

 private:
  std::size_t step(std::size_t at) {
    const std::string_view rest = text_.substr(at);
    if (const std::size_t end = skip_quoted(text_, at, spelling_.quotes); end > at) {
      out_ += text_.substr(at, end - at);
      return end;
    }
    if (rest.starts_with("<...")) {
      out_ += kDeepName;
      out_ += '(';
      return at + 4;
    }
    if (rest.starts_with("...>")) {
      out_ += ')';
      return at + 4;
    }
    if (rest.starts_with("...")) {
      put(is_member() ? spelling_.member : spelling_.value, kEllipsisName);
      return at + 3;
    }
    if (const std::size_t length = metavariable_length(text_, at); length > 0 && (at == 0 || !is_word(text_[at - 1]))) {
      const std::string name = stand_in(rest.substr(0, length));
      const bool run_of_members = rest.starts_with("$...") && is_member();
      put(run_of_members ? spelling_.member : names_member(at + length) ? spelling_.key : spelling_.value, name);
      return at + length;
    }
    track(rest[0]);
    out_ += rest[0];
    return at + 1;
  }

  void track(char c) {
    if (c == '{' || c == '[' || c == '(') open_ += c;
    if (c != '}' && c != ']' && c != ')') return;
    if (!open_.empty()) open_.pop_back();
    if (spelling_.drops_trailing_commas) drop_comma();
  }
  void drop_comma() {
    while (!out_.empty() && is_space(out_.back())) out_.pop_back();
    if (!out_.empty() && out_.back() == ',') out_.pop_back();
  }

  /// Among the members of a record or of the file, not as a value.
  bool is_member() const {
    if (!open_.empty() && open_.back() != '{') return false;
    std::size_t i = out_.size();
    while (i > 0 && (out_[i - 1] == ' ' || out_[i - 1] == '\t')) --i;
    return i == 0 ? !is_whole() : spelling_.assigns.find(out_[i - 1]) == std::string_view::npos;
  }
  bool is_whole() const { return trim(text_) == "..."; }
  /// Whether a key ends at `at`.
  bool names_member(std::size_t at) const {
    while (at < text_.size() && (text_[at] == ' ' || text_[at] == '\t')) ++at;
    if (at < text_.size() && spelling_.assigns.find(text_[at]) != std::string_view::npos) return true;
    return grammar_ == Language::Hcl || grammar_ == Language::Css;
  }

  void put(std::string_view form, std::string_view name) { out_ += replace_all(std::string(form), "%", name); }

  std::string_view text_;
  Language grammar_;
  Spelling spelling_;
  std::string open_;
  std::string out_;
};

// --- YAML

class YamlSplitter {
 public:
  explicit YamlSplitter(std::string_view text) : lines_(split(text, '\n')) {}

  std::string run() {
    std::string out;
    for (std::size_t i = 0; i < lines_.size(); ++i) {
      if (i > 0) out += '\n';
      out += line(i);
    }
    return out;
  }

 private:
  static std::size_t indent_of(std::string_view line) { return std::min(line.find_first_not_of(' '), line.size()); }

  std::string line(std::size_t i) const {
    const std::string_view whole = lines_[i];
    std::size_t indent = indent_of(whole);
    std::string out(whole.substr(0, indent));
    std::string_view body = trim(whole.substr(indent));
    // `- - ...`: what follows a dash is indented by it.
    while (body.starts_with("- ")) {
      const std::size_t dash = std::min(body.find_first_not_of(' ', 1), body.size());
      out += body.substr(0, dash);
      indent += dash;
      body.remove_prefix(dash);
    }
    const bool item = out.size() > 0 && out.find('-') != std::string::npos;
    if (body == "..." || (body.starts_with("$...") && metavariable_length(body, 0) == body.size())) {
      const std::string name = body == "..." ? std::string(kEllipsisName) : stand_in(body);
      return out + own_line(i, indent, item, name);
    }
    return out + inline_parts(body);
  }

  /// `...` alone: an item beside items, a member beside members, else a value.
  std::string own_line(std::size_t i, std::size_t indent, bool item, const std::string& name) const {
    if (item) return has_members(i, indent) ? name + ": " + name : name;
    switch (neighbour(i, indent)) {
      case Neighbour::Item:
        return "- " + name;
      case Neighbour::Member:
        return name + ": " + name;
      case Neighbour::None:
        break;
    }
    return name;
  }
  /// Whether the lines after an item's first go on with its members.
  bool has_members(std::size_t i, std::size_t indent) const {
    for (std::size_t j = i + 1; j < lines_.size(); ++j) {
      if (trim(lines_[j]).empty()) continue;
      return indent_of(lines_[j]) == indent && !is_item(lines_[j], indent);
    }
    return false;
  }
  static bool is_item(std::string_view line, std::size_t indent) {
    return line.substr(indent).starts_with("- ") || trim(line.substr(indent)) == "-";
  }

  enum class Neighbour : std::uint8_t { None, Item, Member };
  Neighbour neighbour(std::size_t i, std::size_t indent) const {
    Neighbour found = Neighbour::None;
    // True when the block goes on.
    const auto look = [&](std::size_t j) {
      if (trim(lines_[j]).empty()) return true;
      const std::size_t own = indent_of(lines_[j]);
      if (own < indent) return false;
      const std::string_view body = trim(lines_[j].substr(std::min(own, lines_[j].size())));
      if (own > indent || body == "...") {
        // Below a dash, members begin deeper than it.
        return true;
      }
      found = is_item(lines_[j], indent) ? Neighbour::Item : Neighbour::Member;
      return false;
    };
    for (std::size_t j = i; j-- > 0;) {
      const std::size_t own = indent_of(lines_[j]);
      const bool dash = own < indent && is_item(lines_[j], own) &&
                        own + std::min(lines_[j].substr(own).find_first_not_of(' ', 1), lines_[j].size()) == indent;
      if (dash) return Neighbour::Member;
      if (!look(j)) break;
    }
    if (found != Neighbour::None) return found;
    for (std::size_t j = i + 1; j < lines_.size(); ++j)
      if (!look(j)) break;
    return found;
  }

  /// `"=~/\s/"` has an escape that YAML doesn't know; in single quotes it is text.
  static std::string literal(std::string_view quoted) {
    if (!quoted.starts_with("\"=~/")) return std::string(quoted);
    bool known = true;
    for (std::size_t at = quoted.find('\\'); at != std::string_view::npos; at = quoted.find('\\', at + 2))
      known &= std::string_view("0abtnvfre \"/\\N_LPxuU").find(quoted[at + 1]) != std::string_view::npos;
    if (known) return std::string(quoted);
    return "'" + replace_all(std::string(quoted.substr(1, quoted.size() - 2)), "'", "''") + "'";
  }

  static std::string inline_parts(std::string_view body) {
    std::string out;
    for (std::size_t at = 0; at < body.size();) {
      if (const std::size_t end = skip_quoted(body, at, "\"'"); end > at) {
        out += literal(body.substr(at, end - at));
        at = end;
        continue;
      }
      const bool begins =
          at == 0 || is_space(body[at - 1]) || std::string_view("[{,").find(body[at - 1]) != std::string_view::npos;
      const std::size_t length = body.substr(at).starts_with("...") ? 3 : metavariable_length(body, at);
      const auto ends = [&](std::size_t end) {
        return end == body.size() || is_space(body[end]) ||
               std::string_view(":]},").find(body[end]) != std::string_view::npos;
      };
      if (begins && length > 0 && ends(at + length)) {
        out += body[at] == '.' ? std::string(kEllipsisName) : stand_in(body.substr(at, length));
        at += length;
      } else {
        out += body[at++];
      }
    }
    return out;
  }

  std::vector<std::string_view> lines_;
};

// --- words

/// HTML, SQL, Dockerfile: the stand-in alone, wherever it is.
std::string split_words(std::string_view text, Language grammar) {
  std::string out;
  const std::string_view quotes = grammar == Language::Sql ? "'" : "\"'";
  for (std::size_t at = 0; at < text.size();) {
    if (const std::size_t end = skip_quoted(text, at, quotes); end > at) {
      out += text.substr(at, end - at);
      at = end;
    } else if (text.substr(at).starts_with("...")) {
      out += kEllipsisName;
      at += 3;
    } else if (const std::size_t length = metavariable_length(text, at); length > 0) {
      out += stand_in(text.substr(at, length));
      at += length;
    } else {
      out += text[at++];
    }
  }
  return out;
}

}  // namespace

PatternText split_config_pattern(std::string_view text, Language grammar) {
  PatternPiece piece;
  switch (grammar) {
    case Language::Yaml:
      piece.text = YamlSplitter(text).run();
      break;
    case Language::Json:
    case Language::Toml:
    case Language::Hcl:
    case Language::Css:
      piece.text = BracketSplitter(text, grammar).run();
      break;
    default:
      piece.text = split_words(text, grammar);
  }
  PatternText out;
  out.pieces.push_back(std::move(piece));
  return out;
}

std::vector<std::string_view> config_wrappers(Language grammar) {
  switch (grammar) {
    case Language::Json:
      return {"%", "{%}", "[%]"};
    case Language::Toml:
      return {"%", "Wq_Wr = %", "Wq_Wr = {%}"};
    case Language::Hcl:
      return {"%", "Wq_Wr = %", "Wq_Wr = {%}"};
    case Language::Css:
      return {"%", "Wq_Wr {%}", "Wq_Wr {%;}", "Wq_Wr { Wq_Wr: %; }", "% {}"};
    case Language::Html:
      return {"%", "<div %></div>"};
    case Language::Sql:
      return {
          "%", "SELECT %", "SELECT 1 FROM %", "SELECT 1 FROM wq %", "CREATE TABLE wq (%)", "CREATE TABLE wq (wq %)"};
    case Language::Dockerfile:
      return {"%", "RUN %"};
    default:
      return {"%"};
  }
}

}  // namespace wrench::code
