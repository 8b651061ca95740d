#include "slow_log.hpp"

#include <string>
#include <utility>

#include "queued_store.hpp"
#include "wrench/base/text.hpp"

namespace wrench::storage {

using codec::Json;

void SlowLog::note(const Statement& statement, Micros took_us, std::uint64_t rows) {
  SlowStatement slow{std::string(statement.id), collapse_white_space(statement.sql), clock_.now_us(), took_us, rows};
  const std::lock_guard lock(mutex_);
  ++count_;
  latest_.push_front(std::move(slow));
  if (latest_.size() > kSlowStatementsKept) latest_.pop_back();
}

SlowStatements SlowLog::read() const {
  const std::lock_guard lock(mutex_);
  return {threshold_us_, count_, {latest_.begin(), latest_.end()}};
}

SlowStatements slow_statements(const Store& store) {
  const auto* logged = dynamic_cast<const QueuedStore*>(&store);
  return logged == nullptr ? SlowStatements() : logged->slow_log().read();
}

Json to_json(const SlowStatements& slow) {
  Json latest = Json::array();
  for (const SlowStatement& one : slow.latest)
    latest.push_back(Json::object({{"at", format_rfc3339(one.at)},
                                   {"statement", one.id},
                                   {"sql", one.sql},
                                   {"took_us", one.took_us},
                                   {"rows", one.rows}}));
  return Json::object({{"threshold_us", slow.threshold_us}, {"count", slow.count}, {"latest", std::move(latest)}});
}

}  // namespace wrench::storage
