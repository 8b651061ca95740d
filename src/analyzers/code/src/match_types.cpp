#include <algorithm>
#include <array>
#include <string>

#include "match_matcher.hpp"
#include "wrench/base/text.hpp"

// What typed metavariables ask: the declared, constructed or literal type of a value, without inference beyond that.
namespace wrench::code::detail {
namespace {

using source::Language;

constexpr int kTypeDepthMax = 8;  ///< Of conditional expressions and variables that are followed.

bool is_fraction(std::string_view number) {
  return !number.starts_with("0x") && !number.starts_with("0X") &&
         number.find_first_of(".eE") != std::string_view::npos;
}

bool is_comparison(Op op) {
  switch (op) {
    case Op::And:
    case Op::Or:
    case Op::Not:
    case Op::Eq:
    case Op::NotEq:
    case Op::StrictEq:
    case Op::StrictNotEq:
    case Op::Less:
    case Op::LessEq:
    case Op::Greater:
    case Op::GreaterEq:
    case Op::In:
    case Op::NotIn:
    case Op::Is:
    case Op::IsNot:
    case Op::Instanceof:
      return true;
    default:
      return false;
  }
}

std::string_view string_type(Language language) {
  switch (language) {
    case Language::Java:
      return "String";
    case Language::Python:
      return "str";
    case Language::C:
    case Language::Cpp:
      return "char*";
    default:
      return "string";
  }
}

/// Where a rule wants a primitive type its box will do.
std::string_view unboxed(std::string_view type) {
  struct Pair {
    std::string_view box, plain;
  };
  static constexpr std::array<Pair, 8> kBoxes = {{{"Integer", "int"},
                                                  {"Boolean", "boolean"},
                                                  {"Long", "long"},
                                                  {"Double", "double"},
                                                  {"Float", "float"},
                                                  {"Short", "short"},
                                                  {"Byte", "byte"},
                                                  {"Character", "char"}}};
  if (type.starts_with("java.lang.")) type.remove_prefix(10);
  for (const Pair& pair : kBoxes)
    if (pair.box == type) return pair.plain;
  return type;
}

std::string without_spaces(std::string_view text) {
  std::string out;
  for (const char c : text)
    if (c != ' ' && c != '\n' && c != '\t') out += c;
  return out;
}

}  // namespace

bool Matcher::is_of_type(NodeIndex n, std::string_view type) const {
  Bound bound;
  return has_type(n, type, bound);
}

/// Without a wanted type: whether there is one, which `bound` then says. "*" asks for a pointer to anything.
bool Matcher::has_type(NodeIndex n, std::string_view wanted, Bound& bound) const {
  return has_type_at(n, wanted, bound, 0);
}

bool Matcher::has_type_at(NodeIndex n, std::string_view wanted, Bound& bound, int depth) const {
  if (depth > kTypeDepthMax) return false;
  const Node& value = ir_[n];
  const auto literal = [&](std::string_view written) {
    bound = Bound{kNoNode, kNoAtom, value.first, value.end};
    return type_fits(written, wanted);
  };
  switch (value.kind) {
    case Kind::New:
    case Kind::Cast: {
      NodeIndex type = ir_.child(n, Role::Type);
      if (type == kNoNode) type = ir_.child(n, Role::Callee);
      return type != kNoNode && written_type_fits(type, wanted, bound);
    }
    case Kind::AddressOf: {
      // Go and C: the address of a T is a *T.
      const NodeIndex operand = ir_.child(n, Role::Operand);
      Bound inner;
      const std::string_view pointee = pointee_of(wanted);
      return operand != kNoNode && !pointee.empty() && has_type_at(operand, pointee, inner, depth + 1);
    }
    case Kind::Call:
      return allocated_type_fits(n, wanted, bound);
    case Kind::String:
    case Kind::Interp:
      return literal(string_type(ir_.language));
    case Kind::Bool:
      return literal("boolean") || literal("bool");
    case Kind::Null:
      return wanted == "*" && literal("*");
    case Kind::Number:
      if (is_script()) return literal("number") || wanted == "float";
      if (!is_fraction(file_.text_of(n))) return literal("int");
      return literal("float") || literal("double") || literal("float64");
    case Kind::Unary:
    case Kind::Binary: {
      const auto op = static_cast<Op>(value.sub);
      if (is_comparison(op)) return literal("boolean") || literal("bool");
      if (op == Op::Add && file_.is_constant_string(n)) return literal(string_type(ir_.language));
      const NodeIndex left = ir_.child(n, value.kind == Kind::Unary ? Role::Operand : Role::Left);
      const NodeIndex right = value.kind == Kind::Unary ? left : ir_.child(n, Role::Right);
      const bool adds = op == Op::Add || op == Op::Sub || op == Op::Minus || op == Op::Plus;
      return adds && left != kNoNode && right != kNoNode && has_type_at(left, wanted, bound, depth + 1) &&
             has_type_at(right, wanted, bound, depth + 1);
    }
    case Kind::Ternary: {
      const NodeIndex yes = ir_.child(n, Role::Then), no = ir_.child(n, Role::Else);
      return (yes != kNoNode && has_type_at(yes, wanted, bound, depth + 1)) ||
             (no != kNoNode && has_type_at(no, wanted, bound, depth + 1));
    }
    case Kind::Name:
    case Kind::Param:
    case Kind::Member:
      return declared_type_fits(n, wanted, bound, depth);
    default:
      return false;
  }
}

bool Matcher::declared_type_fits(NodeIndex n, std::string_view wanted, Bound& bound, int depth) const {
  const NodeIndex type = file_.declared_type(n);
  const bool inferred = type != kNoNode && (file_.text_of(type) == "var" || file_.text_of(type) == "auto");
  if (type != kNoNode && !inferred) return written_type_fits(type, wanted, bound);
  if (ir_[n].kind != Kind::Name) return false;
  const NodeIndex value = file_.only_value(n);
  if (value != kNoNode && ir_[value].kind != Kind::Name) return has_type_at(value, wanted, bound, depth + 1);
  // Java: the class itself, whose static methods are called.
  if (ir_.language != Language::Java || value != kNoNode || wanted.empty()) return false;
  bound = bound_of(n);
  return file_.type_is(file_.text_of(n), wanted) && !file_.is_variable(n);
}

/// Go's `new(T)` and `make(T)`.
bool Matcher::allocated_type_fits(NodeIndex call, std::string_view wanted, Bound& bound) const {
  if (ir_.language != Language::Go) return false;
  const NodeIndex callee = ir_.child(call, Role::Callee), type = ir_.child(call, Role::Arg);
  if (callee == kNoNode || type == kNoNode || ir_[callee].kind != Kind::Name) return false;
  const std::string_view name = file_.atoms().text(ir_[callee].atom);
  if (name == "make") return written_type_fits(type, wanted, bound);
  if (name != "new") return false;
  const std::string_view pointee = pointee_of(wanted);
  return !pointee.empty() && written_type_fits(type, pointee, bound);
}

std::string_view Matcher::pointee_of(std::string_view type) {
  if (type.starts_with('*')) return type.substr(1);
  if (type.ends_with('*')) return type.substr(0, type.size() - 1);
  return {};
}

bool Matcher::written_type_fits(NodeIndex type, std::string_view wanted, Bound& bound) const {
  const std::string_view written = file_.text_of(type);
  bound = Bound{kNoNode, kNoAtom, ir_[type].first, ir_[type].end};
  if (ir_[type].kind == Kind::Type && ir_.first_child(type) == kNoNode) bound.atom = ir_[type].atom;
  if (wanted.empty()) return true;
  if (wanted == "*") {
    const std::string plain = without_spaces(ir_[type].atom == kNoAtom ? written : file_.atoms().text(ir_[type].atom));
    return plain.ends_with('*') || plain.starts_with('*');
  }
  if (ir_[type].kind == Kind::Type && ir_[type].atom != kNoAtom &&
      type_fits(file_.atoms().text(ir_[type].atom), wanted))
    return true;
  return type_fits(without_spaces(written), wanted);
}

bool Matcher::type_fits(std::string_view written, std::string_view wanted) const {
  if (wanted.empty() || file_.type_is(written, wanted)) return true;
  return ir_.language == Language::Java && unboxed(written) == wanted;
}

}  // namespace wrench::code::detail
