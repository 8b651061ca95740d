#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "log_parser.hpp"
#include "wrench/base/assert.hpp"

namespace {

std::vector<std::string> parse(std::string_view bytes, std::size_t step) {
  std::vector<std::string> seen;
  wrench::history::LogParser parser([&](wrench::history::LoggedCommit&& commit) -> wrench::Result<void> {
    seen.push_back(commit.id + std::to_string(commit.changes.size()));
    return {};
  });
  bool ok = true;
  for (std::size_t at = 0; ok && at < bytes.size(); at += step) ok = parser.feed(bytes.substr(at, step)).ok();
  if (!ok || !parser.finish(wrench::history::LogParser::Cut::Refused).ok()) seen.emplace_back("refused");
  return seen;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  // Where the stream was cut into pieces must not matter.
  WRENCH_ASSERT(parse(bytes, size + 1) == parse(bytes, 7));
  wrench::history::NumstatParser counts([](std::string_view) { return wrench::Result<void>(); },
                                        [](std::string_view, wrench::history::LineCount) {});
  static_cast<void>(counts.feed(bytes));
  return 0;
}
