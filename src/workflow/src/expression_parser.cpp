#include <algorithm>
#include <charconv>
#include <optional>
#include <utility>

#include "expression_node.hpp"
#include "wrench/base/text.hpp"

namespace wrench::workflow {

namespace {

using Node = Expression::Node;
using NodePtr = ExpressionNodePtr;

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

  Result<NodePtr> parse(std::vector<PathUse>& paths) {
    auto node = WRENCH_TRY(choice());
    skip_space();
    if (at_ != text_.size()) return unexpected();
    paths = std::move(paths_);
    return node;
  }

 private:
  Error fail(const std::string& what) const {
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
    std::size_t end = at_;
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
      end = at_;
    }
    auto node = std::make_unique<Node>();
    node->op = Op::Path;
    node->path = parts;
    paths_.push_back({std::move(parts), begin, end});
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
  std::vector<PathUse> paths_;
};

}  // namespace

Result<ExpressionNodePtr> parse_expression(std::string_view text, std::vector<PathUse>& paths) {
  return Parser(text).parse(paths);
}

}  // namespace wrench::workflow
