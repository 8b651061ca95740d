#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "wrench/code/clones.hpp"
#include "wrench/code/ir.hpp"
#include "wrench/code/metrics.hpp"
#include "wrench/findings/finding.hpp"
#include "wrench/source/source_text.hpp"

namespace wrench::code {

/// One imported module, with what resolving it needs.
struct ImportFact {
  std::string module;  ///< As written.
  ImportSub sub = ImportSub::Module;
  std::vector<std::string> names;  ///< Imported names, "*" for all.
  bool type_only = false;          ///< Needed by types only: no edge at run time.
  bool lazy = false;               ///< Inside a function: loaded when that runs.
  findings::Location where;
};

/// Something that looks unused in its own file; linking drops it when another file uses the name.
struct UnusedCandidate {
  std::uint64_t name = 0;    ///< word_hash() of the name.
  std::uint64_t member = 0;  ///< word_hash("<module's last part>.<name>"): how others would reach an imported name.
  bool import = false;
  findings::Finding finding;
};

/// Text that a string literal is put into, for rules about secrets.
struct LiteralFact {
  Span span;
  std::string assigned_name;    ///< Variable, field, key, parameter or keyword it is given to.
  std::string called_function;  ///< Function it is an argument of.
};

/// What linking needs of one file, without pointers into its tree or text.
struct FileFacts {
  std::string path, project_path, content_id;
  source::Language language = source::Language::Unknown;
  bool has_errors = false;
  std::vector<ImportFact> imports;
  std::vector<std::uint64_t> words;    ///< Hashes of all names used, and of the words of short strings; sorted.
  std::vector<std::uint64_t> members;  ///< Hashes of "object.attribute"; sorted.
  std::vector<UnusedCandidate> unused;
  std::vector<LiteralFact> literals;
  CloneTokens clone_tokens;
};

std::uint64_t word_hash(std::string_view text);

FileFacts extract_facts(const Ir& ir, const Atoms& atoms, const source::SourceText& text);

}  // namespace wrench::code
