#include "wrench/code/facts_record.hpp"

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

namespace {

/// A candidate with its finding in the form that the module findings gives it.
struct CandidateRecord {
  std::uint64_t name = 0, member = 0;
  bool import = false;
  std::string finding;
};
template <class Archive, RecordOf<CandidateRecord> C>
void fields(Archive& archive, C& c) {
  archive(c.name, c.member, c.import, c.finding);
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
template <class Archive, RecordOf<FileFacts> F>
void fields(Archive& archive, F& f) {
  archive(f.path, f.project_path, f.content_id, f.language, f.has_errors, f.imports);
  archive.bulk(f.words);
  archive.bulk(f.members);
  archive.bulk(f.clone_tokens.values);
  archive.bulk(f.clone_tokens.steps);
  archive.bulk(f.clone_tokens.sizes);
}

std::string to_record(const FileFacts& facts) {
  std::vector<CandidateRecord> unused;
  unused.reserve(facts.unused.size());
  for (const auto& candidate : facts.unused)
    unused.push_back({candidate.name, candidate.member, candidate.import, findings::to_record(candidate.finding)});
  codec::RecordWriter writer;
  writer(facts, unused);
  return std::move(writer).take();
}

Result<FileFacts> facts_from_record(std::string_view bytes) {
  codec::RecordReader reader(bytes);
  FileFacts facts;
  std::vector<CandidateRecord> unused;
  reader(facts, unused);
  const auto& tokens = facts.clone_tokens;
  if (!reader.complete() || tokens.steps.size() != tokens.values.size() || tokens.sizes.size() != tokens.values.size())
    return Error("code.facts_record_invalid", "the facts of a file are damaged");
  for (auto& import : facts.imports) {
    import.where.path = facts.path;
    import.where.content = facts.content_id;
  }
  for (const auto& candidate : unused)
    facts.unused.push_back({candidate.name, candidate.member, candidate.import,
                            WRENCH_TRY(findings::finding_from_record(candidate.finding))});
  return facts;
}

}  // namespace wrench::code
