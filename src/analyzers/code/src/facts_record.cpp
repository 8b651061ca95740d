#include "wrench/code/facts_record.hpp"

#include <algorithm>
#include <optional>
#include <utility>

#include "wrench/codec/record.hpp"
#include "wrench/findings/report_record.hpp"

namespace wrench::source {

constexpr Language last_of(Language) { return Language::Text; }

}  // namespace wrench::source

namespace wrench::code {

using codec::RecordOf;

constexpr ImportSub last_of(ImportSub) { return ImportSub::Reexport; }
constexpr DefinitionKind last_of(DefinitionKind) { return DefinitionKind::Variable; }
constexpr DefinitionScope last_of(DefinitionScope) { return DefinitionScope::Project; }
constexpr ManifestKind last_of(ManifestKind) { return ManifestKind::PythonProject; }

namespace {

/// Raised when the order or the meaning of the fields changes: a cache may be older than the program.
constexpr std::uint32_t kVersion = 5;

/// An unused import with its finding in the form that the module findings gives it.
struct UnusedImportRecord {
  std::uint64_t name = 0, member = 0;
  std::uint32_t statement = 0;
  std::string finding;
};
template <class Archive, RecordOf<UnusedImportRecord> U>
void fields(Archive& archive, U& u) {
  archive(u.name, u.member, u.statement, u.finding);
}

void place(auto& archive, auto& where) {
  for (auto* position : {&where.start, &where.end}) archive(position->line, position->col, position->offset);
}

}  // namespace

// Path and content of `where` are the file's.
template <class Archive, RecordOf<ImportFact> I>
void fields(Archive& archive, I& import) {
  archive(import.module, import.sub, import.names, import.type_only, import.lazy);
  place(archive, import.where);
}
template <class Archive, RecordOf<DefinitionFact> D>
void fields(Archive& archive, D& definition) {
  archive(definition.name, definition.symbol, definition.kind, definition.scope, definition.exported);
  place(archive, definition);
}
template <class Archive, RecordOf<Manifest> M>
void fields(Archive& archive, M& m) {
  archive(m.kind, m.broken, m.name, m.dependencies, m.mappings, m.private_mappings, m.folders, m.base_url,
          m.is_library);
}
template <class Archive, RecordOf<FileFacts> F>
void fields(Archive& archive, F& f) {
  archive(f.path, f.project_path, f.content_id, f.language, f.has_tree, f.has_errors, f.package, f.imports,
          f.definitions, f.manifest);
  archive.bulk(f.words);
  archive.bulk(f.text_words);
  archive.bulk(f.members);
  archive.bulk(f.types);
  archive.bulk(f.prototypes);
  archive.bulk(f.clone_tokens.values);
  archive.bulk(f.clone_tokens.steps);
  archive.bulk(f.clone_tokens.sizes);
  archive.bulk(f.clone_tokens.prints);
  archive(f.taint);
}

std::string to_record(const FileFacts& facts) {
  std::vector<UnusedImportRecord> unused;
  unused.reserve(facts.unused_imports.size());
  for (const auto& import : facts.unused_imports)
    unused.push_back({import.name, import.member, import.statement, findings::to_record(import.finding)});
  const auto& digest = facts.clone_tokens.digest;
  codec::RecordWriter writer;
  writer(kVersion, facts, unused, std::string(digest.begin(), digest.end()));
  return std::move(writer).take();
}

Result<FileFacts> facts_from_record(std::string_view bytes) {
  codec::RecordReader reader(bytes);
  std::uint32_t version = 0;
  FileFacts facts;
  std::vector<UnusedImportRecord> unused;
  reader(version);
  if (version != kVersion) return Error("code.facts_record_invalid", "the facts of a file are of another version");
  std::string digest;
  reader(facts, unused, digest);
  auto& tokens = facts.clone_tokens;
  const std::size_t count = tokens.values.size();
  const bool prints_fit = std::ranges::all_of(
      tokens.prints, [&](const ClonePrint& print) { return std::uint64_t{print.token} + kCloneGram <= count; });
  if (!reader.complete() || tokens.steps.size() != count || tokens.sizes.size() != count || !prints_fit ||
      digest.size() != tokens.digest.size())
    return Error("code.facts_record_invalid", "the facts of a file are damaged");
  std::ranges::copy(digest, tokens.digest.begin());
  for (auto& import : facts.imports) {
    import.where.path = facts.path;
    import.where.content = facts.content_id;
  }
  for (const auto& import : unused)
    facts.unused_imports.push_back(
        {import.name, import.member, import.statement, WRENCH_TRY(findings::finding_from_record(import.finding))});
  return facts;
}

}  // namespace wrench::code
