#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "wrench/base/stop.hpp"
#include "wrench/code/facts.hpp"
#include "wrench/findings/finding.hpp"
#include "wrench/findings/source_lookup.hpp"

namespace wrench::code {

/// A function of a file, or what the file does when it is loaded.
struct CodeBody {
  std::uint32_t first = 0, end = 0;  ///< Bytes.
  bool reached = false;              ///< It runs on what comes from outside.
  std::string from;                  ///< The function that reads it, "index() in web.py"; empty: this one.
};

struct TaintLink {
  /// What a source in one file does in another, or by way of another, with the path as trace; stamped with
  /// fingerprints. What stays within a file was found with the file.
  std::vector<findings::Finding> findings;
  std::vector<findings::Partial> partial;  ///< summary_budget
  /// By path, of files in which anything is reached: all their bodies, the innermost one around a place decides.
  std::map<std::string, std::vector<CodeBody>> bodies;
};

/// Follows values from file to file. `sources` is asked for the text of files that findings go through.
TaintLink link_taint(std::span<const FileFacts* const> files, const findings::SourceLookup& sources, CpuBudget budget);

}  // namespace wrench::code
