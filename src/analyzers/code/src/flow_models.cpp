#include "flow_models.hpp"

#include <algorithm>
#include <array>
#include <string>

#include "wrench/base/text.hpp"

namespace wrench::code {

namespace {

using What = FlowLiteral::What;
using Literals = std::vector<ValuePool::LiteralId>;

constexpr std::size_t kTextBytesMax = 4'096;  ///< Of a computed text; longer ones aren't known.

FlowLiteral integer(std::int64_t value) { return {What::Integer, value, {}}; }
FlowLiteral boolean(bool value) { return {What::Bool, value ? 1 : 0, {}}; }
FlowLiteral text(std::string value) { return {What::Text, 0, std::move(value)}; }

std::optional<FlowLiteral> integers(Op op, std::int64_t a, std::int64_t b) {
  std::int64_t out = 0;
  switch (op) {
    case Op::Add:
      return __builtin_add_overflow(a, b, &out) ? std::nullopt : std::optional(integer(out));
    case Op::Sub:
      return __builtin_sub_overflow(a, b, &out) ? std::nullopt : std::optional(integer(out));
    case Op::Mul:
      return __builtin_mul_overflow(a, b, &out) ? std::nullopt : std::optional(integer(out));
    case Op::Div:
    case Op::FloorDiv:
      // Languages round differently below zero.
      if (b <= 0 || a < 0) return std::nullopt;
      return integer(a / b);
    case Op::Mod:
      if (b <= 0 || a < 0) return std::nullopt;
      return integer(a % b);
    case Op::BitAnd:
      return integer(a & b);
    case Op::BitOr:
      return integer(a | b);
    case Op::BitXor:
      return integer(a ^ b);
    case Op::ShiftLeft:
      if (a < 0 || b < 0 || b > 31 || a > (std::int64_t{1} << 30)) return std::nullopt;
      return integer(a << b);
    case Op::Less:
      return boolean(a < b);
    case Op::LessEq:
      return boolean(a <= b);
    case Op::Greater:
      return boolean(a > b);
    case Op::GreaterEq:
      return boolean(a >= b);
    default:
      return std::nullopt;
  }
}

/// What a text looks like in a sum with one: "n" + 1.
std::optional<std::string> shown(const FlowLiteral& literal) {
  switch (literal.what) {
    case What::Text:
      return literal.text;
    case What::Integer:
      return std::to_string(literal.integer);
    default:
      return std::nullopt;
  }
}

std::optional<FlowLiteral> combined(Op op, const FlowLiteral& a, const FlowLiteral& b) {
  switch (op) {
    case Op::Eq:
    case Op::StrictEq:
    case Op::Is:
      if (a.what != b.what) return std::nullopt;
      return boolean(a.integer == b.integer && a.text == b.text);
    case Op::NotEq:
    case Op::StrictNotEq:
    case Op::IsNot:
      if (a.what != b.what) return std::nullopt;
      return boolean(a.integer != b.integer || a.text != b.text);
    default:
      break;
  }
  if (a.what == What::Integer && b.what == What::Integer) return integers(op, a.integer, b.integer);
  if (op == Op::Add && (a.what == What::Text || b.what == What::Text)) {
    const auto left = shown(a), right = shown(b);
    if (!left || !right || left->size() + right->size() > kTextBytesMax) return std::nullopt;
    return text(*left + *right);
  }
  return std::nullopt;
}

std::optional<FlowLiteral> single(Op op, const FlowLiteral& a) {
  if (op == Op::Not && a.what == What::Bool) return boolean(a.integer == 0);
  if (op == Op::Minus && a.what == What::Integer && a.integer != INT64_MIN) return integer(-a.integer);
  if (op == Op::Plus && a.what == What::Integer) return a;
  return std::nullopt;
}

bool one_of(std::string_view word, std::initializer_list<std::string_view> words) {
  return std::find(words.begin(), words.end(), word) != words.end();
}

std::string_view last_part(std::string_view path) {
  const std::size_t dot = path.find_last_of(".:");
  return dot == std::string_view::npos ? path : path.substr(dot + 1);
}

// --- texts

std::optional<FlowLiteral> text_method(std::string_view method, const std::string& self,
                                       const std::vector<const FlowLiteral*>& args) {
  const auto number = [&](std::size_t i) -> std::optional<std::size_t> {
    if (i >= args.size() || args[i]->what != What::Integer || args[i]->integer < 0) return std::nullopt;
    return static_cast<std::size_t>(args[i]->integer);
  };
  const auto string = [&](std::size_t i) -> const std::string* {
    return i < args.size() && args[i]->what == What::Text ? &args[i]->text : nullptr;
  };
  if (args.empty()) {
    if (one_of(method, {"length", "len", "size", "count"})) return integer(static_cast<std::int64_t>(self.size()));
    if (one_of(method, {"toLowerCase", "lower"})) return text(to_lower_ascii(self));
    if (one_of(method, {"trim", "strip"})) return text(std::string(trim(self)));
    if (one_of(method, {"toString", "intern"})) return text(self);
    if (method == "isEmpty") return boolean(self.empty());
    return std::nullopt;
  }
  if (one_of(method, {"charAt", "codePointAt"}) && args.size() == 1) {
    const auto at = number(0);
    return at && *at < self.size() ? std::optional(text(self.substr(*at, 1))) : std::nullopt;
  }
  if (one_of(method, {"substring", "slice"})) {
    const auto first = number(0);
    if (!first || *first > self.size()) return std::nullopt;
    if (args.size() == 1) return text(self.substr(*first));
    const auto end = number(1);
    return end && *end >= *first && *end <= self.size() ? std::optional(text(self.substr(*first, *end - *first)))
                                                        : std::nullopt;
  }
  if (const std::string* other = string(0); other != nullptr && args.size() == 1) {
    if (method == "equals") return boolean(self == *other);
    if (method == "equalsIgnoreCase") return boolean(to_lower_ascii(self) == to_lower_ascii(*other));
    if (one_of(method, {"startsWith", "startswith"})) return boolean(self.starts_with(*other));
    if (one_of(method, {"endsWith", "endswith"})) return boolean(self.ends_with(*other));
    if (one_of(method, {"contains", "includes"})) return boolean(self.find(*other) != std::string::npos);
    if (method == "concat" && self.size() + other->size() < kTextBytesMax) return text(self + *other);
  }
  return std::nullopt;
}

std::optional<ModelResult> text_call(ValuePool& pool, const ModelCall& call) {
  const Literals selves = pool.constants(call.receiver);
  if (selves.empty() || call.args.size() > 3) return std::nullopt;
  std::vector<const FlowLiteral*> args;
  for (const ValueId arg : call.args) {
    const FlowLiteral* literal = pool.only(arg);
    if (literal == nullptr || pool.carries(arg)) return std::nullopt;
    args.push_back(literal);
  }
  // Literals may move while new ones are made.
  std::vector<FlowLiteral> copies;
  for (const FlowLiteral* arg : args) copies.push_back(*arg);
  for (std::size_t i = 0; i < args.size(); ++i) args[i] = &copies[i];
  Literals out;
  for (const ValuePool::LiteralId self : selves) {
    const FlowLiteral literal = pool.literal(self);
    if (literal.what != What::Text) return std::nullopt;
    const auto result = text_method(call.method, literal.text, args);
    if (!result) return std::nullopt;
    out.push_back(pool.literal_id(*result));
  }
  return ModelResult{pool.with_taint(pool.constants_of(std::move(out)), pool.taint_id(call.receiver)), std::nullopt};
}

// --- containers

/// What is in a list is all that it carries, as long as every part is known.
ValueId list_again(ValuePool& pool, std::vector<ValueId> parts) { return pool.list_of(parts); }

std::vector<ValueId> parts_of(const ValuePool::Parts& parts) {
  std::vector<ValueId> out;
  for (const auto& [selector, value] : parts.known) out.push_back(value);
  return out;
}

std::optional<ModelResult> list_call(ValuePool& pool, const ModelCall& call) {
  const ValuePool::Parts* known = pool.parts(call.receiver);
  if (known == nullptr) return std::nullopt;
  const ValuePool::Parts parts = *known;
  const bool complete = parts.is_list && parts.rest == kUnknown;
  std::vector<ValueId> list = parts_of(parts);
  const std::size_t count = call.args.size();
  const auto index = [&](std::size_t i) -> std::optional<std::size_t> {
    const FlowLiteral* literal = i < count ? pool.only(call.args[i]) : nullptr;
    if (literal == nullptr || literal->what != What::Integer || literal->integer < 0) return std::nullopt;
    return static_cast<std::size_t>(literal->integer);
  };
  const auto changed = [&](ValueId result) { return ModelResult{result, list_again(pool, list)}; };

  if (one_of(call.method, {"add", "append", "push", "addLast", "addElement", "offer"}) && count == 1) {
    if (!complete || list.size() >= ValuePool::kPartsMax)
      return ModelResult{kUnknown, pool.set_any_part(call.receiver, call.args[0])};
    list.push_back(call.args[0]);
    return changed(kUnknown);
  }
  if (one_of(call.method, {"add", "insert"}) && count == 2) {
    const auto at = index(0);
    if (!complete || !at || *at > list.size() || list.size() >= ValuePool::kPartsMax)
      return ModelResult{kUnknown, pool.set_any_part(call.receiver, call.args[1])};
    list.insert(list.begin() + static_cast<std::ptrdiff_t>(*at), call.args[1]);
    return changed(kUnknown);
  }
  if (one_of(call.method, {"addFirst", "unshift"}) && count == 1 && complete && list.size() < ValuePool::kPartsMax) {
    list.insert(list.begin(), call.args[0]);
    return changed(kUnknown);
  }
  if (!parts.is_list) return std::nullopt;
  if (one_of(call.method, {"get", "elementAt", "at"}) && count == 1) {
    const auto at = index(0);
    return ModelResult{at && *at < list.size() ? list[*at] : pool.any_part(call.receiver), std::nullopt};
  }
  if (one_of(call.method, {"remove", "removeAt"}) && count == 1) {
    const auto at = index(0);
    if (!complete || !at || *at >= list.size()) return ModelResult{pool.any_part(call.receiver), std::nullopt};
    const ValueId gone = list[*at];
    list.erase(list.begin() + static_cast<std::ptrdiff_t>(*at));
    return changed(gone);
  }
  if (one_of(call.method, {"pop", "removeLast", "shift", "removeFirst", "poll"}) && count == 0) {
    if (!complete || list.empty()) return ModelResult{pool.any_part(call.receiver), std::nullopt};
    const bool front = one_of(call.method, {"shift", "removeFirst", "poll"});
    const ValueId gone = front ? list.front() : list.back();
    front ? static_cast<void>(list.erase(list.begin())) : list.pop_back();
    return changed(gone);
  }
  if (one_of(call.method, {"size", "length"}) && count == 0 && complete)
    return ModelResult{pool.constant(integer(static_cast<std::int64_t>(list.size()))), std::nullopt};
  if (one_of(call.method, {"getFirst", "firstElement"}) && count == 0 && !list.empty())
    return ModelResult{list.front(), std::nullopt};
  if (one_of(call.method, {"getLast", "lastElement"}) && count == 0 && !list.empty())
    return ModelResult{list.back(), std::nullopt};
  if (call.method == "clear" && count == 0) {
    list.clear();
    return changed(kUnknown);
  }
  return std::nullopt;
}

std::optional<ModelResult> map_call(ValuePool& pool, const ModelCall& call) {
  const ValuePool::Parts* known = pool.parts(call.receiver);
  if (known == nullptr || known->is_list || call.args.empty()) return std::nullopt;
  ValuePool::Selector selector = 0;
  const bool constant = pool.selector_of(call.args[0], selector);
  if (one_of(call.method, {"put", "set", "setProperty", "putIfAbsent"}) && call.args.size() == 2)
    return ModelResult{kUnknown, constant ? pool.set_part(call.receiver, selector, call.args[1])
                                          : pool.set_any_part(call.receiver, call.args[1])};
  if (one_of(call.method, {"get", "getProperty", "getOrDefault"})) {
    ValueId value = constant ? pool.part(call.receiver, selector) : pool.any_part(call.receiver);
    if (call.args.size() > 1) value = pool.join(value, call.args[1]);
    return ModelResult{value, std::nullopt};
  }
  return std::nullopt;
}

bool makes_list(std::string_view type) {
  return one_of(type, {"ArrayList", "LinkedList", "Vector", "Stack", "ArrayDeque", "CopyOnWriteArrayList"});
}
bool makes_map(std::string_view type) {
  return one_of(type, {"HashMap", "LinkedHashMap", "TreeMap", "Hashtable", "ConcurrentHashMap", "Properties", "Map"});
}

std::optional<ModelResult> construct(ValuePool& pool, const ModelCall& call) {
  const std::string_view type = last_part(call.type);
  if (makes_list(type)) {
    if (call.args.empty()) return ModelResult{pool.list_of({}), std::nullopt};
    // A capacity, or another collection's elements.
    return ModelResult{pool.with_taint(kUnknown, pool.taint_id(pool.any_part(call.args[0]))), std::nullopt};
  }
  if (makes_map(type) && call.args.empty()) return ModelResult{pool.with_parts(kUnknown, {}), std::nullopt};
  if (one_of(type, {"StringBuilder", "StringBuffer", "String"}) && call.args.size() <= 1)
    return ModelResult{call.args.empty() ? pool.constant(text({})) : call.args[0], std::nullopt};
  return std::nullopt;
}

/// Text that grows in place.
std::optional<ModelResult> builder_call(ValuePool& pool, const ModelCall& call) {
  if (!one_of(last_part(call.type), {"StringBuilder", "StringBuffer"})) return std::nullopt;
  if (!one_of(call.method, {"append", "insert", "replace", "prepend"})) return std::nullopt;
  ValueId out =
      call.method == "append" && call.args.size() == 1 ? operate(pool, Op::Add, call.receiver, call.args[0]) : kUnknown;
  auto taint = pool.taint_id(call.receiver);
  for (const ValueId arg : call.args) taint = pool.unite(taint, pool.taint_id(arg));
  out = pool.with_taint(out, taint);
  return ModelResult{out, out};
}

}  // namespace

ValueId operate(ValuePool& pool, Op op, ValueId a, std::optional<ValueId> b) {
  const Literals left = pool.constants(a);
  if (left.empty()) return kUnknown;
  Literals out;
  if (!b) {
    for (const auto id : left) {
      const auto result = single(op, FlowLiteral(pool.literal(id)));
      if (!result) return kUnknown;
      out.push_back(pool.literal_id(*result));
    }
    return pool.constants_of(std::move(out));
  }
  const Literals right = pool.constants(*b);
  for (const auto x : left)
    for (const auto y : right) {
      const auto result = combined(op, FlowLiteral(pool.literal(x)), FlowLiteral(pool.literal(y)));
      if (!result) return kUnknown;
      out.push_back(pool.literal_id(*result));
    }
  return pool.constants_of(std::move(out));
}

std::optional<ModelResult> call_model(ValuePool& pool, const ModelCall& call) {
  if (call.constructs) return construct(pool, call);
  if (const auto built = builder_call(pool, call)) return built;
  if (const auto list = list_call(pool, call)) return list;
  if (const auto map = map_call(pool, call)) return map;
  if (const auto known = text_call(pool, call)) return known;
  if (one_of(call.path, {"java.util.Arrays.asList", "Arrays.asList", "List.of", "java.util.List.of"}))
    return ModelResult{pool.list_of(call.args), std::nullopt};
  return std::nullopt;
}

bool is_number_type(std::string_view type) {
  return one_of(last_part(type),
                {"int",    "Integer", "long",   "Long",       "short",      "Short",  "byte",     "Byte",  "float",
                 "Float",  "double",  "Double", "BigInteger", "BigDecimal", "number", "int64",    "int32", "uint",
                 "uint64", "float64", "size_t", "unsigned",   "UUID",       "Date",   "LocalDate"});
}

bool is_boolean_type(std::string_view type) { return one_of(last_part(type), {"boolean", "Boolean", "bool"}); }

bool returns_number(std::string_view path, std::string_view method) {
  return one_of(method, {"parseInt", "parseFloat", "parseLong", "parseDouble", "intValue", "longValue", "length",
                         "size", "indexOf", "hashCode", "Atoi", "atoi"}) ||
         one_of(path, {"int", "float", "len", "Number", "ord", "hash", "Integer.valueOf", "Long.valueOf"});
}

bool takes_positions(std::string_view method) {
  return one_of(method, {"slice", "substring", "substr", "charAt", "charCodeAt", "codePointAt", "at", "subList"});
}

bool returns_boolean(std::string_view method) {
  return one_of(method, {"equals", "equalsIgnoreCase", "isEmpty", "contains", "startsWith", "endsWith", "startswith",
                         "endswith", "includes", "has", "hasNext", "matches", "test", "isinstance", "bool", "isdigit"});
}

}  // namespace wrench::code
