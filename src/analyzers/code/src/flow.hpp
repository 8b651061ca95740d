#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "wrench/code/ir.hpp"

/// The code of one file as control flow graphs of small operations: what dataflow analyses read. Plain data without
/// pointers into the tree.
namespace wrench::code {

/// Where a value is kept while a body runs. Variables come from zero, what lives only within its block has
/// `kTemporary` set.
using Slot = std::uint32_t;
inline constexpr Slot kNoSlot = 0xffffffff;
inline constexpr Slot kTemporary = 0x80000000;
inline constexpr bool is_temporary(Slot slot) { return slot != kNoSlot && (slot & kTemporary) != 0; }

using BlockIndex = std::uint32_t;
inline constexpr BlockIndex kNoBlock = 0xffffffff;
/// Of FlowFile::names: no name.
inline constexpr std::uint32_t kNoName = 0;

enum class FlowWhat : std::uint8_t {
  Literal,     ///< dst <- literals[a]
  Copy,        ///< dst <- a; name = type that it is cast to or declared with, or none
  Field,       ///< dst <- a.name
  SetField,    ///< a.name <- b; a changes
  Element,     ///< dst <- a[b]; without b any part of a
  SetElement,  ///< a[b] <- c
  Operate,     ///< dst <- a op b; without b the operator has one operand
  Call,        ///< dst <- name(args), a the receiver; type = the receiver's or constructed type
  Build,       ///< dst <- a list of args; keyed args make a record
  Concat,      ///< dst <- args as one text
  Join,        ///< dst <- one of args or made of all of them
  Iterate,     ///< dst <- any element of a
  Mark,        ///< dst <- a as marks[name] says; a sink only looks (no dst)
  Propagate,   ///< dst <- dst and what a carries; name = mark
  Refine,      ///< from here on `dst op b` holds (kFlowNegated: doesn't)
  Forget,      ///< dst <- unknown
  Declare,     ///< with pointers: dst comes to be, of `type`, of a[] elements; nothing is in it
  AddressOf,   ///< with pointers: dst <- where the variable a is
  Return,      ///< a
  Throw,       ///< a
};

inline constexpr std::uint8_t kFlowNegated = 1;   ///< Refine: the opposite holds.
inline constexpr std::uint8_t kFlowNew = 2;       ///< Call: constructs.
inline constexpr std::uint8_t kFlowAddress = 4;   ///< Copy: of an address.
inline constexpr std::uint8_t kFlowArrow = 16;    ///< Field: of what the pointer a leads to.
inline constexpr std::uint8_t kFlowIgnored = 32;  ///< Call: nobody looks at what it returns.
inline constexpr std::uint8_t kFlowLocal = 8;     ///< Call: the callee's plain name isn't imported.

struct FlowOp {
  FlowWhat what = FlowWhat::Forget;
  Op op = Op::None;
  std::uint8_t flags = 0;
  Slot dst = kNoSlot, a = kNoSlot, b = kNoSlot, c = kNoSlot;
  std::uint32_t name = kNoName;
  std::uint32_t type = kNoName;
  std::uint32_t args_first = 0, args_count = 0;  ///< Of FlowBody::args.
  std::uint32_t first = 0;                       ///< Byte in the file.
};

struct FlowArg {
  Slot slot = kNoSlot;
  std::uint32_t name = kNoName;  ///< Keyword, or key of a record.
  bool spread = false;           ///< *args, ...rest: many in one.
};

struct FlowBlock {
  std::uint32_t first_op = 0, end_op = 0;
  Slot condition = kNoSlot;  ///< Decides between when_true and when_false.
  BlockIndex when_true = kNoBlock, when_false = kNoBlock;
  std::uint32_t first_edge = 0, end_edge = 0;  ///< Of FlowBody::edges: further successors.
};

struct FlowParam {
  Slot slot = kNoSlot;
  std::uint32_t name = kNoName;
  std::uint32_t type = kNoName;
  bool variadic = false;
};

/// A variable that the body reads but doesn't declare: the module's, an import, a builtin.
struct FlowFree {
  Slot slot = kNoSlot;
  std::uint32_t name = kNoName;
  bool one_value = false;  ///< Nothing in the file assigns it twice.
};

/// One function, method, or what a module does when it is loaded.
struct FlowBody {
  std::uint32_t name = kNoName;        ///< Of the function; none for a module.
  std::uint32_t class_name = kNoName;  ///< Innermost class around it.
  std::uint32_t first = 0, end = 0;    ///< Bytes.
  bool is_module = false;
  bool is_static = false;  ///< C: nobody outside of the file calls it.
  bool is_macro = false;   ///< C: made of a macro; its operations have no places in the file.
  bool cut = false;        ///< Longer than kFlowOpsMax: nothing in it is known.
  Slot receiver = kNoSlot;
  std::uint32_t variables = 0, temporaries = 0;
  std::vector<FlowParam> params;  ///< Without the receiver.
  std::vector<FlowFree> free;
  std::vector<FlowFree> globals;  ///< Of a module: all names at its top level.
  std::vector<FlowOp> ops;
  std::vector<FlowArg> args;
  std::vector<FlowBlock> blocks;  ///< The first is the entry.
  std::vector<BlockIndex> edges;
};

struct FlowLiteral {
  enum class What : std::uint8_t { Text, Integer, Bool, Null, Other };
  What what = What::Other;
  std::int64_t integer = 0;
  std::string text;
};

struct FlowFile {
  source::Language language = source::Language::Unknown;
  std::string module;              ///< What others import it by: the file's name without its ending.
  std::vector<std::string> names;  ///< The first is empty.
  std::vector<FlowLiteral> literals;
  std::vector<FlowBody> bodies;  ///< The module's first.
};

inline constexpr std::uint32_t kFlowOpsMax = 20'000;

}  // namespace wrench::code
