#include "wrench/code/facts.hpp"

#include <algorithm>
#include <optional>

#include "finding_maker.hpp"
#include "name_uses.hpp"
#include "script_exports.hpp"
#include "script_imports.hpp"
#include "unused_definitions.hpp"
#include "unused_imports.hpp"

namespace wrench::code {

using source::Language;

namespace {

constexpr std::size_t kTextBytesMax = std::size_t{1} << 20;  ///< Larger texts are data: their words say nothing.

bool is_script(Language language) {
  return language == Language::JavaScript || language == Language::TypeScript || language == Language::Tsx;
}

class Extractor {
 public:
  Extractor(const Ir& ir, const Atoms& atoms, const source::SourceText& text)
      : ir_(ir), atoms_(atoms), text_(text), positions_(text), uses_(ir, atoms) {}

  FileFacts run() {
    out_.path = text_.path;
    out_.project_path = text_.project_path;
    out_.content_id = text_.content_id;
    out_.language = ir_.language;
    out_.has_tree = true;
    out_.has_errors = ir_.error_nodes > 0;
    if (is_script(ir_.language)) script_imports_.emplace(ir_, atoms_);
    const bool is_c = ir_.language == Language::C || ir_.language == Language::Cpp;
    for (NodeIndex i = 1; i < ir_.nodes.size(); ++i) {
      const Node& node = ir_[i];
      switch (node.kind) {
        case Kind::Import:
          import(i);
          break;
        case Kind::Member:
          member(i);
          break;
        case Kind::Call:
          if (is_script(ir_.language)) load_call(i);
          break;
        case Kind::Namespace:
          if (node.parent == 0 && (ir_.language == Language::Go || ir_.language == Language::Java))
            out_.package = atoms_.text(node.atom);
          break;
        case Kind::Class:
          if (node.parent == 0 && ir_.language == Language::Java)
            out_.types.push_back(word_hash(atoms_.text(node.atom)));
          break;
        case Kind::Function:
          if (is_c && ir_.child(i, Role::Body) == kNoNode) out_.prototypes.push_back(word_hash(atoms_.text(node.atom)));
          break;
        default:
          break;
      }
    }
    detail::sort_unique(out_.members);
    detail::sort_unique(out_.types);
    detail::sort_unique(out_.prototypes);
    out_.unused_imports = detail::unused_imports(ir_, atoms_, text_, uses_);
    out_.definitions = detail::unused_definitions(ir_, atoms_, text_, uses_);
    out_.words = uses_.take_words();
    out_.text_words = uses_.take_sentence_words();
    out_.clone_tokens = clone_tokens(ir_, atoms_);
    return std::move(out_);
  }

 private:
  void member(NodeIndex i) {
    const NodeIndex object = ir_.child(i, Role::Object);
    if (object == kNoNode || (ir_[object].kind != Kind::Name && ir_[object].kind != Kind::Member)) return;
    out_.members.push_back(
        word_hash(std::string(atoms_.text(ir_[object].atom)) + "." + std::string(atoms_.text(ir_[i].atom))));
  }

  bool inside_function(NodeIndex i) const {
    for (NodeIndex up = ir_[i].parent; up != kNoNode; up = ir_[up].parent)
      if (ir_[up].kind == Kind::Function || ir_[up].kind == Kind::Lambda) return true;
    return false;
  }

  bool for_types_only(NodeIndex i) const {
    for (NodeIndex up = ir_[i].parent; up != kNoNode; up = ir_[up].parent) {
      if (ir_[up].kind != Kind::If) continue;
      const NodeIndex condition = ir_.child(up, Role::Condition);
      if (condition != kNoNode && atoms_.text(ir_[condition].atom) == "TYPE_CHECKING") return true;
    }
    return false;
  }

