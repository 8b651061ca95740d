#pragma once

#include <vector>

#include "wrench/code/atoms.hpp"
#include "wrench/code/ir.hpp"
#include "wrench/findings/finding.hpp"
#include "wrench/source/source_text.hpp"

namespace wrench::code {

/// Mistakes that show in the tree of any language by comparing its parts: conditions, branches, keys, definitions and
/// tests that stand twice, values that are made and dropped. Rules `logic.*`, stamped with fingerprints, by offset;
/// docs/reference/code-metrics.md says what each finds and what it leaves alone.
std::vector<findings::Finding> logic_findings(const Ir& ir, const Atoms& atoms, const source::SourceText& text);

}  // namespace wrench::code
