#include "lower_dockerfile.hpp"

#include <algorithm>
#include <array>
#include <optional>
#include <string>
#include <unordered_set>
#include <utility>
#include <vector>

#include "ir_builder.hpp"
#include "lower_config.hpp"
#include "wrench/base/text.hpp"

namespace wrench::code::detail {
namespace {

constexpr std::size_t kHeredocsMax = 16;  ///< Of one instruction.
constexpr std::size_t kUnendedMax = 64;   ///< Names of heredocs without an end; beyond it there are none.

bool is_blank(char c) { return c == ' ' || c == '\t' || c == '\r'; }
bool is_space(char c) { return is_blank(c) || c == '\n'; }
bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
bool is_word(char c) { return is_letter(c) || (c >= '0' && c <= '9') || c == '_'; }

/// How an instruction's arguments read.
enum class Form : std::uint8_t { From, Arg, Pairs, Words, Shell, Health, OnBuild };
struct Keyword {
  std::string_view name;
  Form form;
};
constexpr std::array kKeywords = {
    Keyword{"FROM", Form::From},          Keyword{"ARG", Form::Arg},
    Keyword{"ENV", Form::Pairs},          Keyword{"LABEL", Form::Pairs},
    Keyword{"RUN", Form::Shell},          Keyword{"CMD", Form::Shell},
    Keyword{"SHELL", Form::Words},        Keyword{"ENTRYPOINT", Form::Shell},
    Keyword{"COPY", Form::Words},         Keyword{"ADD", Form::Words},
    Keyword{"VOLUME", Form::Words},       Keyword{"USER", Form::Words},
    Keyword{"EXPOSE", Form::Words},       Keyword{"WORKDIR", Form::Words},
    Keyword{"STOPSIGNAL", Form::Words},   Keyword{"ONBUILD", Form::OnBuild},
    Keyword{"HEALTHCHECK", Form::Health}, Keyword{"MAINTAINER", Form::Words},
};

/// Text without continuations and the comment lines between them, with each character's place in the file.
struct Logical {
  std::string text;
  std::vector<std::uint32_t> at;
  std::uint32_t end = 0;  ///< In the file, past the last character.

  std::uint32_t first_of(std::size_t i) const { return i < at.size() ? at[i] : end; }
  std::uint32_t end_of(std::size_t i) const { return i == 0 ? first_of(0) : at[i - 1] + 1; }
};

class DockerfileLowering {
 public:
  DockerfileLowering(std::string_view text, Atoms& atoms, Ir& ir, LowerLimits limits)
      : text_(text), atoms_(atoms), ir_(ir), out_(ir, static_cast<std::uint32_t>(text.size()), limits) {}

  LowerFault run() {
    read_directives();
    while (at_ < text_.size() && out_.fault() == LowerFault::None) {
      skip_blank_lines();
      if (at_ >= text_.size()) break;
      Logical line = read_logical();
      instruction(line);
    }
    while (out_.depth() > 0) out_.close();
    return out_.fault();
  }

 private:
  // --- lines

  std::size_t line_end(std::size_t from) const { return std::min(text_.find('\n', from), text_.size()); }

  /// `# escape=`: only in the comments at the top.
  void read_directives() {
    for (std::size_t at = 0; at < text_.size();) {
      const std::size_t end = line_end(at);
      const std::string_view line = trim(text_.substr(at, end - at));
      if (!line.starts_with('#')) return;
      const std::string_view body = trim(line.substr(1));
      const std::size_t equals = body.find('=');
      if (equals != std::string_view::npos && to_lower_ascii(trim(body.substr(0, equals))) == "escape" &&
          trim(body.substr(equals + 1)) == "`")
        escape_ = '`';
      at = end + 1;
    }
  }

  bool comment_line() {
    std::size_t i = at_;
    while (i < text_.size() && is_blank(text_[i])) ++i;
    if (i >= text_.size() || text_[i] != '#') return false;
    std::size_t end = line_end(i);
    at_ = std::min(end + 1, text_.size());
    while (end > i && is_blank(text_[end - 1])) --end;
    ir_.comments.push_back({static_cast<std::uint32_t>(i), static_cast<std::uint32_t>(end)});
    return true;
  }
  bool blank_line() {
    const std::size_t end = line_end(at_);
    if (!trim(text_.substr(at_, end - at_)).empty()) return false;
    at_ = std::min(end + 1, text_.size());
    return true;
  }
  void skip_blank_lines() {
    while (at_ < text_.size() && (comment_line() || blank_line())) {
    }
  }

