#include "blob_parser.hpp"

#include <algorithm>
#include <charconv>

#include "wrench/base/text.hpp"
#include "wrench/history/git_repo.hpp"

namespace wrench::history {

namespace {

constexpr std::size_t kHeadBytesMax = 256;
constexpr std::uint64_t kObjectBytesMax = std::uint64_t{1} << 40;

}  // namespace

Error BlobParser::head_fault() { return Error("history.git_failed", "git's answer about its objects makes no sense"); }

bool BlobParser::take_head(std::string_view& piece) {
  const std::size_t newline = piece.find('\n');
  head_.append(piece.substr(0, newline));
  if (head_.size() > kHeadBytesMax) return false;
  if (newline == std::string_view::npos) {
    piece = {};
    return true;
  }
  piece.remove_prefix(newline + 1);
  const auto words = split(head_, ' ');
  const bool known = words.size() >= 2 && is_object_id(words[0]);
  is_missing_ = known && words.size() == 2 && words[1] == "missing";
  bool good = is_missing_;
  if (known && words.size() == 3) {
    const auto [end, fault] = std::from_chars(words[2].data(), words[2].data() + words[2].size(), size_);
    good = fault == std::errc() && end == words[2].data() + words[2].size() && size_ <= kObjectBytesMax;
    is_blob_ = words[1] == "blob";
    left_ = size_ + 1;
  }
  head_.clear();
  in_object_ = good;
  return good;
}

BlobParser::Object BlobParser::take_bytes(std::string_view& piece) {
  const std::string_view mine = piece.substr(0, std::min<std::uint64_t>(left_, piece.size()));
  const bool keeps = is_blob_ && size_ <= bytes_max_;
  const bool whole = mine.size() == size_ + 1;  // In one piece: nothing to copy.
  if (keeps && !whole) held_.append(mine);
  piece.remove_prefix(mine.size());
  left_ -= mine.size();
  if (left_ > 0) return {};
  return {is_blob_, is_blob_ && !keeps, keeps ? (whole ? mine : std::string_view(held_)).substr(0, size_) : ""};
}

}  // namespace wrench::history
