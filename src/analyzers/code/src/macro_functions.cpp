#include "macro_functions.hpp"

#include <algorithm>
#include <set>
#include <string_view>
#include <vector>

namespace wrench::code {

namespace {

constexpr std::size_t kMacroFunctionsMax = 500;  ///< Of one file.

bool is_word(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_'; }

/// Whether the body gives a value and changes nothing by itself: a function does the same then, though its parameters
/// are copies.
bool is_expression_body(std::string_view body) {
  if (body.find_first_of(";{}#\\") != std::string_view::npos) return false;
  int depth = 0;
  for (std::size_t i = 0; i < body.size(); ++i) {
    const char c = body[i], next = i + 1 < body.size() ? body[i + 1] : 0, before = i > 0 ? body[i - 1] : 0;
    if (c == '(') ++depth;
    if (c == ')' && --depth < 0) return false;
    if ((c == '+' || c == '-') && next == c) return false;
    if (c == '=' && next != '=' && before != '=' && before != '!' && before != '<' && before != '>') return false;
    if (c == '&' && next != '&' && before != '&' && next != ' ') return false;
  }
  return depth == 0 && body.find("__VA_ARGS__") == std::string_view::npos;
}

/// Names in front of a parenthesis.
template <class F>
void each_call(std::string_view body, F f) {
  for (std::size_t i = 0; i < body.size();) {
    if (!is_word(body[i])) {
      ++i;
      continue;
    }
    const std::size_t from = i;
    while (i < body.size() && is_word(body[i])) ++i;
    const std::size_t behind = std::min(body.find_first_not_of(' ', i), body.size());
    if (behind < body.size() && body[behind] == '(') f(body.substr(from, i - from));
  }
}

}  // namespace

std::string macro_functions(const FileIndex& file) {
  const Ir& ir = file.ir();
  std::set<std::string_view> defined, seen;
  std::vector<const Macro*> open;
  for (const NodeIndex n : file.nodes(Kind::Function))
    if (ir.child(n, Role::Body) != kNoNode) defined.insert(file.atoms().text(ir[n].atom));
  const auto want = [&](std::string_view name) {
    if (defined.contains(name) || !seen.insert(name).second || seen.size() > kMacroFunctionsMax) return;
    const Macro* macro = file.macro(name);
    if (macro != nullptr && macro->is_function && alias_of_macro(*macro).empty() && is_expression_body(macro->body))
      open.push_back(macro);
  };
  for (const NodeIndex n : file.nodes(Kind::Call)) {
    const NodeIndex callee = ir.child(n, Role::Callee);
    if (callee != kNoNode && ir[callee].kind == Kind::Name) want(file.atoms().text(ir[callee].atom));
  }
  std::string out;
  while (!open.empty()) {
    const Macro& macro = *open.back();
    open.pop_back();
    out += "static macro_value " + macro.name + "(";
    for (std::size_t i = 0; i < macro.params.size(); ++i)
      out += (i == 0 ? "macro_value " : ", macro_value ") + macro.params[i];
    out += ") { return " + macro.body + "; }\n";
    each_call(macro.body, want);
  }
  return out;
}

}  // namespace wrench::code
