#include "recovery_mark.hpp"

#include <algorithm>
#include <utility>

namespace wrench::workflow {

using codec::Json;

namespace {

constexpr std::string_view kMember = "$recovery";

std::size_t halves(std::size_t size, int times) {
  for (; times > 0 && size > 1; --times) size = (size + 1) / 2;
  return size;
}

}  // namespace

RecoveryMark RecoveryMark::of(const std::optional<Json>& checkpoint) {
  RecoveryMark out;
  if (!checkpoint || !checkpoint->is_object() || !checkpoint->at(kMember).is_object()) {
    out.checkpoint = checkpoint;
    return out;
  }
  const Json& mark = checkpoint->at(kMember);
  out.round = static_cast<int>(mark.at("round").as_integer());
  out.undoing = mark.at("undoing").as_boolean();
  out.gathers = mark.at("gathers").as_boolean();
  out.instead = mark.at("instead").as_string();
  out.may_pass = mark.at("may_pass").as_boolean();
  out.must_shrink = mark.at("must_shrink").as_boolean();
  out.inverse = mark.at("inverse").as_string();
  out.policy = mark.at("policy").as_string();
  out.then_skips = mark.at("then_skips").as_boolean();
  out.code = mark.at("code").as_string();
  out.message = mark.at("message").as_string();
  for (const Json& key : mark.at("effects").as_array()) out.effects.emplace_back(key.as_string());
  for (const auto& [member, value] : mark.at("set").as_object()) out.set.emplace(member, value);
  for (const auto& [member, times] : mark.at("halved").as_object())
    out.halved.emplace(member, static_cast<int>(times.as_integer()));
  if (!mark.at("checkpoint").is_null()) out.checkpoint = mark.at("checkpoint");
  return out;
}

Json RecoveryMark::json() const {
  Json values = Json::object(), times = Json::object(), keys = Json::array();
  for (const std::string& key : effects) keys.push_back(key);
  for (const auto& [member, value] : set) values.set(member, value);
  for (const auto& [member, count] : halved) times.set(member, count);
  Json mark = Json::object({{"round", round},
                            {"undoing", undoing},
                            {"inverse", inverse},
                            {"effects", std::move(keys)},
                            {"policy", policy},
                            {"then_skips", then_skips},
                            {"code", code},
                            {"message", message},
                            {"set", std::move(values)},
                            {"halved", std::move(times)},
                            {"checkpoint", checkpoint ? *checkpoint : Json()}});
  if (gathers) mark.set("gathers", true);
  if (!instead.empty()) mark.set("instead", instead);
  if (may_pass) mark.set("may_pass", true);
  if (must_shrink) mark.set("must_shrink", true);
  return Json::object({{kMember, std::move(mark)}});
}

bool RecoveryMark::is_in(std::string_view checkpoint_json) {
  return checkpoint_json.starts_with("{\"" + std::string(kMember) + "\":");
}

bool RecoveryMark::shrinks(const Json& input) const {
  return input.is_object() && std::ranges::any_of(halved, [&](const auto& member) {
           const Json& list = input.at(member.first);
           if (!list.is_array()) return false;
           const std::size_t items = list.as_array().size();
           return halves(items, member.second) < halves(items, member.second - 1);
         });
}

Json RecoveryMark::changed(Json input, std::map<std::string, std::size_t>& left_out) const {
  if (!input.is_object()) return input;
  for (const auto& [member, value] : set) input.set(member, value);
  for (const auto& [member, times] : halved) {
    const Json& list = input.at(member);
    if (!list.is_array()) continue;
    const auto& items = list.as_array();
    const std::size_t kept = halves(items.size(), times);
    if (kept == items.size()) continue;
    left_out[member] = items.size() - kept;
    Json fewer = Json::array();
    for (std::size_t i = 0; i < kept; ++i) fewer.push_back(items[i]);
    input.set(member, std::move(fewer));
  }
  return input;
}

Json partial_output(std::string_view code, std::string_view message, std::string_view word, std::string_view what) {
  return Json::object({{"partial", Json::array({Json::object({{"code", code}, {"message", message}, {word, what}})})}});
}

}  // namespace wrench::workflow
