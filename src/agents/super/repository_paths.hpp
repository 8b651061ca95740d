#pragma once

#include <string>
#include <string_view>

namespace wrench::agents {

/// From a path as reported (PATH as typed, then the relative path) to one relative to the repository.
class RepositoryPaths {
 public:
  /// `place_in_repository` is where the tree typed as `root_as_typed` stands; empty for the whole repository. Both must
  /// outlive this.
  RepositoryPaths(std::string_view root_as_typed, std::string_view place_in_repository);
  std::string of(std::string_view path) const;

 private:
  std::string_view root_, place_;
};

}  // namespace wrench::agents
