#include "clone_prints.hpp"

#include <algorithm>
#include <array>
#include <string_view>
#include <vector>

#include "clone_values.hpp"
#include "wrench/crypto/sha256.hpp"

namespace wrench::code::detail {

using namespace clone_values;

namespace {

/// Rows of a table: the same few tokens again after a short way.
bool is_periodic(std::span<const std::uint32_t> values) {
  const std::size_t period_max = std::min<std::size_t>(kCloneGram, values.size() / 2);
  for (std::size_t period = 1; period <= period_max; ++period) {
    const std::size_t different_max = (values.size() - period) / 10;
    std::size_t different = 0;
    for (std::size_t i = 0; i + period < values.size() && different <= different_max; ++i)
      different += normal(values[i]) == normal(values[i + period]) ? 0 : 1;
    if (different <= different_max) return true;
  }
  return false;
}

std::vector<std::uint32_t> hashes_of_grams(std::span<const std::uint32_t> values) {
  constexpr std::uint64_t kBase = 1'000'003;
  std::uint64_t power = 1;
  for (std::uint32_t i = 1; i < kCloneGram; ++i) power *= kBase;
  std::vector<std::uint32_t> grams;
  grams.reserve(values.size());
  std::uint64_t rolling = 0;
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (i >= kCloneGram) rolling -= power * (normal(values[i - kCloneGram]) + 1ULL);
    rolling = rolling * kBase + normal(values[i]) + 1;
    if (i + 1 >= kCloneGram) grams.push_back(static_cast<std::uint32_t>((rolling * 0x9e3779b97f4a7c15ULL) >> 32));
  }
  return grams;
}

template <class T>
std::string_view bytes_of(const std::vector<T>& values) {
  return {reinterpret_cast<const char*>(values.data()), values.size() * sizeof(T)};
}

}  // namespace

bool is_varied(std::span<const std::uint32_t> values, std::uint32_t first) {
  const auto part = values.subspan(first, std::min<std::size_t>(kCloneTokensMin, values.size() - first));
  std::array<std::uint32_t, kCloneDistinctMin> distinct{};  // A few, and most of them at the beginning.
  std::size_t count = 0;
  for (std::size_t i = 0; i < part.size() && count < distinct.size(); ++i) {
    const auto end = distinct.begin() + static_cast<std::ptrdiff_t>(count);
    if (std::find(distinct.begin(), end, plain(part[i])) == end) distinct[count++] = plain(part[i]);
  }
  return count == distinct.size() && !is_periodic(part);
}

void add_prints(CloneTokens& tokens) {
  const auto& values = tokens.values;
  if (values.size() >= kCloneTokensMin) {
    const std::vector<std::uint32_t> grams = hashes_of_grams(values);
    std::uint32_t last = UINT32_MAX, best = 0;
    for (std::uint32_t i = 0; i < grams.size(); ++i) {
      // The rightmost smallest of the window that ends here.
      const std::uint32_t from = i + 1 >= kCloneWindow ? i + 1 - kCloneWindow : 0;
      if (i == 0 || best < from) {
        best = from;
        for (std::uint32_t j = from; j <= i; ++j)
          if (grams[j] <= grams[best]) best = j;
      } else if (grams[i] <= grams[best]) {
        best = i;
      }
      if (i + 1 < kCloneWindow || best == last) continue;
      last = best;
      if (is_varied(values, best)) tokens.prints.push_back({grams[best], best});
    }
  }
  crypto::Sha256 hash;
  hash.update(bytes_of(values));
  hash.update(bytes_of(tokens.steps));
  hash.update(bytes_of(tokens.sizes));
  const auto digest = hash.finish();
  std::copy_n(digest.begin(), tokens.digest.size(), tokens.digest.begin());
}

}  // namespace wrench::code::detail
