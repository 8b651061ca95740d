#pragma once

#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>

#include "wrench/base/result.hpp"
#include "wrench/codec/json.hpp"

namespace wrench::findings {

/// Reads the members of an object into typed fields. Absent and null members leave the field alone; a member of
/// another type is an error that names its place. The first error stays.
class JsonFields {
 public:
  JsonFields(const codec::Json& value, std::string place, std::optional<Error>& error)
      : value_(value), place_(std::move(place)), error_(error) {
    if (!value.is_object()) fail({}, "isn't an object");
  }

  const codec::Json& json(std::string_view name) const { return value_.at(name); }
  std::optional<Error>& error() const { return error_; }
  std::string place(std::string_view name) const {
    return place_.empty() ? std::string(name) : place_ + "." + std::string(name);
  }

  void text(std::string_view name, std::string& field) const {
    const codec::Json& value = json(name);
    if (value.is_string()) {
      field = value.as_string();
    } else if (!value.is_null()) {
      fail(name, "isn't text");
    }
  }

  template <class N>
    requires std::is_integral_v<N>
  void number(std::string_view name, N& field) const {
    const codec::Json& value = json(name);
    if (value.is_integer() && std::in_range<N>(value.as_integer())) {
      field = static_cast<N>(value.as_integer());
    } else if (!value.is_null()) {
      fail(name, "isn't an integer in range");
    }
  }

  void number(std::string_view name, double& field) const {
    const codec::Json& value = json(name);
    if (value.is_number()) {
      field = value.as_double();
    } else if (!value.is_null()) {
      fail(name, "isn't a number");
    }
  }

  void boolean(std::string_view name, bool& field) const {
    const codec::Json& value = json(name);
    if (value.is_boolean()) {
      field = value.as_boolean();
    } else if (!value.is_null()) {
      fail(name, "isn't true or false");
    }
  }

  void texts(std::string_view name, std::vector<std::string>& field) const {
    each(name, [&](const codec::Json& item, const std::string& place) {
      if (!item.is_string()) return fail_at(place, "isn't text");
      field.emplace_back(item.as_string());
    });
  }

  /// `read(member, place)` for every item of a list.
  template <class F>
  void each(std::string_view name, F read) const {
    const codec::Json& value = json(name);
    if (value.is_null()) return;
    if (!value.is_array()) return fail(name, "isn't a list");
    std::size_t i = 0;
    for (const codec::Json& item : value.as_array()) read(item, place(name) + "[" + std::to_string(i++) + "]");
  }

  /// A list of objects: `read(fields, target)` fills each.
  template <class T, class F>
  void objects(std::string_view name, std::vector<T>& field, F read) const {
    each(name, [&](const codec::Json& item, const std::string& place) {
      read(JsonFields(item, place, error_), field.emplace_back());
    });
  }

  /// A word out of a table: `parse` gives an optional.
  template <class T, class F>
  void word(std::string_view name, T& field, F parse) const {
    const codec::Json& value = json(name);
    if (value.is_null()) return;
    if (const auto parsed = value.is_string() ? parse(value.as_string()) : std::nullopt) {
      field = *parsed;
    } else {
      fail(name, "isn't one of the known words");
    }
  }

  JsonFields object(std::string_view name) const { return {json(name), place(name), error_}; }

  void fail(std::string_view name, std::string_view what) const { fail_at(name.empty() ? place_ : place(name), what); }
  void fail_at(const std::string& place, std::string_view what) const {
    if (!error_) error_ = Error("findings.invalid", (place.empty() ? "the document" : place) + " " + std::string(what));
  }

 private:
  const codec::Json& value_;
  std::string place_;
  std::optional<Error>& error_;
};

}  // namespace wrench::findings
