#include "journal_text.hpp"

#include <algorithm>
#include <map>

#include "../layout.hpp"
#include "wrench/app/console.hpp"
#include "wrench/base/clock.hpp"
#include "wrench/base/text.hpp"
#include "wrench/workflow/budget_amounts.hpp"
#include "wrench/workflow/monitor.hpp"

namespace wrench::app {

using codec::Json;

std::string recovery_text(const Json& entry) {
  const Json& result = entry.at("recovery_result");
  std::string out = entry.at("held_back").as_boolean()
                        ? "held back"
                        : "recovery: " + Console::safe(result.at("strategy").as_string());
  if (const auto& other = result.at("capability"); other.is_string()) out += " " + Console::safe(other.as_string());
  if (const auto& delay = result.at("delay_ms"); delay.is_integer())
    out += " in " + format_duration(delay.as_integer() * kMicrosPerMs);
  out += ", " + Console::safe(entry.at("severity").as_string());
  if (const auto& policy = result.at("policy"); policy.is_string() && !policy.as_string().empty())
    out += ", " + Console::safe(policy.as_string());
  return out + ": " + Console::safe(entry.at("error").as_string());
}

namespace {

using workflow::JournalEntry;

constexpr std::size_t kSinceColumns = 10;

/// An entry's kind in words, and the member of its data that says more.
struct Wording {
  std::string_view kind, words, detail;
};
constexpr Wording kWordings[] = {
    {"started", "the task begins", ""},
    {"claim", "begins", ""},
    {"completed", "completed", ""},
    {"retry", "failed, will be tried again", "message"},
    {"failed", "failed", "message"},
    {"dead", "failed, waits for a person", "message"},
    {"uncertain", "may have taken effect or not, waits for a person", "message"},
    {"timeout", "took too long", "message"},
    {"lost", "its process died", "message"},
    {"released", "given back unfinished", ""},
    {"skipped", "skipped", "need"},
    {"items", "its items are known", ""},
    {"cancelled", "cancelled", ""},
    {"cancel_requested", "somebody cancels the task", "reason"},
    {"adopted", "another process takes the task over", ""},
    {"paused", "somebody holds the task back", ""},
    {"unpaused", "somebody lets the task go on", ""},
    {"suspended", "the task is given back, to be resumed", ""},
    {"decision", "a person decided", "to"},
    {"delegated", "is handed on", "to"},
    {"reconciled", "its effect didn't take place", ""},
    {"value", "draws a value", "name"},
    {"intent", "is about to take effect", "effect_key"},
    {"receipt", "took effect", "effect_key"},
    {"ended", "the task ended", "status"},
    {"budget_wait", "waits for its budget", "message"},
    {"budget_reserved", "reserves of its budget", ""},
    {"budget_used", "used of its budget", ""},
    {"budget_raised", "a person raised a budget", ""},
    {"funded", "looks at its budget again", ""},
};

/// Of entries about budgets.
std::string amounts_of(const Json& data) {
  std::string out;
  for (const auto* member : {"amounts", "by"})
    for (const auto& [dimension, amount] : data.at(member).as_object())
      if (amount.is_integer())
        out += (out.empty() ? ": " : ", ") + Console::safe(dimension) + " " +
               workflow::shown_amount(dimension, amount.as_integer());
  return out;
}

std::string what_happened(const JournalEntry& entry) {
  if (entry.kind == "recovery") return recovery_text(entry.data);
  if (entry.kind == "suspended" && entry.data.at("reason").as_string() == "critical")
    return "something critical happened: nothing new begins until a person says so";
  if (entry.kind == "usage") return "used " + usage_text(workflow::usage_of(entry.data));
  const auto* const wording =
      std::find_if(std::begin(kWordings), std::end(kWordings), [&](const auto& w) { return w.kind == entry.kind; });
  if (wording == std::end(kWordings)) return Console::safe(entry.kind);
  std::string out(wording->words);
  if (entry.kind == "claim" && entry.attempt > 1) out += ", attempt " + std::to_string(entry.attempt);
  if (entry.kind.starts_with("budget_")) out += amounts_of(entry.data);
  if (wording->detail.empty() || !entry.data.is_object()) return out;
  const auto& detail = entry.data.at(wording->detail);
  if (!detail.is_string()) return out;
  out += ": " + Console::safe(detail.as_string());
  if (const auto& code = entry.data.at("code"); code.is_string()) out += " [" + Console::safe(code.as_string()) + "]";
  return out;
}

/// A person, or a part of wrench that isn't the process that runs the task.
std::string by_whom(const JournalEntry& entry) {
  const bool process = entry.actor.empty() || entry.actor.starts_with("boot_");
  return process ? std::string() : ", by " + Console::safe(entry.actor);
}

std::string name_of(const workflow::StepView& step) {
  std::string name = Console::safe(step.node);
  if (step.item) name += "[" + std::to_string(*step.item) + "]";
  if (!step.capability.empty()) name += "  " + Console::safe(step.capability);
  return name;
}

}  // namespace

std::string cpu_text(const runtime::Usage& used) {
  return format_duration(used.cpu_us + used.children_cpu_us) + " CPU";
}

std::string usage_text(const runtime::Usage& used) {
  std::string out = cpu_text(used) + ", " + format_bytes(used.rss_bytes_max) + " memory";
  if (used.read_bytes > 0) out += ", read " + format_bytes(used.read_bytes);
  if (used.written_bytes > 0) out += ", wrote " + format_bytes(used.written_bytes);
  return out;
}

std::string journal_text(std::span<const JournalEntry> entries, std::span<const workflow::StepView> steps) {
  if (entries.empty()) return "Nothing happened yet.\n";
  std::map<std::int64_t, std::string> names;
  std::size_t columns = 0;
  for (const auto& step : steps)
    columns = std::max(columns, names.emplace(step.step_no, name_of(step)).first->second.size());
  const Micros begun = entries.front().at;
  std::string text = "From " + format_rfc3339(begun) + " on:\n\n";
  for (const auto& entry : entries) {
    text += pad_left("+" + format_duration(entry.at - begun), kSinceColumns) + "  ";
    if (entry.step_no) {
      const auto name = names.find(*entry.step_no);
      text += pad(name == names.end() ? "step " + std::to_string(*entry.step_no) : name->second, columns) + "  ";
    }
    text += what_happened(entry) + by_whom(entry) + "\n";
  }
  return text;
}

}  // namespace wrench::app
