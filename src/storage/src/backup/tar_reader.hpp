#pragma once

#include <cstdint>
#include <string>

#include "backup_source.hpp"
#include "wrench/base/result.hpp"
#include "wrench/base/stop.hpp"

namespace wrench::storage {

inline constexpr std::uint64_t kTarEntriesMax = 10'000'000;

/// Makes the files and folders of a tar archive (POSIX.1-1988 ustar, as pg_basebackup writes it), which is `bytes` of
/// the source from `at` on, in a folder that only we can see. Files get 0600 and folders 0700, whatever the archive
/// says; what may be there already are folders. Errors: backup.damaged (no archive of plain files and folders below
/// one, or cut), backup.stopped, those of storage.
Result<void> unpack_tar(const BackupSource& source, std::uint64_t at, std::uint64_t bytes, const std::string& folder,
                        const StopToken& stop);

}  // namespace wrench::storage
