#include "blob_contents.hpp"

#include <algorithm>
#include <utility>

#include "wrench/codec/record.hpp"
#include "wrench/crypto/sha256.hpp"

namespace wrench::scan {
namespace {

constexpr std::string_view kKey = "blobs/1";
constexpr std::uint64_t kHeldBytesMax = std::uint64_t{256} << 20;  // Kept for the analysis; others are read again.
/// Old revisions' blobs are forgotten all at once; to learn them again costs one reading.
constexpr std::size_t kKnownBlobsMax = 2'000'000;

struct Entry {
  std::string blob, content_id;
  std::uint64_t bytes = 0;
};
template <class Archive, codec::RecordOf<Entry> E>
void fields(Archive& archive, E& e) {
  archive(e.blob, e.content_id, e.bytes);
}

}  // namespace

BlobContents::BlobContents(const Revision& revision, const FactCache* cache, const ScanLimits& limits)
    : revision_(revision), limits_(limits) {
  if (cache == nullptr) return;
  const auto record = cache->get(kKey);
  if (!record) return;
  codec::RecordReader reader(*record);
  std::vector<Entry> entries;
  reader(entries);
  if (!reader.complete() || entries.size() > kKnownBlobsMax) return;
  for (auto& entry : entries) known_.emplace(std::move(entry.blob), Known{std::move(entry.content_id), entry.bytes});
}

std::uint64_t BlobContents::bytes_max(const FoundFile& file) const {
  return file.named ? limits_.named_file_bytes_max : limits_.secret_file_bytes_max;
}

void BlobContents::take(const std::string& blob, std::string_view content, FoundFile& file, FileBytes& bytes) {
  bytes.content_id = "sha256:" + crypto::sha256_hex(content);
  file.stamp.size = content.size();
  const std::lock_guard lock(mutex_);
  learned_ = true;
  known_.insert_or_assign(blob, Known{bytes.content_id, content.size()});
  if (held_bytes_ + content.size() > kHeldBytesMax) return;
  held_bytes_ += content.size();
  bytes.bytes = content;
}

bool BlobContents::from_memory_or_disk(FoundFile& file, FileBytes& bytes, const runtime::Patience& patience) {
  const auto& blob = revision_.blob_of(file);
  {
    const std::lock_guard lock(mutex_);
    if (const auto found = known_.find(blob); found != known_.end()) {
      file.stamp.size = found->second.bytes;
      if (found->second.bytes > bytes_max(file))
        bytes.skipped = findings::Skipped{file.path, "too_large"};
      else
        bytes.content_id = found->second.content_id;
      return true;
    }
  }
  const auto content = revision_.read_from_disk(file, bytes_max(file), patience);
  if (!content) return false;
  take(blob, *content, file, bytes);
  return true;
}

Result<void> BlobContents::from_git(std::span<FoundFile> files, std::span<FileBytes> bytes, const StopToken& stop,
                                    const Deadline& deadline) {
  const auto lost = [&](std::size_t i) {
    bytes[i].partial = findings::Partial{"git_object_missing", files[i].path, "",
                                         "the repository can't give the object " + revision_.blob_of(files[i])};
  };
  std::vector<std::size_t> wanted;
  std::vector<std::string> blobs;
  std::uint64_t largest = 0;
  for (std::size_t i = 0; i < files.size(); ++i) {
    if (!bytes[i].content_id.empty() || bytes[i].skipped) continue;
    if (const auto& blob = revision_.blob_of(files[i]); revision_.is_fetched(blob)) {
      wanted.push_back(i);
      blobs.push_back(blob);
      largest = std::max(largest, bytes_max(files[i]));
    } else {
      lost(i);
    }
  }
  return history::read_blobs(
      revision_.repo(), blobs, largest,
      [&](std::size_t at, history::BlobState state, std::string_view content) -> Result<void> {
        const std::size_t i = wanted[at];
        if (state == history::BlobState::Missing) {
          lost(i);
        } else if (state == history::BlobState::TooLarge || content.size() > bytes_max(files[i])) {
          bytes[i].skipped = findings::Skipped{files[i].path, "too_large"};
        } else {
          take(blobs[at], content, files[i], bytes[i]);
        }
        return {};
      },
      stop, deadline);
}

void BlobContents::save(FactCache& cache) const {
  if (!learned_) return;
  std::vector<Entry> entries;
  entries.reserve(known_.size());
  for (const auto& [blob, known] : known_) entries.push_back({blob, known.content_id, known.bytes});
  codec::RecordWriter writer;
  writer(entries);
  cache.put(kKey, std::move(writer).take());
}

}  // namespace wrench::scan
