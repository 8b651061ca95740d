#include <algorithm>
#include <optional>
#include <utility>

#include "wrench/base/text.hpp"
#include "wrench/base/ulid.hpp"
#include "wrench/crypto/sha256.hpp"
#include "wrench/findings/unified_diff.hpp"
#include "wrench/runtime/rooted_dir.hpp"
#include "wrench/scan/discovery.hpp"
#include "wrench/scan/fixes.hpp"

namespace wrench::scan {
namespace {

constexpr unsigned kPrivateFile = 0600, kPrivateFolder = 0700;

/// A file whose next content is on disk beside it.
struct Staged {
  const FixedFile* file = nullptr;
  std::optional<runtime::StagedFile> next;
};

findings::Partial failure(const FixedFile& file, std::string why) {
  return {"write_failed", file.path, "", std::move(why)};
}

std::string inverse_patch(const std::vector<Staged>& staged) {
  std::string out;
  for (const auto& entry : staged) {
    const FixedFile& file = *entry.file;
    out += findings::unified_diff({"a/" + file.project_path, file.after, file.after},
                                  {"b/" + file.project_path, file.before, file.before});
  }
  return out;
}

/// Whether the file still is what was analysed, looked at after it was staged: commit() notices what comes later.
Result<void> check_content(const runtime::RootedDir& root, const FixedFile& file) {
  const auto bytes = WRENCH_TRY(root.read(file.project_path, kNamedFileBytesMax));
  if ("sha256:" + crypto::sha256_hex(bytes) != file.before_id)
    return Error("io.changed", "changed since it was analysed");
  return {};
}

Result<void> make_undo_folder(const runtime::RootedDir& root) {
  WRENCH_TRY(root.make_folder(".wrench", kPrivateFolder));
  WRENCH_TRY(root.make_folder(".wrench/undo", kPrivateFolder));
  const auto ignore = root.stat(".wrench/.gitignore");
  if (ignore.ok()) return {};  // Somebody's own is left alone.
  return root.write(".wrench/.gitignore", "*\n", kPrivateFile);
}

}  // namespace

Result<WrittenFixes> write_fixes(const FixOutcome& outcome, const Clock& clock, Random& random) {
  WrittenFixes out;
  if (outcome.files.empty()) return out;
  const auto root = WRENCH_TRY(runtime::RootedDir::open(outcome.project_root));
  std::vector<Staged> staged;
  for (const auto& file : outcome.files) {
    auto next = root.stage(file.project_path, file.after);
    auto same = next.ok() ? check_content(root, file) : Result<void>(next.error());
    if (!same.ok())
      out.failed.push_back(failure(file, same.error().message));
    else
      staged.push_back({&file, std::move(*next)});
  }
  if (staged.empty()) return out;

  WRENCH_TRY(make_undo_folder(root));
  const std::string undo = ".wrench/undo/" + make_ulid(clock, random) + ".diff";
  WRENCH_TRY(root.write(undo, inverse_patch(staged), kPrivateFile));
  const std::size_t planned = staged.size();
  std::erase_if(staged, [&](Staged& entry) {
    auto written = entry.next->commit();
    if (written.ok()) return false;
    out.failed.push_back(failure(*entry.file, written.error().message));
    return true;
  });
  if (staged.empty()) {
    WRENCH_TRY(root.remove(undo));
    return out;
  }
  // One that stayed as it was must not be in the patch: git applies all of it or nothing.
  if (staged.size() != planned)
    if (auto again = root.write(undo, inverse_patch(staged), kPrivateFile); !again.ok())
      out.failed.push_back(
          {"write_failed", undo, "", "names files that stayed as they were: " + again.error().message});
  out.undo = outcome.project_root + "/" + undo;
  for (const auto& entry : staged) out.paths.push_back(entry.file->path);
  return out;
}

}  // namespace wrench::scan
