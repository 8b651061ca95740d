#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "wrench/base/result.hpp"

namespace wrench::crypto {

inline constexpr std::size_t kSealKeyBytes = 32;
inline constexpr std::size_t kSealHeaderBytes = 24;
/// What sealing adds to each message.
inline constexpr std::size_t kSealOverheadBytes = 17;

/// A secret key. Its bytes are wiped when it goes.
class SealKey {
 public:
  /// The text of a key file: 64 hex digits, and white space around them. Errors: crypto.invalid_key.
  static Result<SealKey> parse(std::string_view text);
  SealKey(SealKey&& other) noexcept;
  SealKey& operator=(SealKey&& other) noexcept;
  ~SealKey();
  const std::uint8_t* bytes() const { return bytes_.get(); }

 private:
  explicit SealKey(std::unique_ptr<std::uint8_t[]> bytes) : bytes_(std::move(bytes)) {}
  std::unique_ptr<std::uint8_t[]> bytes_;
};

enum class SealTag : std::uint8_t {
  Message,
  Last,  ///< Nothing may follow: a stream that was cut has none.
};

/// Seals a sequence of messages: nobody without the key can read, change, reorder, repeat or cut them off unnoticed
/// (XChaCha20-Poly1305, libsodium's secretstream, doc.libsodium.org/secret-key_cryptography/secretstream). One thread.
class StreamSealer {
 public:
  explicit StreamSealer(const SealKey& key);
  StreamSealer(StreamSealer&&) noexcept;
  StreamSealer& operator=(StreamSealer&&) noexcept;
  ~StreamSealer();
  /// kSealHeaderBytes that the opener needs; not secret.
  const std::string& header() const { return header_; }
  /// `also`: text that isn't sealed, but must be given again to open the message.
  std::string seal(std::string_view message, SealTag tag, std::string_view also = {});

 private:
  struct State;
  std::unique_ptr<State> state_;
  std::string header_;
};

/// Opens what a StreamSealer sealed, message by message in their order. One thread.
class StreamOpener {
 public:
  /// Errors: crypto.seal_broken when the header has another length.
  static Result<StreamOpener> open(const SealKey& key, std::string_view header);
  StreamOpener(StreamOpener&&) noexcept;
  StreamOpener& operator=(StreamOpener&&) noexcept;
  ~StreamOpener();
  /// Errors: crypto.seal_broken: another key, or the bytes aren't what was sealed.
  Result<std::string> message(std::string_view sealed, SealTag tag, std::string_view also = {});

 private:
  struct State;
  explicit StreamOpener(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace wrench::crypto
