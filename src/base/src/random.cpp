#include "wrench/base/random.hpp"

#include <sys/random.h>

#include <array>

#include "wrench/base/assert.hpp"
#include "wrench/base/ulid.hpp"

namespace wrench {

namespace {
constexpr std::uint64_t rotate_left(std::uint64_t x, int by) { return (x << by) | (x >> (64 - by)); }
constexpr char kCrockford[] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
}  // namespace

std::uint64_t Random::below(std::uint64_t bound) {
  WRENCH_ASSERT(bound > 0);
  // Lemire 2019, "Fast Random Integer Generation in an Interval": no modulo bias.
  for (;;) {
    const auto wide = static_cast<unsigned __int128>(next()) * bound;
    if (static_cast<std::uint64_t>(wide) >= (0 - bound) % bound) return static_cast<std::uint64_t>(wide >> 64);
  }
}

double Random::unit() { return static_cast<double>(next() >> 11) * 0x1.0p-53; }

SeededRandom::SeededRandom(std::uint64_t seed) {
  for (auto& word : state_) {
    seed += 0x9e3779b97f4a7c15U;
    std::uint64_t z = seed;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9U;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebU;
    word = z ^ (z >> 31);
  }
}

std::uint64_t SeededRandom::next() {
  const std::uint64_t result = rotate_left(state_[1] * 5, 7) * 9;
  const std::uint64_t t = state_[1] << 17;
  state_[2] ^= state_[0];
  state_[3] ^= state_[1];
  state_[1] ^= state_[2];
  state_[0] ^= state_[3];
  state_[2] ^= t;
  state_[3] = rotate_left(state_[3], 45);
  return result;
}

std::uint64_t SystemRandom::next() {
  // One system call for many, of each thread. 256 bytes are never cut short (getrandom(2)).
  static thread_local std::array<std::uint64_t, 32> drawn;
  static thread_local std::size_t used = drawn.size();
  if (used == drawn.size()) {
    const auto got = getrandom(drawn.data(), sizeof drawn, 0);
    WRENCH_ASSERT(got == sizeof drawn);
    used = 0;
  }
  return drawn[used++];
}

std::string make_ulid(const Clock& clock, Random& random) {
  std::string out(26, '0');
  auto ms = static_cast<std::uint64_t>(clock.now_us() / kMicrosPerMs);
  for (int i = 9; i >= 0; --i, ms >>= 5) out[static_cast<std::size_t>(i)] = kCrockford[ms & 31];
  for (std::size_t half = 0; half < 2; ++half) {
    auto bits = random.next();
    for (std::size_t i = 0; i < 8; ++i, bits >>= 5) out[10 + half * 8 + i] = kCrockford[bits & 31];
  }
  return out;
}

std::string make_id(std::string_view prefix, const Clock& clock, Random& random) {
  return std::string(prefix) + "_" + make_ulid(clock, random);
}

std::string_view short_id(std::string_view id) { return id.size() <= 6 ? id : id.substr(id.size() - 6); }

}  // namespace wrench
