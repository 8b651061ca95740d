#include "wrench/code/lower.hpp"

#include <tree_sitter/api.h>

#include <array>
#include <cstdlib>
#include <limits>

#include "lower_config.hpp"
#include "lower_dockerfile.hpp"
#include "lower_engine.hpp"
#include "lower_macros.hpp"
#include "lower_yaml.hpp"

extern "C" {
const TSLanguage* tree_sitter_python(void);
const TSLanguage* tree_sitter_javascript(void);
const TSLanguage* tree_sitter_typescript(void);
const TSLanguage* tree_sitter_tsx(void);
const TSLanguage* tree_sitter_java(void);
const TSLanguage* tree_sitter_go(void);
const TSLanguage* tree_sitter_c(void);
const TSLanguage* tree_sitter_cpp(void);
const TSLanguage* tree_sitter_json(void);
const TSLanguage* tree_sitter_toml(void);
const TSLanguage* tree_sitter_hcl(void);
const TSLanguage* tree_sitter_html(void);
const TSLanguage* tree_sitter_css(void);
const TSLanguage* tree_sitter_sql(void);
const TSLanguage* tree_sitter_kotlin(void);
const TSLanguage* tree_sitter_scala(void);
const TSLanguage* tree_sitter_bash(void);
const TSLanguage* tree_sitter_php(void);
const TSLanguage* tree_sitter_rust(void);
const TSLanguage* tree_sitter_ruby(void);
const TSLanguage* tree_sitter_c_sharp(void);
}

