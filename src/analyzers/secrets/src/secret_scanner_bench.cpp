#include <benchmark/benchmark.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "rules_state.hpp"
#include "wrench/secrets/secret_scanner.hpp"

namespace {

// Files of WRENCH_BENCH_TREE (default /usr/include), in memory, at most 64 MiB.
const std::vector<wrench::source::SourceText>& corpus() {
  static const auto texts = [] {
    const char* tree = std::getenv("WRENCH_BENCH_TREE");
    std::vector<wrench::source::SourceText> out;
    std::size_t bytes = 0;
    std::error_code ignored;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(
             tree != nullptr ? tree : "/usr/include", std::filesystem::directory_options::skip_permission_denied,
             ignored)) {
      if (!entry.is_regular_file(ignored) || bytes > (std::size_t{64} << 20)) continue;
      std::ifstream file(entry.path(), std::ios::binary);
      std::string text{std::istreambuf_iterator<char>(file), {}};
      if (text.substr(0, 8192).find('\0') != std::string::npos) continue;
      bytes += text.size();
      out.push_back(wrench::source::make_source_text(entry.path(), entry.path(), std::move(text)));
    }
    return out;
  }();
  return texts;
}

std::int64_t total_bytes() {
  std::int64_t bytes = 0;
  for (const auto& text : corpus()) bytes += static_cast<std::int64_t>(text.text.size());
  return bytes;
}

void secrets_all_filters(benchmark::State& state) {
  wrench::secrets::SecretScanner scanner(wrench::secrets::SecretRules::builtin());
  std::size_t findings = 0;
  corpus();  // Read before the clock starts.
  for (auto _ : state)
    for (const auto& text : corpus()) findings += scanner.scan(text).findings.size();
  state.SetBytesProcessed(static_cast<std::int64_t>(state.iterations()) * total_bytes());
  state.counters["findings"] = static_cast<double>(findings) / static_cast<double>(state.iterations());
}
BENCHMARK(secrets_all_filters)->Unit(benchmark::kMillisecond);

// The same patterns, Hyperscan alone: the limit that the filters are measured against.
void raw_pattern_pass(benchmark::State& state) {
  const auto rules = wrench::secrets::SecretRules::builtin();
  std::vector<wrench::source::PatternSpec> specs;
  for (const auto& rule : rules.rules()) specs.push_back({.pattern = rule.find.empty() ? rule.regex : rule.find});
  const auto set = wrench::source::PatternSet::compile(specs).value();
  wrench::source::PatternSet::Scratch scratch;
  std::uint64_t hits = 0;
  corpus();
  for (auto _ : state)
    for (const auto& text : corpus())
      set.scan(text.text, scratch, [&](std::uint32_t, std::uint64_t) {
        ++hits;
        return true;
      });
  state.SetBytesProcessed(static_cast<std::int64_t>(state.iterations()) * total_bytes());
  state.counters["hits"] = static_cast<double>(hits) / static_cast<double>(state.iterations());
}
BENCHMARK(raw_pattern_pass)->Unit(benchmark::kMillisecond);

void compile_rules(benchmark::State& state) {
  for (auto _ : state) {
    std::vector<wrench::secrets::RuleText> files;
    for (const auto& file : wrench::secrets::builtin_rule_files())
      files.push_back({std::string(file.path), file.bytes});
    std::vector<wrench::Error> errors;
    benchmark::DoNotOptimize(wrench::secrets::SecretRules::load(files, errors));
  }
}
BENCHMARK(compile_rules)->Unit(benchmark::kMillisecond);

}  // namespace
