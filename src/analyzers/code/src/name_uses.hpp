#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "wrench/code/ir.hpp"

namespace wrench::code::detail {

/// Part of an identifier in any of the languages.
inline bool is_word_char(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '$' ||
         static_cast<unsigned char>(c) >= 0x80;
}

template <class F>
void each_word(std::string_view text, F f) {
  for (std::size_t at = 0; at < text.size();) {
    if (!is_word_char(text[at])) {
      ++at;
      continue;
    }
    const std::size_t from = at;
    while (at < text.size() && is_word_char(text[at])) ++at;
    f(text.substr(from, at - from));
  }
}

/// Words of prose and data, where "$" and letters beyond ASCII may border a name: "${name}", "·name".
template <class F>
void each_text_word(std::string_view text, F f) {
  const auto plain = [](char c) { return is_word_char(c) && c != '$' && static_cast<unsigned char>(c) < 0x80; };
  for (std::size_t at = 0; at < text.size();) {
    if (!is_word_char(text[at])) {
      ++at;
      continue;
    }
    const std::size_t from = at;
    bool mixed = false;
    for (; at < text.size() && is_word_char(text[at]); ++at) mixed |= !plain(text[at]);
    const std::string_view word = text.substr(from, at - from);
    f(word);
    if (!mixed) continue;
    for (std::size_t i = 0; i < word.size();) {
      const std::size_t start = i;
      while (i < word.size() && plain(word[i])) ++i;
      if (i > start) f(word.substr(start, i - start));
      if (i == start) ++i;
    }
  }
}

/// Whether the Name node `name` is what its parent, a declaration, is called.
bool declares(const Node& parent, const Node& name);

/// How often a file uses each name, where declaring it isn't using it. One pass over the tree, answers by atom.
class NameUses {
 public:
  NameUses(const Ir& ir, const Atoms& atoms);

  /// Uses in code beside imports, also as the name of a member or argument.
  std::uint32_t any(Atom name) const { return bare(name) + at(members_, name); }
  /// Uses of the name by itself: these are what an import can be needed for.
  std::uint32_t bare(Atom name) const { return value(name) + at(types_, name); }
  /// Uses as a value: types, which a compiler erases, don't count.
  std::uint32_t value(Atom name) const { return at(values_, name); }
  /// In a short string that isn't documentation.
  bool in_string(std::string_view word) const { return names_string(word) || in_sentence(word); }
  /// In a string without blanks, as one that is looked up: "run", "app.tasks.run".
  bool names_string(std::string_view word) const;

  /// Hashes of the names that code, imports and strings without blanks use; sorted, each once.
  std::vector<std::uint64_t> take_words();
  /// Of the words of all other strings.
  std::vector<std::uint64_t> take_sentence_words() { return std::move(sentence_words_); }

 private:
  static std::uint32_t at(const std::vector<std::uint32_t>& counts, Atom name) {
    return name < counts.size() ? counts[name] : 0;
  }
  bool in_sentence(std::string_view word) const;
  void type(Atom atom);
  void string(const Node& node);

  const Ir& ir_;
  const Atoms& atoms_;
  std::vector<std::uint32_t> values_, types_, members_;  ///< By atom.
  std::vector<bool> split_, string_done_, imported_;
  std::vector<std::uint64_t> other_words_;  ///< Parts of types and macros that stand nowhere by themselves.
  std::vector<std::uint64_t> string_names_, sentence_words_;
};

void sort_unique(std::vector<std::uint64_t>& hashes);

}  // namespace wrench::code::detail
