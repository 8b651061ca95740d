#pragma once

#include "sql.hpp"
#include "wrench/workflow/dispatcher.hpp"

/// Streams as rows.
namespace wrench::workflow {

namespace stream_store {

/// Adds a chunk, the first one in place of what earlier runs said; false: the step has gone on without that run.
Result<bool> write(storage::WriteTx& tx, const StreamChunk& chunk);

struct Dropped {
  std::int64_t streams = 0;
  bool more = false;  ///< `chunks_max` was reached.
};
/// Drops streams whose time was over at `before`, but for those of steps that still run, which are kept for another
/// while: about `chunks_max` rows.
Result<Dropped> drop_old(storage::WriteTx& tx, Micros before, std::size_t chunks_max);

}  // namespace stream_store

namespace sql {
storage::StatementCatalogue::List of_streams();
}

}  // namespace wrench::workflow
