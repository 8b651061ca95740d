#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

#include "wrench/base/assert.hpp"
#include "wrench/base/random.hpp"
#include "wrench/workflow/replay.hpp"

using namespace wrench;
using namespace wrench::workflow;
using codec::Json;

extern "C" std::size_t LLVMFuzzerMutate(std::uint8_t* data, std::size_t size, std::size_t size_max);

namespace {

/// Every value of the tree.
void collect(Json& value, std::vector<Json*>& into) {
  into.push_back(&value);
  if (value.is_array())
    for (Json& item : value.array_ref()) collect(item, into);
  if (value.is_object())
    for (auto& [name, member] : value.object_ref()) collect(member, into);
}

Json number_like(std::int64_t number, Random& random) {
  switch (random.below(6)) {
    case 0:
      return number == INT64_MAX ? 0 : number + 1;
    case 1:
      return number == INT64_MIN ? 0 : number - 1;
    case 2:
      return number == INT64_MIN ? 0 : -number;
    case 3:
      return std::int64_t{1} << random.below(63);
    case 4:
      return INT64_MAX;
    default:
      return static_cast<std::int64_t>(random.below(8));
  }
}

/// A value becomes another one of the journal, or of its own kind, or goes, or is there twice.
void mutate(Json& journal, Random& random) {
  std::vector<Json*> values;
  collect(journal, values);
  Json& value = *values[random.below(values.size())];
  const Json other = *values[random.below(values.size())];
  if (value.is_array() && !value.as_array().empty()) {
    auto& items = value.array_ref();
    const auto at = items.begin() + static_cast<std::ptrdiff_t>(random.below(items.size()));
    switch (random.below(4)) {
      case 0:
        items.erase(at);
        break;
      case 1:
        items.insert(at, Json(*at));
        break;
      case 2:
        std::swap(*at, items[random.below(items.size())]);
        break;
      default:
        items.resize(random.below(items.size()));
    }
  } else if (value.is_integer() && random.below(3) > 0) {
    value = number_like(value.as_integer(), random);
  } else if (!(value.is_object() && random.below(2) == 0)) {
    value = other;
  } else if (!value.as_object().empty()) {
    const auto& [name, member] = *(value.as_object().begin() + random.below(value.as_object().size()));
    value.object_ref().erase(std::string(name));
  }
}

/// Entries have their numbers, or nothing else would be looked at.
void number_entries(Json& journal) {
  std::int64_t seq = 0;
  if (!journal.at("entries").is_array()) return;
  for (Json& entry : journal["entries"].array_ref())
    if (entry.is_object()) entry.set("seq", ++seq);
}

}  // namespace

extern "C" std::size_t LLVMFuzzerCustomMutator(std::uint8_t* data, std::size_t size, std::size_t size_max,
                                               unsigned int seed) {
  SeededRandom random(seed);
  auto journal = codec::parse_json(std::string_view(reinterpret_cast<const char*>(data), size));
  if (!journal.ok() || !journal->is_object() || random.below(10) == 0) return LLVMFuzzerMutate(data, size, size_max);
  for (std::uint64_t i = random.below(4);; --i) {
    mutate(*journal, random);
    if (i == 0) break;
  }
  if (journal->is_object() && random.below(8) > 0) number_entries(*journal);
  const std::string text = codec::write_json(*journal);
  if (text.size() > size_max) return LLVMFuzzerMutate(data, size, size_max);
  std::memcpy(data, text.data(), text.size());
  return text.size();
}

/// Whatever is read is written and read as the same; whatever is replayed comes to an end.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto json = codec::parse_json(std::string_view(reinterpret_cast<const char*>(data), size));
  if (!json.ok()) return 0;
  const auto journal = recorded_journal(*json);
  if (!journal) {
    WRENCH_ASSERT(!journal.error().message.empty());
    return 0;
  }
  const Json written = to_json(*journal);
  const auto again = recorded_journal(written);
  WRENCH_ASSERT(again.ok() && codec::canonical_json(to_json(*again)) == codec::canonical_json(written));
  const auto report = replay(*journal);
  if (report) WRENCH_ASSERT(report->entries <= static_cast<std::int64_t>(journal->entries.size()));
  return 0;
}
