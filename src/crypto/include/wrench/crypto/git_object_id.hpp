#pragma once

#include <string>
#include <string_view>

namespace wrench::crypto {

/// How a repository names its objects.
enum class GitHash { Sha1, Sha256 };

/// The id that git gives a blob with these bytes: the digest of "blob <size>", NUL and the bytes; lower-case hex. It
/// tells contents apart that git has checked; it proves nothing about others, as SHA-1 is broken.
std::string git_blob_id(std::string_view bytes, GitHash hash);

}  // namespace wrench::crypto