namespace wrench::code {

using detail::Cst;
using detail::Grammar;
using source::Language;

namespace {

constexpr std::size_t kTextBytesMax = std::numeric_limits<std::int32_t>::max();
constexpr std::size_t kLanguages = static_cast<std::size_t>(Language::Text) + 1;

const Grammar* grammar_of(Language language) {
  switch (language) {
    case Language::Python: {
      static const Grammar grammar = detail::make_grammar(tree_sitter_python(), detail::python_rows());
      return &grammar;
    }
    case Language::JavaScript: {
      static const Grammar grammar = detail::make_grammar(tree_sitter_javascript(), detail::javascript_rows());
      return &grammar;
    }
    case Language::TypeScript: {
      static const Grammar grammar = detail::make_grammar(tree_sitter_typescript(), detail::javascript_rows());
      return &grammar;
    }
    case Language::Tsx: {
      static const Grammar grammar = detail::make_grammar(tree_sitter_tsx(), detail::javascript_rows());
      return &grammar;
    }
    case Language::Java: {
      static const Grammar grammar = detail::make_grammar(tree_sitter_java(), detail::java_rows());
      return &grammar;
    }
    case Language::Go: {
      static const Grammar grammar = detail::make_grammar(tree_sitter_go(), detail::go_rows());
      return &grammar;
    }
    case Language::C: {
      static const Grammar grammar = detail::make_grammar(tree_sitter_c(), detail::c_rows());
      return &grammar;
    }
    case Language::Cpp: {
      static const Grammar grammar = detail::make_grammar(tree_sitter_cpp(), detail::c_rows());
      return &grammar;
    }
    case Language::Json: {
      static const Grammar grammar = detail::make_grammar(tree_sitter_json(), detail::json_rows());
      return &grammar;
    }
    case Language::Toml: {
      static const Grammar grammar = detail::make_grammar(tree_sitter_toml(), detail::toml_rows());
      return &grammar;
    }
    case Language::Hcl: {
      static const Grammar grammar = detail::make_grammar(tree_sitter_hcl(), detail::hcl_rows());
      return &grammar;
    }
    case Language::Html: {
      static const Grammar grammar = detail::make_grammar(tree_sitter_html(), detail::html_rows());
      return &grammar;
    }
    case Language::Css: {
      static const Grammar grammar = detail::make_grammar(tree_sitter_css(), detail::css_rows());
      return &grammar;
    }
    case Language::Sql: {
      static const Grammar grammar = detail::make_grammar(tree_sitter_sql(), detail::sql_rows_for(tree_sitter_sql()));
      return &grammar;
    }
    case Language::CSharp: {
      static const Grammar grammar = detail::make_grammar(tree_sitter_c_sharp(), detail::csharp_rows());
      return &grammar;
    }
    case Language::Ruby: {
      static const Grammar grammar = detail::make_grammar(tree_sitter_ruby(), detail::ruby_rows());
      return &grammar;
    }
    case Language::Rust: {
      static const Grammar grammar = detail::make_grammar(tree_sitter_rust(), detail::rust_rows());
      return &grammar;
    }
    case Language::Kotlin: {
      static const Grammar grammar = detail::make_grammar(tree_sitter_kotlin(), detail::kotlin_rows());
      return &grammar;
    }
    case Language::Scala: {
      static const Grammar grammar = detail::make_grammar(tree_sitter_scala(), detail::scala_rows());
      return &grammar;
    }
    case Language::Bash: {
      static const Grammar grammar = detail::make_grammar(tree_sitter_bash(), detail::bash_rows());
      return &grammar;
    }
    case Language::Php: {
      static const Grammar grammar = detail::make_grammar(tree_sitter_php(), detail::php_rows());
      return &grammar;
    }
    default:
      return nullptr;
  }
}

/// Languages that are lowered without a grammar.
bool has_own_reader(Language language) { return language == Language::Yaml || language == Language::Dockerfile; }

struct Input {
  std::string_view text;
};

const char* read_text(void* payload, std::uint32_t byte, TSPoint, std::uint32_t* size) {
  const std::string_view text = static_cast<const Input*>(payload)->text;
  *size = byte < text.size() ? static_cast<std::uint32_t>(text.size() - byte) : 0;
  return byte < text.size() ? text.data() + byte : "";
}

struct Progress {
  CpuBudget& budget;
  const StopToken& stop;
};

bool must_cancel(TSParseState* state) {
  auto& progress = *static_cast<Progress*>(state->payload);
  return progress.stop.stop_requested() || progress.budget.spent();
}

/// Copies the tree into `cst` without punctuation, and the comments and the count of errors into `ir`. Trap:
/// ts_node_child(i) is linear, so a cursor.
void flatten(const TSTree* tree, const Grammar& grammar, std::vector<Cst>& cst, Ir& ir) {
  cst.clear();
  std::vector<std::uint32_t> parents;
  TSTreeCursor cursor = ts_tree_cursor_new(ts_tree_root_node(tree));
  bool more = true;
  while (more) {
    const TSNode node = ts_tree_cursor_current_node(&cursor);
    const std::uint32_t first = ts_node_start_byte(node);
    const std::uint32_t end = ts_node_end_byte(node);
    std::uint16_t symbol = ts_node_symbol(node);
    bool descend = false;
    const bool missing = first == end && ts_node_is_missing(node);
    if (missing) symbol = detail::kErrorSymbol;
    if (symbol == detail::kErrorSymbol) {
      ++ir.error_nodes;
      ir.error_bytes += end - first;
      cst.push_back({first, end, 0, symbol, ts_tree_cursor_current_field_id(&cursor)});
      descend = true;
    } else if (const detail::Symbol& info = grammar.symbols[symbol]; info.action == detail::Action::Comment) {
      ir.comments.push_back({first, end});
    } else if (!info.punctuation && info.action != detail::Action::Skip) {
      cst.push_back({first, end, 0, symbol, ts_tree_cursor_current_field_id(&cursor)});
      descend = info.named && info.action != detail::Action::Leaf;
      if (!descend) cst.back().subtree_end = static_cast<std::uint32_t>(cst.size());
    }
    if (descend) {
      const auto index = static_cast<std::uint32_t>(cst.size() - 1);
      if (ts_tree_cursor_goto_first_child(&cursor)) {
        parents.push_back(index);
        continue;
      }
      cst[index].subtree_end = index + 1;
    }
    while (!ts_tree_cursor_goto_next_sibling(&cursor)) {
      if (parents.empty() || !ts_tree_cursor_goto_parent(&cursor)) {
        more = false;
        break;
      }
      cst[parents.back()].subtree_end = static_cast<std::uint32_t>(cst.size());
      parents.pop_back();
    }
  }
  ts_tree_cursor_delete(&cursor);
}

}  // namespace

struct Parser::State {
  std::array<TSParser*, kLanguages> parsers{};
  std::vector<Cst> cst;

  ~State() {
    for (TSParser* parser : parsers)
      if (parser) ts_parser_delete(parser);
  }

