#include "agent_suites.hpp"

#include <algorithm>

#include "wrench/base/text.hpp"
#include "wrench/runtime/atomic_file.hpp"
#include "wrench/runtime/rooted_dir.hpp"

namespace wrench::app {
namespace {

using agents::TestSuite;

constexpr std::string_view kEndings[] = {".yaml", ".yml"};
/// Read of one file; the parser, which can say where, refuses more than kSuiteBytesMax.
constexpr std::size_t kReadBytesMax = 16 * agents::kSuiteBytesMax;

bool is_suite_file(std::string_view name) {
  return std::ranges::any_of(kEndings, [&](std::string_view ending) { return name.ends_with(ending); });
}

std::string_view without_ending(std::string_view name) { return name.substr(0, name.rfind('.')); }

Result<TestSuite> builtin_suite(const EmbeddedFile& file, const agents::Registry& registry) {
  return parse_test_suite(file.bytes, "agent-tests/" + std::string(file.path), "", registry);
}

Result<TestSuite> suite_file(const std::string& path, const agents::Registry& registry) {
  const auto slash = path.rfind('/');
  const std::string folder = slash == std::string::npos ? "." : path.substr(0, std::max<std::size_t>(slash, 1));
  const auto text = WRENCH_TRY(runtime::read_file(path, kReadBytesMax));
  return parse_test_suite(text, path, folder, registry);
}

Result<void> add_path(const std::string& path, const agents::Registry& registry, std::vector<TestSuite>& out) {
  const auto folder = runtime::RootedDir::open(path);
  if (!folder) {
    auto suite = suite_file(path, registry);
    if (!suite) return std::move(suite).error();
    out.push_back(std::move(*suite));
    return {};
  }
  const auto before = out.size();
  for (const auto& entry : WRENCH_TRY(folder->list("")))
    if (entry.kind == runtime::FileKind::Regular && is_suite_file(entry.name)) {
      const std::string inside = path.ends_with('/') ? path + entry.name : path + "/" + entry.name;
      out.push_back(WRENCH_TRY(suite_file(inside, registry)));
    }
  if (out.size() == before)
    return Error("agent.no_such_suite", "there is no *.yaml in " + escape_for_display(path))
        .with_help("wrench help agent test");
  return {};
}

}  // namespace

Result<std::vector<TestSuite>> find_agent_suites(const std::vector<std::string>& words,
                                                 const agents::Registry& registry) {
  std::vector<TestSuite> out;
  if (words.empty())
    for (const EmbeddedFile& file : embedded_agent_tests()) out.push_back(WRENCH_TRY(builtin_suite(file, registry)));
  for (const auto& word : words) {
    const auto files = embedded_agent_tests();
    const auto found =
        std::ranges::find_if(files, [&](const EmbeddedFile& f) { return without_ending(f.path) == word; });
    if (found != files.end()) {
      out.push_back(WRENCH_TRY(builtin_suite(*found, registry)));
      continue;
    }
    auto added = add_path(word, registry, out);
    if (added) continue;
    const bool is_name = word.find_first_of("./") == std::string::npos;
    if (!is_name || added.error().code != "io.not_found") return added.error();
    std::vector<std::string_view> known;
    for (const EmbeddedFile& file : files) known.push_back(without_ending(file.path));
    const auto near = nearest(word, known);
    return Error("agent.no_such_suite", "no agent with tests and no file '" + escape_for_display(word) + "'")
        .with_help(near.empty() ? "wrench agent list" : "wrench agent test " + std::string(near));
  }
  return out;
}

}  // namespace wrench::app