  /// TypeScript drops an import whose names stand in types alone; Java has imports for documentation.
  bool is_erased(Atom local, const Node& item) const {
    if (ir_.language == Language::TypeScript || ir_.language == Language::Tsx)
      return (item.flags & kFlagTypeOnly) != 0 || (local != kNoAtom && uses_.value(local) == 0);
    return ir_.language == Language::Java && atoms_.text(local) != "*" && uses_.any(local) == 0;
  }

  void import(NodeIndex i) {
    ImportFact fact;
    const Node& node = ir_[i];
    fact.module = atoms_.text(node.atom);
    fact.sub = static_cast<ImportSub>(node.sub);
    fact.lazy = inside_function(i);
    fact.where = detail::location(text_, {node.first, node.end}, positions_);
    bool all_erased = fact.sub == ImportSub::Names;
    bool has_items = false;
    for (NodeIndex c = ir_.first_child(i); c != kNoNode; c = ir_.next_sibling(c)) {
      if (ir_[c].kind != Kind::ImportItem) continue;
      has_items = true;
      add_names(ir_[c], fact);
      all_erased = all_erased && is_erased(ir_[c].extra, ir_[c]);
    }
    fact.type_only = (node.flags & kFlagTypeOnly) != 0 || (all_erased && has_items) || for_types_only(i);
    out_.imports.push_back(std::move(fact));
  }

  void add_names(const Node& item, ImportFact& fact) const {
    const std::string_view name = atoms_.text(item.atom);
    if (!script_imports_ || name != "*" || fact.sub == ImportSub::Reexport) {
      fact.names.emplace_back(name);
    } else {
      for (std::string& one : script_imports_->names_through(item.extra)) fact.names.push_back(std::move(one));
    }
  }

  /// `require("x")` and `import("x")`.
  void load_call(NodeIndex i) {
    const NodeIndex callee = ir_.child(i, Role::Callee);
    const NodeIndex argument = ir_.child(i, Role::Arg);
    if (callee == kNoNode || argument == kNoNode || ir_[callee].kind != Kind::Name ||
        ir_[argument].kind != Kind::String)
      return;
    const std::string_view called = atoms_.text(ir_[callee].atom);
    if (called != "require" && called != "import") return;
    ImportFact fact;
    fact.module = atoms_.text(ir_[argument].atom);
    fact.names = script_imports_->names_of_load(i);
    fact.lazy = called == "import" || inside_function(i);
    if (detail::becomes_exports(ir_, atoms_, i)) {
      fact.sub = ImportSub::Reexport;
      fact.names = {"*"};
    }
    fact.where = detail::location(text_, {ir_[i].first, ir_[i].end}, positions_);
    out_.imports.push_back(std::move(fact));
  }

  const Ir& ir_;
  const Atoms& atoms_;
  const source::SourceText& text_;
  detail::PositionCursor positions_;
  detail::NameUses uses_;
  std::optional<detail::ScriptImports> script_imports_;
  FileFacts out_;
};

}  // namespace

std::uint64_t word_hash(std::string_view text) {
  std::uint64_t h = 1469598103934665603ULL;
  for (const char c : text) h = (h ^ static_cast<unsigned char>(c)) * 1099511628211ULL;
  return h;
}

FileFacts extract_facts(const Ir& ir, const Atoms& atoms, const source::SourceText& text) {
  return Extractor(ir, atoms, text).run();
}

FileFacts text_facts(const source::SourceText& text) {
  FileFacts out;
  out.path = text.path;
  out.project_path = text.project_path;
  out.content_id = text.content_id;
  out.language = text.language;
  if (text.text.size() > kTextBytesMax) return out;
  detail::each_text_word(text.text, [&](std::string_view word) { out.text_words.push_back(word_hash(word)); });
  detail::sort_unique(out.text_words);
  if (const ManifestKind kind = manifest_kind(text.project_path); kind != ManifestKind::None)
    out.manifest = read_manifest(kind, text.text);
  return out;
}

}  // namespace wrench::code
