#include "memory_disk.hpp"

#include <algorithm>
#include <cstring>
#include <utility>

namespace wrench::storage::testing {
namespace {

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

/// The sectors of one write arrive or not, each by itself.
void apply_torn(std::string& image, const Change& change, double chance, Random& random, Overwrite overwrite) {
  std::size_t at = 0;
  while (at < change.bytes.size()) {
    const std::uint64_t place = change.offset + at;
    const std::size_t room = kSectorBytes - static_cast<std::size_t>(place % kSectorBytes);
    const std::size_t n = std::min(room, change.bytes.size() - at);
    if (random.unit() < chance) {
      apply_write(image, std::string_view(change.bytes).substr(at, n), place);
    } else if (overwrite == Overwrite::TearsSectors && n < kSectorBytes && random.below(4) == 0) {
      std::string garbage(kSectorBytes, '\0');
      for (char& c : garbage) c = static_cast<char>(random.next());
      apply_write(image, garbage, place - place % kSectorBytes);
    }
    at += n;
  }
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
  name_is_durable = true;
}

void File::lose_some(Random& random, Overwrite overwrite) {
  apply_some(durable_, unsynced_, random, overwrite);
  unsynced_.clear();
}

void File::crash(Random& random, Overwrite overwrite) {
  lose_some(random, overwrite);
  current_ = durable_;
  name_is_durable = true;
  shm = std::make_shared<SharedMemory>();
  shared_locks = 0;
  reserved = pending = exclusive = nullptr;
}

void FaultVfs::Disk::crash() {
  ++boot;
  // Handles of the dead boot keep their old File objects; the new boot gets copies.
  std::map<std::string, std::shared_ptr<File>> survivors;
  const auto survive = [&](const std::string& path, const std::shared_ptr<File>& file) {
    auto copy = std::make_shared<File>(*file);
    copy->crash(random, overwrite);
    survivors[path] = std::move(copy);
  };
  for (const auto& [path, file] : deleted)
    if (file->name_is_durable && random.below(2) == 0) survive(path, file);
  for (const auto& [path, file] : files)
    if (file->name_is_durable || random.below(2) == 0) survive(path, file);
  files = std::move(survivors);
  deleted.clear();
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
        return call == Call::Sync;
      case Fault::PowerCut:
        return true;
    }
    return false;
  };
  for (std::size_t i = 0; i < calls.size(); ++i) calls[i] += matches(static_cast<Fault>(i)) ? 1 : 0;
  if (!armed || !matches(plan.fault)) return Verdict::Proceed;
  ++matched;
  if (matched < plan.at_call || matched - plan.at_call >= plan.count) return Verdict::Proceed;
  happened = true;
  if (plan.fault == Fault::PowerCut) {
    crash();
    return Verdict::Dead;
  }
  *hit = plan.fault;
  return Verdict::Hit;
}

}  // namespace wrench::storage::testing
