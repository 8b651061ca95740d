#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "wrench/workflow/expression.hpp"

namespace wrench::workflow {

using codec::Json;

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

using ExpressionNodePtr = std::unique_ptr<const Expression::Node>;

/// A path of an expression and the bytes of the text that it stands in.
struct PathUse {
  std::vector<std::string> parts;
  std::size_t begin = 0, end = 0;
};

/// The tree of `text`, and the paths in it in order. Errors: workflow.expression_invalid.
Result<ExpressionNodePtr> parse_expression(std::string_view text, std::vector<PathUse>& paths);

}  // namespace wrench::workflow
