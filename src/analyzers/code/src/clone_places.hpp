#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "wrench/code/clones.hpp"
#include "wrench/source/source_text.hpp"

namespace wrench::code::detail {

/// Where a file's tokens and lines begin, for who asks many times. The tokens must outlive it.
class ClonePlaces {
 public:
  explicit ClonePlaces(const CloneTokens& tokens) : tokens_(tokens) {
    std::int64_t at = 0;
    for (std::size_t i = 0; i < tokens.steps.size(); ++i) {
      if (i % kEvery == 0) before_.push_back(at);
      at += static_cast<std::int16_t>(tokens.steps[i]);
    }
  }

  /// Calls visit(token, first byte) for the tokens [first, end) in their order.
  template <class Visit>
  void each(std::uint32_t first, std::uint32_t end, Visit visit) const {
    if (first >= end) return;
    std::int64_t at = before_[first / kEvery];
    for (std::uint32_t i = first / kEvery * kEvery; i < end; ++i) {
      at += static_cast<std::int16_t>(tokens_.steps[i]);
      if (i >= first) visit(i, static_cast<std::uint64_t>(std::max<std::int64_t>(at, 0)));
    }
  }

  /// Of the file's text.
  const source::LineTable& lines(std::string_view text) {
    if (!lines_) lines_.emplace(text);
    return *lines_;
  }

 private:
  static constexpr std::uint32_t kEvery = 64;
  const CloneTokens& tokens_;
  std::vector<std::int64_t> before_;  ///< The sum of the steps before each kEvery-th token.
  std::optional<source::LineTable> lines_;
};

}  // namespace wrench::code::detail
