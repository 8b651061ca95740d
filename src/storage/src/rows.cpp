#include "wrench/storage/rows.hpp"

namespace wrench::storage {

void Rows::add_integer(std::int64_t value) {
  auto& cell = cells_.emplace_back();
  cell.type = CellType::Integer;
  cell.integer = value;
}

void Rows::add_real(double value) {
  auto& cell = cells_.emplace_back();
  cell.type = CellType::Real;
  cell.real = value;
}

void Rows::add_bytes(CellType type, std::string_view value) {
  auto& cell = cells_.emplace_back();
  cell.type = type;
  cell.length = static_cast<std::uint32_t>(value.size());
  cell.offset = arena_.size();
  arena_.append(value);
}

}  // namespace wrench::storage
