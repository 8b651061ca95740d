#include "pattern.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "match_index.hpp"
#include "pattern_config.hpp"
#include "pattern_forms.hpp"
#include "pattern_text.hpp"
#include "wrench/base/text.hpp"

namespace wrench::code {
namespace {

using source::Language;

constexpr std::size_t kAlternativesMax = 32;  // Per wrapper.

bool is_script(Language grammar) {
  return grammar == Language::JavaScript || grammar == Language::TypeScript || grammar == Language::Tsx;
}

/// One way to write the pattern as code: which form each ellipsis takes, inside which wrapper.
class Rendering {
 public:
  Rendering(const PatternText& pattern, std::string_view wrapper, Language grammar)
      : pattern_(pattern), wrapper_(wrapper), grammar_(grammar), choice_(pattern.pieces.size(), 0) {}

  struct Code {
    std::string text;
    std::size_t first = 0, end = 0;        ///< The pattern's own bytes.
    std::vector<std::size_t> stand_in_at;  ///< By piece; npos for code.
  };

  Code render() const {
    Code out;
    const std::size_t hole = wrapper_.find('%');
    out.text = wrapper_.substr(0, hole);
    out.first = out.text.size();
    out.stand_in_at.assign(pattern_.pieces.size(), std::string::npos);
    for (std::size_t i = 0; i < pattern_.pieces.size(); ++i) append(out, i);
    out.end = out.text.size();
    out.text += wrapper_.substr(hole + 1);
    return out;
  }

  /// Moves the stand-in nearest to `at` that still has a choice to its next form; false when none has.
  bool advance(const Code& code, std::size_t at) {
    std::size_t best = pattern_.pieces.size(), best_distance = 0;
    for (std::size_t i = 0; i < pattern_.pieces.size(); ++i) {
      if (code.stand_in_at[i] == std::string::npos) continue;
      if (choice_[i] + 1 >= forms_of(pattern_.pieces[i]).size()) continue;
      const std::size_t distance = code.stand_in_at[i] > at ? code.stand_in_at[i] - at : at - code.stand_in_at[i];
      if (best == pattern_.pieces.size() || distance < best_distance) {
        best = i;
        best_distance = distance;
      }
    }
    if (best == pattern_.pieces.size()) return false;
    ++choice_[best];
    return true;
  }

 private:
  void append(Code& out, std::size_t i) const {
    const PatternPiece& piece = pattern_.pieces[i];
    switch (piece.what) {
      case PatternPiece::What::Code:
        out.text += piece.text;
        return;
      case PatternPiece::What::DeepOpen:
        out.text += kDeepName;
        out.text += '(';
        return;
      case PatternPiece::What::DeepClose:
        out.text += ')';
        return;
      case PatternPiece::What::Metavar:
      case PatternPiece::What::Ellipsis:
      case PatternPiece::What::MetavarEllipsis:
        break;
    }
    out.stand_in_at[i] = out.text.size();
    std::string name = piece.what == PatternPiece::What::Ellipsis  ? std::string(kEllipsisName)
                       : piece.what == PatternPiece::What::Metavar ? std::string(kMetavarPrefix) + piece.text
                                                                   : std::string(kMetavarEllipsisPrefix) + piece.text;
    const std::string form = replace_all(std::string(forms_of(piece)[choice_[i]]), "%", name);
    name[0] = 'w';
    out.text += replace_all(form, "^", name);
  }

  std::vector<std::string_view> forms_of(const PatternPiece& piece) const {
    return piece.what == PatternPiece::What::Metavar ? metavariable_forms(grammar_) : ellipsis_forms(grammar_, piece);
  }

  const PatternText& pattern_;
  std::string_view wrapper_;
  Language grammar_;
  std::vector<std::size_t> choice_;
};

/// Turns lowered code with stand-ins into pattern nodes.
class Builder {
 public:
  Builder(const Ir& ir, Atoms& atoms, const Rendering::Code& code, Pattern& out)
      : ir_(ir), atoms_(atoms), code_(code), out_(out) {}

