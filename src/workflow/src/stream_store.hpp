#pragma once

#include "sql.hpp"
#include "wrench/workflow/dispatcher.hpp"

/// Streams as rows.
namespace wrench::workflow {

namespace stream_store {

/// Adds a chunk, the first one in place of what earlier runs said; false: the step has gone on without that run.
Result<bool> write(storage::WriteTx& tx, const StreamChunk& chunk);

}  // namespace stream_store

namespace sql {
storage::StatementCatalogue::List of_streams();
}

}  // namespace wrench::workflow
