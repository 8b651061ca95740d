#include "wrench/crypto/git_object_id.hpp"

#include <openssl/evp.h>

#include <array>
#include <memory>

#include "wrench/base/assert.hpp"
#include "wrench/base/text.hpp"

namespace wrench::crypto {

std::string git_blob_id(std::string_view bytes, GitHash hash) {
  static const EVP_MD* const kSha1 = EVP_MD_fetch(nullptr, "SHA1", nullptr);
  static const EVP_MD* const kSha256 = EVP_MD_fetch(nullptr, "SHA256", nullptr);
  const EVP_MD* const algorithm = hash == GitHash::Sha1 ? kSha1 : kSha256;
  const std::unique_ptr<EVP_MD_CTX, void (*)(EVP_MD_CTX*)> context(EVP_MD_CTX_new(), EVP_MD_CTX_free);
  WRENCH_ASSERT(context != nullptr && algorithm != nullptr &&
                EVP_DigestInit_ex2(context.get(), algorithm, nullptr) == 1);
  const std::string head = "blob " + std::to_string(bytes.size());
  WRENCH_ASSERT(EVP_DigestUpdate(context.get(), head.c_str(), head.size() + 1) == 1);  // With its NUL.
  WRENCH_ASSERT(EVP_DigestUpdate(context.get(), bytes.data(), bytes.size()) == 1);
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned int digest_bytes = 0;
  WRENCH_ASSERT(EVP_DigestFinal_ex(context.get(), digest.data(), &digest_bytes) == 1);
  return wrench::to_hex(std::string_view(reinterpret_cast<const char*>(digest.data()), digest_bytes));
}

}  // namespace wrench::crypto
