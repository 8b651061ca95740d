#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "wrench/code/clones.hpp"
#include "wrench/code/ir.hpp"
#include "wrench/code/manifest.hpp"
#include "wrench/code/metrics.hpp"
#include "wrench/findings/finding.hpp"
#include "wrench/source/source_text.hpp"

namespace wrench::code {

/// One imported module, with what resolving it needs.
struct ImportFact {
  std::string module;  ///< As written.
  ImportSub sub = ImportSub::Module;
  std::vector<std::string> names;  ///< Imported names, "*" for all.
  bool type_only = false;          ///< Needed by types or documentation only: no edge at run time.
  bool lazy = false;               ///< Inside a function: loaded when that runs.
  findings::Location where;
};

/// An imported name that its own file doesn't use; linking drops it when another file takes it from there.
struct UnusedImport {
  std::uint64_t name = 0;       ///< word_hash() of the name.
  std::uint64_t member = 0;     ///< word_hash("<module's last part>.<name>"): how others would reach it.
  std::uint32_t statement = 0;  ///< The same for all names of one import statement.
  findings::Finding finding;
};

/// Who can name a definition, by the rules of its language.
enum class DefinitionScope : std::uint8_t {
  File,     ///< Its own file.
  Package,  ///< The files of its package: Go, Java.
  Module,   ///< Whoever imports its file: JavaScript, TypeScript, Go.
  Project,  ///< Any file.
};
enum class DefinitionKind : std::uint8_t { Function, Method, Class, Variable };

/// A definition that its own file doesn't use; linking reports it when nobody else does who could.
struct DefinitionFact {
  std::string name;
  std::string symbol;  ///< Classes and functions around it.
  DefinitionKind kind = DefinitionKind::Function;
  DefinitionScope scope = DefinitionScope::Project;
  bool exported = false;  ///< Meant for others: structure.unused-export.
  findings::Position start, end;
};

/// What linking needs of one file, without pointers into its tree or text.
struct FileFacts {
  std::string path, project_path, content_id;
  source::Language language = source::Language::Unknown;
  bool has_tree = false;  ///< Parsed; else only text_words and the manifest are known.
  bool has_errors = false;
  std::string package;  ///< As a Go or Java file declares it.
  std::vector<ImportFact> imports;
  /// Hashes of the names that the code uses, and of those in strings without blanks: "app.tasks.run"; sorted.
  std::vector<std::uint64_t> words;
  /// Hashes of the words of other short strings, or of a text without a tree; sorted.
  std::vector<std::uint64_t> text_words;
  std::vector<std::uint64_t> members;     ///< Hashes of "object.attribute"; sorted.
  std::vector<std::uint64_t> types;       ///< Java: hashes of the classes declared outside of others; sorted.
  std::vector<std::uint64_t> prototypes;  ///< C, C++: hashes of the functions declared without a body; sorted.
  std::vector<UnusedImport> unused_imports;
  std::vector<DefinitionFact> definitions;
  CloneTokens clone_tokens;
  Manifest manifest;
  std::string taint;  ///< FileResult::taint; what link_taint() reads.
};

std::uint64_t word_hash(std::string_view text);

FileFacts extract_facts(const Ir& ir, const Atoms& atoms, const source::SourceText& text);

/// Of a file without a tree: its words, and what it says when it is a manifest. Templates, schemas, generated code and
/// assembly name what code defines.
FileFacts text_facts(const source::SourceText& text);

}  // namespace wrench::code
