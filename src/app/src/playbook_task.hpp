#pragma once

#include <string>
#include <vector>

#include "wrench/codec/json.hpp"
#include "wrench/workflow/engine.hpp"
#include "wrench/workflow/playbook.hpp"

namespace wrench::app {

/// The values of --input, "NAME=VALUE" or "NAME=@FILE", by name. Errors: workflow.playbook_input, io.*.
Result<codec::Json> given_inputs(const std::vector<std::string>& words, const workflow::Playbook& playbook);
/// With defaults, and folders as agents take them. Errors: workflow.playbook_input, those of tree_argument().
Result<codec::Json> bound_inputs(const workflow::Playbook& playbook, codec::Json given);
/// `name`: of the playbook. `inputs`: as bound_inputs() gives them.
Result<workflow::CreateTask> playbook_task(const workflow::Playbook& playbook, const std::string& name,
                                           codec::Json inputs);

}  // namespace wrench::app
