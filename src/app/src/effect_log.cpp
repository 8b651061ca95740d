#include "effect_log.hpp"

#include <algorithm>
#include <optional>
#include <utility>

#include "wrench/base/text.hpp"

namespace wrench::app {

using codec::Json;

namespace {

constexpr unsigned kMode = 0600;
constexpr std::string_view kRefused = "refused_to_epoch";

struct Known {
  bool took_place = false;
  std::int64_t refused_to_epoch = 0;
};

Known known_of(std::string_view there, std::string_view key) {
  Known out;
  for (const std::string_view line : split(there, '\n')) {
    if (line.find(key) == std::string_view::npos) continue;
    const auto entry = codec::parse_json(line);
    if (!entry || entry->at("key").as_string() != key) continue;  // Half a line is no effect.
    const Json& refused = entry->at(kRefused);
    if (refused.is_null())
      out.took_place = true;
    else
      out.refused_to_epoch = std::max(out.refused_to_epoch, refused.as_integer());
  }
  return out;
}

}  // namespace

Result<EffectLog> EffectLog::open(const std::string& folder) {
  return EffectLog(WRENCH_TRY(runtime::RootedDir::open(folder)));
}

Result<void> EffectLog::prepare(const std::string& file) const { return folder_.append_line(file, {}, kMode); }

Result<void> EffectLog::add(const std::string& file, const Json& effect) const {
  return folder_.append_line(file, codec::write_json(effect), kMode);
}

Result<bool> EffectLog::add_unless_refused(const std::string& file, const Json& effect) const {
  bool refused = false;
  const auto next = [&](std::string_view there) -> std::optional<std::string> {
    refused = known_of(there, effect.at("key").as_string()).refused_to_epoch >= effect.at("epoch").as_integer();
    return refused ? std::nullopt : std::optional(codec::write_json(effect));
  };
  WRENCH_TRY(folder_.append_line_after(file, kEffectLogBytesMax, next, kMode));
  return !refused;
}

Result<bool> EffectLog::took_place(const std::string& file, std::string_view key, std::int64_t epoch) const {
  bool there_is = false;
  const auto next = [&](std::string_view there) -> std::optional<std::string> {
    const Known known = known_of(there, key);
    there_is = known.took_place;
    if (there_is || known.refused_to_epoch >= epoch) return std::nullopt;
    return codec::write_json(Json::object({{"key", key}, {kRefused, epoch}}));
  };
  WRENCH_TRY(folder_.append_line_after(file, kEffectLogBytesMax, next, kMode));
  return there_is;
}

}  // namespace wrench::app
