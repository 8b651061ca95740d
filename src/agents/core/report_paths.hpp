#pragma once

#include <string>
#include <string_view>

namespace wrench::agents {

/// Paths in a report are PATH as typed, then the relative path. `root_as_typed` is Report::root; must outlive this.
class ReportPaths {
 public:
  explicit ReportPaths(std::string_view root_as_typed);
  /// Below the folder that was named; of a named file its own name. What stands above says nothing about the code: a
  /// project may lie in a folder called tests.
  std::string_view below_root(std::string_view path) const;
  /// Relative to the repository, in which the tree stands at `place` (empty: the tree is all of it).
  std::string in_repository(std::string_view path, std::string_view place) const;

 private:
  std::string_view root_;
};

}  // namespace wrench::agents
