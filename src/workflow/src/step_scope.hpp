#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "wrench/workflow/core.hpp"
#include "wrench/workflow/expression.hpp"
#include "wrench/workflow/payload_cache.hpp"
#include "wrench/workflow/plan.hpp"

namespace wrench::workflow {

/// What names mean in a step's expressions: `inputs`, `steps.<id>.output|state|error` of the steps that it can see, and
/// of the bodies that it stands in the map's item, the loop's `iteration` and `previous`. Read from the store when a
/// path asks for them. Of one thread; its constructor's arguments must outlive it.
class StepScope final : public Scope {
 public:
  StepScope(storage::ReadTx& tx, PayloadCache& payloads, const Launch& launch)
      : tx_(tx),
        payloads_(payloads),
        execution_no_(launch.step.execution_no),
        task_no_(launch.task_no),
        plan_(*launch.plan),
        fork_(launch.fork.get()),
        map_(launch.map.get()) {}

  /// Looks up in which bodies the step stands. Errors: workflow.fenced: one of them has gone on without it.
  Result<void> enter(const StepRow& step);
  /// Goes into the body of the step, whose children have ended.
  Result<void> enter_body(const StepRow& owner);
  void set(std::string name, codec::Json value) { names_[std::move(name)] = std::move(value); }

  const codec::Json* root(std::string_view name) const override;
  const codec::Json* path(const std::vector<std::string>& parts) const override;
  const codec::Json& output_of(std::string_view node) const;

  /// Index of the innermost map's item.
  std::optional<std::int64_t> item() const { return item_; }
  /// For effect_key().
  const std::string& iterations() const { return iterations_; }
  /// The first storage error that made a name null.
  const std::optional<Error>& error() const { return error_; }

 private:
  /// Of what `step` stands in.
  Result<StepRow> owner_of(const StepRow& step) const;
  struct Facts {
    std::optional<StepState> state;
    std::int64_t execution_no = 0, output_seq = 0;
    PayloadCache::Value output, error;
    std::optional<codec::Json> word;
  };
  Facts& facts_of(std::string_view node) const;
  PayloadCache::Value keep(Result<PayloadCache::Value> value) const;
  void note(const Error& error) const;

  storage::ReadTx& tx_;
  PayloadCache& payloads_;
  const std::int64_t execution_no_, task_no_;
  const Plan& plan_;
  const Fork* const fork_;                       ///< Null: the execution is none.
  const StepRow* const map_;                     ///< Null: not known.
  std::map<std::uint32_t, std::int64_t> bases_;  ///< By the node whose body it is: step number of the first node.
  std::map<std::string, codec::Json, std::less<>> names_;
  std::optional<std::int64_t> item_;
  std::string iterations_;
  mutable PayloadCache::Value inputs_;
  mutable std::map<std::string, Facts, std::less<>> facts_;
  mutable std::optional<Error> error_;
};

/// `outer`, and one more name.
class ScopeWith final : public Scope {
 public:
  ScopeWith(const Scope& outer, std::string_view name, const codec::Json& value)
      : outer_(outer), name_(name), value_(value) {}
  const codec::Json* root(std::string_view name) const override { return name == name_ ? &value_ : outer_.root(name); }
  const codec::Json* path(const std::vector<std::string>& parts) const override {
    return !parts.empty() && parts[0] == name_ ? Scope::path(parts) : outer_.path(parts);
  }

 private:
  const Scope& outer_;
  std::string_view name_;
  const codec::Json& value_;
};

}  // namespace wrench::workflow
