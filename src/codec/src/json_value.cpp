#include <algorithm>
#include <numeric>

#include "wrench/base/assert.hpp"
#include "wrench/codec/json.hpp"

namespace wrench::codec {
namespace {

constexpr std::size_t kLinearMembersMax = 16;

const Json kNull;
const JsonArray kEmptyArray;
const JsonObject kEmptyObject;

}  // namespace

JsonObject::JsonObject() = default;
JsonObject::JsonObject(const JsonObject&) = default;
JsonObject::JsonObject(JsonObject&&) noexcept = default;
JsonObject& JsonObject::operator=(const JsonObject&) = default;
JsonObject& JsonObject::operator=(JsonObject&&) noexcept = default;
JsonObject::~JsonObject() = default;

std::optional<JsonObject> JsonObject::from_members(std::vector<Member>&& members) {
  JsonObject object;
  if (members.size() <= kLinearMembersMax) {
    for (std::size_t i = 1; i < members.size(); ++i) {
      for (std::size_t j = 0; j < i; ++j) {
        if (members[i].first == members[j].first) return std::nullopt;
      }
    }
    object.members_ = std::move(members);
    return object;
  }
  object.members_ = std::move(members);
  object.sort_tail();
  const auto same = [&](std::uint32_t a, std::uint32_t b) {
    return object.members_[a].first == object.members_[b].first;
  };
  if (std::adjacent_find(object.sorted_.begin(), object.sorted_.end(), same) != object.sorted_.end()) {
    members = std::move(object.members_);
    return std::nullopt;
  }
  return object;
}

std::size_t JsonObject::size() const { return members_.size(); }

std::optional<std::size_t> JsonObject::index_of(std::string_view name) const {
  const auto position = std::lower_bound(sorted_.begin(), sorted_.end(), name,
                                         [this](std::uint32_t i, std::string_view n) { return members_[i].first < n; });
  if (position != sorted_.end() && members_[*position].first == name) return *position;
  for (std::size_t i = sorted_.size(); i < members_.size(); ++i) {
    if (members_[i].first == name) return i;
  }
  return std::nullopt;
}

void JsonObject::sort_tail() {
  const auto by_name = [this](std::uint32_t a, std::uint32_t b) { return members_[a].first < members_[b].first; };
  std::vector<std::uint32_t> tail(members_.size() - sorted_.size());
  std::iota(tail.begin(), tail.end(), static_cast<std::uint32_t>(sorted_.size()));
  std::sort(tail.begin(), tail.end(), by_name);
  std::vector<std::uint32_t> merged(members_.size());
  std::merge(sorted_.begin(), sorted_.end(), tail.begin(), tail.end(), merged.begin(), by_name);
  sorted_ = std::move(merged);
}

void JsonObject::append(std::string_view name, Json value) {
  members_.emplace_back(std::string(name), std::move(value));
  // The tail grows with the square root of the size: n insertions cost n * sqrt(n) steps, not n * n.
  const std::size_t tail = members_.size() - sorted_.size();
  if (tail > kLinearMembersMax && tail * tail > sorted_.size()) sort_tail();
}

const Json* JsonObject::find(std::string_view name) const {
  const auto i = index_of(name);
  return i ? &members_[*i].second : nullptr;
}

Json* JsonObject::find(std::string_view name) {
  const auto i = index_of(name);
  return i ? &members_[*i].second : nullptr;
}

Json& JsonObject::operator[](std::string_view name) {
  if (Json* found = find(name)) return *found;
  append(name, Json());
  return members_.back().second;
}

void JsonObject::set(std::string_view name, Json value) {
  if (Json* found = find(name)) {
    *found = std::move(value);
  } else {
    append(name, std::move(value));
  }
}

bool JsonObject::erase(std::string_view name) {
  const auto i = index_of(name);
  if (!i) return false;
  members_.erase(members_.begin() + static_cast<std::ptrdiff_t>(*i));
  sorted_.clear();
  if (members_.size() > kLinearMembersMax) sort_tail();
  return true;
}

const JsonObject::Member* JsonObject::begin() const { return members_.data(); }
const JsonObject::Member* JsonObject::end() const { return members_.data() + members_.size(); }
JsonObject::Member* JsonObject::begin() { return members_.data(); }
JsonObject::Member* JsonObject::end() { return members_.data() + members_.size(); }

bool JsonObject::operator==(const JsonObject& other) const {
  if (size() != other.size()) return false;
  return std::all_of(begin(), end(), [&](const Member& member) {
    const Json* theirs = other.find(member.first);
    return theirs != nullptr && *theirs == member.second;
  });
}

Json Json::array(std::initializer_list<Item> items) {
  JsonArray array;
  array.reserve(items.size());
  for (const Item& item : items) array.push_back(std::move(item.value));
  return Json(std::move(array));
}

Json Json::object(std::initializer_list<NamedItem> members) {
  JsonObject object;
  for (const NamedItem& member : members) object.set(member.name, std::move(member.value));
  return Json(std::move(object));
}

bool Json::as_boolean(bool fallback) const {
  const bool* value = std::get_if<bool>(&value_);
  return value != nullptr ? *value : fallback;
}

std::int64_t Json::as_integer(std::int64_t fallback) const {
  const std::int64_t* value = std::get_if<std::int64_t>(&value_);
  return value != nullptr ? *value : fallback;
}

double Json::as_double(double fallback) const {
  if (const double* value = std::get_if<double>(&value_)) return *value;
  if (const std::int64_t* value = std::get_if<std::int64_t>(&value_)) return static_cast<double>(*value);
  return fallback;
}

std::string_view Json::as_string(std::string_view fallback) const {
  const std::string* value = std::get_if<std::string>(&value_);
  return value != nullptr ? std::string_view(*value) : fallback;
}

const JsonArray& Json::as_array() const {
  const JsonArray* value = std::get_if<JsonArray>(&value_);
  return value != nullptr ? *value : kEmptyArray;
}

const JsonObject& Json::as_object() const {
  const JsonObject* value = std::get_if<JsonObject>(&value_);
  return value != nullptr ? *value : kEmptyObject;
}

JsonArray& Json::array_ref() {
  if (is_null()) value_ = JsonArray();
  WRENCH_ASSERT(is_array());
  return *std::get_if<JsonArray>(&value_);
}

JsonObject& Json::object_ref() {
  if (is_null()) value_ = JsonObject();
  WRENCH_ASSERT(is_object());
  return *std::get_if<JsonObject>(&value_);
}

const Json& Json::at(std::string_view name) const {
  const Json* found = as_object().find(name);
  return found != nullptr ? *found : kNull;
}

}  // namespace wrench::codec
