#include <fmt/format.h>

#include <array>
#include <charconv>
#include <cmath>
#include <variant>

#include "match_formula.hpp"
#include "number_text.hpp"
#include "wrench/base/text.hpp"

// metavariable-comparison: a small expression language with Python's look.
namespace wrench::code {
namespace {

constexpr int kExpressionDepthMax = 80;             ///< Of a `metavariable-comparison`.
constexpr std::size_t kExpressionBytesMax = 4'000;  ///< Of a `metavariable-comparison`.

// --- reading

class ExpressionReader {
 public:
  explicit ExpressionReader(std::string_view text) : text_(text) {}

  Result<ComparisonExpr> run() {
    ComparisonExpr out = WRENCH_TRY(either(0));
    skip();
    if (at_ != text_.size()) return fault("an operator");
    return out;
  }

 private:
  using What = ComparisonExpr::What;

  Error fault(std::string_view wanted) const {
    return Error("rules.invalid", fmt::format("comparison: expected {} at column {}", wanted, at_ + 1));
  }
  void skip() {
    while (at_ < text_.size() && (text_[at_] == ' ' || text_[at_] == '\n' || text_[at_] == '\t')) ++at_;
  }
  static bool is_word(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
  }
  bool take(std::string_view token) {
    skip();
    if (!text_.substr(at_).starts_with(token)) return false;
    const std::size_t after = at_ + token.size();
    if (is_word(token.back()) && after < text_.size() && is_word(text_[after])) return false;
    at_ = after;
    return true;
  }
  static ComparisonExpr binary(std::string op, ComparisonExpr left, ComparisonExpr right) {
    ComparisonExpr out;
    out.what = What::Binary;
    out.text = std::move(op);
    out.parts.push_back(std::move(left));
    out.parts.push_back(std::move(right));
    return out;
  }
  Result<void> check(int depth) const {
    if (depth > kExpressionDepthMax) return Error("rules.invalid", "comparison: nested too deep");
    return {};
  }

