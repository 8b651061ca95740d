#include "wrench/workflow/artifact.hpp"

#include <utility>

#include "wrench/base/text.hpp"

namespace wrench::workflow {

using codec::Json;

Result<PreparedArtifact> prepare_artifact(std::string_view bytes) {
  if (bytes.size() > kArtifactBytesMax)
    return Error("workflow.output_too_large",
                 "a result of " + format_bytes(bytes.size()) + "; the limit is " + format_bytes(kArtifactBytesMax));
  PreparedArtifact out;
  Json hashes = Json::array();
  for (std::size_t at = 0; at < bytes.size(); at += kArtifactPartBytes) {
    out.parts.push_back(WRENCH_TRY(storage::blob_store::prepare(bytes.substr(at, kArtifactPartBytes))));
    hashes.push_back(to_hex(out.parts.back().hash));
  }
  out.reference = Json::object({{"parts", std::move(hashes)}, {"bytes", bytes.size()}});
  return out;
}

Result<std::string> read_artifact(storage::Store& store, const Json& reference) {
  const auto bytes = reference.at("bytes").as_integer(-1);
  const auto& parts = reference.at("parts").as_array();
  const Error invalid("workflow.bad_reference", "that isn't a reference to a stored result");
  if (bytes < 0 || static_cast<std::size_t>(bytes) > kArtifactBytesMax ||
      parts.size() != (static_cast<std::size_t>(bytes) + kArtifactPartBytes - 1) / kArtifactPartBytes)
    return invalid;
  std::string out;
  out.reserve(static_cast<std::size_t>(bytes));
  for (const Json& part : parts) {
    const auto hash = from_hex(part.as_string());
    if (!hash) return invalid;
    out += WRENCH_TRY(store.read([&](storage::ReadTx& tx) { return storage::blob_store::get(tx, *hash); }));
  }
  if (out.size() != static_cast<std::size_t>(bytes)) return invalid;
  return out;
}

}  // namespace wrench::workflow
