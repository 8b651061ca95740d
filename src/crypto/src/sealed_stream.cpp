#include "wrench/crypto/sealed_stream.hpp"

#include <sodium.h>

#include <algorithm>
#include <optional>
#include <utility>

#include "wrench/base/assert.hpp"
#include "wrench/base/text.hpp"

namespace wrench::crypto {
namespace {

static_assert(kSealKeyBytes == crypto_secretstream_xchacha20poly1305_KEYBYTES);
static_assert(kSealHeaderBytes == crypto_secretstream_xchacha20poly1305_HEADERBYTES);
static_assert(kSealOverheadBytes == crypto_secretstream_xchacha20poly1305_ABYTES);

const unsigned char* bytes_of(std::string_view text) { return reinterpret_cast<const unsigned char*>(text.data()); }
unsigned char* bytes_of(std::string& text) { return reinterpret_cast<unsigned char*>(text.data()); }

unsigned char tag_of(SealTag tag) {
  return tag == SealTag::Last ? crypto_secretstream_xchacha20poly1305_TAG_FINAL
                              : crypto_secretstream_xchacha20poly1305_TAG_MESSAGE;
}

void start_library() {
  static const int started = sodium_init();
  WRENCH_ASSERT(started >= 0);
}

Error broken() {
  return Error("crypto.seal_broken", "the key is another one, or the sealed bytes aren't what was sealed");
}

}  // namespace

Result<SealKey> SealKey::parse(std::string_view text) {
  start_library();
  std::optional<std::string> raw = from_hex(trim(text));
  if (!raw || raw->size() != kSealKeyBytes)
    return Error("crypto.invalid_key", "a key is 64 hex digits and nothing else; make one with: openssl rand -hex 32");
  auto bytes = std::make_unique<std::uint8_t[]>(kSealKeyBytes);
  std::copy(raw->begin(), raw->end(), bytes.get());
  sodium_memzero(raw->data(), raw->size());
  return SealKey(std::move(bytes));
}

SealKey::SealKey(SealKey&& other) noexcept = default;
SealKey& SealKey::operator=(SealKey&& other) noexcept {
  std::swap(bytes_, other.bytes_);
  return *this;
}
SealKey::~SealKey() {
  if (bytes_) sodium_memzero(bytes_.get(), kSealKeyBytes);
}

struct StreamSealer::State {
  crypto_secretstream_xchacha20poly1305_state stream;
  ~State() { sodium_memzero(&stream, sizeof stream); }
};

StreamSealer::StreamSealer(const SealKey& key) : state_(std::make_unique<State>()) {
  start_library();
  header_.resize(kSealHeaderBytes);
  WRENCH_ASSERT(crypto_secretstream_xchacha20poly1305_init_push(&state_->stream, bytes_of(header_), key.bytes()) == 0);
}
StreamSealer::StreamSealer(StreamSealer&&) noexcept = default;
StreamSealer& StreamSealer::operator=(StreamSealer&&) noexcept = default;
StreamSealer::~StreamSealer() = default;

std::string StreamSealer::seal(std::string_view message, SealTag tag, std::string_view also) {
  std::string sealed(message.size() + kSealOverheadBytes, '\0');
  WRENCH_ASSERT(crypto_secretstream_xchacha20poly1305_push(&state_->stream, bytes_of(sealed), nullptr,
                                                           bytes_of(message), message.size(), bytes_of(also),
                                                           also.size(), tag_of(tag)) == 0);
  return sealed;
}

struct StreamOpener::State {
  crypto_secretstream_xchacha20poly1305_state stream;
  ~State() { sodium_memzero(&stream, sizeof stream); }
};

StreamOpener::StreamOpener(std::unique_ptr<State> state) : state_(std::move(state)) {}
StreamOpener::StreamOpener(StreamOpener&&) noexcept = default;
StreamOpener& StreamOpener::operator=(StreamOpener&&) noexcept = default;
StreamOpener::~StreamOpener() = default;

Result<StreamOpener> StreamOpener::open(const SealKey& key, std::string_view header) {
  start_library();
  auto state = std::make_unique<State>();
  if (header.size() != kSealHeaderBytes ||
      crypto_secretstream_xchacha20poly1305_init_pull(&state->stream, bytes_of(header), key.bytes()) != 0)
    return broken();
  return StreamOpener(std::move(state));
}

Result<std::string> StreamOpener::message(std::string_view sealed, SealTag tag, std::string_view also) {
  if (sealed.size() < kSealOverheadBytes) return broken();
  std::string message(sealed.size() - kSealOverheadBytes, '\0');
  unsigned char found = 0;
  if (crypto_secretstream_xchacha20poly1305_pull(&state_->stream, bytes_of(message), nullptr, &found, bytes_of(sealed),
                                                 sealed.size(), bytes_of(also), also.size()) != 0 ||
      found != tag_of(tag))
    return broken();
  return message;
}

}  // namespace wrench::crypto