  Result<ComparisonExpr> either(int depth) {
    if (auto ok = check(depth); !ok) return std::move(ok).error();
    ComparisonExpr left = WRENCH_TRY(both(depth + 1));
    while (take("or")) left = binary("or", std::move(left), WRENCH_TRY(both(depth + 1)));
    return left;
  }
  Result<ComparisonExpr> both(int depth) {
    ComparisonExpr left = WRENCH_TRY(negated(depth + 1));
    while (take("and")) left = binary("and", std::move(left), WRENCH_TRY(negated(depth + 1)));
    return left;
  }
  Result<ComparisonExpr> negated(int depth) {
    if (auto ok = check(depth); !ok) return std::move(ok).error();
    if (!take("not")) return relation(depth + 1);
    ComparisonExpr out;
    out.what = What::Unary;
    out.text = "not";
    out.parts.push_back(WRENCH_TRY(negated(depth + 1)));
    return out;
  }
  Result<ComparisonExpr> relation(int depth) {
    ComparisonExpr left = WRENCH_TRY(bits(depth + 1, 0));
    if (take("not")) {
      if (!take("in")) return fault("'in'");
      ComparisonExpr out;
      out.what = What::Unary;
      out.text = "not";
      out.parts.push_back(binary("in", std::move(left), WRENCH_TRY(bits(depth + 1, 0))));
      return out;
    }
    for (const std::string_view op : {"==", "!=", "<=", ">=", "<", ">", "in"})
      if (take(op)) return binary(std::string(op), std::move(left), WRENCH_TRY(bits(depth + 1, 0)));
    return left;
  }
  /// `|` binds loosest, then `^`, then `&`.
  Result<ComparisonExpr> bits(int depth, std::size_t level) {
    static constexpr std::array<std::string_view, 3> kOperators = {"|", "^", "&"};
    if (level == kOperators.size()) return sum(depth + 1);
    ComparisonExpr left = WRENCH_TRY(bits(depth + 1, level + 1));
    while (take(kOperators[level]))
      left = binary(std::string(kOperators[level]), std::move(left), WRENCH_TRY(bits(depth + 1, level + 1)));
    return left;
  }
  Result<ComparisonExpr> sum(int depth) {
    ComparisonExpr left = WRENCH_TRY(product(depth + 1));
    for (;;) {
      if (take("+"))
        left = binary("+", std::move(left), WRENCH_TRY(product(depth + 1)));
      else if (take("-"))
        left = binary("-", std::move(left), WRENCH_TRY(product(depth + 1)));
      else
        return left;
    }
  }
  Result<ComparisonExpr> product(int depth) {
    ComparisonExpr left = WRENCH_TRY(power(depth + 1));
    for (;;) {
      skip();
      std::string_view op;
      if (!text_.substr(at_).starts_with("**"))
        for (const std::string_view candidate : {"*", "//", "/", "%"})
          if (take(candidate)) {
            op = candidate;
            break;
          }
      if (op.empty()) return left;
      left = binary(std::string(op), std::move(left), WRENCH_TRY(power(depth + 1)));
    }
  }
  Result<ComparisonExpr> power(int depth) {
    if (auto ok = check(depth); !ok) return std::move(ok).error();
    for (const std::string_view sign : {"-", "~"}) {
      if (!take(sign)) continue;
      ComparisonExpr out;
      out.what = What::Unary;
      out.text = sign;
      out.parts.push_back(WRENCH_TRY(power(depth + 1)));
      return out;
    }
    ComparisonExpr left = WRENCH_TRY(atom(depth + 1));
    if (take("**")) return binary("**", std::move(left), WRENCH_TRY(power(depth + 1)));
    return left;
  }
  Result<ComparisonExpr> atom(int depth) {
    if (auto ok = check(depth); !ok) return std::move(ok).error();
    skip();
    if (at_ >= text_.size()) return fault("a value");
    const char c = text_[at_];
    if (c == '(') {
      ++at_;
      ComparisonExpr inner = WRENCH_TRY(either(depth + 1));
      if (!take(")")) return fault("')'");
      return inner;
    }
    if (c == '[') return list(depth);
    if (c == '"' || c == '\'') return quoted(c);
    if (c >= '0' && c <= '9') return number();
    if (c == '$') return metavariable();
    return call(depth);
  }
  Result<ComparisonExpr> list(int depth) {
    ComparisonExpr out;
    out.what = What::List;
    ++at_;
    while (!take("]")) {
      out.parts.push_back(WRENCH_TRY(either(depth + 1)));
      if (!take(",")) {
        if (!take("]")) return fault("']'");
        return out;
      }
    }
    return out;
  }
  Result<ComparisonExpr> quoted(char quote) {
    ComparisonExpr out;
    out.what = What::Text;
    for (++at_; at_ < text_.size() && text_[at_] != quote; ++at_) {
      if (text_[at_] == '\\' && at_ + 1 < text_.size() && (text_[at_ + 1] == quote || text_[at_ + 1] == '\\')) ++at_;
      out.text += text_[at_];
    }
    if (at_ >= text_.size()) return fault("the closing quote");
    ++at_;
    return out;
  }
  Result<ComparisonExpr> number() {
    ComparisonExpr out;
    std::size_t end = at_;
    while (end < text_.size() && (is_word(text_[end]) || text_[end] == '.')) ++end;
    const std::string_view digits = text_.substr(at_, end - at_);
    std::int64_t hex = 0;
    const int base = digits.starts_with("0x") ? 16 : digits.starts_with("0o") ? 8 : digits.starts_with("0b") ? 2 : 10;
    if (base != 10) {
      const auto [stop, error] = std::from_chars(digits.data() + 2, digits.data() + digits.size(), hex, base);
      if (error != std::errc() || stop != digits.data() + digits.size()) return fault("a number");
      out.number = static_cast<double>(hex);
    } else {
      const auto [stop, error] = std::from_chars(digits.data(), digits.data() + digits.size(), out.number);
      if (error != std::errc() || stop != digits.data() + digits.size()) return fault("a number");
    }
    at_ = end;
    return out;
  }
  Result<ComparisonExpr> metavariable() {
    ComparisonExpr out;
    out.what = What::Metavar;
    const bool many = text_.substr(at_).starts_with("$...");
    std::size_t end = at_ + (many ? 4 : 1);
    while (end < text_.size() && is_word(text_[end])) ++end;
    out.text = text_.substr(at_, end - at_);
    if (!is_metavariable(many ? "$" + out.text.substr(4) : out.text)) return fault("a metavariable");
    at_ = end;
    return out;
  }
  Result<ComparisonExpr> call(int depth) {
    ComparisonExpr out;
    if (take("True") || take("true")) {
      out.what = What::Bool;
      out.truth = true;
      return out;
    }
    if (take("False") || take("false")) {
      out.what = What::Bool;
      return out;
    }
    for (const std::string_view name : {"int", "float", "str", "len", "re.match"}) {
      if (!take(name)) continue;
      if (!take("(")) return fault("'('");
      out.what = What::Call;
      out.text = name;
      do {
        out.parts.push_back(WRENCH_TRY(either(depth + 1)));
      } while (take(","));
      if (!take(")")) return fault("')'");
      if (out.parts.size() != (name == "re.match" ? 2U : 1U)) return fault("another number of arguments");
      return out;
    }
    return fault("a value, a metavariable, int() float() str() len() or re.match()");
  }

