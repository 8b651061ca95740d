#include "wrench/code/ir.hpp"

#include <fmt/format.h>

#include <array>

#include "wrench/base/text.hpp"

namespace wrench::code {

namespace {

constexpr std::size_t kDumpAtomBytesMax = 60;

constexpr std::array kKindNames = std::to_array<std::string_view>(
    {"Module",       "Import",       "ImportItem",  "Function", "Lambda",     "Class",     "EnumMember",
     "Field",        "Param",        "Decorator",   "VarDef",   "TypeAlias",  "Namespace", "Block",
     "ExprStmt",     "If",           "Switch",      "Case",     "Loop",       "ForEach",   "Try",
     "Catch",        "With",         "Return",      "Break",    "Continue",   "Throw",     "Goto",
     "Label",        "Assert",       "Defer",       "Delete",   "Directive",  "Name",      "Member",
     "Index",        "Slice",        "Call",        "New",      "KeywordArg", "Spread",    "Unary",
     "Binary",       "Assign",       "AugAssign",   "Ternary",  "Await",      "Yield",     "Cast",
     "TypeTest",     "Tuple",        "List",        "Set",      "Dict",       "Pair",      "Comprehension",
     "String",       "Interp",       "Number",      "Bool",     "Null",       "Char",      "Regex",
     "This",         "Super",        "AddressOf",   "Deref",    "Range",      "Type",      "XmlElement",
     "XmlAttribute", "XmlText",      "ConfigBlock", "Modifier", "Metavar",    "Ellipsis",  "MetavarEllipsis",
     "Deep",         "TypedMetavar", "Error",       "Other"});
static_assert(kKindNames.size() == static_cast<std::size_t>(Kind::Other) + 1);

constexpr std::array kRoleNames = std::to_array<std::string_view>(
    {"None",    "Element",   "Name",     "Callee",  "Arg",       "Object",    "Index",  "Left",     "Right",
     "Operand", "Condition", "Then",     "Else",    "Body",      "Init",      "Update", "Iterable", "Target",
     "Value",   "Type",      "Param",    "Default", "Decorator", "Modifier",  "Base",   "Key",      "Handler",
     "Finally", "Receiver",  "Resource", "Case",    "TypeParam", "Attribute", "From"});
static_assert(kRoleNames.size() == static_cast<std::size_t>(Role::From) + 1);

constexpr std::array kOpNames = std::to_array<std::string_view>({"None",
                                                                 "Add",
                                                                 "Sub",
                                                                 "Mul",
                                                                 "Div",
                                                                 "FloorDiv",
                                                                 "Mod",
                                                                 "Pow",
                                                                 "MatMul",
                                                                 "ShiftLeft",
                                                                 "ShiftRight",
                                                                 "UnsignedShiftRight",
                                                                 "BitAnd",
                                                                 "BitOr",
                                                                 "BitXor",
                                                                 "BitNot",
                                                                 "BitClear",
                                                                 "And",
                                                                 "Or",
                                                                 "Not",
                                                                 "NullCoalesce",
                                                                 "Eq",
                                                                 "NotEq",
                                                                 "StrictEq",
                                                                 "StrictNotEq",
                                                                 "Less",
                                                                 "LessEq",
                                                                 "Greater",
                                                                 "GreaterEq",
                                                                 "In",
                                                                 "NotIn",
                                                                 "Is",
                                                                 "IsNot",
                                                                 "Plus",
                                                                 "Minus",
                                                                 "PreIncrement",
                                                                 "PreDecrement",
                                                                 "PostIncrement",
                                                                 "PostDecrement",
                                                                 "TypeOf",
                                                                 "Void",
                                                                 "DeleteOp",
                                                                 "SizeOf",
                                                                 "Comma",
                                                                 "Receive",
                                                                 "Send",
                                                                 "Instanceof",
                                                                 "SpaceShip"});
static_assert(kOpNames.size() == static_cast<std::size_t>(Op::SpaceShip) + 1);

bool has_op(Kind kind) { return kind == Kind::Binary || kind == Kind::Unary || kind == Kind::AugAssign; }

}  // namespace

std::string_view name(Kind kind) { return kKindNames[static_cast<std::size_t>(kind)]; }
std::string_view name(Role role) { return kRoleNames[static_cast<std::size_t>(role)]; }
std::string_view name(Op op) { return kOpNames[static_cast<std::size_t>(op)]; }

std::string dump(const Ir& ir, const Atoms& atoms, std::string_view text) {
  const source::LineTable lines(text);
  std::string out;
  const auto shown = [&](Atom atom) {
    const std::string_view whole = atoms.text(atom);
    const std::string cut = escape_for_display(repair_utf8(whole.substr(0, kDumpAtomBytesMax)));
    return whole.size() > kDumpAtomBytesMax ? cut + "..." : cut;
  };
  for (const Node& node : ir.nodes) {
    const source::LineCol from = lines.position(text, node.first);
    const source::LineCol to = lines.position(text, node.end);
    out.append(static_cast<std::size_t>(node.depth) * 2, ' ');
    out += fmt::format("{} [{}:{}-{}:{}]", name(node.kind), from.line, from.col, to.line, to.col);
    if (node.role != Role::None) out += fmt::format(" role={}", name(node.role));
    if (has_op(node.kind)) {
      out += fmt::format(" op={}", name(static_cast<Op>(node.sub)));
    } else if (node.sub != 0) {
      out += fmt::format(" sub={}", node.sub);
    }
    if (node.flags != 0) out += fmt::format(" flags={}", node.flags);
    if (node.atom != kNoAtom) out += fmt::format(" atom={}", shown(node.atom));
    if (node.extra != 0) out += fmt::format(" extra={}", shown(node.extra));
    out += '\n';
  }
  return out;
}

}  // namespace wrench::code