  Result<Ir> parse_as(Language grammar_language, Language language, std::string_view text, std::string_view parsed_text,
                      Atoms& atoms, const ParseLimits& limits, Progress& progress) {
    const Grammar& grammar = *grammar_of(grammar_language);
    TSParser*& parser = parsers[static_cast<std::size_t>(grammar_language)];
    if (!parser) {
      parser = ts_parser_new();
      WRENCH_ASSERT(ts_parser_set_language(parser, static_cast<const TSLanguage*>(grammar.ts_language)));
    }
    Input input{parsed_text};
    const TSInput ts_input{&input, read_text, TSInputEncodingUTF8, nullptr};
    const TSParseOptions options{&progress, must_cancel};
    TSTree* tree = ts_parser_parse_with_options(parser, nullptr, ts_input, options);
    if (!tree) {
      // Without the reset the parser would go on with this text when it gets the next one.
      ts_parser_reset(parser);
      if (progress.stop.stop_requested()) return Error("code.stopped", "parsing was stopped");
      return Error("code.file_timeout", "parsing took longer than the time allowed for one file");
    }
    Ir ir;
    ir.language = language;
    flatten(tree, grammar, cst, ir);
    ts_tree_delete(tree);
    ir.nodes.reserve(cst.size());
    detail::Lowering lowering(grammar, cst, text, atoms, ir, {limits.nodes_max, limits.nesting_max});
    if (auto checked = check(lowering.run(), limits); !checked) return std::move(checked).error();
    return ir;
  }

  static Result<Ir> read(Language language, std::string_view text, Atoms& atoms, const ParseLimits& limits,
                         Progress& progress) {
    Ir ir;
    ir.language = language;
    const detail::LowerLimits lower_limits{limits.nodes_max, limits.nesting_max};
    const auto cancelled = [&] { return progress.stop.stop_requested() || progress.budget.spent(); };
    const detail::LowerFault fault =
        language == Language::Yaml ? detail::lower_yaml(text, atoms, ir, lower_limits, [&] { return !cancelled(); })
                                   : detail::lower_dockerfile(text, atoms, ir, lower_limits);
    if (auto checked = check(fault, limits); !checked) return std::move(checked).error();
    if (progress.stop.stop_requested()) return Error("code.stopped", "parsing was stopped");
    if (progress.budget.spent())
      return Error("code.file_timeout", "parsing took longer than the time allowed for one file");
    return ir;
  }

  static Result<void> check(detail::LowerFault fault, const ParseLimits& limits) {
    switch (fault) {
      case detail::LowerFault::NestingTooDeep:
        return Error("code.nesting_too_deep",
                     "the code nests deeper than " + std::to_string(limits.nesting_max) + " levels");
      case detail::LowerFault::NodesMax:
        return Error("code.nodes_max", "the file has more than " + std::to_string(limits.nodes_max) + " syntax nodes");
      case detail::LowerFault::None:
        break;
    }
    return {};
  }
};

Parser::Parser() : state_(std::make_unique<State>()) {}
Parser::~Parser() = default;
Parser::Parser(Parser&&) noexcept = default;
Parser& Parser::operator=(Parser&&) noexcept = default;

Result<Ir> Parser::parse(Language language, std::string_view text, Atoms& atoms, const ParseLimits& limits,
                         CpuBudget budget, const StopToken& stop) {
  if (!can_parse(language))
    return Error("code.unsupported_language", "no grammar for " + std::string(source::display_name(language)));
  if (text.size() > kTextBytesMax) return Error("code.text_too_large", "text of more than 2 GiB");
  Progress progress{budget, stop};
  if (has_own_reader(language)) return State::read(language, text, atoms, limits, progress);
  Ir ir = WRENCH_TRY(state_->parse_as(language, language, text, text, atoms, limits, progress));
  if (ir.error_nodes == 0) return ir;

  // Second tries share the first one's time: a failed one costs nothing but itself.
  if (language == Language::JavaScript) {
    auto typed = state_->parse_as(Language::Tsx, language, text, text, atoms, limits, progress);
    if (typed && typed->error_nodes < ir.error_nodes) return typed;
  } else if (language == Language::Scala) {
    if (const auto blanked = detail::blank_implicit_types(text)) {
      auto second = state_->parse_as(language, language, text, *blanked, atoms, limits, progress);
      if (second && second->error_bytes < ir.error_bytes) return second;
    }
  } else if (language == Language::C || language == Language::Cpp) {
    if (const auto blanked = detail::blank_macros(text)) {
      auto second = state_->parse_as(language, language, text, *blanked, atoms, limits, progress);
      if (second && second->error_bytes <= ir.error_bytes / 2) return second;
    }
  }
  return ir;
}

bool is_config(Language language) {
  switch (language) {
    case Language::Json:
    case Language::Yaml:
    case Language::Toml:
    case Language::Hcl:
    case Language::Html:
    case Language::Css:
    case Language::Sql:
    case Language::Dockerfile:
      return true;
    default:
      return false;
  }
}

bool can_parse(Language language) { return grammar_of(language) != nullptr || has_own_reader(language); }

}  // namespace wrench::code
