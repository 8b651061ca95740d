#include "wrench/workflow/expression.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <utility>

#include "expression_node.hpp"
#include "wrench/base/text.hpp"

namespace wrench::workflow {

using codec::JsonArray;

namespace {

using Node = Expression::Node;

std::string_view kind_name(const Json& value) {
  static constexpr std::string_view kNames[] = {"null",     "a boolean", "a number", "a number",
                                                "a string", "a list",    "an object"};
  return kNames[static_cast<std::size_t>(value.kind())];
}

Error type_error(const std::string& what) { return Error("workflow.condition_type", what); }

class Evaluator {
 public:
  explicit Evaluator(const Scope& scope) : scope_(scope) {}

  Result<Json> eval(const Node& node) {
    if (++steps_ > kExpressionStepsMax)
      return Error("workflow.expression_limit",
                   "the expression takes more than " + std::to_string(kExpressionStepsMax) + " steps");
    switch (node.op) {
      case Op::Literal:
        return node.literal;
      case Op::Path: {
        const Json* found = scope_.path(node.path);
        return found == nullptr ? Json() : *found;
      }
      case Op::List: {
        JsonArray items;
        for (const auto& arg : node.args) items.push_back(WRENCH_TRY(eval(*arg)));
        return Json(std::move(items));
      }
      case Op::Not:
        return Json(!WRENCH_TRY(boolean(*node.args[0], "not")));
      case Op::And:
        if (!WRENCH_TRY(boolean(*node.args[0], "and"))) return Json(false);
        return Json(WRENCH_TRY(boolean(*node.args[1], "and")));
      case Op::Or:
        if (WRENCH_TRY(boolean(*node.args[0], "or"))) return Json(true);
        return Json(WRENCH_TRY(boolean(*node.args[1], "or")));
      case Op::Choose:
        return eval(*node.args[WRENCH_TRY(boolean(*node.args[0], "?")) ? 1 : 2]);
      case Op::Call:
        return call(node);
      default:
        break;
    }
    const Json left = WRENCH_TRY(eval(*node.args[0]));
    if (node.op == Op::Negate) return arithmetic(Op::Subtract, Json(0), left);
    const Json right = WRENCH_TRY(eval(*node.args[1]));
    switch (node.op) {
      case Op::Equal:
        return Json(equal(left, right));
      case Op::NotEqual:
        return Json(!equal(left, right));
      case Op::In:
        return contains(right, left);
      case Op::Less:
      case Op::LessEqual:
      case Op::Greater:
      case Op::GreaterEqual:
        return order(node.op, left, right);
      default:
        return arithmetic(node.op, left, right);
    }
  }

 private:
  Result<bool> boolean(const Node& node, std::string_view where) {
    const Json value = WRENCH_TRY(eval(node));
    if (!value.is_boolean())
      return type_error("'" + std::string(where) + "' needs true or false, not " + std::string(kind_name(value)));
    return value.as_boolean();
  }

  static bool equal(const Json& a, const Json& b) {
    if (a.is_number() && b.is_number() && a.kind() != b.kind()) return a.as_double() == b.as_double();
    return a == b;
  }

  static Result<Json> order(Op op, const Json& a, const Json& b) {
    if (a.is_null() || b.is_null()) return Json(false);
    int sign = 0;
    if (a.is_integer() && b.is_integer()) {
      sign = a.as_integer() < b.as_integer() ? -1 : a.as_integer() > b.as_integer();
    } else if (a.is_number() && b.is_number()) {
      sign = a.as_double() < b.as_double() ? -1 : a.as_double() > b.as_double();
    } else if (a.is_string() && b.is_string()) {
      sign = a.as_string().compare(b.as_string());
    } else {
      return type_error("can't order " + std::string(kind_name(a)) + " and " + std::string(kind_name(b)));
    }
    switch (op) {
      case Op::Less:
        return Json(sign < 0);
      case Op::LessEqual:
        return Json(sign <= 0);
      case Op::Greater:
        return Json(sign > 0);
      default:
        return Json(sign >= 0);
    }
  }

  static Result<Json> arithmetic(Op op, const Json& a, const Json& b) {
    if (op == Op::Add && a.is_string() && b.is_string())
      return Json(std::string(a.as_string()) + std::string(b.as_string()));
    if (!a.is_number() || !b.is_number())
      return type_error("can't calculate with " + std::string(kind_name(a)) + " and " + std::string(kind_name(b)));
    if (a.is_integer() && b.is_integer()) {
      const std::int64_t x = a.as_integer();
      const std::int64_t y = b.as_integer();
      std::int64_t out = 0;
      switch (op) {
        case Op::Add:
          if (!__builtin_add_overflow(x, y, &out)) return Json(out);
          break;
        case Op::Subtract:
          if (!__builtin_sub_overflow(x, y, &out)) return Json(out);
          break;
        case Op::Multiply:
          if (!__builtin_mul_overflow(x, y, &out)) return Json(out);
          break;
        case Op::Modulo:
          if (y == 0) return type_error("division by zero");
          return Json(y == -1 ? std::int64_t{0} : x % y);
        default:
          break;
      }
    }
    const double x = a.as_double();
    const double y = b.as_double();
    switch (op) {
      case Op::Add:
        return Json(x + y);
      case Op::Subtract:
        return Json(x - y);
      case Op::Multiply:
        return Json(x * y);
      default:
        if (y == 0) return type_error("division by zero");
        return Json(op == Op::Divide ? x / y : std::fmod(x, y));
    }
  }

