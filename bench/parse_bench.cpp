// Parses every Python file below a folder with tree-sitter and does nothing else: what no scan of the same files can
// beat.
//
//   wrench_parse_bench TREE

#include <tree_sitter/api.h>

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

extern "C" const TSLanguage* tree_sitter_python(void);

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fputs("usage: wrench_parse_bench TREE\n", stderr);
    return 2;
  }
  TSParser* parser = ts_parser_new();
  if (!ts_parser_set_language(parser, tree_sitter_python())) return 3;
  std::size_t files = 0, bytes = 0;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(argv[1])) {
    if (!entry.is_regular_file() || entry.is_symlink() || entry.path().extension() != ".py") continue;
    std::ifstream in(entry.path(), std::ios::binary);
    const std::string text{std::istreambuf_iterator<char>(in), {}};
    TSTree* tree = ts_parser_parse_string(parser, nullptr, text.data(), static_cast<std::uint32_t>(text.size()));
    ts_tree_delete(tree);
    ++files;
    bytes += text.size();
  }
  ts_parser_delete(parser);
  std::printf("%zu files, %zu bytes\n", files, bytes);
}
