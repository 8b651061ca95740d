#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "wrench/base/assert.hpp"

namespace wrench::storage {

enum class CellType : std::uint8_t { Null, Integer, Real, Text, Bytes };

/// A parameter of a statement. Views text: what it points to must live until the call returns.
class Bind {
 public:
  Bind(std::nullopt_t) {}                                                                                   // NOLINT
  Bind(std::integral auto value) : type_(CellType::Integer), integer_(static_cast<std::int64_t>(value)) {}  // NOLINT
  Bind(double value) : type_(CellType::Real), real_(value) {}                                               // NOLINT
  Bind(std::string_view text) : type_(CellType::Text), bytes_(text) {}                                      // NOLINT
  Bind(const std::string& text) : Bind(std::string_view(text)) {}                                           // NOLINT
  Bind(const char* text) : Bind(std::string_view(text)) {}                                                  // NOLINT
  template <class T>
  Bind(const std::optional<T>& value) : Bind(value ? Bind(*value) : Bind(std::nullopt)) {}  // NOLINT
  static Bind bytes(std::string_view value) {
    Bind bind(value);
    bind.type_ = CellType::Bytes;
    return bind;
  }
  static Bind bytes(std::span<const std::uint8_t> value) {
    return bytes(std::string_view(reinterpret_cast<const char*>(value.data()), value.size()));
  }

  CellType type() const { return type_; }
  /// Of their types only.
  std::int64_t integer() const { return integer_; }
  double real() const { return real_; }
  /// Empty if it is neither text nor bytes.
  std::string_view view() const {
    return type_ == CellType::Text || type_ == CellType::Bytes ? bytes_ : std::string_view();
  }

 private:
  CellType type_ = CellType::Null;
  union {
    std::int64_t integer_ = 0;
    double real_;
    std::string_view bytes_;
  };
};

/// The parameters of one call, in placeholder order.
class Binds {
 public:
  Binds() = default;
  Binds(std::initializer_list<Bind> binds) : binds_(binds.begin(), binds.size()) {}  // NOLINT
  Binds(std::span<const Bind> binds) : binds_(binds) {}                              // NOLINT
  Binds(const std::vector<Bind>& binds) : binds_(binds) {}                           // NOLINT
  std::span<const Bind> span() const { return binds_; }

 private:
  std::span<const Bind> binds_;
};

/// Result rows, copied out of the database: valid for as long as they live, independent of the transaction.
class Rows {
 public:
  class Row {
   public:
    bool is_null(std::size_t column) const { return cell(column).type == CellType::Null; }
    std::int64_t integer(std::size_t column) const { return typed(column, CellType::Integer).integer; }
    double real(std::size_t column) const { return typed(column, CellType::Real).real; }
    /// Views into the Rows object.
    std::string_view text(std::size_t column) const { return view(typed(column, CellType::Text)); }
    std::string_view bytes(std::size_t column) const { return view(typed(column, CellType::Bytes)); }
    std::optional<std::int64_t> optional_integer(std::size_t column) const {
      return is_null(column) ? std::nullopt : std::optional(integer(column));
    }
    /// Empty for NULL.
    std::string_view text_or_empty(std::size_t column) const {
      return is_null(column) ? std::string_view() : text(column);
    }
    std::string_view bytes_or_empty(std::size_t column) const {
      return is_null(column) ? std::string_view() : bytes(column);
    }

   private:
    friend class Rows;
    struct Cell {
      CellType type = CellType::Null;
      std::uint32_t length = 0;
      union {
        std::int64_t integer;
        double real;
        std::size_t offset;
      };
      Cell() : integer(0) {}
    };
    Row(const Rows& rows, std::size_t index) : rows_(&rows), index_(index) {}
    const Cell& cell(std::size_t column) const {
      WRENCH_ASSERT(column < rows_->columns_);
      return rows_->cells_[index_ * rows_->columns_ + column];
    }
    // Tables are STRICT: another type than the statement's author expects is the author's mistake.
    const Cell& typed(std::size_t column, CellType type) const {
      const Cell& c = cell(column);
      WRENCH_ASSERT(c.type == type);
      return c;
    }
    std::string_view view(const Cell& c) const { return std::string_view(rows_->arena_).substr(c.offset, c.length); }
    const Rows* rows_;
    std::size_t index_;
  };

  class Iterator {
   public:
    Iterator(const Rows& rows, std::size_t index) : rows_(&rows), index_(index) {}
    Row operator*() const { return (*rows_)[index_]; }
    Iterator& operator++() {
      ++index_;
      return *this;
    }
    bool operator==(const Iterator& other) const { return index_ == other.index_; }

   private:
    const Rows* rows_;
    std::size_t index_;
  };

  std::size_t size() const { return columns_ == 0 ? 0 : cells_.size() / columns_; }
  bool empty() const { return cells_.empty(); }
  Row operator[](std::size_t index) const {
    WRENCH_ASSERT(index < size());
    return Row(*this, index);
  }
  Row front() const { return (*this)[0]; }
  Iterator begin() const { return Iterator(*this, 0); }
  Iterator end() const { return Iterator(*this, size()); }

  /// For drivers: cells arrive row by row.
  void set_columns(std::size_t columns) { columns_ = columns; }
  void add_null() { cells_.emplace_back(); }
  void add_integer(std::int64_t value);
  void add_real(double value);
  void add_bytes(CellType type, std::string_view value);
  std::size_t byte_size() const { return arena_.size() + cells_.size() * sizeof(Row::Cell); }

 private:
  std::size_t columns_ = 0;
  std::vector<Row::Cell> cells_;
  std::string arena_;
};

}  // namespace wrench::storage
