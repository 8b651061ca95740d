#pragma once

#include <string>
#include <unordered_map>
#include <vector>

#include "wrench/code/facts.hpp"

namespace wrench::code::detail {

/// Which names of a module a JavaScript or TypeScript file takes when it imports the whole: `import * as m`,
/// `m = require("x")`. As long as `m` only stands in `m.name` these are all the names; else they can't be told.
class ScriptImports {
 public:
  ScriptImports(const Ir& ir, const Atoms& atoms);

  /// Of a module that is bound to `local`: the names, or "*".
  std::vector<std::string> names_through(Atom local) const;
  /// Of `require("x")` or `import("x")` at node `call`.
  std::vector<std::string> names_of_load(NodeIndex call) const;

 private:
  struct Module {
    std::vector<Atom> names;
    bool escapes = false;
  };

  void find_modules();
  void use(NodeIndex name, Module& module) const;
  std::vector<std::string> pattern_names(NodeIndex pattern) const;
  /// The expression that has the value of the load: around `await` and chains of assignments.
  NodeIndex value_of(NodeIndex call) const;

  const Ir& ir_;
  const Atoms& atoms_;
  std::unordered_map<Atom, Module> modules_;  ///< By local name.
};

}  // namespace wrench::code::detail
