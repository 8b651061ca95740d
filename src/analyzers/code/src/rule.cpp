#include "wrench/code/rule.hpp"

#include <fmt/format.h>

#include <iterator>

#include "rule_formula.hpp"
#include "rule_reader.hpp"
#include "rule_record.hpp"
#include "wrench/base/version.hpp"
#include "wrench/codec/yaml.hpp"
#include "wrench/crypto/sha256.hpp"

namespace wrench::code {

std::span<const EmbeddedFile> embedded_rule_files();

RuleSet::RuleSet(std::unique_ptr<State> state) : state_(std::move(state)) {}
RuleSet::RuleSet(RuleSet&&) noexcept = default;
RuleSet& RuleSet::operator=(RuleSet&&) noexcept = default;
RuleSet::~RuleSet() = default;

std::string RuleSet::key(std::span<const RuleSource> sources, PassOver pass_over) {
  // The same rules may be compiled otherwise by any other build.
  if (build_id().empty()) return {};
  std::string text = std::string(version()) + "\n" + build_id() + (pass_over == PassOver::Yes ? "\nfolder" : "\nfiles");
  for (const RuleSource& source : sources) text += "\n" + crypto::sha256_hex(source.text) + source.path;
  return crypto::sha256_hex(text);
}

RuleSet RuleSet::load(std::span<const RuleSource> sources, LoadReport& report, PassOver pass_over,
                      CompiledRules& compiled) {
  if (compiled.key.empty()) return load(sources, report, pass_over);
  if (auto state = rules_from_record(compiled.bytes, compiled.key, report)) return RuleSet(std::move(*state));
  LoadReport own;
  RuleSet rules = load(sources, own, pass_over);
  compiled.bytes = rules_to_record(*rules.state_, own, compiled.key);
  compiled.is_new = true;
  report.files += own.files;
  report.rules += own.rules;
  const auto append = [](auto& to, auto& from) {
    to.insert(to.end(), std::make_move_iterator(from.begin()), std::make_move_iterator(from.end()));
  };
  append(report.errors, own.errors);
  append(report.refused, own.refused);
  append(report.warnings, own.warnings);
  return rules;
}

RuleSet RuleSet::load(std::span<const RuleSource> sources, LoadReport& report, PassOver pass_over) {
  auto state = std::make_unique<State>();
  RuleReader reader(*state, report);
  std::string identity;
  for (const RuleSource& source : sources) {
    codec::YamlLimits limits;
    limits.bytes_max = kRuleFileBytesMax;
    auto root = codec::parse_yaml(source.text, limits);
    if (!root) {
      Error error("rules.invalid_yaml", root.error().message);
      const ErrorPlace place = root.error().place;
      report.errors.push_back(std::move(error).at(source.path, place.line, place.column));
      continue;
    }
    reader.read_file(source, *root, pass_over);
    identity += crypto::sha256_hex(source.text);
    identity += '\n';
  }
  state->sha256 = crypto::sha256_hex(identity);
  return RuleSet(std::move(state));
}

std::size_t RuleSet::size() const { return state_->rules.size(); }
const RuleInfo& RuleSet::info(std::size_t rule) const { return state_->rules[rule]->info; }
const std::string& RuleSet::sha256() const { return state_->sha256; }

bool RuleSet::has_rules_for(source::Language language) const {
  for (const auto& rule : state_->rules) {
    if (rule->any_text) return true;
    for (const source::Language own : rule->languages)
      if (own == language) return true;
  }
  return false;
}

std::vector<RuleSource> builtin_rules() {
  std::vector<RuleSource> out;
  for (const EmbeddedFile& file : embedded_rule_files()) out.push_back({"rules/" + std::string(file.path), file.bytes});
  return out;
}

bool glob_matches(std::string_view glob, std::string_view path) {
  // Iterative with one way back per star; `**` may also cross slashes, so it keeps its own.
  std::size_t g = 0, p = 0;
  std::size_t star = std::string_view::npos, star_path = 0, deep = std::string_view::npos, deep_path = 0;
  while (p < path.size() || g < glob.size()) {
    if (g < glob.size() && glob.substr(g).starts_with("**")) {
      g += 2;
      if (g < glob.size() && glob[g] == '/') ++g;
      deep = g;
      deep_path = p;
      star = std::string_view::npos;
      continue;
    }
    if (g < glob.size() && glob[g] == '*') {
      star = ++g;
      star_path = p;
      continue;
    }
    if (p < path.size() && g < glob.size() && (glob[g] == path[p] || (glob[g] == '?' && path[p] != '/'))) {
      ++g;
      ++p;
      continue;
    }
    if (star != std::string_view::npos && star_path < path.size() && path[star_path] != '/') {
      p = ++star_path;
      g = star;
      continue;
    }
    if (deep != std::string_view::npos && deep_path < path.size()) {
      p = ++deep_path;
      g = deep;
      star = std::string_view::npos;
      continue;
    }
    return false;
  }
  return true;
}

namespace {

/// As .gitignore: a glob without a slash fits any part of the path, one with a slash from the root; a folder takes all
/// that is in it.
bool path_fits(std::string_view glob, std::string_view path) {
  while (glob.starts_with("./")) glob.remove_prefix(2);
  const bool rooted = glob.starts_with('/');
  if (rooted) glob.remove_prefix(1);
  if (glob.ends_with('/')) glob.remove_suffix(1);
  const std::string text(glob);
  if (glob_matches(text, path) || glob_matches(text + "/**", path)) return true;
  if (rooted) return false;
  return glob_matches("**/" + text, path) || glob_matches("**/" + text + "/**", path);
}

}  // namespace

bool RulePaths::allow(std::string_view path) const {
  for (const std::string& glob : exclude)
    if (path_fits(glob, path)) return false;
  if (include.empty()) return true;
  for (const std::string& glob : include)
    if (path_fits(glob, path)) return true;
  return false;
}

}  // namespace wrench::code
