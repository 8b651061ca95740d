#include "recommendations.hpp"

namespace wrench::agents {

namespace {

constexpr Recommendation kTable[] = {
    {"CWE-20", "A03:2021", "Validate input at the border: type, length, range, then use the validated value only."},
    {"CWE-22", "A01:2021", "Resolve the path and check that it lies below the allowed folder before opening it."},
    {"CWE-78", "A03:2021", "Start programs with an argument list, never through a shell."},
    {"CWE-79", "A03:2021", "Let the template engine escape; mark text as safe only when you made all of it."},
    {"CWE-88", "A03:2021",
     "Put '--' before arguments that come from outside, and check that they don't begin with '-'."},
    {"CWE-89", "A03:2021", "Bind values as parameters; build identifiers from an allow list."},
    {"CWE-90", "A03:2021", "Escape values for LDAP filters with the library's function."},
    {"CWE-94", "A03:2021", "Don't evaluate text as code; parse data with a data parser."},
    {"CWE-95", "A03:2021", "Don't evaluate text as code; parse data with a data parser."},
    {"CWE-119", "A03:2021", "Pass the size of each buffer along and check it before writing."},
    {"CWE-120", "A03:2021", "Use functions that take the size of the target, and check for truncation."},
    {"CWE-134", "A03:2021", "Make the format string a literal; pass text from outside as an argument."},
    {"CWE-190", "A03:2021", "Check for overflow before the arithmetic that sizes memory."},
    {"CWE-200", "A01:2021", "Return only what the caller may see; log details on the server."},
    {"CWE-209", "A05:2021", "Answer with a general error; keep the stack trace in the log."},
    {"CWE-242", "A06:2021", "Replace the function by one that can be used safely."},
    {"CWE-250", "A04:2021", "Drop privileges before handling input."},
    {"CWE-259", "A07:2021", "Read passwords from a secret store at start, and rotate the one that leaked."},
    {"CWE-295", "A07:2021",
     "Verify certificates; add a private authority to the trust store instead of switching checks off."},
    {"CWE-311", "A02:2021", "Encrypt in transit and at rest."},
    {"CWE-319", "A02:2021", "Use TLS."},
    {"CWE-321", "A02:2021", "Load keys from a secret store, and rotate the one that leaked."},
    {"CWE-326", "A02:2021", "Use current key sizes: RSA 3072, EC 256, AES 128 or more."},
    {"CWE-327", "A02:2021", "Use current algorithms: AES-GCM or ChaCha20-Poly1305, SHA-256 or better."},
    {"CWE-328", "A02:2021", "Hash passwords with Argon2id; use SHA-256 or better elsewhere."},
    {"CWE-330", "A02:2021", "Draw tokens and keys from the system's cryptographic generator."},
    {"CWE-338", "A02:2021", "Draw tokens and keys from the system's cryptographic generator."},
    {"CWE-345", "A08:2021", "Verify the signature before using what it covers."},
    {"CWE-347", "A08:2021", "Verify the signature and pin the accepted algorithms."},
    {"CWE-352", "A01:2021", "Keep CSRF protection on, and set SameSite on session cookies."},
    {"CWE-377", "A01:2021", "Create temporary files with mkstemp or the library's equivalent."},
    {"CWE-400", "A05:2021", "Bound size, depth, time and number before the work begins."},
    {"CWE-415", "A03:2021", "Give every allocation one owner; set pointers to null after free."},
    {"CWE-416", "A03:2021", "Give every allocation one owner; set pointers to null after free."},
    {"CWE-476", "A03:2021", "Check for null where the value enters."},
    {"CWE-489", "A05:2021", "Switch debug modes off in what is deployed."},
    {"CWE-502", "A08:2021", "Use a data format without code (JSON), or check a signature before loading."},
    {"CWE-522", "A04:2021", "Store credentials hashed or in a secret store."},
    {"CWE-532", "A09:2021", "Keep secrets and personal data out of logs."},
    {"CWE-601", "A01:2021", "Redirect only to paths of this site or to hosts of an allow list."},
    {"CWE-605", "A05:2021", "Bind to the interface that needs it, not to all."},
    {"CWE-611", "A05:2021", "Switch DTDs and external entities off in the XML parser."},
    {"CWE-614", "A05:2021", "Set Secure, HttpOnly and SameSite on cookies."},
    {"CWE-643", "A03:2021", "Bind variables in XPath instead of joining text."},
    {"CWE-676", "A06:2021", "Replace the function by one that can be used safely."},
    {"CWE-693", "A05:2021", "Keep the protection on, and make an exception for the one case that needs it."},
    {"CWE-703", "A04:2021", "Handle the error, or let it end the operation visibly."},
    {"CWE-732", "A01:2021", "Give files the least permission that works, e.g. 0600 or 0640."},
    {"CWE-755", "A04:2021", "Handle the error, or let it end the operation visibly."},
    {"CWE-770", "A05:2021", "Bound how much one caller can make you allocate."},
    {"CWE-776", "A05:2021", "Switch entity expansion off in the XML parser."},
    {"CWE-787", "A03:2021", "Check the index or size against the target before writing."},
    {"CWE-798", "A07:2021", "Remove the credential, rotate it, and read it from a secret store."},
    {"CWE-829", "A08:2021", "Pin what is loaded by version and hash."},
    {"CWE-915", "A08:2021", "Copy named members only."},
    {"CWE-918", "A10:2021", "Allow-list hosts, and resolve and check the address before connecting."},
    {"CWE-942", "A05:2021", "Name the origins that may call, never all together with credentials."},
    {"CWE-943", "A03:2021", "Build queries from typed values, not from joined text."},
    {"CWE-1004", "A05:2021", "Set Secure, HttpOnly and SameSite on cookies."},
    {"CWE-1321", "A08:2021", "Refuse __proto__, constructor and prototype as keys, or use a Map."},
    {"CWE-1333", "A05:2021", "Rewrite the expression without nested repetition, or bound the input's length."},
};

}  // namespace

const Recommendation* recommendation_for(std::string_view cwe) {
  for (const auto& row : kTable)
    if (row.cwe == cwe) return &row;
  return nullptr;
}

}  // namespace wrench::agents
