#pragma once

#include <span>
#include <string>

#include "wrench/runtime/usage.hpp"
#include "wrench/workflow/queries.hpp"

namespace wrench::app {

/// A journal for people: one line an entry, with the time since the first one, which step it is about, and in words
/// what happened. Safe for a terminal.
std::string journal_text(std::span<const workflow::JournalEntry> entries, std::span<const workflow::StepView> steps);

/// What was done about a failure, of an entry of the kind `recovery`. Safe for a terminal.
std::string recovery_text(const codec::Json& entry);

/// "1.2 s CPU"; with the programs that were run.
std::string cpu_text(const runtime::Usage& used);
/// "1.2 s CPU, 84 MiB memory, read 1 MiB"
std::string usage_text(const runtime::Usage& used);

}  // namespace wrench::app
