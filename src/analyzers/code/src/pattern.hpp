#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "wrench/base/result.hpp"
#include "wrench/code/ir.hpp"
#include "wrench/code/lower.hpp"
#include "wrench/source/regex.hpp"

namespace wrench::code {

inline constexpr std::size_t kPatternBytesMax = 64U << 10;  ///< Of one pattern.
/// The matcher recurses on pattern nodes, so this bounds its stack.
inline constexpr std::size_t kPatternNodesMax = 600;
inline constexpr int kPatternParsesMax = 200;
inline constexpr Micros kPatternCpuMax = 5 * kMicrosPerSecond;  ///< Of all parses of one pattern together.

/// One node of a compiled pattern; children by index.
struct PatternNode {
  enum class Text : std::uint8_t { None, Exact, Metavar, Any, Regex };
  Kind kind = Kind::Other;
  std::uint8_t sub = 0;
  Role role = Role::None;
  std::uint8_t flags = 0;
  Text text = Text::None;  ///< What `atom` is: a name to equal, a metavariable to bind, anything ("...").
  Atom atom = kNoAtom;
  Atom extra = kNoAtom;  ///< ImportItem: alias. Regex: flags.
  std::uint16_t symbol = 0;
  std::vector<std::uint32_t> children;
  std::shared_ptr<const source::Regex> regex;  ///< For Text::Regex.
  std::vector<Atom> dotted;                    ///< a.b.c written with plain names only, else empty.
};

/// What a node must look like at least for the pattern's root to match there.
struct PatternKey {
  Kind kind = Kind::Other;
  Atom name = kNoAtom;  ///< Calls: last part of the callee; names, members, strings: the text. kNoAtom: any.
};

struct Pattern {
  enum class Shape : std::uint8_t { Expression, Statements };
  Shape shape = Shape::Expression;
  source::Language grammar = source::Language::Unknown;
  std::vector<PatternNode> nodes;
  std::vector<std::uint32_t> roots;  ///< One for an expression, one or more for statements.
  std::vector<Atom> names;           ///< Names that must occur in the file for the pattern to match, at most a few.
  std::vector<std::pair<Atom, std::uint32_t>> types;  ///< Typed metavariables: $X, and the Type's node.
  bool matches_anything = false;                      ///< `$X`, `...`: legal only beside other conditions.
};

/// Compiles one pattern for a grammar by substitution: `$X`, `...`, `$...X` and `<... ...>` become ordinary code of the
/// language, which is parsed with the stock grammar and lowered; the stand-ins become pattern nodes again.
/// Error codes rules.invalid_pattern (doesn't parse; place relative to the pattern's own text), rules.pattern_limit.
Result<Pattern> compile_pattern(source::Language grammar, std::string_view text, Parser& parser, Atoms& atoms,
                                const Clock& clock);

/// "$X", "$FOO_1", "$_", "$1": what a metavariable's name looks like.
bool is_metavariable(std::string_view text);
/// One line a node, for golden tests.
std::string dump(const Pattern& pattern, const Atoms& atoms);

}  // namespace wrench::code
