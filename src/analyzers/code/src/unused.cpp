#include "unused.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <unordered_map>
#include <unordered_set>

#include "finding_maker.hpp"

namespace wrench::code::detail {

using source::Language;

namespace {

bool is_word(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_'; }

template <class F>
void each_word(std::string_view text, F f) {
  std::size_t from = 0;
  for (std::size_t at = 0; at <= text.size(); ++at)
    if (at == text.size() || !is_word(text[at])) {
      if (at > from) f(text.substr(from, at - from));
      from = at + 1;
    }
}

bool is_script(Language language) {
  return language == Language::JavaScript || language == Language::TypeScript || language == Language::Tsx;
}

std::string_view stem(std::string_view path) {
  const std::size_t slash = path.rfind('/');
  std::string_view name = slash == std::string_view::npos ? path : path.substr(slash + 1);
  const std::size_t dot = name.find('.');
  return name.substr(0, dot);
}

class Candidates {
 public:
  Candidates(const Ir& ir, const Atoms& atoms, const source::SourceText& text, std::span<const std::uint64_t> words)
      : ir_(ir), atoms_(atoms), text_(text), words_(words), positions_(text) {}

  std::vector<UnusedCandidate> run() {
    // A name in code that didn't parse may be a use: say nothing about files with errors.
    if (ir_.error_nodes > 0 || text_.path.ends_with(".pyi")) return {};
    find_global_facts();
    for (NodeIndex i = 1; i < ir_.nodes.size() && out_.size() < kFindingsPerRuleMax; ++i) {
      if (ir_[i].kind == Kind::Import) imports(i);
      if (ir_[i].kind == Kind::Function) function(i);
    }
    return std::move(out_);
  }

 private:
  bool used(std::string_view name) const { return std::ranges::binary_search(words_, word_hash(name)); }

  /// "_print_" in a string, to which a class name is added: such methods are found by name at run time.
  bool prefix_used(std::string_view name) const {
    for (std::size_t at = name.find('_', 1); at != std::string_view::npos; at = name.find('_', at + 1))
      if (used(name.substr(0, at + 1))) return true;
    return false;
  }

  void find_global_facts() {
    for (NodeIndex i = 1; i < ir_.nodes.size(); ++i) {
      const Node& node = ir_[i];
      if (node.kind == Kind::Import || (node.flags & kFlagExported && is_script(ir_.language) && node.parent == 0))
        is_module_ = true;
      if (node.kind == Kind::Name && (atoms_.text(node.atom) == "require" || atoms_.text(node.atom) == "module"))
        is_module_ = true;
      if (node.kind == Kind::XmlElement) has_jsx_ = true;
      if (node.kind == Kind::Other && atoms_.text(node.atom).find("##") != std::string_view::npos) pastes_names_ = true;
      if (node.parent == 0 && node.kind != Kind::Import && node.kind != Kind::ExprStmt && node.kind != Kind::Namespace)
        only_imports_ = false;
      if (node.kind == Kind::Call && node.parent != 0) only_imports_ = false;
      if (node.kind != Kind::ImportItem && node.kind != Kind::Import) continue;
      if (node.kind == Kind::ImportItem) ++bound_[node.extra];
    }
  }

  /// Whoever comments on an import has a reason for it; names in documentation and in type comments are uses.
  bool comments_speak_for(std::uint32_t first, std::uint32_t end, std::string_view name) {
    if (!comments_read_) read_comments();
    const std::uint32_t to = positions_.at(end).line;
    for (std::uint32_t line = positions_.at(first).line; line <= to; ++line)
      if (commented_lines_.contains(line)) return true;
    return comment_words_.contains(word_hash(name));
  }

  void read_comments() {
    comments_read_ = true;
    const bool doc_comments = is_script(ir_.language) || ir_.language == Language::Java;
    for (const Span& comment : ir_.comments) {
      const std::string_view content = std::string_view(text_.text).substr(comment.first, comment.end - comment.first);
      commented_lines_.insert(positions_.at(comment.first).line);
      if (doc_comments || content.find("type:") != std::string_view::npos)
        each_word(content, [&](std::string_view w) { comment_words_.insert(word_hash(w)); });
    }
  }

  bool inside(NodeIndex i, Kind kind) const {
    for (NodeIndex up = ir_[i].parent; up != kNoNode; up = ir_[up].parent)
      if (ir_[up].kind == kind) return true;
    return false;
  }

  void imports(NodeIndex i) {
    const Language language = ir_.language;
    // Compilers of Go refuse unused imports; an include binds nothing.
    if (language != Language::Python && language != Language::Java && !is_script(language)) return;
    const Node& import = ir_[i];
    const auto sub = static_cast<ImportSub>(import.sub);
    if (sub == ImportSub::SideEffect || sub == ImportSub::Reexport || only_imports_) return;
    const std::string_view module = atoms_.text(import.atom);
    if (language == Language::Python &&
        (module == "__future__" || stem(text_.path) == "__init__" || inside(i, Kind::Try)))
      return;
    for (NodeIndex c = ir_.first_child(i); c != kNoNode; c = ir_.next_sibling(c)) {
      if (ir_[c].kind != Kind::ImportItem || ir_[c].extra == kNoAtom) continue;
      const std::string_view local = atoms_.text(ir_[c].extra);
      const std::string_view name = atoms_.text(ir_[c].atom);
      if (local == "*" || local.empty() || local[0] == '_' || local == "load_tests" || bound_[ir_[c].extra] > 1)
        continue;
      if (has_jsx_ && (local == "React" || local == "h" || local == "jsx")) continue;
      // `import y as y` says that it is meant for others.
      const bool same_alias =
          sub == ImportSub::Names && language == Language::Python && local == name &&
          text_.text.substr(ir_[c].first, ir_[c].end - ir_[c].first).find(" as ") != std::string::npos;
      if (same_alias || uses_elsewhere(local) || comments_speak_for(import.first, import.end, local)) continue;
      UnusedCandidate candidate;
      candidate.import = true;
      candidate.name = word_hash(local);
      candidate.member = word_hash(std::string(stem(text_.path)) + "." + std::string(local));
      candidate.finding = make_finding(
          text_, {ir_[c].first, ir_[c].end}, "structure.unused-import", findings::Severity::Low,
          findings::Confidence::High, findings::Category::Structure, fmt::format("{} is imported but not used", local),
          fmt::format("Nothing in this file uses {}, which is imported from {}. Remove the import.", local, module));
      out_.push_back(std::move(candidate));
    }
  }

  /// `words_` holds the imported names themselves, so names are counted where imports don't stand.
  bool uses_elsewhere(std::string_view local) {
    if (!counted_) {
      counted_ = true;
      count_uses();
    }
    return uses_.contains(word_hash(local));
  }

  void count_uses() {
    const auto add = [&](std::string_view words) {
      each_word(words, [&](std::string_view w) { uses_.insert(word_hash(w)); });
    };
    for (NodeIndex i = 1; i < ir_.nodes.size(); ++i) {
      const Node& node = ir_[i];
      if (node.kind == Kind::Name && (node.role != Role::Name || ir_[node.parent].kind == Kind::XmlElement))
        uses_.insert(word_hash(atoms_.text(node.atom)));
      if (node.kind == Kind::Type || node.kind == Kind::XmlElement || node.kind == Kind::Other)
        add(atoms_.text(node.atom));
      if (node.kind == Kind::String && node.sub != static_cast<std::uint8_t>(StringSub::Doc))
        add(atoms_.text(node.atom));
    }
  }

  // --- functions

  bool is_private_here(NodeIndex i) const {
    const Node& node = ir_[i];
    const std::string_view name = atoms_.text(node.atom);
    const bool method = node.sub != 0;
    switch (ir_.language) {
      case Language::Python: {
        if (!name.starts_with('_') || name.ends_with("__") || name == "_") return false;
        if (!method) return node.parent == 0;
        // A base class may call it.
        const NodeIndex owner = ir_[node.parent].parent;
        return owner != kNoNode && ir_[owner].kind == Kind::Class && ir_.child(owner, Role::Base) == kNoNode &&
               ir_.child(owner, Role::Decorator) == kNoNode;
      }
      case Language::JavaScript:
      case Language::TypeScript:
      case Language::Tsx:
        if (method) return name.starts_with('#');
        return !(node.flags & kFlagExported) && (node.parent != 0 || is_module_);
      case Language::Java: {
        if (static_cast<FunctionSub>(node.sub) != FunctionSub::Method) return false;
        if (name == "readObject" || name == "writeObject" || name == "readResolve" || name == "writeReplace" ||
            name == "readObjectNoData")
          return false;
        return has_modifier(i, "private");
      }
      case Language::C:
        return has_modifier(i, "static");
      default:
        return false;
    }
  }

  bool has_modifier(NodeIndex i, std::string_view word) const {
    for (NodeIndex c = ir_.first_child(i); c != kNoNode; c = ir_.next_sibling(c))
      if (ir_[c].kind == Kind::Modifier && atoms_.text(ir_[c].atom) == word) return true;
    return false;
  }

  void function(NodeIndex i) {
    const Node& node = ir_[i];
    const NodeIndex name = ir_.child(i, Role::Name);
    if (name == kNoNode || ir_.child(i, Role::Body) == kNoNode || ir_.child(i, Role::Decorator) != kNoNode ||
        !is_private_here(i))
      return;
    // Macros may paste its name together; `static inline` in a header is there for whoever includes it.
    if (ir_.language == Language::C && (pastes_names_ || text_.path.ends_with(".h") || has_modifier(i, "inline")))
      return;
    const std::string_view text = atoms_.text(node.atom);
    if (used(text) || prefix_used(text)) return;
    UnusedCandidate candidate;
    candidate.name = word_hash(text);
    candidate.finding = make_finding(
        text_, {ir_[name].first, ir_[name].end}, "structure.unused-function", findings::Severity::Low,
        findings::Confidence::Medium, findings::Category::Structure, fmt::format("{} is never used", text),
        fmt::format("{} is private to its {} and nothing refers to it. Remove it.", text, node.sub ? "class" : "file"));
    candidate.finding.symbol = enclosing_symbol(ir_, atoms_, i);
    out_.push_back(std::move(candidate));
  }

  const Ir& ir_;
  const Atoms& atoms_;
  const source::SourceText& text_;
  std::span<const std::uint64_t> words_;
  PositionCursor positions_;
  bool is_module_ = false, has_jsx_ = false, pastes_names_ = false, only_imports_ = true, counted_ = false;
  std::unordered_map<Atom, int> bound_;
  std::unordered_set<std::uint64_t> uses_, comment_words_;
  std::unordered_set<std::uint32_t> commented_lines_;
  bool comments_read_ = false;
  std::vector<UnusedCandidate> out_;
};

}  // namespace

std::vector<UnusedCandidate> unused_candidates(const Ir& ir, const Atoms& atoms, const source::SourceText& text,
                                               std::span<const std::uint64_t> words) {
  return Candidates(ir, atoms, text, words).run();
}

}  // namespace wrench::code::detail
