#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "wrench/history/facts.hpp"

namespace wrench::history {

/// What one person did to one file.
struct Contribution {
  std::uint32_t file = 0, author = 0;
  std::uint32_t revisions = 0;
  std::uint64_t added = 0;
  bool created = false;  ///< Made the first change that is known.
};

/// People's contributions to the files present at the head, by file, then author.
std::vector<Contribution> find_contributions(const HistoryFacts& facts);

/// Degree of authorship (Fritz et al. 2014): first authorship, own deliveries, others' acceptances.
double degree_of_authorship(bool created, std::uint32_t own_changes, std::uint32_t others_changes);

struct TruckFactor {
  std::uint32_t value = 0;
  std::vector<std::uint32_t> authors;         ///< Who leaves, in order.
  std::vector<std::uint32_t> files_authored;  ///< By author.
};
TruckFactor find_truck_factor(const HistoryFacts& facts, const std::vector<Contribution>& contributions);

}  // namespace wrench::history
