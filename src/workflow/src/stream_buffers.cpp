#include "stream_buffers.hpp"

#include <algorithm>
#include <limits>

#include "wrench/base/text.hpp"
#include "wrench/workflow/streams.hpp"

namespace wrench::workflow {

namespace {

constexpr Micros kNever = std::numeric_limits<Micros>::max();

bool continues(char byte) { return (static_cast<unsigned char>(byte) & 0xC0U) == 0x80U; }

/// Bytes at the end that may be the beginning of a character.
std::size_t unfinished_bytes(std::string_view text) {
  std::size_t n = 0;
  while (n < text.size() && n < 3 && continues(text[text.size() - 1 - n])) ++n;
  if (n == text.size()) return 0;
  const auto lead = static_cast<unsigned char>(text[text.size() - 1 - n]);
  const std::size_t size = lead >= 0xF0U ? 4 : lead >= 0xE0U ? 3 : lead >= 0xC0U ? 2 : 1;
  return size > n + 1 ? n + 1 : 0;
}

/// The longest beginning of whole characters within `bytes`.
std::size_t whole_within(std::string_view text, std::size_t bytes) {
  if (text.size() <= bytes) return text.size();
  while (bytes > 0 && continues(text[bytes])) --bytes;
  return bytes;
}

}  // namespace

void StreamBuffers::append(StepKey step, std::int64_t epoch, int attempt, std::string_view text, Micros now) {
  if (text.empty()) return;
  Buffer& buffer = runs_[{step, epoch}];
  buffer.attempt = attempt;
  if (buffer.pending.empty()) buffer.due_at = std::max(buffer.due_at, now + kStreamPause);
  std::string raw = std::move(buffer.unfinished) + std::string(text);
  const std::size_t unfinished = unfinished_bytes(raw);
  buffer.unfinished = raw.substr(raw.size() - unfinished);
  raw.resize(raw.size() - unfinished);
  std::string clean = replace_all(repair_utf8(raw), std::string_view("\0", 1), "\xEF\xBF\xBD");
  const auto room = kStreamBytesMax - static_cast<std::size_t>(buffer.taken) - buffer.pending.size();
  // Nothing comes behind a gap.
  const std::size_t fits = buffer.left_out > 0 ? 0 : whole_within(clean, room);
  buffer.pending.append(clean, 0, fits);
  buffer.left_out += static_cast<std::int64_t>(clean.size() - fits);
}

StreamChunk StreamBuffers::take(const Run& run, Buffer& buffer) {
  StreamChunk chunk{run.first, run.second, buffer.attempt, buffer.taken, {}, buffer.left_out, false};
  const std::size_t n = whole_within(buffer.pending, kStreamChunkBytesMax);
  chunk.text = buffer.pending.substr(0, n);
  buffer.pending.erase(0, n);
  buffer.taken += static_cast<std::int64_t>(n);
  return chunk;
}

std::vector<StreamChunk> StreamBuffers::due(Micros now) {
  std::vector<StreamChunk> out;
  for (auto& [run, buffer] : runs_) {
    if (buffer.pending.empty() || buffer.due_at > now) continue;
    out.push_back(take(run, buffer));
    buffer.due_at = now + kStreamPause;
  }
  return out;
}

Micros StreamBuffers::next_due() const {
  Micros due = kNever;
  for (const auto& [run, buffer] : runs_)
    if (!buffer.pending.empty()) due = std::min(due, buffer.due_at);
  return due;
}

std::vector<StreamChunk> StreamBuffers::end(StepKey step, std::int64_t epoch) {
  std::vector<StreamChunk> out;
  const auto it = runs_.find({step, epoch});
  if (it == runs_.end()) return out;
  Buffer& buffer = it->second;
  if (!buffer.unfinished.empty() && buffer.left_out == 0) buffer.pending += repair_utf8(buffer.unfinished);
  do out.push_back(take(it->first, buffer));
  while (!buffer.pending.empty());
  out.back().last = true;
  runs_.erase(it);
  return out;
}

}  // namespace wrench::workflow
