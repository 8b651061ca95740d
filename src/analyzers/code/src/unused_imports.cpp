#include "unused_imports.hpp"

#include <fmt/format.h>

#include <unordered_map>
#include <unordered_set>

#include "finding_maker.hpp"

namespace wrench::code::detail {

using source::Language;

namespace {

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
  Candidates(const Ir& ir, const Atoms& atoms, const source::SourceText& text, const NameUses& uses)
      : ir_(ir), atoms_(atoms), text_(text), uses_(uses), positions_(text) {}

  std::vector<UnusedImport> run() {
    // Compilers of Go refuse unused imports; an include binds nothing. A name in code that didn't parse may be a use.
    const Language language = ir_.language;
    if (language != Language::Python && language != Language::Java && !is_script(language)) return {};
    if (ir_.error_nodes > 0 || text_.path.ends_with(".pyi")) return {};
    find_global_facts();
    if (only_imports_) return {};
    for (NodeIndex i = 1; i < ir_.nodes.size() && out_.size() < kFindingsPerRuleMax; ++i)
      if (ir_[i].kind == Kind::Import) import(i);
    return std::move(out_);
  }

 private:
  void find_global_facts() {
    for (NodeIndex i = 1; i < ir_.nodes.size(); ++i) {
      const Node& node = ir_[i];
      if (node.kind == Kind::XmlElement) has_jsx_ = true;
      if (node.parent == 0 && node.kind != Kind::Import && node.kind != Kind::ExprStmt && node.kind != Kind::Namespace)
        only_imports_ = false;
      if (node.kind == Kind::Call && node.parent != 0) only_imports_ = false;
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
        each_text_word(content, [&](std::string_view w) { comment_words_.insert(word_hash(w)); });
    }
  }

  bool inside(NodeIndex i, Kind kind) const {
    for (NodeIndex up = ir_[i].parent; up != kNoNode; up = ir_[up].parent)
      if (ir_[up].kind == kind) return true;
    return false;
  }

  void import(NodeIndex i) {
    const Node& node = ir_[i];
    const auto sub = static_cast<ImportSub>(node.sub);
    if (sub == ImportSub::SideEffect || sub == ImportSub::Reexport) return;
    const std::string_view module = atoms_.text(node.atom);
    if (ir_.language == Language::Python &&
        (module == "__future__" || stem(text_.path) == "__init__" || inside(i, Kind::Try)))
      return;
    for (NodeIndex c = ir_.first_child(i); c != kNoNode; c = ir_.next_sibling(c)) {
      if (ir_[c].kind != Kind::ImportItem || ir_[c].extra == kNoAtom) continue;
      const std::string_view local = atoms_.text(ir_[c].extra);
      if (is_left_alone(c, local) || uses_.bare(ir_[c].extra) > 0 || uses_.in_string(local) ||
          comments_speak_for(node.first, node.end, local))
        continue;
      UnusedImport unused;
      unused.name = word_hash(local);
      unused.member = word_hash(std::string(stem(text_.path)) + "." + std::string(local));
      unused.statement = node.first;
      unused.finding = make_finding(
          text_, {ir_[c].first, ir_[c].end}, "structure.unused-import", findings::Severity::Low,
          findings::Confidence::High, findings::Category::Structure, fmt::format("{} is imported but not used", local),
          fmt::format("Nothing in this file uses {}, which is imported from {}. Remove the import.", local, module));
      out_.push_back(std::move(unused));
    }
  }

  bool is_left_alone(NodeIndex item, std::string_view local) const {
    if (local == "*" || local.empty() || local[0] == '_' || local == "load_tests" || bound_.at(ir_[item].extra) > 1)
      return true;
    if (has_jsx_ && (local == "React" || local == "h" || local == "jsx")) return true;
    // `import y as y` says that it is meant for others.
    return static_cast<ImportSub>(ir_[ir_[item].parent].sub) == ImportSub::Names && ir_.language == Language::Python &&
           local == atoms_.text(ir_[item].atom) &&
           text_.text.substr(ir_[item].first, ir_[item].end - ir_[item].first).find(" as ") != std::string::npos;
  }

  const Ir& ir_;
  const Atoms& atoms_;
  const source::SourceText& text_;
  const NameUses& uses_;
  PositionCursor positions_;
  bool has_jsx_ = false, only_imports_ = true;
  std::unordered_map<Atom, int> bound_;
  std::unordered_set<std::uint64_t> comment_words_;
  std::unordered_set<std::uint32_t> commented_lines_;
  bool comments_read_ = false;
  std::vector<UnusedImport> out_;
};

}  // namespace

std::vector<UnusedImport> unused_imports(const Ir& ir, const Atoms& atoms, const source::SourceText& text,
                                         const NameUses& uses) {
  return Candidates(ir, atoms, text, uses).run();
}

}  // namespace wrench::code::detail
