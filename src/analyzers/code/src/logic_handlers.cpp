#include <fmt/format.h>

#include <algorithm>
#include <utility>
#include <vector>

#include "logic_context.hpp"

namespace wrench::code::detail {
namespace {

constexpr LogicContext::Rule kUnreachable{"logic.unreachable-handler", "Handler can't be reached", "CWE-561",
                                          findings::Severity::Medium, findings::Confidence::High};

/// Python's own exceptions and what they are kinds of, besides Exception.
constexpr std::pair<std::string_view, std::string_view> kParents[] = {{"FileNotFoundError", "OSError"},
                                                                      {"FileExistsError", "OSError"},
                                                                      {"PermissionError", "OSError"},
                                                                      {"IsADirectoryError", "OSError"},
                                                                      {"NotADirectoryError", "OSError"},
                                                                      {"InterruptedError", "OSError"},
                                                                      {"BlockingIOError", "OSError"},
                                                                      {"ChildProcessError", "OSError"},
                                                                      {"ProcessLookupError", "OSError"},
                                                                      {"TimeoutError", "OSError"},
                                                                      {"ConnectionError", "OSError"},
                                                                      {"ConnectionResetError", "ConnectionError"},
                                                                      {"ConnectionAbortedError", "ConnectionError"},
                                                                      {"ConnectionRefusedError", "ConnectionError"},
                                                                      {"BrokenPipeError", "ConnectionError"},
                                                                      {"IOError", "OSError"},
                                                                      {"EnvironmentError", "OSError"},
                                                                      {"KeyError", "LookupError"},
                                                                      {"IndexError", "LookupError"},
                                                                      {"ZeroDivisionError", "ArithmeticError"},
                                                                      {"OverflowError", "ArithmeticError"},
                                                                      {"FloatingPointError", "ArithmeticError"},
                                                                      {"UnicodeError", "ValueError"},
                                                                      {"UnicodeDecodeError", "UnicodeError"},
                                                                      {"UnicodeEncodeError", "UnicodeError"},
                                                                      {"ModuleNotFoundError", "ImportError"},
                                                                      {"NotImplementedError", "RuntimeError"},
                                                                      {"RecursionError", "RuntimeError"},
                                                                      {"IndentationError", "SyntaxError"},
                                                                      {"UnboundLocalError", "NameError"}};
/// Not kinds of Exception.
constexpr std::string_view kApart[] = {"BaseException", "KeyboardInterrupt", "SystemExit", "GeneratorExit",
                                       "CancelledError"};

bool is_kind_of(std::string_view name, std::string_view what) {
  if (name == what || what == "BaseException") return true;
  if (what == "Exception") {
    const bool named_so = name.ends_with("Error") || name.ends_with("Exception") || name.ends_with("Warning");
    return named_so && std::ranges::find(kApart, name) == std::end(kApart);
  }
  for (const auto& [child, parent] : kParents)
    if (child == name) return is_kind_of(parent, what);
  return false;
}

/// Whether the file means another thing than Python by a name: requests has a ConnectionError of its own.
bool is_own_name(const LogicContext& c, std::string_view name) {
  for (NodeIndex i = 1; i < c.ir.nodes.size(); ++i) {
    const Node& node = c.ir[i];
    if (node.kind == Kind::ImportItem && (c.atoms.text(node.extra) == name || c.atoms.text(node.atom) == "*"))
      return true;
    if (node.kind == Kind::Class && c.atoms.text(node.atom) == name) return true;
  }
  return false;
}

/// Names of the types of a handler; none when one of them isn't a plain name.
std::vector<std::string_view> types_of(const LogicContext& c, NodeIndex handler) {
  std::vector<std::string_view> names;
  for (NodeIndex t = c.ir.first_child(handler); t != kNoNode; t = c.ir.next_sibling(t)) {
    if (c.ir[t].role != Role::Type) continue;
    const std::string_view name = c.atoms.text(c.ir[t].atom);
    if (c.ir[t].kind != Kind::Type || name.empty() || name.find('.') != std::string_view::npos) return {};
    names.push_back(name);
  }
  return names;
}

}  // namespace

void check_handlers(LogicContext& c, NodeIndex i) {
  // Java's compiler refuses it, JavaScript has one handler.
  if (c.ir[i].kind != Kind::Try || !c.is_python()) return;
  std::vector<std::pair<std::string_view, NodeIndex>> caught;
  for (NodeIndex h = c.ir.first_child(i); h != kNoNode; h = c.ir.next_sibling(h)) {
    if (c.ir[h].kind != Kind::Catch) continue;
    const auto names = types_of(c, h);
    const auto by = [&](std::string_view name) {
      return std::ranges::find_if(caught, [&](const auto& one) { return is_kind_of(name, one.first); });
    };
    const bool all = !names.empty() && std::ranges::all_of(names, [&](auto name) { return by(name) != caught.end(); });
    const auto own = [&](std::string_view name) {
      return by(name)->first != name && by(name)->first != "Exception" && is_own_name(c, name);
    };
    if (all && std::ranges::none_of(names, own)) {
      const auto earlier = by(names[0]);
      const NodeIndex type = c.ir.child(h, Role::Type);
      c.report(type, kUnreachable,
               fmt::format("The handler of {} in line {} catches {} already. Put this one before it.", earlier->first,
                           c.line(earlier->second), names[0]));
    }
    for (const std::string_view name : names) caught.emplace_back(name, h);
  }
}

}  // namespace wrench::code::detail
