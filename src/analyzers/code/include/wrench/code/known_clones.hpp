#pragma once

#include <memory>
#include <string>
#include <string_view>

namespace wrench::code {

namespace detail {
struct CloneState;
}

/// What a search for clones found, for the next one over nearly the same files.
class KnownClones {
 public:
  KnownClones();
  ~KnownClones();
  KnownClones(KnownClones&&) noexcept;
  KnownClones& operator=(KnownClones&&) noexcept;

  /// Damaged bytes, or those of another form, give one that knows nothing.
  static KnownClones from_record(std::string_view bytes);
  /// Empty when there is nothing to keep.
  std::string to_record() const;
  /// Whether the last search learned something that wasn't known.
  bool is_new() const;
  /// Nothing of this file's text is kept.
  void hide(std::string path);

  detail::CloneState& state() { return *state_; }

 private:
  std::unique_ptr<detail::CloneState> state_;
};

}  // namespace wrench::code
