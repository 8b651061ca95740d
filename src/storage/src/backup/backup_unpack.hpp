#pragma once

#include <memory>
#include <string>
#include <vector>

#include "wrench/base/clock.hpp"
#include "wrench/base/random.hpp"
#include "wrench/base/result.hpp"
#include "wrench/storage/backup.hpp"

namespace wrench::storage {

/// Makes a data directory of an empty folder, from the backup. Errors: those of verify_backup().
Result<void> unpack_backup(const BackupFile& backup, const std::string& folder, const VerifyOptions& options);

/// What is wrong with the data directory made of the backup, one line each; ends with it at the newest schema.
Result<std::vector<std::string>> inspect_unpacked(const BackupFile& backup, const std::string& folder,
                                                  const VerifyOptions& options, const Clock& clock, Random& random);

/// The store of the folder, to be written to, without a reserve for its log.
Result<std::unique_ptr<Store>> open_unpacked(const std::string& folder, const VerifyOptions& options,
                                             const Clock& clock, Random& random);

}  // namespace wrench::storage