  Logical read_logical() {
    Logical out;
    bool more = true;
    while (more && at_ < text_.size()) {
      const std::size_t end = line_end(at_);
      std::size_t last = end;
      while (last > at_ && is_blank(text_[last - 1])) --last;
      more = last > at_ && text_[last - 1] == escape_;
      if (more) --last;
      append(out, at_, last);
      at_ = std::min(end + 1, text_.size());
      if (more) skip_blank_lines();
    }
    while (!out.text.empty() && is_blank(out.text.back())) {
      out.text.pop_back();
      out.at.pop_back();
    }
    out.end = out.at.empty() ? static_cast<std::uint32_t>(at_) : out.at.back() + 1;
    return out;
  }

  // --- one instruction

  void instruction(const Logical& line) {
    std::size_t at = 0;
    while (at < line.text.size() && is_blank(line.text[at])) ++at;
    if (at == line.text.size()) return;
    if (!block(line, at, Role::Element, 0)) out_.error(line.first_of(at), line.end);
  }

  /// False when no instruction begins at `at`. ONBUILD and HEALTHCHECK hold one, once.
  bool block(const Logical& line, std::size_t at, Role role, int depth) {
    std::size_t word_end = at;
    while (word_end < line.text.size() && is_word(line.text[word_end])) ++word_end;
    if (word_end < line.text.size() && !is_blank(line.text[word_end])) return false;
    const std::string written = line.text.substr(at, word_end - at);
    const bool stand_in = written.starts_with(kStandInPrefix);
    const std::string name = stand_in ? written : to_upper(written);
    const auto keyword =
        std::find_if(kKeywords.begin(), kKeywords.end(), [&](const Keyword& k) { return k.name == name; });
    if (keyword == kKeywords.end() && !stand_in) return false;
    const Form form = stand_in ? Form::Shell : keyword->form;
    if (depth > 0 && (form == Form::OnBuild || form == Form::Health)) return false;
    out_.open(Kind::ConfigBlock, role, line.first_of(at), line.end, atoms_.intern(name));
    at = skip_blanks(line, word_end);
    at = flags(line, at);
    arguments(line, at, form, depth);
    out_.close();
    return true;
  }

  static std::string to_upper(std::string_view text) {
    std::string out(text);
    for (char& c : out)
      if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
    return out;
  }
  static std::size_t skip_blanks(const Logical& line, std::size_t at) {
    while (at < line.text.size() && is_space(line.text[at])) ++at;
    return at;
  }

  std::size_t flags(const Logical& line, std::size_t at) {
    while (line.text.compare(at, 2, "--") == 0) {
      const std::size_t end = word_end(line.text, at);
      pair(line, at, end, Role::Modifier);
      at = skip_blanks(line, end);
    }
    return at;
  }

  void arguments(const Logical& line, std::size_t at, Form form, int depth) {
    switch (form) {
      case Form::From:
        return from(line, at);
      case Form::Arg:
        return argument(line, at);
      case Form::Pairs:
        return pairs(line, at);
      case Form::Words:
        if (json_form(line, at)) return;
        words(line, at);
        return heredocs(line, at);
      case Form::Shell:
        if (json_form(line, at)) return;
        if (heredoc_script(line, at)) return;
        shell(line, at, line.text.size());
        return heredocs(line, at);
      case Form::Health:
      case Form::OnBuild:
        if (block(line, at, Role::Arg, depth + 1)) return;
        return words(line, at, form == Form::Health ? Kind::Name : Kind::String);
    }
  }

