#include "thread_checks.hpp"

#include <fmt/format.h>

#include <array>
#include <map>
#include <set>
#include <string_view>

#include "finding_maker.hpp"

namespace wrench::code {

namespace {

struct Starter {
  std::string_view name;
  std::size_t function;  ///< Which argument.
};
constexpr std::array<Starter, 2> kStarters = {{{"pthread_create", 2}, {"thrd_create", 1}}};

bool contains(std::string_view text, std::string_view part) { return text.find(part) != std::string_view::npos; }

class ThreadChecks {
 public:
  ThreadChecks(const FileIndex& file, const source::SourceText& text) : file_(file), ir_(file.ir()), text_(text) {}

  std::vector<findings::Finding> run() {
    count_starts();
    if (starts_.empty()) return {};
    collect_shared();
    for (const NodeIndex function : file_.nodes(Kind::Function)) {
      const auto started = starts_.find(ir_[function].atom);
      if (started != starts_.end() && started->second > 1) look_into(function);
    }
    return std::move(found_);
  }

 private:
  std::string_view name(NodeIndex n) const { return file_.atoms().text(ir_[n].atom); }

  bool in_loop(NodeIndex n) const {
    for (NodeIndex up = ir_[n].parent; up != kNoNode && ir_[up].kind != Kind::Function; up = ir_[up].parent)
      if (ir_[up].kind == Kind::Loop || ir_[up].kind == Kind::ForEach) return true;
    return false;
  }

  /// How many threads run a function: two stand for many.
  void count_starts() {
    for (const NodeIndex call : file_.nodes(Kind::Call)) {
      const NodeIndex callee = ir_.child(call, Role::Callee);
      if (callee == kNoNode || ir_[callee].kind != Kind::Name) continue;
      for (const Starter& starter : kStarters) {
        if (name(callee) != starter.name) continue;
        std::size_t i = 0;
        for (NodeIndex arg = ir_.first_child(call); arg != kNoNode; arg = ir_.next_sibling(arg)) {
          if (ir_[arg].role != Role::Arg || i++ != starter.function) continue;
          const NodeIndex function = ir_[arg].kind == Kind::AddressOf ? ir_.first_child(arg) : arg;
          if (function != kNoNode && ir_[function].kind == Kind::Name)
            starts_[ir_[function].atom] += in_loop(call) ? 2 : 1;
        }
      }
    }
  }

  /// Variables of the file that each thread sees the same one of, and that aren't atomic.
  void collect_shared() {
    for (const NodeIndex n : file_.nodes(Kind::VarDef)) {
      if (ir_[n].parent == kNoNode || ir_[ir_[n].parent].kind != Kind::Module) continue;
      bool own = false;
      for (NodeIndex c = ir_.first_child(n); c != kNoNode; c = ir_.next_sibling(c)) {
        if (ir_[c].kind != Kind::Modifier && ir_[c].kind != Kind::Type) continue;
        const std::string_view word = name(c);
        own |= contains(word, "hread_local") || word == "__thread" || contains(word, "tomic");
      }
      if (!own && ir_[n].atom != kNoAtom) shared_.insert(ir_[n].atom);
    }
  }

  void look_into(NodeIndex function) {
    std::set<Atom> locals;
    for (NodeIndex n = function; n < ir_[function].subtree_end; ++n) {
      if (ir_[n].kind == Kind::VarDef || ir_[n].kind == Kind::Param) locals.insert(ir_[n].atom);
      if (ir_[n].kind != Kind::Call) continue;
      const NodeIndex callee = ir_.child(n, Role::Callee);
      if (callee == kNoNode) continue;
      const std::string_view called = file_.text_of(callee);
      if (contains(called, "lock") || contains(called, "Lock") || contains(called, "LOCK") ||
          contains(called, "sem_wait") || contains(called, "atomic") || called.starts_with("__sync_"))
        return;
    }
    std::set<Atom> told;
    for (NodeIndex n = function; n < ir_[function].subtree_end; ++n) {
      const NodeIndex variable = written(n);
      if (variable == kNoNode || ir_[variable].kind != Kind::Name) continue;
      const Atom atom = ir_[variable].atom;
      if (!shared_.contains(atom) || locals.contains(atom) || !told.insert(atom).second) continue;
      auto finding = detail::make_finding(
          text_, {ir_[n].first, ir_[n].end}, "c.unlocked-shared-write", findings::Severity::Medium,
          findings::Confidence::Medium, findings::Category::Correctness, "Shared variable is set without a lock",
          fmt::format("Several threads run {}(), and all set {} here at the same time: changes get lost. Take a mutex "
                      "around it, or make it atomic.",
                      name(function), file_.atoms().text(atom)));
      finding.cwe = {"CWE-362", "CWE-366"};
      found_.push_back(std::move(finding));
    }
  }

  /// What the operation sets to something that depends on more than the place: a flag is set to the same by all.
  NodeIndex written(NodeIndex n) const {
    switch (ir_[n].kind) {
      case Kind::Assign: {
        const NodeIndex value = ir_.child(n, Role::Right);
        if (value == kNoNode) return kNoNode;
        const Kind kind = ir_[value].kind;
        const bool same = kind == Kind::Number || kind == Kind::Bool || kind == Kind::Null || kind == Kind::Char;
        return same ? kNoNode : ir_.child(n, Role::Left);
      }
      case Kind::AugAssign:
        return ir_.child(n, Role::Left);
      case Kind::Unary: {
        const auto op = static_cast<Op>(ir_[n].sub);
        const bool changes = op >= Op::PreIncrement && op <= Op::PostDecrement;
        return changes ? ir_.child(n, Role::Operand) : kNoNode;
      }
      default:
        return kNoNode;
    }
  }

  const FileIndex& file_;
  const Ir& ir_;
  const source::SourceText& text_;
  std::map<Atom, int> starts_;
  std::set<Atom> shared_;
  std::vector<findings::Finding> found_;
};

}  // namespace

std::vector<findings::Finding> thread_findings(const FileIndex& file, const source::SourceText& text) {
  return ThreadChecks(file, text).run();
}

}  // namespace wrench::code
