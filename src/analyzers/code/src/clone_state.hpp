#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "clone_pairs.hpp"
#include "wrench/code/clones.hpp"

namespace wrench::code::detail {

/// What makes a class the same: where its members are, and of type 3 how similar they are.
struct CloneKey {
  std::vector<CloneRange> members;
  std::uint32_t similarity = 0;  ///< 0 of types 1 and 2.
  friend bool operator==(const CloneKey&, const CloneKey&) = default;
};
struct CloneKeyHash {
  std::size_t operator()(const CloneKey& key) const;
};

/// A class as it is reported, or that it isn't.
struct KnownClone {
  std::optional<Clone> clone;     ///< None: fewer than two members are long enough.
  bool merge_is_known = false;    ///< Whether anybody asked what of it could be written once.
  std::optional<CloneRange> run;  ///< The first member of that.
};

struct KnownCloneFile {
  std::string path, content_id;
  std::string id;  ///< Of path, content, language and tokens.
  std::uint32_t tokens = 0;
};

struct CloneState {
  std::vector<KnownCloneFile> files;
  ClonePairs pairs;
  std::unordered_map<CloneKey, KnownClone, CloneKeyHash> classes;
  std::unordered_set<std::string> hidden;  ///< Paths.
  bool is_new = false;                     ///< Other than when it was read.

  static std::string id_of(const CloneFile& file);
};

}  // namespace wrench::code::detail
