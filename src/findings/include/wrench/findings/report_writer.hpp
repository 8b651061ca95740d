#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "wrench/findings/finding.hpp"
#include "wrench/findings/source_lookup.hpp"

namespace wrench::findings {

enum class Format : std::uint8_t { Text, Json, Sarif, SemgrepJson, Junit, Markdown, Html };
std::string_view name(Format format);  ///< "text", "json", "sarif", "semgrep-json", "junit", "markdown", "html".
std::optional<Format> parse_format(std::string_view text);
/// For "one of ..." messages, in the order of the enum.
const std::vector<std::string_view>& format_names();

/// Where a report goes. The caller decides about files, renames and broken pipes.
class ByteSink {
 public:
  virtual ~ByteSink() = default;
  virtual Result<void> write(std::string_view bytes) = 0;
};

class StringSink final : public ByteSink {
 public:
  Result<void> write(std::string_view bytes) override {
    text += bytes;
    return {};
  }
  std::string text;
};

struct ReportStyle {
  bool color = false;                                ///< Text: the 16 ANSI colours.
  bool ascii = false;                                ///< Text: no characters above 0x7E of our own.
  std::size_t width = 100;                           ///< Text: columns of the terminal.
  bool pretty = true;                                ///< JSON formats.
  std::optional<Severity> fail_on = Severity::High;  ///< JUnit: failures are at or above; none: only skipped cases.
};

/// Writes the report in one format. Secrets are masked, repository text is inert in the format, and what comes out is
/// valid UTF-8. Fails only if the sink does.
Result<void> write_report(Format format, const Report& report, const SourceLookup& sources, ByteSink& sink,
                          const ReportStyle& style = {});

}  // namespace wrench::findings
