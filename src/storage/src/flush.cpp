#include "flush.hpp"

#include <exception>
#include <string>
#include <utility>

#include "wrench/base/text.hpp"

namespace wrench::storage {

Result<void> check_event(const EventDraft& event) {
  if (event.payload.size() > kEventPayloadBytesMax)
    return Error("storage.event_too_large", "the payload of " + event.type + " has " +
                                                std::to_string(event.payload.size()) + " bytes; the limit is " +
                                                std::to_string(kEventPayloadBytesMax));
  for (const std::string* text :
       {&event.type, &event.subject_kind, &event.subject_id, &event.actor, &event.payload, &event.trace_id})
    if (text->find('\0') != std::string::npos || !is_valid_utf8(*text))
      return Error("storage.invalid_text",
                   "an event of type " + escape_for_display(event.type) + " has text that isn't UTF-8, or U+0000");
  return {};
}

Result<void> run_body(QueuedJob& job, FlushTx& tx) {
  tx.start_job();
  Result<void> outcome;
  try {
    outcome = job.body(tx);
  } catch (const std::exception& e) {
    outcome = Error("storage.body_threw", std::string("a write ended with an exception: ") + e.what());
  }
  if (outcome.ok())
    if (std::optional<Error> error = tx.job_error()) return std::move(*error);
  return outcome;
}

BodiesEnd run_together(std::span<QueuedJob> jobs, FlushTx& tx, std::vector<Result<void>>& outcomes) {
  for (std::size_t i = 0; i < jobs.size(); ++i) {
    outcomes[i] = run_body(jobs[i], tx);
    if (!tx.alive()) return BodiesEnd::Lost;
    if (!outcomes[i].ok() && tx.must_undo_job()) return BodiesEnd::Undo;
  }
  return BodiesEnd::Ready;
}

BodiesEnd run_in_savepoints(std::span<QueuedJob> jobs, FlushTx& tx, std::vector<Result<void>>& outcomes) {
  for (std::size_t i = 0; i < jobs.size(); ++i) {
    if (!tx.begin_savepoint()) return BodiesEnd::Lost;
    outcomes[i] = run_body(jobs[i], tx);
    if (!tx.alive() || !(outcomes[i].ok() ? tx.keep_savepoint() : tx.undo_savepoint())) return BodiesEnd::Lost;
  }
  return BodiesEnd::Ready;
}

void complete(std::span<QueuedJob> jobs, std::vector<Result<void>>& outcomes) {
  for (std::size_t i = 0; i < jobs.size(); ++i) {
    jobs[i].body = nullptr;  // what it captured must not outlive its caller, who wakes now
    jobs[i].done(std::move(outcomes[i]));
  }
}

void set_all(std::vector<Result<void>>& outcomes, std::size_t jobs, const Error& error) {
  outcomes.assign(jobs, Result<void>(error));
}

}  // namespace wrench::storage
