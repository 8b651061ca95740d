#pragma once

#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

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
  Atom end_id() const { return first_ + static_cast<Atom>(entries_.size()); }
  void clear();

 private:
  struct Entry {
    const char* text;
    std::uint32_t size;
    std::uint32_t hash;
  };
  Atom find_here(std::string_view text, std::uint32_t hash) const;
  std::string_view store(std::string_view text);
  void grow();

  const Atoms* base_;
  Atom first_;
  std::vector<Entry> entries_;
  std::vector<std::uint32_t> slots_;  ///< Open addressing; index into entries_ plus one, 0 is free.
  std::vector<std::unique_ptr<char[]>> chunks_;
  std::vector<std::unique_ptr<char[]>> long_;  ///< Texts too long for a chunk.
  std::size_t chunk_used_ = 0;
};

}  // namespace wrench::code
