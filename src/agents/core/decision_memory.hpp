#pragma once

#include <string_view>

namespace wrench::agents {

/// Who remembers what people decided about findings, and as what: {finding_id, rule, path, title, decision, reason,
/// by}.
inline constexpr std::string_view kDecisionAgent = "inspector";
inline constexpr std::string_view kDecisionKind = "decision";

}  // namespace wrench::agents
