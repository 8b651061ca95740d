#include "memory_disk.hpp"

#include <algorithm>
#include <cstring>
#include <utility>

namespace wrench::storage::testing {
namespace {

/// Of the blocks that were waiting to be written, one in so many was under the head when the power went.
constexpr std::uint64_t kBlocksPerLostSector = 4;

void apply_write(std::string& image, std::string_view bytes, std::uint64_t offset) {
  if (image.size() < offset + bytes.size()) image.resize(offset + bytes.size(), '\0');
  std::memcpy(image.data() + offset, bytes.data(), bytes.size());
}

void apply_change(std::string& image, const Change& change) {
  if (change.is_truncate)
    image.resize(std::min<std::uint64_t>(image.size(), change.offset));
  else
    apply_write(image, change.bytes, change.offset);
}

/// The drive was writing a sector of this block when the power went: neither its old content nor the new can be read.
void lose_a_sector(std::string& image, std::uint64_t block, Random& random) {
  const std::uint64_t at = block + random.below(kBlockBytes / kSectorBytes) * kSectorBytes;
  for (std::uint64_t i = at; i < std::min<std::uint64_t>(at + kSectorBytes, image.size()); ++i)
    image[i] = static_cast<char>(random.next());
}

/// The sectors of one write arrive or not, each by itself.
void apply_torn(std::string& image, const Change& change, double chance, Random& random, Overwrite overwrite) {
  const std::uint64_t end = change.offset + change.bytes.size();
  for (std::uint64_t at = change.offset; at < end;) {
    const std::uint64_t n = std::min(end, at - at % kSectorBytes + kSectorBytes) - at;
    if (random.unit() < chance) apply_write(image, std::string_view(change.bytes).substr(at - change.offset, n), at);
    at += n;
  }
  if (overwrite == Overwrite::PowerSafe) return;
  for (std::uint64_t block = change.offset - change.offset % kBlockBytes; block < end; block += kBlockBytes)
    if (random.below(kBlocksPerLostSector) == 0) lose_a_sector(image, block, random);
}

void apply_some(std::string& image, const std::vector<Change>& changes, Random& random, Overwrite overwrite) {
  static constexpr double kChances[] = {0.0, 0.1, 0.5, 0.9, 1.0};
  const double chance = kChances[random.below(std::size(kChances))];
  for (const Change& change : changes) {
    if (!change.is_truncate)
      apply_torn(image, change, chance, random, overwrite);
    else if (random.unit() < chance)
      apply_change(image, change);
  }
}

}  // namespace

std::size_t File::read(void* out, std::size_t bytes, std::uint64_t offset) const {
  if (offset >= current_.size()) return 0;
  const std::size_t n = std::min<std::size_t>(bytes, current_.size() - static_cast<std::size_t>(offset));
  std::memcpy(out, current_.data() + offset, n);
  return n;
}

void File::write(std::string_view bytes, std::uint64_t offset) {
  apply_write(current_, bytes, offset);
  unsynced_.push_back({offset, std::string(bytes), false});
}

void File::truncate(std::uint64_t size) {
  unsynced_.push_back({size, {}, true});
  apply_change(current_, unsynced_.back());
}

void File::sync() {
  for (const Change& change : unsynced_) apply_change(durable_, change);
  unsynced_.clear();
}

void File::lose_some(Random& random, Overwrite overwrite) {
  apply_some(durable_, unsynced_, random, overwrite);
  unsynced_.clear();
}

void File::crash(Random& random, Overwrite overwrite) {
  lose_some(random, overwrite);
  current_ = durable_;
  name_is_durable = true;
}

std::shared_ptr<File> File::pass_on() {
  auto next = std::make_shared<File>();
  next->current_ = std::move(current_);
  next->durable_ = std::move(durable_);
  next->unsynced_ = std::move(unsynced_);
  next->name_is_durable = name_is_durable;
  return next;
}

void FaultVfs::Disk::crash() {
  ++boot;
  std::map<std::string, std::shared_ptr<File>> survivors;
  const auto survive = [&](const std::string& path, const std::shared_ptr<File>& file) {
    survivors[path] = file->pass_on();
    survivors[path]->crash(random, overwrite);
  };
  for (const auto& [path, file] : deleted)
    if (file->name_is_durable && random.below(2) == 0) survive(path, file);
  for (const auto& [path, file] : files)
    if (file->name_is_durable || random.below(2) == 0) survive(path, file);
  files = std::move(survivors);
  deleted.clear();
}

void FaultVfs::Disk::sync_directory() {
  deleted.clear();
  for (const auto& [path, file] : files) file->name_is_durable = true;
}

void FaultVfs::Disk::kill() {
  ++boot;
  for (auto& [path, file] : files) file = file->pass_on();
}

FaultVfs::Disk::Verdict FaultVfs::Disk::enter(Call call, std::uint64_t handle_boot, Fault* hit) {
  if (handle_boot != boot) return Verdict::Dead;
  const auto matches = [call](Fault fault) {
    switch (fault) {
      case Fault::ReadError:
      case Fault::ShortRead:
        return call == Call::Read;
      case Fault::WriteError:
        return call == Call::Write || call == Call::Extend;
      case Fault::Full:
        return call == Call::Extend;
      case Fault::TruncateError:
        return call == Call::Truncate;
      case Fault::SyncError:
      case Fault::LyingSync:
      case Fault::KillAtSync:
        return call == Call::Sync;
      case Fault::SharedError:
        return call == Call::Shared;
      case Fault::PowerCut:
      case Fault::Kill:
        return call != Call::Shared;  // Nothing of it is on the disk.
    }
    return false;
  };
  for (std::size_t i = 0; i < calls.size(); ++i) calls[i] += matches(static_cast<Fault>(i)) ? 1 : 0;
  if (!armed || !matches(plan.fault)) return Verdict::Proceed;
  ++matched;
  if (matched < plan.at_call || matched - plan.at_call >= plan.count) return Verdict::Proceed;
  happened = true;
  switch (plan.fault) {
    case Fault::PowerCut:
      crash();
      return Verdict::Dead;
    case Fault::Kill:
    case Fault::KillAtSync:
      kill();
      return Verdict::Dead;
    default:
      break;
  }
  *hit = plan.fault;
  return Verdict::Hit;
}

}  // namespace wrench::storage::testing
