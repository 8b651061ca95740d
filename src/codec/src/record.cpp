#include "wrench/codec/record.hpp"

namespace wrench::codec {

void RecordReader::read(Json& value) {
  std::string text;
  read(text);
  if (text.empty()) {
    value = nullptr;
    return;
  }
  auto json = parse_json(text);
  if (!json.ok()) return fail();
  value = std::move(*json);
}

}  // namespace wrench::codec