  void from(const Logical& line, std::size_t at) {
    const std::size_t end = word_end(line.text, at);
    const std::string_view image = std::string_view(line.text).substr(at, end - at);
    const std::size_t digest = image.find('@');
    const std::string_view tagged = image.substr(0, digest);
    std::size_t colon = std::string_view::npos;
    for (std::size_t i = 0, depth = 0; i < tagged.size(); ++i) {
      if (tagged[i] == '{') ++depth;
      if (tagged[i] == '}' && depth > 0) --depth;
      if (depth == 0 && tagged[i] == ':') colon = i;
      if (depth == 0 && tagged[i] == '/') colon = std::string_view::npos;
    }
    const std::size_t name_end = std::min(colon, tagged.size());
    if (end > at) string(line, at, at + name_end, Role::Value);
    if (colon != std::string_view::npos) string(line, at + colon + 1, at + tagged.size(), Role::Index);
    if (digest != std::string_view::npos) string(line, at + digest + 1, end, Role::Default);
    at = skip_blanks(line, end);
    const std::size_t as_end = word_end(line.text, at);
    if (to_lower_ascii(std::string_view(line.text).substr(at, as_end - at)) != "as") return;
    at = skip_blanks(line, as_end);
    if (at < line.text.size()) string(line, at, word_end(line.text, at), Role::Target);
  }

  void argument(const Logical& line, std::size_t at) {
    while (at < line.text.size()) {
      const std::size_t end = word_end(line.text, at);
      const std::size_t equals = line.text.find('=', at);
      if (equals < end) {
        string(line, at, equals, Role::Arg);
        string(line, equals + 1, end, Role::Default);
      } else {
        string(line, at, end, Role::Arg);
      }
      at = skip_blanks(line, end);
    }
  }

  void pairs(const Logical& line, std::size_t at) {
    std::size_t end = word_end(line.text, at);
    const bool legacy =
        line.text.find('=', at) >= end && line.text.compare(at, kStandInPrefix.size(), kStandInPrefix) != 0;
    if (legacy) {
      out_.open(Kind::Pair, Role::Arg, line.first_of(at), line.end);
      string(line, at, end, Role::Key);
      at = skip_blanks(line, end);
      if (at < line.text.size()) string(line, at, line.text.size(), Role::Value);
      out_.close();
      return;
    }
    for (; at < line.text.size(); at = skip_blanks(line, end)) {
      end = word_end(line.text, at);
      pair(line, at, end, Role::Arg);
    }
  }

  /// `key=value`, or a lone word.
  void pair(const Logical& line, std::size_t at, std::size_t end, Role role) {
    const std::size_t equals = line.text.find('=', at);
    if (equals >= end && role == Role::Arg) return string(line, at, end, role);
    out_.open(Kind::Pair, role, line.first_of(at), line.end_of(end));
    string(line, at, std::min(equals, end), Role::Key);
    if (equals < end) string(line, equals + 1, end, Role::Value);
    out_.close();
  }

  /// A word's text without the quotes around it.
  void string(const Logical& line, std::size_t at, std::size_t end, Role role, Kind kind = Kind::String) {
    const std::string_view written = std::string_view(line.text).substr(at, end - at);
    out_.leaf(kind, role, line.first_of(at), std::max(line.first_of(at), line.end_of(end)),
              atoms_.intern(unquoted(written)));
  }

  void words(const Logical& line, std::size_t at, Kind kind = Kind::String) {
    for (std::size_t end; at < line.text.size(); at = skip_blanks(line, end)) {
      end = word_end(line.text, at);
      string(line, at, end, Role::Arg, kind);
    }
  }

  /// `["a", "b"]`; anything else, docker takes for shell text.
  bool json_form(const Logical& line, std::size_t at) {
    const std::string& text = line.text;
    if (at >= text.size() || text[at] != '[' || text.back() != ']') return false;
    std::vector<std::pair<std::size_t, std::size_t>> items;
    std::size_t i = skip_blanks(line, at + 1);
    while (i + 1 < text.size()) {
      std::size_t end = i;
      if (text[i] == '"') {
        for (++end; end < text.size() && text[end] != '"'; ++end)
          if (text[end] == '\\') ++end;
        if (end >= text.size()) return false;
        ++end;
      } else if (text.compare(i, kStandInPrefix.size(), kStandInPrefix) == 0) {
        while (is_word(text[end])) ++end;
      } else {
        return false;
      }
      items.emplace_back(i, end);
      i = skip_blanks(line, end);
      if (i + 1 >= text.size()) break;
      if (text[i] != ',') return false;
      i = skip_blanks(line, i + 1);
    }
    out_.open(Kind::List, Role::Arg, line.first_of(at), line.end);
    for (const auto& [first, end] : items) string(line, first, end, Role::Element);
    out_.close();
    return true;
  }