  Result<void> run(std::string_view pattern_text, const std::vector<TypedMetavariable>& typed) {
    std::vector<NodeIndex> roots;
    for (NodeIndex i = 1; i < ir_.nodes.size();) {
      const Node& node = ir_[i];
      // What decorates the wrapper's own definition begins where that does.
      const bool own = node.first >= code_.first && node.first < code_.end && node.end > node.first;
      if (own && (node.end <= code_.end || node.atom == kNoAtom || atoms_.text(node.atom) != kWrapperName)) {
        roots.push_back(i);
        i = node.subtree_end;
      } else {
        ++i;
      }
    }
    // `a, b` inside a call or a bare name beside its wrapper's role: only what is inside counts.
    if (roots.empty()) return Error("rules.invalid_pattern", "the pattern is empty");
    if (is_config(out_.grammar)) settle_config_roots(roots);
    const bool statement = trim(pattern_text).ends_with(';');
    for (const NodeIndex root : roots) {
      NodeIndex from = root;
      if (roots.size() == 1 && !statement && ir_[root].kind == Kind::ExprStmt) {
        const NodeIndex value = ir_.child(root, Role::Value);
        if (value != kNoNode) from = value;
      }
      // A method without its class or object is a function.
      if (roots.size() == 1 && ir_[from].kind == Kind::Pair) {
        const NodeIndex value = ir_.child(from, Role::Value);
        if (value != kNoNode && ir_[value].kind == Kind::Function) from = value;
      }
      const std::uint32_t built = build(from);
      if (out_.nodes.size() > kPatternNodesMax)
        return Error("rules.pattern_limit", fmt::format("the pattern has more than {} nodes", kPatternNodesMax));
      if (fault_) return std::move(*fault_);
      out_.nodes[built].role = Role::None;
      out_.roots.push_back(built);
    }
    if (is_config(out_.grammar)) join_members();
    const PatternNode& first = out_.nodes[out_.roots.front()];
    const bool sequence = out_.roots.size() > 1 || first.kind == Kind::ExprStmt;
    out_.shape = sequence ? Pattern::Shape::Statements : Pattern::Shape::Expression;
    out_.matches_anything =
        std::all_of(out_.roots.begin(), out_.roots.end(), [&](std::uint32_t root) { return is_open(root); }) &&
        !is_typed(typed);
    std::sort(out_.names.begin(), out_.names.end());
    out_.names.erase(std::unique(out_.names.begin(), out_.names.end()), out_.names.end());
    return {};
  }

 private:
  /// One member of a mapping or one item of a list, in YAML, is meant wherever it stands.
  /// An expression of SQL also is a statement.
  void settle_config_roots(std::vector<NodeIndex>& roots) const {
    if (roots.size() != 1) return;
    if (out_.grammar == Language::Sql && ir_[roots.front()].kind == Kind::Other) {
      const NodeIndex only = ir_.first_child(roots.front());
      if (only != kNoNode && ir_.next_sibling(only) == kNoNode && is_expression(ir_[only].kind)) roots.front() = only;
    }
    if (out_.grammar != Language::Yaml) return;
    const Kind kind = ir_[roots.front()].kind;
    const NodeIndex only = ir_.first_child(roots.front());
    if ((kind == Kind::Dict || kind == Kind::List) && only != kNoNode && ir_.next_sibling(only) == kNoNode)
      roots.front() = only;
  }
  /// Several members without the braces around them: any record that has them.
  void join_members() {
    if (out_.roots.size() < 2 || out_.grammar == Language::Dockerfile || out_.grammar == Language::Html ||
        out_.grammar == Language::Sql)
      return;
    PatternNode record;
    record.kind = Kind::Dict;
    record.children = std::exchange(out_.roots, {});
    for (const std::uint32_t child : record.children) out_.nodes[child].role = Role::Element;
    PatternNode others;
    others.kind = Kind::Ellipsis;
    others.role = Role::Element;
    record.children.push_back(add(std::move(others)));
    out_.roots.push_back(add(std::move(record)));
  }

  bool is_open(std::uint32_t i) const {
    const PatternNode& node = out_.nodes[i];
    if (node.kind == Kind::ExprStmt && !node.children.empty()) return is_open(node.children.front());
    return node.kind == Kind::Metavar || node.kind == Kind::Ellipsis || node.kind == Kind::MetavarEllipsis;
  }
  bool is_typed(const std::vector<TypedMetavariable>& typed) const {
    const auto has = [&](std::uint32_t root) {
      const PatternNode& node = out_.nodes[root];
      const PatternNode& inner =
          node.kind == Kind::ExprStmt && !node.children.empty() ? out_.nodes[node.children.front()] : node;
      return inner.kind == Kind::Metavar && std::any_of(typed.begin(), typed.end(), [&](const auto& variable) {
               return "$" + variable.name == atoms_.text(inner.atom);
             });
    };
    return std::any_of(out_.roots.begin(), out_.roots.end(), has);
  }

