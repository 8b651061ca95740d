#include "clean_blobs.hpp"

#include <algorithm>
#include <cstring>
#include <utility>
#include <vector>

#include "wrench/base/version.hpp"
#include "wrench/codec/record.hpp"
#include "wrench/crypto/sha256.hpp"

namespace wrench::scan {
namespace {

char nibble(char digit) { return static_cast<char>(digit <= '9' ? digit - '0' : digit - 'a' + 10); }

void append_binary(std::string& out, std::string_view hex) {
  for (std::size_t i = 0; i + 1 < hex.size(); i += 2)
    out += static_cast<char>(nibble(hex[i]) << 4 | nibble(hex[i + 1]));
}

}  // namespace

CleanBlobs::CleanBlobs(FactCache* cache, std::string_view rules_key, std::size_t id_digits)
    : cache_(cache), width_(id_digits / 2) {
  if (cache_ == nullptr) return;
  key_ = "clean-blobs/1/" + crypto::sha256_hex(std::string(version()) + "\n" + build_id() + "\n" +
                                               std::string(rules_key) + "\n" + std::to_string(width_));
  const auto record = cache_->get(key_);
  if (!record) return;
  codec::RecordReader reader(*record);
  reader(known_);
  if (!reader.complete() || known_.size() % width_ != 0) known_.clear();
}

bool CleanBlobs::contains(std::string_view id) const {
  if (known_.empty()) return false;
  std::string wanted;
  append_binary(wanted, id);
  std::size_t first = 0, last = known_.size() / width_;
  while (first < last) {
    const std::size_t middle = first + (last - first) / 2;
    const int order = std::memcmp(known_.data() + middle * width_, wanted.data(), width_);
    if (order == 0) return true;
    (order < 0 ? first : last) = order < 0 ? middle + 1 : middle;
  }
  return false;
}

void CleanBlobs::add(std::string_view ids) {
  if (cache_ == nullptr || ids.empty()) return;
  append_binary(known_, ids);
  std::vector<std::string_view> all;
  all.reserve(known_.size() / width_);
  for (std::size_t at = 0; at < known_.size(); at += width_) all.push_back(std::string_view(known_).substr(at, width_));
  std::ranges::sort(all);
  const auto repeated = std::ranges::unique(all);
  all.erase(repeated.begin(), repeated.end());
  std::string sorted;
  sorted.reserve(known_.size());
  for (const auto id : all) sorted.append(id);
  known_ = std::move(sorted);
  codec::RecordWriter writer;
  writer(known_);
  cache_->put(key_, std::move(writer).take());
}

}  // namespace wrench::scan
