#include <algorithm>
#include <boost/json/basic_parser_impl.hpp>
#include <charconv>
#include <cmath>
#include <functional>
#include <numeric>
#include <tuple>

#include "wrench/base/text.hpp"
#include "wrench/codec/json.hpp"

namespace wrench::codec {
namespace {

namespace bj = boost::json;

constexpr std::size_t kNameShownBytesMax = 80;

/// Builds values bottom-up: finished ones wait on a stack until their container ends.
class Builder {
 public:
  static constexpr std::size_t max_object_size = static_cast<std::size_t>(-1);
  static constexpr std::size_t max_array_size = static_cast<std::size_t>(-1);
  static constexpr std::size_t max_key_size = static_cast<std::size_t>(-1);
  static constexpr std::size_t max_string_size = static_cast<std::size_t>(-1);

  std::string_view text;
  std::size_t values_max = 0;
  std::optional<Error> failure;
  std::size_t failure_offset = 0;

  std::optional<std::span<const std::string_view>> kept_names;

  Json take() { return std::move(values_.back()); }

  bool on_document_begin(bj::error_code&) { return true; }
  bool on_document_end(bj::error_code&) { return true; }
  bool on_array_begin(bj::error_code& error) { return open(error); }
  bool on_object_begin(bj::error_code& error) { return open(error); }

  bool on_array_end(std::size_t, bj::error_code&) {
    if (closes_dropped()) return true;
    const auto first = values_.begin() + static_cast<std::ptrdiff_t>(frames_.back().first_value);
    JsonArray array(std::make_move_iterator(first), std::make_move_iterator(values_.end()));
    values_.erase(first, values_.end());
    frames_.pop_back();
    values_.emplace_back(std::move(array));
    return true;
  }

  bool on_object_end(std::size_t, bj::error_code& error) {
    if (closes_dropped()) return true;
    const auto [first_value, first_key] = frames_.back();
    std::vector<JsonObject::Member> members;
    members.reserve(values_.size() - first_value);
    for (std::size_t i = 0; first_value + i < values_.size(); ++i) {
      members.emplace_back(std::move(keys_[first_key + i].name), std::move(values_[first_value + i]));
    }
    auto object = JsonObject::from_members(std::move(members));
    // NOLINTNEXTLINE(bugprone-use-after-move): refused members are left where they were.
    if (!object) return refuse_duplicate(members, first_key, error);
    values_.resize(first_value);
    keys_.resize(first_key);
    frames_.pop_back();
    values_.emplace_back(std::move(*object));
    return true;
  }

  bool on_string_part(bj::string_view part, std::size_t, bj::error_code&) {
    partial_.append(part.data(), part.size());
    return true;
  }
  bool on_string(bj::string_view part, std::size_t, bj::error_code& error) { return add(take_string(part), error); }
  bool on_key_part(bj::string_view part, std::size_t size, bj::error_code& error) {
    return on_string_part(part, size, error);
  }
  bool on_key(bj::string_view part, std::size_t, bj::error_code&) {
    std::string name = take_string(part);
    if (dropped_depth_ > 0) return true;
    drop_next_ = kept_names && std::find(kept_names->begin(), kept_names->end(), name) == kept_names->end();
    if (!drop_next_) keys_.push_back({std::move(name), offset_of(part.data())});
    return true;
  }

  bool on_number_part(bj::string_view part, bj::error_code& error) { return on_string_part(part, 0, error); }
  bool on_int64(std::int64_t value, bj::string_view part, bj::error_code& error) {
    const std::string number = take_string(part);
    // JSON's "-0" is a double to everybody who keeps the sign (RFC 8785 writes both as 0).
    if (value == 0 && number.starts_with('-')) return add(-0.0, error);
    return add(value, error);
  }
  bool on_uint64(std::uint64_t value, bj::string_view, bj::error_code& error) {
    partial_.clear();
    return add(value, error);
  }
  bool on_double(double estimate, bj::string_view part, bj::error_code& error) {
    // Boost 1.81 may be a unit in the last place off; from_chars isn't.
    const std::string number = take_string(part);
    double value = 0;
    const auto [end, status] = std::from_chars(number.data(), number.data() + number.size(), value);
    if (status == std::errc::result_out_of_range) {
      if (std::fabs(estimate) > 1) {
        return fail(Error("codec.json_invalid", "the number is too large for a double"), offset_of(part.data()), error);
      }
      value = number.starts_with('-') ? -0.0 : 0.0;
    }
    return add(value, error);
  }
  bool on_bool(bool value, bj::error_code& error) { return add(value, error); }
  bool on_null(bj::error_code& error) { return add(nullptr, error); }
  bool on_comment_part(bj::string_view, bj::error_code&) { return true; }
  bool on_comment(bj::string_view, bj::error_code&) { return true; }

 private:
  struct Key {
    std::string name;
    std::size_t offset = 0;
  };
  struct Frame {
    std::size_t first_value = 0;
    std::size_t first_key = 0;
  };

