#include "wrench/code/metrics.hpp"

#include <algorithm>
#include <cmath>
#include <map>
#include <set>
#include <tuple>
#include <unordered_set>
#include <utility>

#include "finding_maker.hpp"
#include "metrics_advice.hpp"

namespace wrench::code {

using source::Language;

namespace {

/// Increments listed per file. An increment counts for every function around it, so deep nesting would multiply them.
constexpr std::size_t kIncrementsMax = 100'000;
/// Below it no threshold makes a function a finding that needs advice.
constexpr std::uint32_t kAdvisedMin = 10;

bool is_logical(const Node& node) {
  const Op op = static_cast<Op>(node.sub);
  return node.kind == Kind::Binary && (op == Op::And || op == Op::Or || op == Op::NullCoalesce);
}

/// Which lines hold a token. Prefix sums, so that a function's count is one subtraction.
class CodeLines {
 public:
  CodeLines(const Ir& ir, const source::SourceText& text) {
    const std::uint32_t lines = text.lines.line_count();
    std::vector<Span> blank = ir.comments;
    for (const Node& node : ir.nodes)
      if (node.kind == Kind::String && node.sub == static_cast<std::uint8_t>(StringSub::Doc))
        blank.push_back({node.first, node.end});
    std::ranges::sort(blank, {}, &Span::first);
    before_.resize(lines + 2, 0);
    std::size_t next = 0;
    for (std::uint32_t line = 1; line <= lines; ++line) {
      const std::uint64_t first = text.lines.line_start(line);
      const std::string_view content = text.lines.line(text.text, line);
      bool code = false;
      for (std::uint64_t at = first; at < first + content.size() && !code;) {
        while (next < blank.size() && blank[next].end <= at) ++next;
        if (next < blank.size() && blank[next].first <= at) {
          at = blank[next].end;
          continue;
        }
        const char c = text.text[at];
        code = c != ' ' && c != '\t' && c != '\r' && c != '\n' && c != '\f';
        ++at;
      }
      before_[line + 1] = before_[line] + (code ? 1 : 0);
    }
  }

  std::uint32_t count(std::uint32_t first_line, std::uint32_t last_line) const {
    return before_[last_line + 1] - before_[first_line];
  }
  std::uint32_t total() const { return before_.back(); }

 private:
  std::vector<std::uint32_t> before_;  ///< before_[n]: code lines before line n.
};

/// Everything that one pass over the tree collects for one function.
struct Function {
  NodeIndex node = kNoNode;
  NodeIndex end = 0;             ///< One past its last node.
  std::size_t outer = SIZE_MAX;  ///< Index of the function around it.
  FunctionMeasure measure;
  std::uint32_t base_nesting = 0;  ///< Cognitive nesting of its body, seen from the outermost function.
  std::uint32_t base_depth = 0;    ///< Control depth where it starts.
  bool recursion_seen = false;
  std::vector<detail::ComplexityPoint> points;  ///< Without those of functions in it.
  std::uint32_t operators = 0, operands = 0;
  std::set<std::uint8_t> operator_kinds;
  std::unordered_set<std::uint64_t> operand_kinds;
};

class Measurer {
 public:
  Measurer(const Ir& ir, const Atoms& atoms, const source::SourceText& text)
      : ir_(ir), atoms_(atoms), text_(text), lines_(ir, text), positions_(text), adviser_(ir, atoms, text) {}

  FileMeasures run() {
    // nesting_[i]: cognitive nesting of the children of node i; depth_[i]: control structures around them.
    nesting_.assign(ir_.nodes.size(), 0);
    depth_.assign(ir_.nodes.size(), 0);
    for (NodeIndex i = 1; i < ir_.nodes.size(); ++i) {
      while (!open_.empty() && i >= functions_[open_.back()].end) open_.pop_back();
      visit(i);
    }
    FileMeasures out;
    for (Function& function : functions_) finish(function);
    for (Function& function : functions_) {
      out.file.cognitive += function.measure.own_cognitive;
      out.file.cyclomatic += function.measure.metrics.cyclomatic;
      out.functions.push_back(std::move(function.measure));
    }
    out.file.path = text_.path;
    out.file.language = source::id(ir_.language);
    out.file.lines = text_.lines.line_count();
    out.file.nloc = lines_.total();
    out.file.functions = static_cast<std::uint32_t>(out.functions.size());
    return out;
  }