  struct StandIn {
    PatternNode::Text text = PatternNode::Text::Exact;
    bool many = false;  ///< `...` or `$...X`
    Atom atom = kNoAtom;
  };
  StandIn read(Atom atom) {
    if (atom == kNoAtom) return {PatternNode::Text::None, false, kNoAtom};
    std::string text(atoms_.text(atom));
    // `$Wq_…` and `wq_…` are other ways to write a stand-in.
    if (text.starts_with("$Wq_") || text.starts_with("@Wq_")) text.erase(0, 1);
    if (text.starts_with("wq_")) text[0] = 'W';
    if (text == kEllipsisName) return {PatternNode::Text::Any, true, kNoAtom};
    if (text.starts_with(kMetavarPrefix))
      return {PatternNode::Text::Metavar, false, atoms_.intern("$" + text.substr(kMetavarPrefix.size()))};
    if (text.starts_with(kMetavarEllipsisPrefix))
      return {PatternNode::Text::Metavar, true, atoms_.intern("$..." + text.substr(kMetavarEllipsisPrefix.size()))};
    return {PatternNode::Text::Exact, false, atom};
  }

  static bool wraps_ellipsis(Kind kind) {
    switch (kind) {
      case Kind::Name:
      case Kind::Param:
      case Kind::Field:
      case Kind::VarDef:
      case Kind::EnumMember:
      case Kind::Pair:
      case Kind::KeywordArg:
      case Kind::Case:
      case Kind::ImportItem:
      case Kind::XmlAttribute:
      case Kind::Type:
      case Kind::Decorator:
      case Kind::Spread:
      case Kind::ExprStmt:
      case Kind::String:
      case Kind::ConfigBlock:
      case Kind::Other:
        return true;
      default:
        return false;
    }
  }
  /// The ellipsis that a node of the language only carries: `int Wq_El;`, `Wq_El: Wq_El`, `case Wq_El:`.
  std::optional<StandIn> carried_ellipsis(NodeIndex i) {
    // Bounded: one level for each way that a form wraps the name.
    for (int level = 0; level < 4; ++level) {
      const Node& node = ir_[i];
      const bool bare_call = node.kind == Kind::Call && ir_.child(i, Role::Arg) == kNoNode;
      if (!wraps_ellipsis(node.kind) && !bare_call) return std::nullopt;
      if (const StandIn own = read(node.atom); own.many) return own;
      // `name=...` says what it is called, `RUN ...` which instruction it is.
      if (node.kind == Kind::KeywordArg || node.kind == Kind::XmlAttribute || node.kind == Kind::ConfigBlock)
        return std::nullopt;
      const bool defines = node.kind == Kind::Param || node.kind == Kind::Field || node.kind == Kind::VarDef ||
                           node.kind == Kind::EnumMember;
      NodeIndex inner = kNoNode;
      for (NodeIndex c = ir_.first_child(i); c != kNoNode; c = ir_.next_sibling(c)) {
        if (ir_[c].role == Role::Modifier) continue;
        // `T $X = ...` defines something, its value is open.
        if (defines && (ir_[c].role == Role::Value || ir_[c].role == Role::Default)) continue;
        if (node.kind == Kind::Other && inner != kNoNode) return std::nullopt;
        // A parameter's or field's type may be real, its name the ellipsis.
        if (inner == kNoNode || defines) {
          if (inner == kNoNode) inner = c;
          const StandIn name = read(ir_[c].atom);
          if (name.many && (ir_[c].kind == Kind::Name || ir_[c].kind == Kind::Type)) return name;
        }
      }
      if (inner == kNoNode) return std::nullopt;
      i = inner;
    }
    return std::nullopt;
  }

  std::string_view text_of(const Node& node) const {
    return std::string_view(code_.text).substr(node.first, node.end - node.first);
  }

  std::uint32_t add(PatternNode node) {
    out_.nodes.push_back(std::move(node));
    return static_cast<std::uint32_t>(out_.nodes.size() - 1);
  }

