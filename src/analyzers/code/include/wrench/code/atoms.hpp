#pragma once

#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <unordered_map>

namespace wrench::code {

/// Interned name. Two atoms of one Atoms (or of it and its base) are equal exactly when their texts are.
/// Never sort, hash to disk or compare across files by atom: ids depend on the order of interning.
using Atom = std::uint32_t;
inline constexpr Atom kNoAtom = 0;

/// String interner. A per-thread overlay over a frozen base (the rule set's names) lets patterns and files share
/// atoms without locks; `clear()` forgets the overlay's own between files, so memory stays bounded.
class Atoms {
 public:
  explicit Atoms(const Atoms* base = nullptr) : base_(base), first_(base ? base->end_id() : 1) {}
  Atom intern(std::string_view text);
  /// kNoAtom when the text was never interned.
  Atom find(std::string_view text) const;
  std::string_view text(Atom atom) const;
  Atom end_id() const { return first_ + static_cast<Atom>(texts_.size()); }
  void clear();

 private:
  const Atoms* base_;
  Atom first_;
  std::deque<std::string> texts_;
  std::unordered_map<std::string_view, Atom> ids_;
};

}  // namespace wrench::code
