#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "wrench/agents/registry.hpp"
#include "wrench/app/command.hpp"
#include "wrench/base/embedded.hpp"
#include "wrench/base/result.hpp"
#include "wrench/workflow/playbook.hpp"

namespace wrench::app {

/// The files below playbooks/.
std::span<const EmbeddedFile> embedded_playbooks();

struct PlaybookText {
  std::string name;  ///< "security_audit", "shapes/router"; of a file its name without folder and ending.
  std::string file;  ///< For places.
  std::string text;
};

/// Those that come with the program, by name.
std::vector<PlaybookText> builtin_playbooks();

/// What the user means: one that comes with the program, by its name, else a file. Errors: io.*,
/// workflow.playbook_not_found.
Result<PlaybookText> find_playbook(const std::string& name_or_file);

/// Errors: workflow.playbook_not_found.
Result<PlaybookText> find_builtin_playbook(std::string_view name);

/// What --on-missing says; and steps may run what comes with the program and what lies beside `file`.
workflow::PlaybookOptions playbook_options(const Session& session, const std::string& file);
/// "file:line:col", safe to print.
std::string place_of(const std::string& file, const Error& problem);
/// The playbook, or its first problem with its place; the others are printed.
Result<workflow::Playbook> compile_or_tell(Session& session, const PlaybookText& text,
                                           const workflow::CapabilityCatalogue& catalogue);

/// The operations of the agents, for the compiler.
workflow::CapabilityCatalogue catalogue_of(const agents::Registry& registry);

}  // namespace wrench::app
