#include "wrench/workflow/expression.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <optional>
#include <utility>

#include "wrench/base/text.hpp"

namespace wrench::workflow {

using codec::Json;
using codec::JsonArray;

enum class Op : std::uint8_t {
  Literal,
  Path,
  List,
  Not,
  Negate,
  Or,
  And,
  Equal,
  NotEqual,
  Less,
  LessEqual,
  Greater,
  GreaterEqual,
  In,
  Add,
  Subtract,
  Multiply,
  Divide,
  Modulo,
  Choose,
  Call,
};

enum class Fn : std::uint8_t { Size, Has, Contains, StartsWith, EndsWith, Lower, Min, Max, Any, All, Count };

struct Expression::Node {
  Op op = Op::Literal;
  Fn fn = Fn::Size;
  Json literal;
  std::vector<std::string> path;
  std::vector<std::unique_ptr<const Node>> args;
};

namespace {

using Node = Expression::Node;
using NodePtr = std::unique_ptr<const Node>;

struct FnRow {
  std::string_view name;
  Fn fn;
  std::size_t args_min, args_max;
};
constexpr FnRow kFunctions[] = {
    {"size", Fn::Size, 1, 1},
    {"has", Fn::Has, 1, 1},
    {"contains", Fn::Contains, 2, 2},
    {"starts_with", Fn::StartsWith, 2, 2},
    {"ends_with", Fn::EndsWith, 2, 2},
    {"lower", Fn::Lower, 1, 1},
    {"min", Fn::Min, 1, 16},
    {"max", Fn::Max, 1, 16},
    {"any", Fn::Any, 1, 1},
    {"all", Fn::All, 1, 1},
    {"count", Fn::Count, 1, 2},
};

bool is_name_start(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; }
bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_name_char(char c) { return is_name_start(c) || is_digit(c); }

NodePtr make(Op op, std::vector<NodePtr> args) {
  auto node = std::make_unique<Node>();
  node->op = op;
  node->args = std::move(args);
  return node;
}

NodePtr make(Op op, NodePtr a) {
  std::vector<NodePtr> args;
  args.push_back(std::move(a));
  return make(op, std::move(args));
}

NodePtr make(Op op, NodePtr a, NodePtr b) {
  std::vector<NodePtr> args;
  args.push_back(std::move(a));
  args.push_back(std::move(b));
  return make(op, std::move(args));
}

NodePtr literal(Json value) {
  auto node = std::make_unique<Node>();
  node->literal = std::move(value);
  return node;
}

/// Recursive descent; `depth_` bounds the recursion.
class Parser {
 public:
  explicit Parser(std::string_view text) : text_(text) {}

  Result<NodePtr> parse(std::vector<std::vector<std::string>>& paths) {
    auto node = WRENCH_TRY(choice());
    skip_space();
    if (at_ != text_.size()) return unexpected();
    paths = std::move(paths_);
    return node;
  }

 private:
  Error fail(std::string what) const {
    return Error("workflow.expression_invalid", "in '" + escape_for_display(text_) + "': " + what)
        .at("", 1, static_cast<int>(at_) + 1);
  }
  Error unexpected() const {
    if (at_ >= text_.size()) return fail("it ends too early");
    return fail("unexpected '" + escape_for_display(text_.substr(at_, 1)) + "' at column " + std::to_string(at_ + 1));
  }
  void skip_space() {
    while (at_ < text_.size() && (text_[at_] == ' ' || text_[at_] == '\t' || text_[at_] == '\n' || text_[at_] == '\r'))
      ++at_;
  }
  bool take(std::string_view symbol) {
    skip_space();
    if (text_.substr(at_, symbol.size()) != symbol) return false;
    at_ += symbol.size();
    return true;
  }
  bool take_word(std::string_view word) {
    skip_space();
    if (text_.substr(at_, word.size()) != word) return false;
    if (at_ + word.size() < text_.size() && is_name_char(text_[at_ + word.size()])) return false;
    at_ += word.size();
    return true;
  }

  struct Depth {
    explicit Depth(int& depth) : depth_(depth) { ++depth_; }
    ~Depth() { --depth_; }
    Depth(const Depth&) = delete;
    Depth& operator=(const Depth&) = delete;
    int& depth_;
  };
  Result<void> check_depth() const {
    if (depth_ > kExpressionDepthMax) return fail("nested deeper than " + std::to_string(kExpressionDepthMax));
    return {};
  }

