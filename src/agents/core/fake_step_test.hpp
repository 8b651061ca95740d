#pragma once

#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "wrench/crypto/sha256.hpp"
#include "wrench/workflow/step_runner.hpp"

namespace wrench::agents {

/// A running step without an engine: what it keeps stays in memory.
class FakeStep final : public workflow::StepContext {
 public:
  StopToken stop() const override { return stop_.token(); }
  Deadline deadline() const override { return deadline_; }
  void tick(const workflow::Progress& progress) override { last_ = progress; }
  void stream(std::string_view text) override {
    const std::lock_guard lock(saying_);
    said_ += text;
  }
  Result<void> checkpoint(const codec::Json&) override { return {}; }
  Result<codec::Json> journaled(std::string_view, const std::function<codec::Json()>& draw) override { return draw(); }
  Result<workflow::EffectTicket> begin_effect(int, const codec::Json&) override { return workflow::EffectTicket{}; }
  Result<void> end_effect(const workflow::EffectTicket&, const codec::Json&) override { return {}; }
  Result<workflow::BudgetTicket> ask(int call, const workflow::BudgetAmounts&) override {
    return workflow::BudgetTicket{call, {}};
  }
  Result<void> use(const workflow::BudgetTicket&, const workflow::BudgetAmounts&, const codec::Json&) override {
    return {};
  }
  Result<void> recovering(const codec::Json&) override { return {}; }
  std::optional<workflow::Failed> refusal(const codec::Json&) override { return std::nullopt; }
  Result<std::vector<workflow::EffectTicket>> receipts() override { return std::vector<workflow::EffectTicket>(); }
  void attach(storage::WriteBody body) override { attached_.push_back(std::move(body)); }
  Result<codec::Json> keep(std::string_view bytes) override {
    const auto name = crypto::sha256_hex(bytes);
    kept_[name] = std::string(bytes);
    return codec::Json::object({{"name", name}});
  }
  Result<std::string> kept(const codec::Json& reference) override {
    ++reads_;
    const auto found = kept_.find(reference.at("name").as_string());
    if (found == kept_.end()) return Error("storage.blob_missing", "gone");
    return found->second;
  }

  StopSource stop_;
  Deadline deadline_;
  workflow::Progress last_;
  std::mutex saying_;
  std::string said_;
  std::vector<storage::WriteBody> attached_;
  int reads_ = 0;
  std::map<std::string, std::string, std::less<>> kept_;
};

}  // namespace wrench::agents