  std::string_view text_;
  std::size_t at_ = 0;
};

// --- evaluating

struct Value {
  // monostate: nothing that can be computed with.
  std::variant<std::monostate, double, std::string, bool, std::vector<Value>> is;
};

class Evaluator {
 public:
  Evaluator(const Condition& condition, const Bindings& bindings, const FileIndex* file, std::string_view text,
            const Atoms& atoms)
      : condition_(condition), bindings_(bindings), file_(file), text_(text), atoms_(atoms) {}

  // Recursion is bounded by kExpressionDepthMax at reading time.
  Value value(const ComparisonExpr& e) const {
    using What = ComparisonExpr::What;
    switch (e.what) {
      case What::Number:
        return {e.number};
      case What::Text:
        return {e.text};
      case What::Bool:
        return {e.truth};
      case What::Metavar:
        return metavariable(e.text);
      case What::List: {
        std::vector<Value> items;
        for (const ComparisonExpr& part : e.parts) items.push_back(value(part));
        return {std::move(items)};
      }
      case What::Unary:
        return unary(e);
      case What::Binary:
        return binary(e);
      case What::Call:
        return call(e);
    }
    return {};
  }

 private:
  const Bound* bound(std::string_view name) const {
    const Atom atom = atoms_.find(name);
    return atom == kNoAtom ? nullptr : find(bindings_, atom);
  }
  std::string source_text(const Bound& bound) const {
    return std::string(text_.substr(bound.first, bound.end - bound.first));
  }

  Value metavariable(std::string_view name) const {
    const Bound* found = bound(name);
    if (found == nullptr) return {};
    const std::string written = source_text(*found);
    if (file_ != nullptr && found->node != kNoNode) {
      NodeIndex node = found->node;
      if (file_->ir()[node].kind == Kind::Name) node = file_->constant(node);
      if (node == kNoNode) return {};
      const Node& literal = file_->ir()[node];
      const std::string_view text = file_->text_of(node);
      if (literal.kind == Kind::Bool) return {literal.sub == 1};
      if (literal.kind == Kind::String) {
        const std::string contents(atoms_text(literal.atom));
        if (condition_.strip)
          if (const auto number = parse_number(contents, condition_.base)) return {*number};
        return {contents};
      }
      if (const auto number = parse_number(text, condition_.base)) return {*number};
      return {};
    }
    // A string's contents, or what a regular expression captured.
    if (condition_.strip || file_ == nullptr)
      if (const auto number = parse_number(written, condition_.base)) return {*number};
    return {written};
  }
  std::string_view atoms_text(Atom atom) const { return file_->atoms().text(atom); }

  Value unary(const ComparisonExpr& e) const {
    const Value inner = value(e.parts[0]);
    if (e.text == "not") {
      const auto* truth = std::get_if<bool>(&inner.is);
      return truth == nullptr ? Value{} : Value{!*truth};
    }
    const auto* number = std::get_if<double>(&inner.is);
    if (number == nullptr) return {};
    if (e.text == "-") return {-*number};
    const auto whole = whole_number(*number);
    return whole ? Value{static_cast<double>(~*whole)} : Value{};
  }

  static std::optional<std::int64_t> whole_number(double number) {
    constexpr double kExact = 9007199254740992.0;  // 2^53
    if (std::trunc(number) != number || std::abs(number) > kExact) return std::nullopt;
    return static_cast<std::int64_t>(number);
  }

  static std::optional<bool> equal(const Value& a, const Value& b) {
    if (a.is.index() != b.is.index() || a.is.index() == 0) return std::nullopt;
    if (const auto* x = std::get_if<double>(&a.is)) return *x == std::get<double>(b.is);
    if (const auto* x = std::get_if<std::string>(&a.is)) return *x == std::get<std::string>(b.is);
    if (const auto* x = std::get_if<bool>(&a.is)) return *x == std::get<bool>(b.is);
    return std::nullopt;
  }

