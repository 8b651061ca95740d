#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "wrench/code/atoms.hpp"
#include "wrench/source/source_text.hpp"

/// The unified intermediate representation: one pre-order array of 32-byte nodes per file. Parentheses, commas
/// and comments are dropped (comments are kept as spans). What a grammar has and the IR doesn't model becomes
/// `Other` with its children, so a language matches patterns before its lowering is complete.
namespace wrench::code {

using NodeIndex = std::uint32_t;
inline constexpr NodeIndex kNoNode = 0xffffffff;

// The comment behind each kind gives its children by role, in source order. "?" optional, "*" any number.
enum class Kind : std::uint8_t {
  // --- declarations
  Module,      // Element*                                  the file; root of every tree
  Import,      // Element*  each: ImportItem; atom = module path as written ("a.b", "./x", "<stdio.h>"); sub = ImportSub
  ImportItem,  // atom = imported name ("*" for all), extra = local name it binds (0: none); for ImportSub::Module
               // atom = module path. One Import per module: `import a, b` gives two. flag kFlagTypeOnly
  Function,  // Decorator* Modifier* Type? Receiver? Name Param* TypeParam* From* (Java throws) Body?   atom = name; sub
             // = FunctionSub
  Lambda,    // Param* Body                               Body is an expression or a Block
  Class,     // Decorator* Modifier* Name TypeParam* Base* Body?   atom = name; sub = ClassSub
  EnumMember,  // Name Value?                               atom = name
  Field,       // Decorator* Modifier* Type? Name Value?    atom = name; a class member that isn't a function
  Param,       // Decorator* Modifier* Type? Name? Default? atom = name; sub = ParamSub; patterns in Target
  Decorator,   // Value                                     Name, Member or Call
  VarDef,      // Modifier* Type? Target Value?             one per declared variable; atom = name if Target is Name
  TypeAlias,   // Name TypeParam* Type
  Namespace,   // Name Body                                 C++ namespace, TS namespace, Go/Java package (no Body)
  // --- statements
  Block,      // Element*
  ExprStmt,   // Value
  If,         // Init? Condition Then Else?                elif = Else is an If with flag kElseIf
  Switch,     // Init? Value? Case*                        sub = SwitchSub
  Case,       // Key* Condition(guard)? Body               flag kDefault
  Loop,       // Init? Condition? Update? Body Else?       sub = LoopSub (while, for, do-while, forever)
  ForEach,    // Target Iterable Body Else?                sub: 1 = for-in over keys (JS)
  Try,        // Resource* Body Handler*(Catch) Else? Finally?
  Catch,      // Type* Target? Body
  With,       // Resource* Body                            Python with, Java synchronized (sub 1), C# using
  Return,     // Value?
  Break,      // atom = label or kNoAtom
  Continue,   // atom = label or kNoAtom
  Throw,      // Value? (Python: Value? From?)
  Goto,       // atom = label
  Label,      // Body                                      atom = label
  Assert,     // Condition Value?
  Defer,      // Value                                     Go defer (sub 0), go (sub 1)
  Delete,     // Value*                                    Python del, JS delete is Unary, C++ delete (sub 1: delete[])
  Directive,  // Python global/nonlocal, C preprocessor (#define: atom = name), "use strict"
  // --- expressions
  Name,        // atom
  Member,      // Object                                    atom = property; flag kOptionalChain, kArrow (->)
  Index,       // Object Index*                             a[i]
  Slice,       // Value* (missing parts are Null with zero width)
  Call,        // Callee Arg*                               Arg roles hold expressions directly; `new` is New
  New,         // Type Arg* Body?                           Java/JS/C++ new, Go composite literal is New with sub 1 and
               // Pair/Value
  KeywordArg,  // Value                                     atom = keyword; only as an Arg
  Spread,      // Value                                     *a **a (sub 1) ...a
  Unary,       // Operand                                   sub = Op
  Binary,      // Left Right                                sub = Op
  Assign,     // Left Right                                sub 0 "=", 1 ":=" (Go define, Python walrus), kAssignProperty
  AugAssign,  // Left Right                                sub = Op of the operation; ++/-- are Unary
  Ternary,    // Condition Then Else
  Await,      // Value
  Yield,      // Value?                                    sub 1 = yield from / yield*
  Cast,       // Type Value
  TypeTest,   // Value Type                                instanceof, Go type assertion (sub 1)
  Tuple,      // Element*
  List,       // Element*                                  [..], {..} initialisers in C/Java
  Set,        // Element*
  Dict,       // Pair* Spread*                             Python dict, JS object
  Pair,  // Key Value                                 JS shorthand and methods: Key is a Name, Value repeats it or is a
         // Function
  Comprehension,  // Value (Pair for dicts) then ForEach-like clauses: Target Iterable Condition*   sub: 0 list 1 set 2
                  // dict 3 generator
  String,         // atom = contents without quotes and prefix (escapes as written); sub = StringSub
  Interp,         // Element*                                  f-string / template literal: String parts and expressions
  Number,         // atom = text
  Bool,           // sub 0 false, 1 true
  Null,           // None, null, nil, nullptr, undefined is a Name
  Char,           // atom = contents
  Regex,          // atom = pattern; extra = flags atom
  This,
  Super,
  AddressOf,  // Operand
  Deref,      // Operand
  Range,      // Left? Right?
  // --- types and the rest
  Type,  // Element* (type arguments)                 atom = name as written without arguments ("List", "const char*" ->
         // "char*")
  XmlElement,    // JSX: Name Attribute* Element*             atom = tag
  XmlAttribute,  // Value?                                  atom = name
  XmlText,
  ConfigBlock,
  Modifier,  // atom = "static", "async", "public", …
  // --- only in patterns
  Metavar,          // $X       atom = "$X"
  Ellipsis,         // ...
  MetavarEllipsis,  // $...X    atom = "$...X"
  Deep,             // <... P ...>   Value
  TypedMetavar,     // (T $X)   Type; atom = "$X"
  // --- faults
  Error,  // Element*                                  the grammar's ERROR node, lowered
  Other,  // Element*                                  symbol = grammar symbol
};

enum class Role : std::uint8_t {
  None,
  Element,
  Name,
  Callee,
  Arg,
  Object,
  Index,
  Left,
  Right,
  Operand,
  Condition,
  Then,
  Else,
  Body,
  Init,
  Update,
  Iterable,
  Target,
  Value,
  Type,
  Param,
  Default,
  Decorator,
  Modifier,
  Base,
  Key,
  Handler,
  Finally,
  Receiver,
  Resource,
  Case,
  TypeParam,
  Attribute,
  From,
};

enum class Op : std::uint8_t {
  None,
  Add,
  Sub,
  Mul,
  Div,
  FloorDiv,
  Mod,
  Pow,
  MatMul,
  ShiftLeft,
  ShiftRight,
  UnsignedShiftRight,
  BitAnd,
  BitOr,
  BitXor,
  BitNot,
  BitClear,
  And,
  Or,
  Not,
  NullCoalesce,
  Eq,
  NotEq,
  StrictEq,
  StrictNotEq,
  Less,
  LessEq,
  Greater,
  GreaterEq,
  In,
  NotIn,
  Is,
  IsNot,
  Plus,
  Minus,
  PreIncrement,
  PreDecrement,
  PostIncrement,
  PostDecrement,
  TypeOf,
  Void,
  DeleteOp,
  SizeOf,
  Comma,
  Receive /* Go <-ch */,
  Send /* Go ch <- v */,
  Instanceof,
  SpaceShip,
};

enum class ImportSub : std::uint8_t { Module, Names, SideEffect, Reexport };
enum class FunctionSub : std::uint8_t { Plain, Method, Constructor, Destructor, Getter, Setter };
enum class ClassSub : std::uint8_t { Class, Interface, Struct, Enum, Union, Record, Annotation };
enum class ParamSub : std::uint8_t { Plain, Variadic, KeywordVariadic, PositionalOnlyMark, KeywordOnlyMark };
enum class LoopSub : std::uint8_t { While, For, DoWhile, Forever };
enum class StringSub : std::uint8_t { Plain, Raw, Bytes, Format, Template, Doc };

inline constexpr std::uint8_t kAssignProperty = 2;   ///< Assign, sub: sets what is created around it, no variable.
inline constexpr std::uint8_t kAddressReadOnly = 1;  ///< AddressOf, sub: nothing is written through it (Rust &x).

inline constexpr std::uint8_t kFlagElseIf = 1;           ///< If: written as elif / else if.
inline constexpr std::uint8_t kFlagDefault = 1;          ///< Case: default arm.
inline constexpr std::uint8_t kFlagTypeOnly = 1;         ///< Import, ImportItem: needed by types only.
inline constexpr std::uint8_t kFlagOptionalChain = 1;    ///< Member, Call, Index: ?.
inline constexpr std::uint8_t kFlagAdjacent = 1;         ///< String, Interp: adjacent literals that make one.
inline constexpr std::uint8_t kFlagTagged = 2;           ///< Call: the tag of a template, with no parentheses.
inline constexpr std::uint8_t kFlagArrow = 2;            ///< Member: ->
inline constexpr std::uint8_t kFlagAsync = 4;            ///< Function, Lambda, ForEach, With, Comprehension
inline constexpr std::uint8_t kFlagGenerator = 8;        ///< Function
inline constexpr std::uint8_t kFlagNearError = 16;       ///< Inside or beside a syntax error.
inline constexpr std::uint8_t kFlagSemicolon = 32;       ///< Pattern statement that ended in ';'.
inline constexpr std::uint8_t kFlagExported = 64;        ///< JS/TS export, Go upper case, Java/C++ public.
inline constexpr std::uint8_t kFlagParenthesised = 128;  ///< Expression written in parentheses.

struct Node {
  Kind kind = Kind::Other;
  std::uint8_t sub = 0;
  Role role = Role::None;
  std::uint8_t flags = 0;
  std::uint32_t first = 0;    ///< First byte.
  std::uint32_t end = 0;      ///< One past the last byte.
  NodeIndex subtree_end = 0;  ///< One past the last descendant: children are skipped by jumping to it.
  NodeIndex parent = kNoNode;
  Atom atom = kNoAtom;
  std::uint32_t extra = 0;
  std::uint16_t symbol = 0;  ///< Grammar symbol, for Other and Error.
  std::uint16_t depth = 0;
};
static_assert(sizeof(Node) == 32);

struct Span {
  std::uint32_t first = 0, end = 0;
};

/// A lowered file or pattern. Node 0 is the Module.
struct Ir {
  source::Language language = source::Language::Unknown;
  std::vector<Node> nodes;
  std::vector<Span> comments;
  std::uint32_t error_nodes = 0;
  std::uint32_t error_bytes = 0;

  const Node& operator[](NodeIndex i) const { return nodes[i]; }
  NodeIndex root() const { return 0; }
  NodeIndex first_child(NodeIndex i) const { return nodes[i].subtree_end > i + 1 ? i + 1 : kNoNode; }
  NodeIndex next_sibling(NodeIndex i) const {
    const NodeIndex next = nodes[i].subtree_end;
    return nodes[i].parent != kNoNode && next < nodes[nodes[i].parent].subtree_end ? next : kNoNode;
  }
  /// First child with this role, or kNoNode.
  NodeIndex child(NodeIndex i, Role role) const {
    for (NodeIndex c = first_child(i); c != kNoNode; c = next_sibling(c))
      if (nodes[c].role == role) return c;
    return kNoNode;
  }
};

/// Indented text, one node a line: "Call [3:5-3:12] role=Value atom=foo". For golden tests.
std::string dump(const Ir& ir, const Atoms& atoms, std::string_view text);

std::string_view name(Kind kind);
std::string_view name(Role role);
std::string_view name(Op op);

}  // namespace wrench::code
