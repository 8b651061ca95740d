#pragma once

#include <map>
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

/// What the findings of a report point at, to check that it is there: TreeSources, and for findings of the history the
/// contents that git keeps. Not for writers: other secrets may stand in those, which nobody masks.
class EvidenceSources final : public findings::SourceLookup {
 public:
  explicit EvidenceSources(const findings::Report& report);
  std::shared_ptr<const std::string> text(std::string_view path) const override;

 private:
  struct Content {
    std::string blob, content_id;
  };
  TreeSources tree_;
  std::string root_;
  std::map<std::string, Content, std::less<>> historic_;  ///< By path.
};

}  // namespace wrench::scan