  Value binary(const ComparisonExpr& e) const {
    const std::string& op = e.text;
    const Value left = value(e.parts[0]);
    if (op == "and" || op == "or") {
      const auto* x = std::get_if<bool>(&left.is);
      if (x != nullptr && *x == (op == "or")) return {*x};
      const Value right = value(e.parts[1]);
      const auto* y = std::get_if<bool>(&right.is);
      if (op == "or") return {y != nullptr && *y};
      return x != nullptr && y != nullptr ? Value{*y} : Value{};
    }
    const Value right = value(e.parts[1]);
    if (op == "in") {
      if (const auto* list = std::get_if<std::vector<Value>>(&right.is)) {
        for (const Value& item : *list)
          if (equal(left, item).value_or(false)) return {true};
        return {false};
      }
      const auto* hay = std::get_if<std::string>(&right.is);
      const auto* needle = std::get_if<std::string>(&left.is);
      return hay != nullptr && needle != nullptr ? Value{hay->find(*needle) != std::string::npos} : Value{};
    }
    if (op == "==" || op == "!=") {
      const auto same = equal(left, right);
      return same ? Value{*same == (op == "==")} : Value{};
    }
    if (const auto* x = std::get_if<std::string>(&left.is); x != nullptr && right.is.index() == left.is.index()) {
      const std::string& y = std::get<std::string>(right.is);
      if (op == "+") return {*x + y};
      return ordered(op, x->compare(y) < 0, *x == y);
    }
    const auto* x = std::get_if<double>(&left.is);
    const auto* y = std::get_if<double>(&right.is);
    if (x == nullptr || y == nullptr) return {};
    if (op == "+") return {*x + *y};
    if (op == "-") return {*x - *y};
    if (op == "*") return {*x * *y};
    if (op == "**") return {std::pow(*x, *y)};
    if (op == "&" || op == "|" || op == "^") {
      const auto a = whole_number(*x), b = whole_number(*y);
      if (!a || !b) return {};
      return {static_cast<double>(op == "&" ? *a & *b : op == "|" ? *a | *b : *a ^ *b)};
    }
    if (op == "/" || op == "//" || op == "%") {
      if (*y == 0) return {};
      if (op == "/") return {*x / *y};
      if (op == "//") return {std::floor(*x / *y)};
      return {*x - *y * std::floor(*x / *y)};
    }
    return ordered(op, *x < *y, *x == *y);
  }
  static Value ordered(std::string_view op, bool less, bool same) {
    if (op == "<") return {less};
    if (op == "<=") return {less || same};
    if (op == ">") return {!less && !same};
    if (op == ">=") return {!less};
    return {};
  }

  Value call(const ComparisonExpr& e) const {
    if (e.text == "str" && e.parts[0].what == ComparisonExpr::What::Metavar) {
      const Bound* found = bound(e.parts[0].text);
      return found == nullptr ? Value{} : Value{source_text(*found)};
    }
    const Value first = value(e.parts[0]);
    const auto* text = std::get_if<std::string>(&first.is);
    const auto* number = std::get_if<double>(&first.is);
    if (e.text == "int" || e.text == "float") {
      std::optional<double> parsed;
      if (number != nullptr) parsed = *number;
      if (text != nullptr) parsed = parse_number(*text, condition_.base);
      if (!parsed) return {};
      return {e.text == "int" ? std::trunc(*parsed) : *parsed};
    }
    if (e.text == "str") {
      if (text != nullptr) return {*text};
      return number == nullptr ? Value{} : Value{fmt::format("{}", *number)};
    }
    if (e.text == "len") {
      if (const auto* list = std::get_if<std::vector<Value>>(&first.is)) return {static_cast<double>(list->size())};
      return text == nullptr ? Value{} : Value{static_cast<double>(count_code_points(*text))};
    }
    const Value second = value(e.parts[1]);
    const auto* subject = std::get_if<std::string>(&second.is);
    if (text == nullptr || subject == nullptr) return {};
    const auto regex = source::Regex::compile(*text);
    return regex ? Value{regex->match_start(*subject) == source::Regex::Outcome::Match} : Value{};
  }

  const Condition& condition_;
  const Bindings& bindings_;
  const FileIndex* file_;
  std::string_view text_;
  const Atoms& atoms_;
};

}  // namespace

Result<ComparisonExpr> parse_comparison(std::string_view text) {
  if (text.size() > kExpressionBytesMax) return Error("rules.invalid", "comparison: too long");
  return ExpressionReader(text).run();
}

bool compare(const ComparisonExpr& expression, const Condition& condition, const Bindings& bindings,
             const FileIndex* file, std::string_view text, const Atoms& atoms) {
  const Value result = Evaluator(condition, bindings, file, text, atoms).value(expression);
  const bool* truth = std::get_if<bool>(&result.is);
  return truth != nullptr && *truth;
}

}  // namespace wrench::code
