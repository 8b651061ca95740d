#include "wrench/code/known_clones.hpp"

#include <algorithm>
#include <optional>
#include <unordered_map>
#include <utility>
#include <vector>

#include "clone_state.hpp"
#include "wrench/codec/record.hpp"
#include "wrench/crypto/sha256.hpp"

namespace wrench::code {

namespace detail {

namespace {

constexpr std::uint32_t kVersion = 1;
constexpr std::ptrdiff_t kIdBytes = 16;

/// Path and content of a member are those of its file.
struct MemberRecord {
  std::uint32_t file = 0;
  findings::Position start, end;
};
template <class Archive, codec::RecordOf<MemberRecord> M>
void fields(Archive& archive, M& m) {
  archive(m.file, m.start.line, m.start.col, m.start.offset, m.end.line, m.end.col, m.end.offset);
}

struct PartRecord {
  int type = 0;
  std::uint32_t tokens = 0, similarity = 0;
  std::vector<MemberRecord> members;
  std::vector<std::string> renames;
  std::string proposal;
};
template <class Archive, codec::RecordOf<PartRecord> P>
void fields(Archive& archive, P& p) {
  archive(p.type, p.tokens, p.similarity, p.members, p.renames, p.proposal);
}

struct CloneRecord {
  std::vector<std::uint32_t> key;  ///< Files, first and last tokens.
  std::uint32_t similarity = 0;
  std::vector<std::uint32_t> run;
  bool merge_is_known = false, has_more = false, types_differ = false, jumps_out = false;
  std::uint32_t in_product = 0, lines_saved = 0;
  std::optional<PartRecord> whole, mergeable;
  std::string lines;
};
template <class Archive, codec::RecordOf<CloneRecord> C>
void fields(Archive& archive, C& c) {
  archive(c.key, c.similarity, c.run, c.merge_is_known, c.has_more, c.types_differ, c.jumps_out, c.in_product,
          c.lines_saved, c.whole, c.mergeable, c.lines);
}

struct FileRecord {
  std::string path, content_id, id;
  std::uint32_t tokens = 0;
  std::vector<std::pair<std::uint32_t, bool>> crowded;
};
template <class Archive, codec::RecordOf<FileRecord> F>
void fields(Archive& archive, F& f) {
  archive(f.path, f.content_id, f.id, f.tokens, f.crowded);
}

void append(std::vector<std::uint32_t>& to, const CloneRange& range) {
  to.insert(to.end(), {range.file, range.first, range.end});
}

}  // namespace

std::size_t CloneKeyHash::operator()(const CloneKey& key) const {
  std::uint64_t hash = key.similarity;
  for (const CloneRange& range : key.members)
    for (const std::uint32_t part : {range.file, range.first, range.end})
      hash = (hash ^ part ^ hash >> 29) * 0x9e3779b97f4a7c15ULL;
  return static_cast<std::size_t>(hash ^ (hash >> 32));
}

std::string CloneState::id_of(const CloneFile& file) {
  crypto::Sha256 hash;
  for (const std::string_view part : {file.path, file.project_path, file.content_id}) {
    hash.update(part);
    hash.update(std::string_view("\0", 1));
  }
  hash.update(std::to_string(static_cast<int>(file.language)));
  hash.update({reinterpret_cast<const char*>(file.tokens->digest.data()), file.tokens->digest.size()});
  const auto digest = hash.finish();
  return {digest.begin(), digest.begin() + kIdBytes};
}

}  // namespace detail

using namespace detail;

KnownClones::KnownClones() : state_(std::make_unique<CloneState>()) {}
KnownClones::~KnownClones() = default;
KnownClones::KnownClones(KnownClones&&) noexcept = default;
KnownClones& KnownClones::operator=(KnownClones&&) noexcept = default;

bool KnownClones::is_new() const { return state_->is_new; }
void KnownClones::hide(std::string path) { state_->hidden.insert(std::move(path)); }

std::string KnownClones::to_record() const {
  const CloneState& state = *state_;
  if (state.files.empty()) return {};
  std::vector<FileRecord> files;
  std::unordered_map<std::string_view, std::uint32_t> index;
  for (std::uint32_t i = 0; i < state.files.size(); ++i) {
    const KnownCloneFile& file = state.files[i];
    index.emplace(file.path, i);
    auto& record = files.emplace_back(FileRecord{file.path, file.content_id, file.id, file.tokens, {}});
    for (const CrowdedPrint& print : state.pairs.crowded[i])
      record.crowded.emplace_back(print.hash, print.stands_for_all);
  }
  std::vector<std::uint32_t> equal, near;
  for (const auto& [a, b] : state.pairs.equal) {
    append(equal, a);
    append(equal, b);
  }
  for (const NearPair& pair : state.pairs.near) {
    append(near, pair.a);
    append(near, pair.b);
    near.push_back(pair.equal);
  }
  const auto part = [&](const findings::CloneClass& one) {
    PartRecord out{one.type, one.tokens, one.similarity, {}, one.renames, one.proposal};
    for (const findings::Location& member : one.members)
      out.members.push_back({index.at(member.path), member.start, member.end});
    return out;
  };
  codec::RecordWriter writer;
  writer(kVersion, files);
  writer.bulk(equal);
  writer.bulk(near);
  writer(static_cast<std::uint64_t>(state.classes.size()));
  for (const auto& [key, known] : state.classes) {
    CloneRecord record;
    for (const CloneRange& member : key.members) append(record.key, member);
    record.similarity = key.similarity;
    record.merge_is_known = known.merge_is_known;
    if (known.run) append(record.run, *known.run);
    if (known.clone) {
      const Clone& clone = *known.clone;
      record.whole = part(clone.whole);
      if (clone.mergeable) record.mergeable = part(*clone.mergeable);
      record.has_more = clone.has_more;
      record.types_differ = clone.types_differ;
      record.jumps_out = clone.jumps_out;
      record.in_product = clone.in_product;
      record.lines_saved = clone.lines_saved;
      record.lines = clone.lines;
    }
    writer(record);
  }
  return std::move(writer).take();
}

namespace {

/// Reads what to_record() wrote; `is_right` false when that is damaged.
class Reading {
 public:
  explicit Reading(std::string_view bytes) : reader_(bytes) {}

