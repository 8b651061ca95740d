#include "wrench/code/atoms.hpp"

#include <algorithm>
#include <cstring>
#include <functional>

#include "wrench/base/assert.hpp"

namespace wrench::code {

namespace {

constexpr std::size_t kChunkBytes = 64 * 1024;
constexpr std::size_t kFirstSlots = 256;

std::uint32_t hash_of(std::string_view text) { return static_cast<std::uint32_t>(std::hash<std::string_view>{}(text)); }

}  // namespace

Atom Atoms::find_here(std::string_view text, std::uint32_t hash) const {
  if (slots_.empty()) return kNoAtom;
  const std::size_t mask = slots_.size() - 1;
  for (std::size_t at = hash & mask; slots_[at] != 0; at = (at + 1) & mask) {
    const Entry& entry = entries_[slots_[at] - 1];
    if (entry.hash == hash && entry.size == text.size() && std::memcmp(entry.text, text.data(), text.size()) == 0)
      return first_ + slots_[at] - 1;
  }
  return kNoAtom;
}

Atom Atoms::find(std::string_view text) const {
  const std::uint32_t hash = hash_of(text);
  for (const Atoms* level = this; level != nullptr; level = level->base_)
    if (const Atom atom = level->find_here(text, hash); atom != kNoAtom) return atom;
  return kNoAtom;
}

Atom Atoms::intern(std::string_view text) {
  const std::uint32_t hash = hash_of(text);
  for (const Atoms* level = this; level != nullptr; level = level->base_)
    if (const Atom atom = level->find_here(text, hash); atom != kNoAtom) return atom;
  if ((entries_.size() + 1) * 2 > slots_.size()) grow();
  const std::string_view stored = store(text);
  entries_.push_back({stored.data(), static_cast<std::uint32_t>(stored.size()), hash});
  const std::size_t mask = slots_.size() - 1;
  std::size_t at = hash & mask;
  while (slots_[at] != 0) at = (at + 1) & mask;
  slots_[at] = static_cast<std::uint32_t>(entries_.size());
  return end_id() - 1;
}

std::string_view Atoms::text(Atom atom) const {
  if (atom == kNoAtom) return {};
  const Atoms* level = this;
  while (atom < level->first_ && level->base_ != nullptr) level = level->base_;
  WRENCH_ASSERT(atom >= level->first_ && atom < level->end_id());
  const Entry& entry = level->entries_[atom - level->first_];
  return {entry.text, entry.size};
}

void Atoms::clear() {
  entries_.clear();
  std::ranges::fill(slots_, 0);
  long_.clear();
  if (chunks_.size() > 1) chunks_.resize(1);
  chunk_used_ = 0;
}

std::string_view Atoms::store(std::string_view text) {
  if (text.size() > kChunkBytes / 4) {
    long_.push_back(std::make_unique<char[]>(text.size()));
    std::memcpy(long_.back().get(), text.data(), text.size());
    return {long_.back().get(), text.size()};
  }
  if (chunks_.empty() || chunk_used_ + text.size() > kChunkBytes) {
    chunks_.push_back(std::make_unique<char[]>(kChunkBytes));
    chunk_used_ = 0;
  }
  char* to = chunks_.back().get() + chunk_used_;
  std::memcpy(to, text.data(), text.size());
  chunk_used_ += text.size();
  return {to, text.size()};
}

void Atoms::grow() {
  slots_.assign(std::max(kFirstSlots, slots_.size() * 2), 0);
  const std::size_t mask = slots_.size() - 1;
  for (std::size_t i = 0; i < entries_.size(); ++i) {
    std::size_t at = entries_[i].hash & mask;
    while (slots_[at] != 0) at = (at + 1) & mask;
    slots_[at] = static_cast<std::uint32_t>(i + 1);
  }
}

}  // namespace wrench::code