  Result<NodePtr> choice() {
    const Depth guard(depth_);
    WRENCH_TRY(check_depth());
    auto condition = WRENCH_TRY(disjunction());
    if (!take("?")) return condition;
    std::vector<NodePtr> args;
    args.push_back(std::move(condition));
    args.push_back(WRENCH_TRY(choice()));
    if (!take(":")) return unexpected();
    args.push_back(WRENCH_TRY(choice()));
    return make(Op::Choose, std::move(args));
  }

  Result<NodePtr> disjunction() {
    auto left = WRENCH_TRY(conjunction());
    while (take("||") || take_word("or")) {
      auto right = WRENCH_TRY(conjunction());
      left = make(Op::Or, std::move(left), std::move(right));
      WRENCH_TRY(count_chain());
    }
    return left;
  }

  Result<NodePtr> conjunction() {
    auto left = WRENCH_TRY(negation());
    while (take("&&") || take_word("and")) {
      auto right = WRENCH_TRY(negation());
      left = make(Op::And, std::move(left), std::move(right));
      WRENCH_TRY(count_chain());
    }
    return left;
  }

  Result<NodePtr> negation() {
    const Depth guard(depth_);
    WRENCH_TRY(check_depth());
    skip_space();
    const bool bang = at_ < text_.size() && text_[at_] == '!' && text_.substr(at_, 2) != "!=";
    if (bang) ++at_;
    if (bang || take_word("not")) {
      auto operand = WRENCH_TRY(negation());
      return make(Op::Not, std::move(operand));
    }
    return comparison();
  }

  Result<NodePtr> comparison() {
    auto left = WRENCH_TRY(sum());
    static constexpr std::pair<std::string_view, Op> kOps[] = {{"==", Op::Equal},     {"!=", Op::NotEqual},
                                                               {"<=", Op::LessEqual}, {">=", Op::GreaterEqual},
                                                               {"<", Op::Less},       {">", Op::Greater}};
    for (const auto& [symbol, op] : kOps) {
      if (!take(symbol)) continue;
      auto right = WRENCH_TRY(sum());
      return make(op, std::move(left), std::move(right));
    }
    if (take_word("in")) {
      auto right = WRENCH_TRY(sum());
      return make(Op::In, std::move(left), std::move(right));
    }
    return left;
  }

  Result<NodePtr> sum() {
    auto left = WRENCH_TRY(product());
    for (;;) {
      const bool plus = take("+");
      if (!plus && !take("-")) return left;
      auto right = WRENCH_TRY(product());
      left = make(plus ? Op::Add : Op::Subtract, std::move(left), std::move(right));
      WRENCH_TRY(count_chain());
    }
  }

  Result<NodePtr> product() {
    auto left = WRENCH_TRY(unary());
    for (;;) {
      Op op;
      if (take("*"))
        op = Op::Multiply;
      else if (take("/"))
        op = Op::Divide;
      else if (take("%"))
        op = Op::Modulo;
      else
        return left;
      auto right = WRENCH_TRY(unary());
      left = make(op, std::move(left), std::move(right));
      WRENCH_TRY(count_chain());
    }
  }

  // A chain `a + b + c` becomes a left-deep tree, and evaluation recurses into it.
  Result<void> count_chain() {
    if (++chain_ > 4 * kExpressionDepthMax)
      return fail("more than " + std::to_string(4 * kExpressionDepthMax) + " operators");
    return {};
  }

  Result<NodePtr> unary() {
    const Depth guard(depth_);
    WRENCH_TRY(check_depth());
    if (take("-")) {
      auto operand = WRENCH_TRY(unary());
      return make(Op::Negate, std::move(operand));
    }
    return primary();
  }

  Result<NodePtr> primary() {
    skip_space();
    if (at_ >= text_.size()) return unexpected();
    const char c = text_[at_];
    if (c == '(') {
      ++at_;
      auto inner = WRENCH_TRY(choice());
      if (!take(")")) return unexpected();
      return inner;
    }
    if (c == '[') return list();
    if (c == '\'' || c == '"') return string(c);
    if (is_digit(c)) return number();
    if (!is_name_start(c)) return unexpected();
    if (take_word("null")) return literal(Json());
    if (take_word("true")) return literal(Json(true));
    if (take_word("false")) return literal(Json(false));
    return path_or_call();
  }

  Result<NodePtr> list() {
    ++at_;
    std::vector<NodePtr> items;
    if (take("]")) return make(Op::List, std::move(items));
    do items.push_back(WRENCH_TRY(choice()));
    while (take(","));
    if (!take("]")) return unexpected();
    return make(Op::List, std::move(items));
  }

