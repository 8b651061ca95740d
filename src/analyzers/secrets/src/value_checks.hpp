#pragma once

#include <string_view>

namespace wrench::secrets {

/// Shannon entropy in bits for each byte; 0 for an empty text.
double entropy_bits(std::string_view text);
/// The last six characters are the CRC-32 of those before them in base 62, as GitHub and npm make tokens. `token` is
/// without its prefix.
bool has_base62_crc32(std::string_view token);
/// What has_base62_crc32 expects behind `body`: six digits.
void append_base62_crc32(std::string_view body, char (&digits)[6]);
/// Three parts, of which the first is a JSON object with "alg".
bool is_jwt(std::string_view text);
/// A private key block with a body: more than 64 characters of base64 between the lines.
bool is_pem_key(std::string_view text);

/// Stand-ins: "changeme", "<your token>", "${TOKEN}", "xxxxxxxx", "0123456789abcdef", …
bool is_placeholder(std::string_view value);
/// Words people use in examples, inside a longer value. Only for values without a form of their own.
bool has_example_word(std::string_view value);
/// Looks made by people for people: words, identifiers, paths, URLs, dates, versions. Not random.
bool is_readable(std::string_view value);
/// A name that says that its value is a hash or an id: "sha256", "integrity", "commit", "etag".
bool names_a_hash(std::string_view name);
/// Lock files and the like: lists of hashes.
bool is_hash_list(std::string_view path);

}  // namespace wrench::secrets
