#pragma once

#include "lower_engine.hpp"

namespace wrench::code::detail {

/// Lowers a Dockerfile: each instruction a ConfigBlock named by its keyword, in upper case.
///   flags        Role::Modifier  Pair(String "--from", String)
///   FROM         Role::Value image, Index tag, Default digest, Target alias
///   ARG          Role::Arg name, Default
///   ENV, LABEL   Role::Arg Pair(key, value) each
///   JSON form    Role::Arg List
///   shell text   Role::Arg String for each word, Other for `&&`, `||`, `|`, `;`, `&`, `(`, `)`
///   heredocs     Role::Arg String; as the command of RUN shell text, its lines parted by `;`
/// What isn't an instruction is an Error node. Linear in the text, without recursion but for ONBUILD and HEALTHCHECK.
LowerFault lower_dockerfile(std::string_view text, Atoms& atoms, Ir& ir, LowerLimits limits);

}  // namespace wrench::code::detail
