#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "wrench/findings/finding.hpp"
#include "wrench/findings/source_lookup.hpp"

namespace wrench::scan {

/// Source texts for report writers, read from the files themselves below their folder, and only when they still have
/// the content id that was analysed.
class TreeSources final : public findings::SourceLookup {
 public:
  explicit TreeSources(const findings::Report& report);
  ~TreeSources() override;
  std::shared_ptr<const std::string> text(std::string_view path) const override;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace wrench::scan
