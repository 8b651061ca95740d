#include "wrench/source/pattern_set.hpp"

#include <hs/hs.h>

#include <algorithm>
#include <cstdlib>
#include <vector>

#include "wrench/base/assert.hpp"
#include "wrench/crypto/sha256.hpp"

namespace wrench::source {

namespace {

constexpr std::size_t kBlockBytesMax = std::size_t{1} << 31;

constexpr std::size_t kDigestBytes = 32;

std::string_view bytes_of(const crypto::Sha256Digest& digest) {
  return {reinterpret_cast<const char*>(digest.data()), digest.size()};
}

std::string identity_of(std::span<const PatternSpec> patterns) {
  crypto::Sha256 hash;
  hash.update(hs_version());
  for (const auto& pattern : patterns) {
    const char flags[] = {pattern.literal ? '1' : '0', pattern.caseless ? '1' : '0', pattern.once ? '1' : '0', '\0'};
    hash.update(std::string_view(flags, sizeof flags));
    hash.update(std::to_string(pattern.pattern.size()));
    hash.update(pattern.pattern);
  }
  return std::string(bytes_of(hash.finish()));
}

std::string quoted(std::string_view literal) {
  std::string out;
  for (const char c : literal) {
    constexpr char kDigits[] = "0123456789abcdef";
    const auto byte = static_cast<unsigned char>(c);
    const bool plain = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    if (plain) {
      out += c;
    } else {
      out += "\\x";
      out += kDigits[byte >> 4];
      out += kDigits[byte & 15];
    }
  }
  return out;
}

}  // namespace

struct PatternSet::Scratch::State {
  hs_scratch_t* scratch = nullptr;
  const void* owner = nullptr;
  ~State() { hs_free_scratch(scratch); }
};

PatternSet::Scratch::Scratch() : state_(std::make_unique<State>()) {}
PatternSet::Scratch::Scratch(Scratch&&) noexcept = default;
PatternSet::Scratch& PatternSet::Scratch::operator=(Scratch&&) noexcept = default;
PatternSet::Scratch::~Scratch() = default;

struct PatternSet::State {
  hs_database_t* database = nullptr;
  std::size_t size = 0;
  std::string identity;  // Of the patterns and the engine.
  ~State() { hs_free_database(database); }
};

PatternSet::PatternSet(std::unique_ptr<State> state) : state_(std::move(state)) {}
PatternSet::PatternSet(PatternSet&&) noexcept = default;
PatternSet& PatternSet::operator=(PatternSet&&) noexcept = default;
PatternSet::~PatternSet() = default;

Result<PatternSet> PatternSet::compile(std::span<const PatternSpec> patterns) {
  auto state = std::make_unique<State>();
  state->size = patterns.size();
  state->identity = identity_of(patterns);
  if (patterns.empty()) return PatternSet(std::move(state));
  if (hs_valid_platform() != HS_SUCCESS)
    return Error("source.no_engine", "this processor lacks the instructions that Hyperscan needs (SSSE3)");
  std::vector<std::string> texts;
  std::vector<const char*> expressions;
  std::vector<unsigned> flags, ids;
  texts.reserve(patterns.size());
  for (const auto& pattern : patterns) {
    if (pattern.pattern.find('\0') != std::string::npos)
      return Error("source.invalid_regex", "a pattern holds a NUL byte");
    texts.push_back(pattern.literal ? quoted(pattern.pattern) : pattern.pattern);
    // No start of match: with it Hyperscan refuses patterns with unbounded parts.
    unsigned flag = HS_FLAG_MULTILINE;
    if (pattern.caseless) flag |= HS_FLAG_CASELESS;
    if (pattern.once) flag |= HS_FLAG_SINGLEMATCH;
    flags.push_back(flag);
    ids.push_back(static_cast<unsigned>(ids.size()));
  }
  for (const auto& text : texts) expressions.push_back(text.c_str());
  hs_compile_error_t* failure = nullptr;
  const auto status =
      hs_compile_multi(expressions.data(), flags.data(), ids.data(), static_cast<unsigned>(patterns.size()),
                       HS_MODE_BLOCK, nullptr, &state->database, &failure);
  if (status != HS_SUCCESS) {
    std::string message = failure == nullptr ? "unknown error" : failure->message;
    const int index = failure == nullptr ? -1 : failure->expression;
    hs_free_compile_error(failure);
    if (index >= 0)
      message = "pattern " + std::to_string(index) + " '" + patterns[static_cast<std::size_t>(index)].pattern +
                "': " + message;
    return Error("source.invalid_regex", message);
  }
  return PatternSet(std::move(state));
}

// Identity, digest of the database, database.
std::string PatternSet::serialize() const {
  if (state_->database == nullptr) return {};
  char* bytes = nullptr;
  std::size_t length = 0;
  if (hs_serialize_database(state_->database, &bytes, &length) != HS_SUCCESS) return {};
  const std::string_view database(bytes, length);
  std::string out = state_->identity;
  out.append(bytes_of(crypto::sha256(database))).append(database);
  std::free(bytes);  // NOLINT: the engine's default allocator is malloc
  return out;
}

std::optional<PatternSet> PatternSet::load(std::span<const PatternSpec> patterns, std::string_view bytes) {
  if (patterns.empty() || bytes.size() <= 2 * kDigestBytes || hs_valid_platform() != HS_SUCCESS) return std::nullopt;
  auto state = std::make_unique<State>();
  state->size = patterns.size();
  state->identity = identity_of(patterns);
  const std::string_view database = bytes.substr(2 * kDigestBytes);
  if (bytes.substr(0, kDigestBytes) != state->identity ||
      bytes.substr(kDigestBytes, kDigestBytes) != bytes_of(crypto::sha256(database)))
    return std::nullopt;
  if (hs_deserialize_database(database.data(), database.size(), &state->database) != HS_SUCCESS) return std::nullopt;
  return PatternSet(std::move(state));
}

void PatternSet::scan(std::string_view text, Scratch& scratch,
                      const std::function<bool(std::uint32_t, std::uint64_t)>& hit) const {
  if (state_->database == nullptr) return;
  if (scratch.state_->owner != state_->database) {
    WRENCH_ASSERT(hs_alloc_scratch(state_->database, &scratch.state_->scratch) == HS_SUCCESS);
    scratch.state_->owner = state_->database;
  }
  WRENCH_ASSERT(text.size() <= kBlockBytesMax);
  const auto callback = [](unsigned id, unsigned long long, unsigned long long end, unsigned, void* context) -> int {
    return (*static_cast<const std::function<bool(std::uint32_t, std::uint64_t)>*>(context))(id, end) ? 0 : 1;
  };
  auto* context = const_cast<std::function<bool(std::uint32_t, std::uint64_t)>*>(&hit);
  const auto status = hs_scan(state_->database, text.data(), static_cast<unsigned>(text.size()), 0,
                              scratch.state_->scratch, callback, context);
  WRENCH_ASSERT(status == HS_SUCCESS || status == HS_SCAN_TERMINATED);
}

std::size_t PatternSet::size() const { return state_->size; }

}  // namespace wrench::source
