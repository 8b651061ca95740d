#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "wrench/base/clock.hpp"
#include "wrench/base/result.hpp"
#include "wrench/codec/json.hpp"
#include "wrench/storage/transaction.hpp"
#include "wrench/workflow/plan.hpp"

namespace wrench::workflow {

inline constexpr std::size_t kAnswerBytesMax = 64 * 1024;
inline constexpr std::size_t kSubjectBytesMax = 64 * 1024;  ///< What a person is shown, or asked.
inline constexpr std::size_t kCommentBytesMax = 4 * 1024;
inline constexpr std::size_t kSignalsMax = 1'000;  ///< Of one execution, that nothing waits for yet.
inline constexpr std::size_t kWaitPageMax = 200;

/// What somebody decides about a step that waits.
enum class WaitDecision : std::uint8_t { Approve, Reject, Answer };

struct WaitView {
  std::string wait_id;  ///< "wai_…"
  std::string task_id;
  std::string task_title;
  std::int64_t execution_no = 0;
  std::int64_t step_no = 0;
  WaitKind kind = WaitKind::Signal;
  std::string name, title, role;
  codec::Json subject;
  std::string subject_hash;  ///< SHA-256 of the subject's canonical JSON, as hex: what exactly is decided about.
  std::string edited_hash;   ///< The same of what was approved with edits; empty: none.
  codec::Json schema;
  bool four_eyes = false;
  std::string requested_by, delegated_to;
  Micros created_at = 0;
  std::optional<Micros> expires_at;
  std::string decision, decided_by, comment;  ///< Empty: open.
  std::optional<Micros> decided_at;
};

struct WaitPage {
  std::vector<WaitView> waits;
  std::string next_cursor;  ///< Empty: that was the last page.
};
/// What is open, oldest first. Errors: workflow.invalid_cursor.
Result<WaitPage> list_waits(storage::ReadTx& tx, std::string_view cursor = {}, std::size_t limit = 100);
/// By its id, or the last 6 characters of the id of an open one. Errors: workflow.wait_not_found.
Result<WaitView> find_wait(storage::ReadTx& tx, std::string_view id);

}  // namespace wrench::workflow