  // --- shell text

  /// One past the word at `at`: quotes and `$(…)`, `${…}`, `` `…` `` hold white space.
  static std::size_t word_end(const std::string& text, std::size_t at, bool shell = false) {
    char quote = '\0';
    std::size_t depth = 0;
    for (; at < text.size(); ++at) {
      const char c = text[at];
      if (c == '\\' && quote != '\'') {
        ++at;
      } else if (quote != '\0') {
        if (c == quote) quote = '\0';
      } else if (c == '"' || c == '\'' || c == '`') {
        quote = c;
      } else if (c == '$' && at + 1 < text.size() && (text[at + 1] == '(' || text[at + 1] == '{')) {
        ++depth;
        ++at;
      } else if (depth > 0 && (c == ')' || c == '}')) {
        --depth;
      } else if (depth == 0 && (is_space(c) || (shell && is_operator(c) && !is_redirection(text, at)))) {
        break;
      }
    }
    return std::min(at, text.size());
  }
  static bool is_operator(char c) { return c == '&' || c == '|' || c == ';' || c == '(' || c == ')'; }
  /// The `&` of `2>&1` and `&>file`, the `|` of `>|`.
  static bool is_redirection(const std::string& text, std::size_t at) {
    if (text[at] != '&' && text[at] != '|') return false;
    const bool before = at > 0 && (text[at - 1] == '>' || text[at - 1] == '<');
    return before || (text[at] == '&' && at + 1 < text.size() && text[at + 1] == '>');
  }

  void shell(const Logical& line, std::size_t at, std::size_t end) {
    const std::string& text = line.text;
    for (at = skip_blanks(line, at); at < end; at = skip_blanks(line, at)) {
      std::size_t stop = at + 1;
      if (is_operator(text[at]) && !is_redirection(text, at)) {
        const bool twice = stop < end && text[stop] == text[at] && text[at] != '(' && text[at] != ')';
        if (twice) ++stop;
        out_.leaf(Kind::Other, Role::Arg, line.first_of(at), line.end_of(stop),
                  atoms_.intern(std::string_view(text).substr(at, stop - at)));
      } else {
        stop = std::min(word_end(text, at, true), end);
        if (stop == at) ++stop;
        string(line, at, stop, Role::Arg);
      }
      at = stop;
    }
  }

  // --- heredocs

  struct Heredoc {
    std::string end;
    bool indented = false;  ///< `<<-`: tabs before its end.
    std::size_t at = 0;     ///< Of `<<`.
    std::size_t past = 0;   ///< One past its name.
  };
  std::optional<Heredoc> heredoc_at(const std::string& text, std::size_t at) const {
    if (text.compare(at, 2, "<<") != 0) return std::nullopt;
    Heredoc out;
    out.at = at;
    at += 2;
    if (at < text.size() && text[at] == '-') {
      out.indented = true;
      ++at;
    }
    const char quote = at < text.size() && (text[at] == '"' || text[at] == '\'') ? text[at] : '\0';
    if (quote != '\0') ++at;
    const std::size_t first = at;
    while (at < text.size() && is_word(text[at])) ++at;
    if (at == first) return std::nullopt;
    out.end = text.substr(first, at - first);
    if (quote != '\0' && at < text.size() && text[at] == quote) ++at;
    out.past = at;
    return out;
  }

  struct Body {
    std::uint32_t first = 0, end = 0;
    bool ended = false;
  };
  Body read_body(const Heredoc& heredoc) {
    Body body{static_cast<std::uint32_t>(at_), static_cast<std::uint32_t>(at_), false};
    while (at_ < text_.size()) {
      const std::size_t end = line_end(at_);
      std::string_view line = text_.substr(at_, end - at_);
      at_ = std::min(end + 1, text_.size());
      if (line.ends_with('\r')) line.remove_suffix(1);
      if (heredoc.indented)
        while (line.starts_with('\t')) line.remove_prefix(1);
      if (line == heredoc.end) {
        body.ended = true;
        break;
      }
      body.end = static_cast<std::uint32_t>(end);
    }
    if (!body.ended) {
      ++ir_.error_nodes;
      ir_.error_bytes += body.end - body.first;
    }
    return body;
  }

