#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "wrench/base/result.hpp"
#include "wrench/codec/json.hpp"

namespace wrench::workflow {

inline constexpr std::size_t kExpressionBytesMax = 4 * 1024;
inline constexpr int kExpressionDepthMax = 32;
inline constexpr int kExpressionStepsMax = 10'000;

/// What the names of an expression mean. Missing names are null.
class Scope {
 public:
  virtual ~Scope() = default;
  /// The value of a root name ("inputs", "steps", a map's item name), or nothing.
  virtual const codec::Json* root(std::string_view name) const = 0;
  /// The value of a whole path, for scopes that load lazily; the default walks from root().
  virtual const codec::Json* path(const std::vector<std::string>& parts) const;
};

/// A condition or value over a Scope: literals, `95%`, paths `a.b[0]`, `== != < <= > >= in + - * / %`,
/// `and or not` = `&& || !`, `?:`, and the functions size has contains starts_with ends_with lower min max any all
/// count. Pure and total: no loops but over lists, bounded by kExpressionStepsMax.
class Expression {
 public:
  /// Errors: workflow.expression_invalid, with the column as place.
  static Result<Expression> parse(std::string_view text);
  /// Errors: workflow.condition_type, workflow.expression_limit.
  Result<codec::Json> eval(const Scope& scope) const;
  /// eval() for conditions: only true and false are answers, everything else is workflow.condition_type.
  Result<bool> test(const Scope& scope) const;
  /// Every path in the expression, as parts; indexes are "[n]".
  const std::vector<std::vector<std::string>>& paths() const { return paths_; }
  const std::string& text() const { return text_; }

  struct Node;

 private:
  std::string text_;
  std::shared_ptr<const Node> root_;
  std::vector<std::vector<std::string>> paths_;
};

}  // namespace wrench::workflow