 private:
  /// The name of a function that is measured by itself; empty for what belongs to the function around it.
  std::string entry_name(NodeIndex i) const {
    const Node& node = ir_[i];
    if (node.kind == Kind::Function)
      return ir_.child(i, Role::Body) == kNoNode ? std::string() : std::string(atoms_.text(node.atom));
    if (node.kind != Kind::Lambda) return {};
    const NodeIndex body = ir_.child(i, Role::Body);
    if (body == kNoNode || ir_[body].kind != Kind::Block) return {};
    if (node.atom != kNoAtom) return std::string(atoms_.text(node.atom));
    const Node& parent = ir_[node.parent];
    switch (parent.kind) {
      case Kind::VarDef:
      case Kind::Field:
        if (parent.atom != kNoAtom) return std::string(atoms_.text(parent.atom));
        break;
      case Kind::Assign: {
        const NodeIndex left = ir_.child(node.parent, Role::Left);
        if (left != kNoNode && left != i && ir_[left].atom != kNoAtom) return std::string(atoms_.text(ir_[left].atom));
        break;
      }
      case Kind::Pair: {
        const NodeIndex key = ir_.child(node.parent, Role::Key);
        if (key != kNoNode && key != i && ir_[key].atom != kNoAtom) return std::string(atoms_.text(ir_[key].atom));
        break;
      }
      default:
        break;
    }
    return open_.empty() ? "(anonymous)" : std::string();
  }

  Span name_span(NodeIndex i) const {
    const NodeIndex name = ir_.child(i, Role::Name);
    if (name != kNoNode && ir_[i].kind == Kind::Function) return {ir_[name].first, ir_[name].end};
    const NodeIndex parameter = ir_.child(i, Role::Body);
    const std::uint32_t end = parameter == kNoNode ? ir_[i].end : std::max(ir_[i].first, ir_[parameter].first);
    return {ir_[i].first, end};
  }

  void enter_function(NodeIndex i, const std::string& name) {
    Function function;
    function.node = i;
    function.end = ir_[i].subtree_end;
    function.outer = open_.empty() ? SIZE_MAX : open_.back();
    function.base_nesting = nesting_[i];
    function.base_depth = depth_[ir_[i].parent];
    FunctionMeasure& measure = function.measure;
    const std::string outside = detail::enclosing_symbol(ir_, atoms_, i);
    measure.metrics.name = outside.empty() ? name : outside + "." + name;
    measure.name = name_span(i);
    measure.metrics.cyclomatic = 1;
    const bool decorated = ir_.child(i, Role::Decorator) != kNoNode;
    const std::uint32_t from = decorated ? measure.name.first : ir_[i].first;
    const std::uint32_t last = ir_[i].end > ir_[i].first ? ir_[i].end - 1 : ir_[i].first;
    const std::uint32_t first_line = positions_.at(from).line;
    measure.metrics.line = positions_.at(measure.name.first).line;
    measure.metrics.end_line = positions_.at(last).line;
    measure.metrics.nloc = lines_.count(first_line, measure.metrics.end_line);
    std::tie(measure.metrics.parameters, measure.required_parameters) = parameters(i);
    functions_.push_back(std::move(function));
    open_.push_back(functions_.size() - 1);
  }

  /// All of them, and those that a caller has to give.
  std::pair<std::uint32_t, std::uint32_t> parameters(NodeIndex i) const {
    std::uint32_t count = 0, required = 0;
    bool first = true;
    for (NodeIndex c = ir_.first_child(i); c != kNoNode; c = ir_.next_sibling(c)) {
      const Node& node = ir_[c];
      if (node.kind != Kind::Param || node.role != Role::Param) continue;
      const auto sub = static_cast<ParamSub>(node.sub);
      if (sub == ParamSub::PositionalOnlyMark || sub == ParamSub::KeywordOnlyMark) continue;
      const std::string_view name = atoms_.text(node.atom);
      const bool method = ir_[i].kind == Kind::Function && ir_[i].sub != 0;
      const bool self = first && method && ir_.language == Language::Python && (name == "self" || name == "cls");
      // `f(void)` takes nothing, and `...` isn't one parameter.
      const bool c_family = ir_.language == Language::C || ir_.language == Language::Cpp;
      const bool none = c_family && name.empty() && (is_void(c) || sub == ParamSub::Variadic);
      first = false;
      if (self || none) continue;
      ++count;
      const bool rest = sub == ParamSub::Variadic || sub == ParamSub::KeywordVariadic;
      if (!rest && ir_.child(c, Role::Default) == kNoNode) ++required;
    }
    return {count, required};
  }

  bool is_void(NodeIndex parameter) const {
    const NodeIndex type = ir_.child(parameter, Role::Type);
    return type != kNoNode && atoms_.text(ir_[type].atom) == "void";
  }