  // Recursion is bounded by the nesting that compile_pattern() lets the parser lower.
  std::uint32_t build(NodeIndex i) {
    const Node& from = ir_[i];
    PatternNode node;
    node.kind = from.kind;
    node.sub = from.sub;
    node.role = from.role;
    node.flags = from.flags;
    node.symbol = from.symbol;
    if (from.kind == Kind::XmlText && trim(text_of(from)) == kEllipsisName) {
      node.kind = Kind::Ellipsis;
      return add(std::move(node));
    }
    if (const auto many = carried_ellipsis(i)) {
      node.kind = many->text == PatternNode::Text::Any ? Kind::Ellipsis : Kind::MetavarEllipsis;
      node.atom = many->atom;
      return add(std::move(node));
    }
    if (is_deep(i)) {
      node.kind = Kind::Deep;
      const NodeIndex argument = ir_.child(i, Role::Arg);
      const std::uint32_t self = add(std::move(node));
      const std::uint32_t child = build(argument);
      out_.nodes[self].children.push_back(child);
      return self;
    }
    read_text(from, node);
    if (node.text == PatternNode::Text::Metavar && is_just_a_name(i)) node.kind = Kind::Metavar;
    require_name(node);
    const std::uint32_t self = add(std::move(node));
    for (NodeIndex c = ir_.first_child(i); c != kNoNode && out_.nodes.size() <= kPatternNodesMax;
         c = ir_.next_sibling(c)) {
      // What the wrapper added after a header, as the `{}` in `class $A {}`.
      if (ir_[c].first >= code_.end) continue;
      const std::uint32_t child = build(c);
      out_.nodes[self].children.push_back(child);
    }
    set_dotted(self);
    return self;
  }

  bool is_deep(NodeIndex i) const {
    if (ir_[i].kind != Kind::Call) return false;
    const NodeIndex callee = ir_.child(i, Role::Callee);
    return callee != kNoNode && ir_[callee].kind == Kind::Name && atoms_.text(ir_[callee].atom) == kDeepName &&
           ir_.child(i, Role::Arg) != kNoNode;
  }
  bool is_just_a_name(NodeIndex i) const {
    const Kind kind = ir_[i].kind;
    return kind == Kind::Name || (kind == Kind::Type && ir_.first_child(i) == kNoNode);
  }

  void read_text(const Node& from, PatternNode& node) {
    const StandIn own = read(from.atom);
    node.text = own.text;
    node.atom = own.atom;
    if (own.many && own.text == PatternNode::Text::Metavar) node.text = PatternNode::Text::Any;
    const bool literal =
        from.kind == Kind::String || from.kind == Kind::Regex || from.kind == Kind::Char || from.kind == Kind::Import;
    if (literal && own.text == PatternNode::Text::Exact) {
      const std::string text(atoms_.text(from.atom));
      const bool adjacent = (from.flags & kFlagAdjacent) != 0;
      if (text == "..." || (adjacent && replace_all(text, "...", "").empty())) {
        node.text = PatternNode::Text::Any;
      } else if (is_metavariable(text)) {
        node.text = PatternNode::Text::Metavar;
      } else if (text.starts_with("$...") && is_metavariable("$" + text.substr(4))) {
        node.text = PatternNode::Text::Any;
      } else if (text.size() > 4 && text.starts_with("=~/") && (text.ends_with('/') || text.ends_with("/i"))) {
        node.text = PatternNode::Text::Regex;
        auto regex = source::Regex::compile(text.substr(3, text.rfind('/') - 3), {.caseless = text.back() == 'i'});
        if (regex) {
          node.regex = std::make_shared<const source::Regex>(std::move(*regex));
        } else if (!fault_) {
          fault_ = Error("rules.invalid_pattern", regex.error().message);
        }
      }
    }
    if (from.kind == Kind::ImportItem) node.extra = read(from.extra).atom;
    if (from.kind == Kind::Regex) node.extra = from.extra;
  }

  void require_name(const PatternNode& node) {
    if (node.text != PatternNode::Text::Exact) return;
    const bool is_name = node.kind == Kind::Name || node.kind == Kind::Member || node.kind == Kind::Function ||
                         node.kind == Kind::Class || node.kind == Kind::KeywordArg;
    if (is_name && node.kind != Kind::Name) out_.names.push_back(node.atom);
  }

  void set_dotted(std::uint32_t self) {
    PatternNode& node = out_.nodes[self];
    if (node.text != PatternNode::Text::Exact) return;
    if (node.kind == Kind::Name) {
      node.dotted = {node.atom};
      return;
    }
    if (node.kind != Kind::Member || node.children.empty()) return;
    const PatternNode& object = out_.nodes[node.children.front()];
    if (object.role != Role::Object || object.dotted.empty()) return;
    node.dotted = object.dotted;
    node.dotted.push_back(node.atom);
  }

