#include "postgres_types.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <limits>

namespace wrench::storage {
namespace {

using Form = PostgresType::Form;

// Numbers from PostgreSQL's catalog/pg_type.dat; they never change.
constexpr PostgresType kTypes[] = {
    {16, 1000, "boolean", Form::Bool},  {20, 1016, "bigint", Form::Int8},
    {21, 1005, "smallint", Form::Int2}, {23, 1007, "integer", Form::Int4},
    {700, 1021, "real", Form::Float4},  {701, 1022, "double precision", Form::Float8},
    {25, 1009, "text", Form::Text},     {1043, 1015, "varchar", Form::Text},
    {19, 1003, "name", Form::Text},     {705, 0, "unknown", Form::Text},
    {114, 199, "json", Form::Json},     {3802, 3807, "jsonb", Form::Jsonb},
    {17, 1001, "bytea", Form::Bytes},   {2278, 0, "void", Form::Nothing},
};

/// Version of jsonb's binary form, sent before the text.
constexpr char kJsonbVersion = 1;

template <class T>
std::array<char, sizeof(T)> to_big_endian(T value) {
  std::array<char, sizeof(T)> out;
  for (std::size_t i = 0; i < sizeof(T); ++i)
    out[i] = static_cast<char>(static_cast<std::make_unsigned_t<T>>(value) >> (8 * (sizeof(T) - 1 - i)));
  return out;
}
template <class T>
void append_big_endian(std::string& out, T value) {
  const auto bytes = to_big_endian(value);
  out.append(bytes.data(), bytes.size());
}

template <class T>
T big_endian(std::string_view bytes) {
  std::make_unsigned_t<T> value = 0;
  for (const char c : bytes) value = static_cast<std::make_unsigned_t<T>>(value << 8U | static_cast<unsigned char>(c));
  return static_cast<T>(value);
}

Error wrong_kind(const PostgresType& type) {
  return Error("storage.failed", "a parameter doesn't fit into PostgreSQL's type " + std::string(type.name));
}

template <class T>
Result<void> append_integer(std::string& out, const PostgresType& type, const Bind& bind) {
  if (bind.type() != CellType::Integer || bind.integer() < std::numeric_limits<T>::min() ||
      bind.integer() > std::numeric_limits<T>::max())
    return wrong_kind(type);
  append_big_endian(out, static_cast<T>(bind.integer()));
  return {};
}

}  // namespace

const PostgresType* find_postgres_type(TypeId id) {
  for (const PostgresType& type : kTypes)
    if (type.id == id) return &type;
  return nullptr;
}

const PostgresType* find_postgres_array(TypeId array_id) {
  for (const PostgresType& type : kTypes)
    if (type.array_id == array_id && array_id != 0) return &type;
  return nullptr;
}

Result<void> append_binary(std::string& out, const PostgresType& type, const Bind& bind) {
  const bool text = bind.type() == CellType::Text;
  switch (type.form) {
    case Form::Int8:
      return append_integer<std::int64_t>(out, type, bind);
    case Form::Int4:
      return append_integer<std::int32_t>(out, type, bind);
    case Form::Int2:
      return append_integer<std::int16_t>(out, type, bind);
    case Form::Bool:
      if (bind.type() != CellType::Integer) return wrong_kind(type);
      out.push_back(bind.integer() != 0 ? 1 : 0);
      return {};
    case Form::Float8:
    case Form::Float4: {
      if (bind.type() != CellType::Real && bind.type() != CellType::Integer) return wrong_kind(type);
      const double value = bind.type() == CellType::Real ? bind.real() : static_cast<double>(bind.integer());
      if (type.form == Form::Float8)
        append_big_endian(out, std::bit_cast<std::int64_t>(value));
      else
        append_big_endian(out, std::bit_cast<std::int32_t>(static_cast<float>(value)));
      return {};
    }
    case Form::Text:
    case Form::Json:
    case Form::Jsonb:
      if (!text) return wrong_kind(type);
      if (type.form == Form::Jsonb) out.push_back(kJsonbVersion);
      out += bind.view();
      return {};
    case Form::Bytes:
      if (bind.type() != CellType::Bytes) return wrong_kind(type);
      out += bind.view();
      return {};
    case Form::Nothing:
      break;
  }
  return wrong_kind(type);
}

// Layout as read by array_recv() of the server: dimensions, has nulls, element type; size and lower bound of each
// dimension; length and bytes of each element, length -1 for NULL.
Result<void> append_binary_array(std::string& out, const PostgresType& element, std::span<const Bind> binds,
                                 std::size_t first, std::size_t stride) {
  const std::size_t count = binds.size() > first ? (binds.size() - first + stride - 1) / stride : 0;
  append_big_endian<std::int32_t>(out, 1);
  append_big_endian<std::int32_t>(out, 1);
  append_big_endian<std::int32_t>(out, static_cast<std::int32_t>(element.id));
  append_big_endian<std::int32_t>(out, static_cast<std::int32_t>(count));
  append_big_endian<std::int32_t>(out, 1);
  for (std::size_t i = first; i < binds.size(); i += stride) {
    if (binds[i].type() == CellType::Null) {
      append_big_endian<std::int32_t>(out, -1);
      continue;
    }
    const std::size_t length_at = out.size();
    out.append(sizeof(std::int32_t), '\0');
    WRENCH_TRY(append_binary(out, element, binds[i]));
    const auto length = to_big_endian(static_cast<std::int32_t>(out.size() - length_at - sizeof(std::int32_t)));
    std::copy(length.begin(), length.end(), out.begin() + static_cast<std::ptrdiff_t>(length_at));
  }
  return {};
}

Result<void> add_binary_cell(Rows& rows, const PostgresType& type, std::string_view value) {
  switch (type.form) {
    case Form::Int8:
      rows.add_integer(big_endian<std::int64_t>(value));
      return {};
    case Form::Int4:
      rows.add_integer(big_endian<std::int32_t>(value));
      return {};
    case Form::Int2:
      rows.add_integer(big_endian<std::int16_t>(value));
      return {};
    case Form::Bool:
      rows.add_integer(value == std::string_view("\1", 1) ? 1 : 0);
      return {};
    case Form::Float8:
      rows.add_real(std::bit_cast<double>(big_endian<std::int64_t>(value)));
      return {};
    case Form::Float4:
      rows.add_real(static_cast<double>(std::bit_cast<float>(big_endian<std::int32_t>(value))));
      return {};
    case Form::Text:
    case Form::Json:
      rows.add_bytes(CellType::Text, value);
      return {};
    case Form::Jsonb:
      if (value.empty() || value.front() != kJsonbVersion)
        return Error("storage.failed", "the server sent jsonb of an unknown version");
      rows.add_bytes(CellType::Text, value.substr(1));
      return {};
    case Form::Bytes:
      rows.add_bytes(CellType::Bytes, value);
      return {};
    case Form::Nothing:
      rows.add_null();
      return {};
  }
  return {};
}

void PostgresParameters::note(std::size_t begin, bool is_null) {
  offsets_.push_back(is_null ? std::nullopt : std::optional(begin));
  lengths_.push_back(static_cast<int>(bytes_.size() - begin));
}

Result<void> PostgresParameters::add(const PostgresType& type, const Bind& bind) {
  const std::size_t begin = bytes_.size();
  const bool is_null = bind.type() == CellType::Null;
  if (!is_null) WRENCH_TRY(append_binary(bytes_, type, bind));
  note(begin, is_null);
  return {};
}

Result<void> PostgresParameters::add_array(const PostgresType& element, std::span<const Bind> binds, std::size_t first,
                                           std::size_t stride) {
  const std::size_t begin = bytes_.size();
  WRENCH_TRY(append_binary_array(bytes_, element, binds, first, stride));
  note(begin, false);
  return {};
}

std::vector<const char*> PostgresParameters::values() const {
  std::vector<const char*> out;
  out.reserve(offsets_.size());
  for (const auto& offset : offsets_) out.push_back(offset ? bytes_.data() + *offset : nullptr);
  return out;
}

}  // namespace wrench::storage
