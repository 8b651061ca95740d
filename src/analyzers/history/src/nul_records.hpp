#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "wrench/base/result.hpp"

namespace wrench::history {

/// Splits a stream at NUL bytes; `on_record` gets each piece.
class NulRecords {
 public:
  explicit NulRecords(std::size_t record_bytes_max) : record_bytes_max_(record_bytes_max) {}
  template <class F>
  Result<void> feed(std::string_view bytes, F&& on_record) {
    for (std::size_t nul = 0; (nul = bytes.find('\0')) != std::string_view::npos; bytes.remove_prefix(nul + 1)) {
      if (carry_.empty()) {
        WRENCH_TRY(on_record(bytes.substr(0, nul)));
      } else {
        carry_.append(bytes.substr(0, nul));
        WRENCH_TRY(on_record(std::string_view(carry_)));
        carry_.clear();
      }
    }
    carry_.append(bytes);
    if (carry_.size() > record_bytes_max_) return Error("history.git_failed", "git's answer has an endless record");
    return {};
  }

 private:
  std::size_t record_bytes_max_;
  std::string carry_;
};

}  // namespace wrench::history
