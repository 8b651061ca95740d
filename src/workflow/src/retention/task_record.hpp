#pragma once

#include <functional>
#include <string_view>

#include "wrench/base/stop.hpp"
#include "wrench/codec/json.hpp"
#include "wrench/storage/store.hpp"
#include "wrench/workflow/queries.hpp"

/// All that is known of an ended task and of the tasks that its steps began, as JSON lines:
/// docs/reference/retention.md.
namespace wrench::workflow::task_record {

inline constexpr std::size_t kContentPartBytes = 1024 * 1024;  ///< Of a stored content; the next line has more of it.

/// What a list shows of it.
codec::Json header(const TaskView& task, Micros archived_at);

using Sink = std::function<Result<void>(std::string_view line)>;
/// In snapshots, page by page. Errors: workflow.invalid_transition: a task of it hasn't ended;
/// workflow.retention_stopped; storage.*; those of the sink.
Result<void> write(storage::Store& store, const TaskView& task, const StopToken& stop, const Sink& sink);

}  // namespace wrench::workflow::task_record

namespace wrench::workflow::sql {
storage::StatementCatalogue::List of_task_record();
}