  const Ir& ir_;
  Atoms& atoms_;
  const Rendering::Code& code_;
  Pattern& out_;
  std::optional<Error> fault_;
};

std::size_t first_error(const Ir& ir) {
  for (const Node& node : ir.nodes)
    if (node.kind == Kind::Error) return node.first;
  return 0;
}

ErrorPlace place_in(std::string_view text, std::size_t at) {
  ErrorPlace place{"", 1, 1};
  for (const char c : text.substr(0, std::min(at, text.size()))) {
    ++place.column;
    if (c == '\n') {
      ++place.line;
      place.column = 1;
    }
  }
  return place;
}

/// Roots that are only names need their own names listed; a name inside a member chain may come through an import.
void require_root_names(Pattern& pattern) {
  std::vector<bool> is_object(pattern.nodes.size(), false);
  for (const PatternNode& node : pattern.nodes)
    if (node.kind == Kind::Member)
      for (const std::uint32_t child : node.children) is_object[child] = true;
  for (std::size_t i = 0; i < pattern.nodes.size(); ++i) {
    const PatternNode& node = pattern.nodes[i];
    if (node.kind == Kind::Name && node.text == PatternNode::Text::Exact && !is_object[i])
      pattern.names.push_back(node.atom);
  }
  std::sort(pattern.names.begin(), pattern.names.end());
  pattern.names.erase(std::unique(pattern.names.begin(), pattern.names.end()), pattern.names.end());
}

/// The type of `(T $X)`, compiled by the grammar from a declaration.
void add_types(Pattern& pattern, const std::vector<TypedMetavariable>& typed, Atoms& atoms) {
  for (const TypedMetavariable& variable : typed) {
    PatternNode node;
    node.kind = Kind::Type;
    std::string type = replace_all(variable.type, " ", "");
    // Of `List<$T>` and `$X.Context` only the name itself is compared.
    if (const std::size_t generic = type.find('<'); generic != std::string::npos && generic > 0) type.resize(generic);
    if (type.find('$') != std::string::npos)
      if (const std::size_t dot = type.rfind('.'); dot != std::string::npos) type.erase(0, dot + 1);
    std::string plain = type;
    if (plain.ends_with('*')) plain.pop_back();
    if (plain.starts_with('*')) plain.erase(0, 1);
    if (is_metavariable(plain)) {
      node.text = PatternNode::Text::Metavar;
      node.atom = atoms.intern(plain);
      node.sub = plain.size() != type.size();
    } else {
      node.text = PatternNode::Text::Exact;
      node.atom = atoms.intern(type);
    }
    pattern.nodes.push_back(std::move(node));
    pattern.types.emplace_back(atoms.intern("$" + variable.name), static_cast<std::uint32_t>(pattern.nodes.size() - 1));
  }
}

/// `name: …` or `'name': …` at the very start.
bool is_member(std::string_view text) {
  std::size_t i = 0;
  while (i < text.size() &&
         ((text[i] >= '0' && text[i] <= '9') || (text[i] >= 'A' && text[i] <= 'Z') ||
          (text[i] >= 'a' && text[i] <= 'z') || std::string_view("_$'\"-").find(text[i]) != std::string_view::npos))
    ++i;
  return i > 0 && i + 1 < text.size() && text[i] == ':' && text[i + 1] == ' ';
}

}  // namespace

bool is_metavariable(std::string_view text) {
  if (text.size() < 2 || text[0] != '$') return false;
  if (text[1] >= '0' && text[1] <= '9')
    return std::all_of(text.begin() + 1, text.end(), [](char c) { return c >= '0' && c <= '9'; });
  if (!((text[1] >= 'A' && text[1] <= 'Z') || text[1] == '_')) return false;
  return std::all_of(text.begin() + 1, text.end(),
                     [](char c) { return (c >= 'A' && c <= 'Z') || c == '_' || (c >= '0' && c <= '9'); });
}

Result<Pattern> compile_pattern(Language grammar, std::string_view text, Parser& parser, Atoms& atoms,
                                const Clock& clock) {
  if (text.size() > kPatternBytesMax)
    return Error("rules.pattern_limit", fmt::format("the pattern has more than {} bytes", kPatternBytesMax));
  std::string_view body = text;
  while (!body.empty() && (body.back() == '\n' || body.back() == ' ' || body.back() == '\t' || body.back() == '\r'))
    body.remove_suffix(1);
  if (trim(body).empty()) return Error("rules.invalid_pattern", "the pattern is empty");
  // A leading indent would be an indentation error in Python.
  std::string_view start = body;
  if (body.find('\n') == std::string_view::npos) start = trim(body);

  const PatternText pieces = split_pattern(start, grammar);
  ParseLimits limits;
  limits.nesting_max = 200;
  limits.nodes_max = 20'000;
  std::vector<std::string_view> wrappers = pattern_wrappers(grammar);
  if (is_script(grammar) && trim(start).starts_with('{')) std::swap(wrappers[0], wrappers[1]);
  // `key: value` is a member of an object, not a labelled statement.
  if (is_script(grammar) && is_member(start))
    std::rotate(wrappers.begin(), std::find(wrappers.begin(), wrappers.end(), "({%})"), wrappers.end());
  if (grammar == Language::Go && is_member(start) && start.find('\n') == std::string_view::npos)
    std::rotate(wrappers.begin(), wrappers.end() - 1, wrappers.end());
  // As a statement `$X && $Y` declares a reference and `$X * $Y` a pointer.
  const bool expression = start.find(';') == std::string_view::npos && !start.ends_with('}') && !start.starts_with('#');
  if ((grammar == Language::C || grammar == Language::Cpp) && expression)
    std::rotate(wrappers.begin(), std::find(wrappers.begin(), wrappers.end(), "int Wq_Wr = %;"), wrappers.end());

  if (const PatternForms* forms = pattern_forms(grammar);
      forms != nullptr && expression && !forms->expression_wrapper.empty())
    wrappers.insert(wrappers.begin(), forms->expression_wrapper);

  CpuBudget budget(clock, kPatternCpuMax);
  int parses = 0;
  std::size_t first_at = std::string_view::npos;
  for (const std::string_view wrapper : wrappers) {
    Rendering rendering(pieces, wrapper, grammar);
    for (std::size_t attempt = 0; attempt < kAlternativesMax && parses < kPatternParsesMax; ++attempt, ++parses) {
      const Rendering::Code code = rendering.render();
      auto parsed = parser.parse(grammar, code.text, atoms, limits, budget, StopToken());
      if (!parsed && budget.spent())
        return Error("rules.pattern_limit",
                     fmt::format("the pattern takes more than {} to parse", format_duration(kPatternCpuMax)));
      if (!parsed) return std::move(parsed).error();
      if (parsed->error_nodes == 0) {
        Pattern pattern;
        pattern.grammar = grammar;
        Builder builder(*parsed, atoms, code, pattern);
        if (auto built = builder.run(start, pieces.typed); !built) return std::move(built).error();
        require_root_names(pattern);
        add_types(pattern, pieces.typed, atoms);
        pattern.matches_anything &= pattern.types.empty();
        return pattern;
      }
      const std::size_t at = first_error(*parsed);
      if (first_at == std::string_view::npos) first_at = at >= code.first ? at - code.first : 0;
      if (!rendering.advance(code, at)) break;
    }
  }
  Error error("rules.invalid_pattern", fmt::format("pattern doesn't parse as {}: {}", source::display_name(grammar),
                                                   escape_for_display(collapse_white_space(body.substr(0, 120)))));
  error.place = place_in(start, first_at);
  return error;
}

std::string dump(const Pattern& pattern, const Atoms& atoms) {
  std::string out;
  struct Item {
    std::uint32_t node;
    int depth;
  };
  std::vector<Item> stack;
  for (auto root = pattern.roots.rbegin(); root != pattern.roots.rend(); ++root) stack.push_back({*root, 0});
  while (!stack.empty()) {
    const auto [index, depth] = stack.back();
    stack.pop_back();
    const PatternNode& node = pattern.nodes[index];
    out.append(static_cast<std::size_t>(depth) * 2, ' ');
    out += name(node.kind);
    if (node.role != Role::None) out += fmt::format(" role={}", name(node.role));
    if (node.text == PatternNode::Text::Any) out += " any";
    if (node.atom != kNoAtom)
      out += fmt::format(" {}={}", node.text == PatternNode::Text::Exact ? "atom" : "var", atoms.text(node.atom));
    out += '\n';
    for (auto child = node.children.rbegin(); child != node.children.rend(); ++child)
      stack.push_back({*child, depth + 1});
  }
  return out;
}

}  // namespace wrench::code