  bool run(CloneState& out) {
    std::uint32_t version = 0;
    reader_(version);
    if (version != kVersion) return false;
    std::vector<FileRecord> files;
    reader_(files);
    for (FileRecord& file : files) {
      out.files.push_back({std::move(file.path), std::move(file.content_id), std::move(file.id), file.tokens});
      auto& crowded = out.pairs.crowded.emplace_back();
      for (const auto& [hash, stands_for_all] : file.crowded) crowded.push_back({hash, stands_for_all});
    }
    files_ = &out.files;
    read_pairs(out.pairs);
    read_classes(out);
    return is_right_ && reader_.complete();
  }

 private:
  CloneRange range(const std::vector<std::uint32_t>& numbers, std::size_t at) {
    const CloneRange out{numbers[at], numbers[at + 1], numbers[at + 2]};
    is_right_ &= out.file < files_->size() && out.first < out.end;
    is_right_ = is_right_ && out.end <= (*files_)[out.file].tokens;
    return out;
  }

  void read_pairs(ClonePairs& out) {
    constexpr std::size_t kEqualNumbers = 6, kNearNumbers = 7;
    std::vector<std::uint32_t> equal, near;
    reader_.bulk(equal);
    reader_.bulk(near);
    is_right_ &= equal.size() % kEqualNumbers == 0 && near.size() % kNearNumbers == 0;
    for (std::size_t i = 0; i < equal.size() && is_right_; i += kEqualNumbers) {
      const auto& [a, b] = out.equal.emplace_back(range(equal, i), range(equal, i + 3));
      is_right_ &= a.end - a.first == b.end - b.first;
    }
    for (std::size_t i = 0; i < near.size() && is_right_; i += kNearNumbers)
      out.near.push_back({range(near, i), range(near, i + 3), near[i + 6]});
  }

  findings::CloneClass part(PartRecord& record) {
    findings::CloneClass out;
    out.type = record.type;
    out.tokens = record.tokens;
    out.similarity = record.similarity;
    for (const MemberRecord& member : record.members) {
      is_right_ &= member.file < files_->size();
      if (!is_right_) break;
      const KnownCloneFile& file = (*files_)[member.file];
      out.members.push_back({file.path, member.start, member.end, file.content_id});
    }
    is_right_ &= out.members.size() > 1;
    out.renames = std::move(record.renames);
    out.proposal = std::move(record.proposal);
    return out;
  }

  void read_classes(CloneState& out) {
    std::uint64_t count = 0;
    reader_(count);
    for (std::uint64_t i = 0; i < count && is_right_ && !reader_.failed(); ++i) {
      CloneRecord record;
      reader_(record);
      is_right_ &= record.key.size() % 3 == 0 && (record.run.empty() || record.run.size() == 3);
      CloneKey key{{}, record.similarity};
      for (std::size_t at = 0; at < record.key.size() && is_right_; at += 3)
        key.members.push_back(range(record.key, at));
      KnownClone known{{}, record.merge_is_known, {}};
      if (is_right_ && !record.run.empty()) {
        const CloneRange run = range(record.run, 0);
        is_right_ &= record.whole && !key.members.empty() && run.file == key.members[0].file &&
                     run.first >= key.members[0].first && run.end <= key.members[0].end;
        known.run = run;
      }
      if (is_right_ && record.whole) {
        Clone& clone = known.clone.emplace();
        clone.whole = part(*record.whole);
        if (record.mergeable) clone.mergeable = part(*record.mergeable);
        clone.has_more = record.has_more;
        clone.types_differ = record.types_differ;
        clone.jumps_out = record.jumps_out;
        clone.in_product = record.in_product;
        clone.lines_saved = record.lines_saved;
        clone.lines = std::move(record.lines);
      }
      out.classes.emplace(std::move(key), std::move(known));
    }
  }

  codec::RecordReader reader_;
  const std::vector<KnownCloneFile>* files_ = nullptr;
  bool is_right_ = true;
};

}  // namespace

KnownClones KnownClones::from_record(std::string_view bytes) {
  KnownClones out;
  if (!Reading(bytes).run(*out.state_)) out = KnownClones();
  return out;
}

}  // namespace wrench::code
