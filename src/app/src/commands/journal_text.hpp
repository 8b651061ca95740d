#pragma once

#include <span>
#include <string>

#include "wrench/workflow/queries.hpp"

namespace wrench::app {

/// A journal for people: one line an entry, with the time since the first one, which step it is about, and in words
/// what happened. Safe for a terminal.
std::string journal_text(std::span<const workflow::JournalEntry> entries, std::span<const workflow::StepView> steps);

}  // namespace wrench::app
