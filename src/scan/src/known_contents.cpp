#include "known_contents.hpp"

#include <algorithm>
#include <vector>

#include "wrench/codec/record.hpp"

namespace wrench::scan {
namespace {

constexpr std::string_view kKey = "contents/1";
constexpr Micros kNanosPerMicro = 1000;

struct Entry {
  std::uint64_t device = 0, inode = 0, size = 0;
  std::int64_t modified_ns = 0, changed_ns = 0;
  std::string content_id;
};
template <class Archive, codec::RecordOf<Entry> E>
void fields(Archive& archive, E& e) {
  archive(e.device, e.inode, e.size, e.modified_ns, e.changed_ns, e.content_id);
}

}  // namespace

KnownContents::KnownContents(const FactCache& cache, Micros now_us) : now_us_(now_us) {
  const auto record = cache.get(kKey);
  if (!record) return;
  codec::RecordReader reader(*record);
  std::vector<Entry> entries;
  reader(entries);
  if (!reader.complete()) return;  // Files are read, then.
  for (Entry& e : entries)
    known_.insert_or_assign({e.device, e.inode},
                            Known{{e.size, e.modified_ns, e.changed_ns, e.device, e.inode}, std::move(e.content_id)});
}

std::optional<std::string> KnownContents::of(const FoundFile& file) const {
  const auto found = known_.find({file.stamp.device, file.stamp.inode});
  if (found == known_.end() || found->second.stamp != file.stamp) return std::nullopt;
  return found->second.content_id;
}

void KnownContents::save(FactCache& cache, std::span<const FoundFile> files, std::span<const FileBytes> bytes) const {
  const std::int64_t settled_ns = (now_us_ - kSettledAfter) * kNanosPerMicro;
  std::map<Place, Known> found;
  for (std::size_t i = 0; i < files.size(); ++i) {
    const auto& stamp = files[i].stamp;
    if (bytes[i].content_id.empty() || std::max(stamp.modified_ns, stamp.changed_ns) >= settled_ns) continue;
    found.insert_or_assign({stamp.device, stamp.inode}, Known{stamp, bytes[i].content_id});
  }
  // Another part of the tree may have been looked at before: that stays known.
  auto all = known_;
  for (auto& [place, known] : found) all.insert_or_assign(place, std::move(known));
  if (all == known_) return;
  std::vector<Entry> entries;
  entries.reserve(all.size());
  for (const auto& [place, known] : all)
    entries.push_back({place.first, place.second, known.stamp.size, known.stamp.modified_ns, known.stamp.changed_ns,
                       known.content_id});
  codec::RecordWriter writer;
  writer(entries);
  cache.put(kKey, std::move(writer).take());
}

}  // namespace wrench::scan
