#pragma once

#include "json_fields.hpp"
#include "wrench/findings/finding.hpp"

namespace wrench::findings {

codec::Json position_json(const Position& position);
/// Adds path, content, start and end.
void set_location(codec::Json& object, const Location& where);
void read_position(const JsonFields& fields, std::string_view name, Position& position);
void read_location(const JsonFields& fields, Location& where);
codec::Json to_json(const FileMetrics& file);
codec::Json to_json(const FunctionMetrics& function);
codec::Json to_json(const CloneClass& clones);
/// The document with its long lists empty (findings, files, functions, clones); its summary counts them.
codec::Json report_shell_json(const Report& report);
void read_finding(const JsonFields& fields, Finding& finding);

}  // namespace wrench::findings