  // --- increments

  void cyclomatic(std::uint32_t add) {
    if (!open_.empty()) functions_[open_.back()].measure.metrics.cyclomatic += add;
  }

  void cognitive(NodeIndex at, std::string_view kind, bool nests) {
    if (open_.empty()) return;
    const findings::Position place = positions_.at(ir_[at].first);
    bool innermost = true;
    for (std::size_t f = open_.back(); f != SIZE_MAX; f = functions_[f].outer) {
      Function& function = functions_[f];
      const std::uint32_t nesting = nests ? nesting_[ir_[at].parent] - function.base_nesting : 0;
      if (increments_++ < kIncrementsMax)
        function.measure.metrics.increments.push_back({place.line, place.col, std::string(kind), 1 + nesting, nesting});
      function.measure.metrics.cognitive += 1 + nesting;
      if (innermost) {
        function.measure.own_cognitive += 1 + nesting;
        function.points.push_back({at, 1 + nesting, nesting, nests});
      }
      innermost = false;
    }
  }

  void visit(NodeIndex i) {
    const Node& node = ir_[i];
    nesting_[i] = nesting_[node.parent];
    depth_[i] = depth_[node.parent];
    switch (node.kind) {
      case Kind::Function:
      case Kind::Lambda:
        if (!open_.empty()) ++nesting_[i];
        if (const std::string name = entry_name(i); !name.empty()) {
          enter_function(i, name);
        }
        break;
      case Kind::If:
        cyclomatic(1);
        if (node.role == Role::Else && (node.flags & kFlagElseIf)) {
          cognitive(i, "else if", false);
        } else {
          cognitive(i, "if", true);
          nest(i);
        }
        else_branch(i);
        break;
      case Kind::Ternary:
        cyclomatic(1);
        cognitive(i, "ternary", true);
        ++nesting_[i];
        break;
      case Kind::Switch:
        cognitive(i, "switch", true);
        nest(i);
        break;
      case Kind::Case:
        if (!(node.flags & kFlagDefault)) {
          cyclomatic(1);
          if (!open_.empty() && !detail::holds_structure(ir_, i)) ++functions_[open_.back()].measure.flat_arms;
        }
        break;
      case Kind::Loop:
      case Kind::ForEach:
        cyclomatic(1);
        cognitive(i, "loop", true);
        nest(i);
        if (ir_.language == Language::Python && ir_.child(i, Role::Else) != kNoNode) cyclomatic(1);
        else_branch(i);
        break;
      case Kind::Try:
        deepen(i);
        if (ir_.language == Language::Python && ir_.child(i, Role::Else) != kNoNode) cyclomatic(1);
        break;
      case Kind::With:
        deepen(i);
        break;
      case Kind::Catch:
        cyclomatic(1);
        cognitive(i, "catch", true);
        ++nesting_[i];
        break;
      case Kind::Goto:
        cognitive(i, "jump to a label", false);
        break;
      case Kind::Break:
      case Kind::Continue:
        if (node.atom != kNoAtom) cognitive(i, "jump to a label", false);
        break;
      case Kind::Assert:
        if (ir_.language == Language::Python) cyclomatic(1);
        break;
      case Kind::Comprehension:
        for (NodeIndex c = ir_.first_child(i); c != kNoNode; c = ir_.next_sibling(c))
          if (ir_[c].role == Role::Iterable || ir_[c].role == Role::Condition) cyclomatic(1);
        break;
      case Kind::Binary:
        if (is_logical(node)) {
          cyclomatic(1);
          if (!is_logical(ir_[node.parent])) logical_runs(i);
        }
        halstead(i);
        break;
      case Kind::Unary:
      case Kind::AugAssign:
        halstead(i);
        break;
      case Kind::Call:
        recursion(i);
        break;
      default:
        break;
    }
  }

  void nest(NodeIndex i) {
    ++nesting_[i];
    deepen(i);
  }

  void deepen(NodeIndex i) {
    ++depth_[i];
    if (open_.empty()) return;
    Function& function = functions_[open_.back()];
    function.measure.metrics.nesting =
        std::max(function.measure.metrics.nesting, static_cast<std::uint32_t>(depth_[i]) - function.base_depth);
  }

  /// A plain else (an else-if comes by itself).
  void else_branch(NodeIndex i) {
    const NodeIndex other = ir_.child(i, Role::Else);
    if (other != kNoNode && !(ir_[other].kind == Kind::If && (ir_[other].flags & kFlagElseIf)))
      cognitive(other, "else", false);
  }