  bool open(bj::error_code& error) {
    if (dropped_depth_ > 0 || drop_next_) {
      ++dropped_depth_;
      drop_next_ = false;
    } else {
      frames_.push_back({values_.size(), keys_.size()});
    }
    return count(error);
  }

  bool closes_dropped() {
    if (dropped_depth_ == 0) return false;
    --dropped_depth_;
    return true;
  }

  bool add(Json value, bj::error_code& error) {
    if (dropped_depth_ == 0 && !drop_next_) values_.push_back(std::move(value));
    drop_next_ = false;
    return count(error);
  }

  std::string take_string(bj::string_view part) {
    if (partial_.empty()) return std::string(part.data(), part.size());
    partial_.append(part.data(), part.size());
    return std::exchange(partial_, {});
  }

  /// Pieces with escapes come from the parser's own buffer; then the offset of the piece before stands in.
  std::size_t offset_of(const char* piece) {
    const std::less_equal<const char*> not_after;
    if (not_after(text.data(), piece) && not_after(piece, text.data() + text.size())) {
      last_offset_ = static_cast<std::size_t>(piece - text.data());
    }
    return last_offset_;
  }

  bool count(bj::error_code& error) {
    if (++count_ <= values_max) return true;
    return fail(Error("codec.json_limit", "more than " + std::to_string(values_max) + " values"), last_offset_, error);
  }

  bool refuse_duplicate(const std::vector<JsonObject::Member>& members, std::size_t first_key, bj::error_code& error) {
    std::vector<std::size_t> order(members.size());
    std::iota(order.begin(), order.end(), std::size_t{0});
    std::sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
      return std::tie(members[a].first, a) < std::tie(members[b].first, b);
    });
    std::size_t earliest = members.size();
    for (std::size_t i = 1; i < order.size(); ++i) {
      if (members[order[i - 1]].first == members[order[i]].first) earliest = std::min(earliest, order[i]);
    }
    const std::string name = escape_for_display(members[earliest].first.substr(0, kNameShownBytesMax));
    return fail(Error("codec.json_invalid", "the object has the name \"" + name + "\" twice"),
                keys_[first_key + earliest].offset, error);
  }

  bool fail(Error why, std::size_t offset, bj::error_code& error) {
    failure = std::move(why);
    failure_offset = offset;
    error = bj::make_error_code(bj::error::exception);
    return false;
  }

  std::vector<Json> values_;
  std::vector<Frame> frames_;
  std::size_t dropped_depth_ = 0;  // Containers open inside a member that isn't kept.
  bool drop_next_ = false;
  std::vector<Key> keys_;
  std::string partial_;
  std::size_t last_offset_ = 0;
  std::size_t count_ = 0;
};

Error placed(Error error, std::string_view text, std::size_t offset) {
  const std::string_view before = text.substr(0, std::min(offset, text.size()));
  const auto line = 1 + std::count(before.begin(), before.end(), '\n');
  const std::size_t newline = before.rfind('\n');
  const std::size_t column =
      1 + count_code_points(newline == std::string_view::npos ? before : before.substr(newline + 1));
  return std::move(error).at("", static_cast<int>(line), static_cast<int>(column));
}

Result<Json> parse(std::string_view text, std::optional<std::span<const std::string_view>> kept_names,
                   const JsonLimits& limits) {
  if (text.size() > limits.bytes_max) {
    return Error("codec.json_limit",
                 format_bytes(text.size()) + " of JSON; the limit is " + format_bytes(limits.bytes_max));
  }
  const std::size_t depth_max = std::min(limits.depth_max, kJsonDepthCeiling);
  bj::parse_options options;
  options.max_depth = depth_max;
  bj::basic_parser<Builder> parser(options);
  Builder& builder = parser.handler();
  builder.text = text;
  builder.values_max = limits.values_max;
  builder.kept_names = kept_names;
  bj::error_code status;
  const std::size_t consumed = parser.write_some(false, text.data(), text.size(), status);
  if (builder.failure) return placed(std::move(*builder.failure), text, builder.failure_offset);
  if (status == bj::error::too_deep) {
    return placed(Error("codec.json_limit", "nested deeper than " + std::to_string(depth_max) + " levels"), text,
                  consumed);
  }
  if (status) return placed(Error("codec.json_invalid", "not JSON: " + status.message()), text, consumed);
  if (consumed != text.size()) {
    return placed(Error("codec.json_invalid", "there is more text after the JSON value"), text, consumed);
  }
  return builder.take();
}

}  // namespace

Result<Json> parse_json(std::string_view text, const JsonLimits& limits) { return parse(text, std::nullopt, limits); }

Result<Json> parse_json_members(std::string_view text, std::span<const std::string_view> names,
                                const JsonLimits& limits) {
  return parse(text, names, limits);
}

}  // namespace wrench::codec