  Result<Json> contains(const Json& whole, const Json& part) {
    if (whole.is_null()) return Json(false);
    if (whole.is_string() && part.is_string())
      return Json(whole.as_string().find(part.as_string()) != std::string_view::npos);
    if (whole.is_object() && part.is_string()) return Json(whole.as_object().find(part.as_string()) != nullptr);
    if (!whole.is_array()) return type_error(std::string(kind_name(whole)) + " contains nothing");
    for (const Json& item : whole.as_array()) {
      if (++steps_ > kExpressionStepsMax) break;
      if (equal(item, part)) return Json(true);
    }
    return Json(false);
  }

  Result<Json> call(const Node& node) {
    std::vector<Json> args;
    for (const auto& arg : node.args) args.push_back(WRENCH_TRY(eval(*arg)));
    switch (node.fn) {
      case Fn::Size:
        if (args[0].is_null()) return Json(0);
        if (args[0].is_string()) return Json(count_code_points(args[0].as_string()));
        if (args[0].is_array()) return Json(args[0].as_array().size());
        if (args[0].is_object()) return Json(args[0].as_object().size());
        return type_error("size of " + std::string(kind_name(args[0])));
      case Fn::Has:
        return Json(!args[0].is_null());
      case Fn::Contains:
        return contains(args[0], args[1]);
      case Fn::StartsWith:
      case Fn::EndsWith: {
        if (args[0].is_null()) return Json(false);
        if (!args[0].is_string() || !args[1].is_string()) return type_error("starts_with and ends_with take strings");
        return Json(node.fn == Fn::StartsWith ? args[0].as_string().starts_with(args[1].as_string())
                                              : args[0].as_string().ends_with(args[1].as_string()));
      }
      case Fn::Lower:
        if (!args[0].is_string()) return type_error("lower of " + std::string(kind_name(args[0])));
        return Json(to_lower_ascii(args[0].as_string()));
      case Fn::Min:
      case Fn::Max:
        return extreme(node.fn, args);
      case Fn::Any:
      case Fn::All: {
        if (!args[0].is_array()) return type_error("any and all take a list");
        for (const Json& item : args[0].as_array()) {
          if (!item.is_boolean()) return type_error("any and all take a list of true and false");
          if (item.as_boolean() == (node.fn == Fn::Any)) return Json(node.fn == Fn::Any);
        }
        return Json(node.fn == Fn::All);
      }
      case Fn::Count: {
        if (args[0].is_null()) return Json(0);
        if (!args[0].is_array()) return type_error("count takes a list");
        if (args.size() == 1) return Json(args[0].as_array().size());
        return Json(std::count_if(args[0].as_array().begin(), args[0].as_array().end(),
                                  [&](const Json& item) { return equal(item, args[1]); }));
      }
    }
    return Json();
  }

  static Result<Json> extreme(Fn fn, const std::vector<Json>& args) {
    const bool list = args.size() == 1 && args[0].is_array();
    const JsonArray& items = list ? args[0].as_array() : args;
    if (items.empty()) return Json();
    const Json* best = &items[0];
    for (const Json& item : items) {
      const Json better = WRENCH_TRY(order(fn == Fn::Min ? Op::Less : Op::Greater, item, *best));
      if (better.as_boolean()) best = &item;
    }
    return *best;
  }

  const Scope& scope_;
  int steps_ = 0;
};

}  // namespace

const Json* Scope::path(const std::vector<std::string>& parts) const {
  const Json* at = parts.empty() ? nullptr : root(parts[0]);
  for (std::size_t i = 1; i < parts.size() && at != nullptr; ++i) {
    if (parts[i].front() == '[') {
      const auto& items = at->as_array();
      std::size_t index = 0;
      const auto* last = parts[i].data() + parts[i].size() - 1;
      if (std::from_chars(parts[i].data() + 1, last, index).ec != std::errc() || index >= items.size()) return nullptr;
      at = &items[index];
    } else {
      at = at->as_object().find(parts[i]);
    }
  }
  return at;
}

Result<Expression> Expression::parse(std::string_view text) {
  if (text.size() > kExpressionBytesMax)
    return Error("workflow.expression_invalid", "the expression has " + std::to_string(text.size()) +
                                                    " bytes; the limit is " + std::to_string(kExpressionBytesMax));
  if (!is_valid_utf8(text)) return Error("workflow.expression_invalid", "the expression isn't valid UTF-8");
  Expression out;
  out.text_ = text;
  std::vector<PathUse> paths;
  out.root_ = WRENCH_TRY(parse_expression(text, paths));
  for (PathUse& use : paths) out.paths_.push_back(std::move(use.parts));
  return out;
}

Result<Json> Expression::eval(const Scope& scope) const { return Evaluator(scope).eval(*root_); }

Result<bool> Expression::test(const Scope& scope) const {
  const Json value = WRENCH_TRY(eval(scope));
  if (!value.is_boolean())
    return type_error("the condition '" + text_ + "' gives " + std::string(kind_name(value)) + ", not true or false");
  return value.as_boolean();
}

}  // namespace wrench::workflow
