#pragma once

#include <memory>
#include <string_view>

#include "wrench/base/result.hpp"
#include "wrench/base/stop.hpp"
#include "wrench/code/ir.hpp"

namespace wrench::code {

struct ParseLimits {
  std::uint32_t nodes_max = 5'000'000;
  std::uint32_t nesting_max = 2'000;
};

/// Parses and lowers one text. Holds tree-sitter parsers, one per language, and reuses them: one Parser per thread.
class Parser {
 public:
  Parser();
  ~Parser();
  Parser(Parser&&) noexcept;
  Parser& operator=(Parser&&) noexcept;

  /// Never fails on syntax: errors are nodes. Error codes code.file_timeout, code.nesting_too_deep, code.nodes_max,
  /// code.text_too_large, code.unsupported_language, code.stopped. A JavaScript text with errors is tried as TSX, a C
  /// or C++ one with its attribute macros blanked out; the better tree is kept (Ir::language stays as asked).
  Result<Ir> parse(source::Language language, std::string_view text, Atoms& atoms, const ParseLimits& limits,
                   CpuBudget budget, const StopToken& stop);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

bool can_parse(source::Language language);

/// Whether it configures, marks up or queries: JSON, YAML, TOML, HCL, HTML, CSS, SQL, Dockerfile. Rules read such
/// files; metrics, clones and what links files don't.
bool is_config(source::Language language);

}  // namespace wrench::code