  /// a && b || c && d: one point per run of like operators, in the order they are written.
  void logical_runs(NodeIndex top) {
    std::vector<std::pair<std::uint32_t, std::uint8_t>> operators;
    for (NodeIndex i = top; i < ir_[top].subtree_end;) {
      const bool inside = i == top || (is_logical(ir_[i]) && is_logical(ir_[ir_[i].parent]));
      if (inside) {
        const NodeIndex right = ir_.child(i, Role::Right);
        operators.emplace_back(right == kNoNode ? ir_[i].end : ir_[right].first, ir_[i].sub);
        ++i;
      } else {
        i = ir_[i].subtree_end;
      }
    }
    std::ranges::sort(operators);
    std::uint8_t last = 0;
    for (const auto& [at, op] : operators) {
      if (op != last) cognitive(top, "logical operators", false);
      last = op;
    }
  }

  void recursion(NodeIndex i) {
    if (open_.empty()) return;
    Function& function = functions_[open_.back()];
    if (function.recursion_seen || ir_[function.node].kind != Kind::Function) return;
    const NodeIndex callee = ir_.child(i, Role::Callee);
    if (callee == kNoNode || ir_[callee].atom == kNoAtom || ir_[callee].atom != ir_[function.node].atom) return;
    const bool method = ir_[function.node].sub != 0;
    bool own = !method && ir_[callee].kind == Kind::Name;
    if (method && ir_[callee].kind == Kind::Name) own = ir_.language == Language::Java || ir_.language == Language::Cpp;
    if (ir_[callee].kind == Kind::Member) {
      const NodeIndex object = ir_.child(callee, Role::Object);
      own = object != kNoNode && (ir_[object].kind == Kind::This ||
                                  (ir_[object].kind == Kind::Name && atoms_.text(ir_[object].atom) == "self"));
    }
    if (!own) return;
    function.recursion_seen = true;
    cognitive(i, "recursion", false);
  }

  // --- Halstead

  void operand(Function& function, NodeIndex i) {
    ++function.operands;
    const Node& node = ir_[i];
    // Names and numbers are the same operand wherever they stand; any other expression is one by itself.
    const bool shared = node.kind == Kind::Name || node.kind == Kind::Member || node.kind == Kind::Number;
    function.operand_kinds.insert(shared ? node.atom : (std::uint64_t{1} << 32) + i);
  }

  void halstead(NodeIndex i) {
    if (open_.empty()) return;
    Function& function = functions_[open_.back()];
    const Node& node = ir_[i];
    const Node& parent = ir_[node.parent];
    // a and b and c is one operator with three operands.
    const bool continues = is_logical(node) && is_logical(parent) && parent.sub == node.sub && node.role == Role::Left;
    if (!continues) {
      ++function.operators;
      function.operator_kinds.insert(static_cast<std::uint8_t>(node.kind == Kind::Unary ? node.sub + 128 : node.sub));
    }
    for (NodeIndex c = ir_.first_child(i); c != kNoNode; c = ir_.next_sibling(c)) {
      const bool chained =
          is_logical(node) && is_logical(ir_[c]) && ir_[c].sub == node.sub && ir_[c].role == Role::Left;
      if (!chained) operand(function, c);
    }
  }

  void finish(Function& function) {
    const double vocabulary = static_cast<double>(function.operator_kinds.size() + function.operand_kinds.size());
    const double length = function.operators + function.operands;
    const double volume = vocabulary > 0 ? length * std::log2(vocabulary) : 0;
    findings::FunctionMetrics& metrics = function.measure.metrics;
    const double raw = 171 - 5.2 * std::log(std::max(volume, 1.0)) - 0.23 * metrics.cyclomatic -
                       16.2 * std::log(std::max<double>(metrics.nloc, 1));
    function.measure.halstead_volume = volume;
    metrics.maintainability = std::max(0.0, 100 * raw / 171);
    function.measure.entangled = detail::entangled_points(ir_, function.points);
    if (function.measure.own_cognitive >= kAdvisedMin)
      function.measure.simplifications = adviser_.advise(function.node, std::move(function.points));
  }

  const Ir& ir_;
  const Atoms& atoms_;
  const source::SourceText& text_;
  CodeLines lines_;
  detail::PositionCursor positions_;
  detail::Adviser adviser_;
  std::size_t increments_ = 0;
  std::vector<std::uint16_t> nesting_, depth_;
  std::vector<Function> functions_;
  std::vector<std::size_t> open_;
};

}  // namespace

FileMeasures measure(const Ir& ir, const Atoms& atoms, const source::SourceText& text) {
  return Measurer(ir, atoms, text).run();
}

}  // namespace wrench::code
