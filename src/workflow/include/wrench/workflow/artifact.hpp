#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "wrench/codec/json.hpp"
#include "wrench/storage/blob_store.hpp"
#include "wrench/storage/store.hpp"

namespace wrench::workflow {

inline constexpr std::size_t kArtifactBytesMax = 1024 * 1024 * 1024;
inline constexpr std::size_t kArtifactPartBytes = 4 * 1024 * 1024;  ///< Stored in parts, so that no row is huge.

/// A result too large to stand in a step's output: bytes stored under their hashes in the transaction that completes
/// the step, once however many steps give them. Outputs, and through them the inputs of later steps, carry a reference:
/// {"parts": ["<sha256>", …], "bytes": 123}.
struct PreparedArtifact {
  codec::Json reference;
  std::vector<storage::PreparedBlob> parts;
};
/// Errors: workflow.output_too_large.
Result<PreparedArtifact> prepare_artifact(std::string_view bytes);
/// Each part on a snapshot of its own. Errors: workflow.bad_reference, storage.blob_missing, storage.corrupt.
Result<std::string> read_artifact(storage::Store& store, const codec::Json& reference);

}  // namespace wrench::workflow
