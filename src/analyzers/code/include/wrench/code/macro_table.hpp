#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace wrench::code {

/// One `#define` of a C or C++ text.
struct Macro {
  std::string name;
  std::vector<std::string> params;
  bool is_function = false;  ///< `#define f(a, b) …`, also without parameters.
  std::string body;          ///< Without comments, blanks and line ends as one blank each.
  std::uint32_t first = 0;   ///< Byte of the `#`.
  friend bool operator==(const Macro& a, const Macro& b) {
    return a.name == b.name && a.params == b.params && a.is_function == b.is_function && a.body == b.body;
  }
};

inline constexpr std::size_t kMacrosPerFileMax = 20'000;
inline constexpr std::size_t kMacroBodyBytesMax = 1'000;  ///< Longer ones are left out: they are programs.

/// The macros that a text defines, in order; all ways through `#if` but those of `#if 0`. Where a name has definitions
/// for Windows and others, only the others.
std::vector<Macro> macros_in(std::string_view text);

/// For keeping what macros_in() gave.
std::string to_record(const std::vector<Macro>& macros);
/// None: damaged.
std::optional<std::vector<Macro>> macros_from_record(std::string_view bytes);

/// The value of a body that is a whole number: `100`, `(16 * 1024)`, `-1`, `1u << 4`.
std::optional<std::int64_t> integer_of_macro(std::string_view body);
/// The name that the macro is another one for: of `#define send_all write_all`, and of a function that passes on its
/// parameters as they are, `#define release(p) free(p)`. Empty when it isn't one.
std::string_view alias_of_macro(const Macro& macro);

/// The macros of several texts, the headers of a tree for one. A name that is defined in two ways stands for nothing.
class MacroTable {
 public:
  void add(std::vector<Macro> macros);
  /// Null: not defined, or differently in two places.
  const Macro* find(std::string_view name) const;
  /// Whether there is any definition of it.
  bool defines(std::string_view name) const { return macros_.contains(name); }
  std::size_t size() const { return macros_.size(); }
  /// The same for the same macros.
  std::string digest() const;

 private:
  struct Entry {
    Macro macro;
    bool differs = false;
  };
  std::map<std::string, Entry, std::less<>> macros_;
};

}  // namespace wrench::code
