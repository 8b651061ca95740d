#pragma once

#include "json_fields.hpp"
#include "wrench/findings/finding.hpp"

namespace wrench::findings {

codec::Json position_json(const Position& position);
/// Adds path, content, start and end.
void set_location(codec::Json& object, const Location& where);
std::string_view reach_word(Reach reach);
std::optional<Reach> reach_of_word(std::string_view word);
std::optional<Severity> severity_of_word(std::string_view word);
void read_position(const JsonFields& fields, std::string_view name, Position& position);
void read_location(const JsonFields& fields, Location& where);
codec::Json to_json(const FileMetrics& file);
codec::Json to_json(const FunctionMetrics& function);
/// Gives names and values of all but `increments`, in the document's order, to `member(name, value)`.
template <class Member>
void each_member(const FunctionMetrics& f, Member member) {
  member("path", f.path);
  member("name", f.name);
  member("line", f.line);
  member("end_line", f.end_line);
  member("cyclomatic", f.cyclomatic);
  member("cognitive", f.cognitive);
  member("nloc", f.nloc);
  member("nesting", f.nesting);
  member("parameters", f.parameters);
  member("maintainability", f.maintainability);
}
template <class Member>
void each_member(const ComplexityIncrement& i, Member member) {
  member("line", i.line);
  member("col", i.col);
  member("kind", i.kind);
  member("add", i.add);
  member("nesting", i.nesting);
}
codec::Json to_json(const CloneClass& clones);
/// The document with its long lists empty (findings, files, functions, clones); its summary counts them.
codec::Json report_shell_json(const Report& report);
void read_finding(const JsonFields& fields, Finding& finding);

}  // namespace wrench::findings