  /// `RUN <<EOF`: the body is the script.
  bool heredoc_script(const Logical& line, std::size_t at) {
    const auto heredoc = heredoc_at(line.text, at);
    if (!heredoc || skip_blanks(line, heredoc->past) != line.text.size()) return false;
    const Body body = read_body(*heredoc);
    out_.innermost().end = std::max(body.end, line.end);
    script(body);
    return true;
  }
  void script(const Body& body) {
    bool any = false;
    for (std::size_t at = body.first; at < body.end && out_.fault() == LowerFault::None;) {
      const std::size_t end = std::min<std::size_t>(line_end(at), body.end);
      const std::string_view line = trim(text_.substr(at, end - at));
      if (line.empty() || line.starts_with('#')) {
        at = end + 1;
        continue;
      }
      const Logical command = read_command(at, body.end);
      if (any) out_.leaf(Kind::Other, Role::Arg, command.first_of(0), command.first_of(0), atoms_.intern(";"));
      any = true;
      shell(command, 0, command.text.size());
    }
  }
  /// A line of a script with those that continue it; moves `at` past them.
  Logical read_command(std::size_t& at, std::size_t end) const {
    Logical out;
    for (bool more = true; more && at < end;) {
      const std::size_t stop = std::min(line_end(at), end);
      std::size_t last = stop;
      while (last > at && is_blank(text_[last - 1])) --last;
      more = last > at && text_[last - 1] == '\\';
      if (more) --last;
      append(out, at, last);
      at = stop + 1;
    }
    out.end = out.at.empty() ? static_cast<std::uint32_t>(end) : out.at.back() + 1;
    return out;
  }
  void append(Logical& out, std::size_t first, std::size_t end) const {
    for (std::size_t i = first; i < end; ++i) {
      out.text += text_[i];
      out.at.push_back(static_cast<std::uint32_t>(i));
    }
  }

  void heredocs(const Logical& line, std::size_t at) {
    std::size_t count = 0;
    for (std::size_t i = line.text.find("<<", at); i != std::string::npos && count < kHeredocsMax;
         i = line.text.find("<<", i + 2)) {
      if (line.text.compare(i, 3, "<<<") == 0) {
        ++i;
        continue;
      }
      const auto heredoc = heredoc_at(line.text, i);
      // Only what the rest of the file ends: elsewhere `<<` is an operator or part of a quoted text.
      if (!heredoc || !is_ended(*heredoc)) continue;
      ++count;
      const Body body = read_body(*heredoc);
      out_.innermost().end = std::max(body.end, out_.innermost().end);
      out_.leaf(Kind::String, Role::Arg, body.first, body.end,
                atoms_.intern(text_.substr(body.first, body.end - body.first)))
          .sub = static_cast<std::uint8_t>(StringSub::Raw);
    }
  }
  /// What has no end is remembered, so that a file full of such names stays linear.
  bool is_ended(const Heredoc& heredoc) {
    if (unended_.size() >= kUnendedMax || unended_.contains(heredoc.end)) return false;
    for (std::size_t at = text_.find(heredoc.end, at_); at != std::string_view::npos;
         at = text_.find(heredoc.end, at + 1)) {
      std::size_t first = at;
      while (heredoc.indented && first > at_ && text_[first - 1] == '\t') --first;
      std::size_t end = at + heredoc.end.size();
      if (end < text_.size() && text_[end] == '\r') ++end;
      if ((first == at_ || text_[first - 1] == '\n') && (end == text_.size() || text_[end] == '\n')) return true;
    }
    unended_.insert(heredoc.end);
    return false;
  }

  std::string_view text_;
  Atoms& atoms_;
  Ir& ir_;
  IrBuilder out_;
  std::size_t at_ = 0;
  char escape_ = '\\';
  std::unordered_set<std::string> unended_;  ///< Names of heredocs that nothing ends.
};

}  // namespace

LowerFault lower_dockerfile(std::string_view text, Atoms& atoms, Ir& ir, LowerLimits limits) {
  return DockerfileLowering(text, atoms, ir, limits).run();
}

}  // namespace wrench::code::detail