  Result<NodePtr> string(char quote) {
    ++at_;
    std::string value;
    while (at_ < text_.size() && text_[at_] != quote) {
      if (text_[at_] == '\\' && at_ + 1 < text_.size()) {
        ++at_;
        const char escaped = text_[at_];
        value += escaped == 'n' ? '\n' : escaped == 't' ? '\t' : escaped;
      } else {
        value += text_[at_];
      }
      ++at_;
    }
    if (at_ >= text_.size()) return fail("a string isn't closed");
    ++at_;
    return literal(Json(std::move(value)));
  }

  Result<NodePtr> number() {
    const std::size_t begin = at_;
    while (at_ < text_.size() && is_digit(text_[at_])) ++at_;
    bool whole = true;
    if (at_ + 1 < text_.size() && text_[at_] == '.' && is_digit(text_[at_ + 1])) {
      whole = false;
      ++at_;
      while (at_ < text_.size() && is_digit(text_[at_])) ++at_;
    }
    const auto digits = text_.substr(begin, at_ - begin);
    double real = 0;
    std::from_chars(digits.data(), digits.data() + digits.size(), real);
    // `95%` is 0.95, `7 % 2` a remainder: a percent sign belongs to the number if nothing to divide by follows.
    if (at_ < text_.size() && text_[at_] == '%') {
      std::size_t next = at_ + 1;
      while (next < text_.size() && text_[next] == ' ') ++next;
      const bool operand =
          next < text_.size() && (is_name_char(text_[next]) || text_[next] == '(') && !is_word_operator(next);
      if (!operand) {
        ++at_;
        return literal(Json(real / 100));
      }
    }
    std::int64_t integer = 0;
    if (whole && std::from_chars(digits.data(), digits.data() + digits.size(), integer).ec == std::errc())
      return literal(Json(integer));
    return literal(Json(real));
  }

  bool is_word_operator(std::size_t at) const {
    for (const std::string_view word : {"and", "or", "in"})
      if (text_.substr(at, word.size()) == word &&
          (at + word.size() == text_.size() || !is_name_char(text_[at + word.size()])))
        return true;
    return false;
  }

  std::string_view word() {
    const std::size_t begin = at_;
    while (at_ < text_.size() && is_name_char(text_[at_])) ++at_;
    return text_.substr(begin, at_ - begin);
  }

  Result<NodePtr> path_or_call() {
    const std::size_t begin = at_;
    std::vector<std::string> parts{std::string(word())};
    if (take("(")) return call(parts[0], begin);
    while (at_ < text_.size()) {
      if (text_[at_] == '.' && at_ + 1 < text_.size() && is_name_char(text_[at_ + 1])) {
        ++at_;
        parts.emplace_back(word());
      } else if (text_[at_] == '[') {
        ++at_;
        const std::size_t from = at_;
        while (at_ < text_.size() && is_digit(text_[at_])) ++at_;
        if (from == at_ || at_ >= text_.size() || text_[at_] != ']') return fail("an index is a number in brackets");
        parts.push_back("[" + std::string(text_.substr(from, at_ - from)) + "]");
        ++at_;
      } else {
        break;
      }
    }
    auto node = std::make_unique<Node>();
    node->op = Op::Path;
    node->path = parts;
    paths_.push_back(std::move(parts));
    return NodePtr(std::move(node));
  }

  Result<NodePtr> call(const std::string& name, std::size_t begin) {
    const auto* row = std::find_if(std::begin(kFunctions), std::end(kFunctions),
                                   [&](const FnRow& candidate) { return candidate.name == name; });
    if (row == std::end(kFunctions)) {
      at_ = begin;
      return fail("there is no function '" + name + "'");
    }
    auto node = std::make_unique<Node>();
    node->op = Op::Call;
    node->fn = row->fn;
    if (!take(")")) {
      do node->args.push_back(WRENCH_TRY(choice()));
      while (take(","));
      if (!take(")")) return unexpected();
    }
    if (node->args.size() < row->args_min || node->args.size() > row->args_max)
      return fail(name + " takes " + std::to_string(row->args_min) + " to " + std::to_string(row->args_max) +
                  " arguments");
    return NodePtr(std::move(node));
  }

  std::string_view text_;
  std::size_t at_ = 0;
  int depth_ = 0;
  int chain_ = 0;
  std::vector<std::vector<std::string>> paths_;
};

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
  out.root_ = WRENCH_TRY(Parser(text).parse(out.paths_));
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
