#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "wrench/base/result.hpp"

namespace wrench::source {

struct PatternSpec {
  std::string pattern;  ///< A regular expression, or plain text when `literal`.
  bool literal = false;
  bool caseless = false;
  bool once = false;  ///< Report a pattern at most once a text.
};

/// Many patterns in one pass over a text (Hyperscan). Immutable and shared between threads; each thread scans with a
/// Scratch of its own.
class PatternSet {
 public:
  class Scratch {
   public:
    Scratch();
    Scratch(Scratch&&) noexcept;
    Scratch& operator=(Scratch&&) noexcept;
    ~Scratch();

   private:
    friend class PatternSet;
    struct State;
    std::unique_ptr<State> state_;
  };

  /// Error code source.invalid_regex naming the pattern; source.no_engine where the processor lacks what Hyperscan
  /// needs.
  static Result<PatternSet> compile(std::span<const PatternSpec> patterns);
  /// The compiled form, to be kept: compiling hundreds of patterns takes half a second, loading them a millisecond.
  std::string serialize() const;
  /// What serialize() gave for the same patterns with the same engine on a like processor, or nothing: compile then.
  /// `bytes` must come from a place that only this user writes to; damage is noticed, malice isn't.
  static std::optional<PatternSet> load(std::span<const PatternSpec> patterns, std::string_view bytes);
  PatternSet(PatternSet&&) noexcept;
  PatternSet& operator=(PatternSet&&) noexcept;
  ~PatternSet();

  /// Calls `hit(pattern, end)` for each match, in order of `end` (a byte offset); stops early when it returns false.
  /// The start isn't known.
  void scan(std::string_view text, Scratch& scratch,
            const std::function<bool(std::uint32_t pattern, std::uint64_t end)>& hit) const;
  std::size_t size() const;

 private:
  struct State;
  explicit PatternSet(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace wrench::source
