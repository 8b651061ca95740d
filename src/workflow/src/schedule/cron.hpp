#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "wrench/base/result.hpp"
#include "wrench/workflow/schedule_spec.hpp"

namespace wrench::workflow {

/// Five fields. Errors: workflow.invalid_schedule, with the column.
Result<Cron> parse_cron(std::string_view text);
/// The first minute (counted from 1970-01-01T00:00) after `minute` that the fields name; nothing: there is none.
std::optional<std::int64_t> next_minute(const Cron& cron, std::int64_t minute);

/// In the text of a schedule, at the character that stands at `offset`.
Error invalid_schedule(std::size_t offset, std::string message);

}  // namespace wrench::workflow
