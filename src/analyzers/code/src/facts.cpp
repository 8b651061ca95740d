#include "wrench/code/facts.hpp"

#include <algorithm>

#include "finding_maker.hpp"
#include "unused.hpp"

namespace wrench::code {

namespace {

constexpr std::size_t kStringWordsBytesMax = 200;  ///< Longer strings are prose.
constexpr std::size_t kLiteralBytesMin = 6;
constexpr std::size_t kLiteralBytesMax = 4096;

bool is_word(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
         static_cast<unsigned char>(c) >= 0x80;
}

template <class F>
void each_word(std::string_view text, F f) {
  for (std::size_t at = 0; at < text.size();) {
    if (!is_word(text[at])) {
      ++at;
      continue;
    }
    const std::size_t from = at;
    while (at < text.size() && is_word(text[at])) ++at;
    f(text.substr(from, at - from));
  }
}

class Extractor {
 public:
  Extractor(const Ir& ir, const Atoms& atoms, const source::SourceText& text)
      : ir_(ir), atoms_(atoms), text_(text), positions_(text) {}

  FileFacts run() {
    out_.path = text_.path;
    out_.project_path = text_.project_path;
    out_.content_id = text_.content_id;
    out_.language = ir_.language;
    out_.has_errors = ir_.error_nodes > 0;
    for (NodeIndex i = 1; i < ir_.nodes.size(); ++i) {
      const Node& node = ir_[i];
      switch (node.kind) {
        case Kind::Import:
          import(i);
          break;
        case Kind::ImportItem:
          word(atoms_.text(node.atom));
          break;
        case Kind::Name:
          // A declaration's own name is no use of it.
          if (node.role != Role::Name || ir_[node.parent].kind == Kind::XmlElement) word(atoms_.text(node.atom));
          break;
        case Kind::Member:
          member(i);
          break;
        case Kind::Type:
          each_word(atoms_.text(node.atom), [&](std::string_view w) { word(w); });
          break;
        case Kind::KeywordArg:
        case Kind::XmlElement:
          each_word(atoms_.text(node.atom), [&](std::string_view w) { word(w); });
          break;
        case Kind::String:
          string(i);
          break;
        case Kind::Other:
          // Bodies of macros.
          if (node.subtree_end == i + 1) each_word(atoms_.text(node.atom), [&](std::string_view w) { word(w); });
          break;
        case Kind::Call:
          require(i);
          break;
        default:
          break;
      }
    }
    const auto unique = [](std::vector<std::uint64_t>& hashes) {
      std::ranges::sort(hashes);
      hashes.erase(std::unique(hashes.begin(), hashes.end()), hashes.end());
      hashes.shrink_to_fit();
    };
    unique(out_.words);
    unique(out_.members);
    out_.unused = detail::unused_candidates(ir_, atoms_, text_, out_.words);
    out_.clone_tokens = clone_tokens(ir_, atoms_);
    return std::move(out_);
  }

 private:
  void word(std::string_view text) {
    if (!text.empty()) out_.words.push_back(word_hash(text));
  }

  void member(NodeIndex i) {
    const std::string_view name = atoms_.text(ir_[i].atom);
    word(name);
    const NodeIndex object = ir_.child(i, Role::Object);
    if (object == kNoNode || (ir_[object].kind != Kind::Name && ir_[object].kind != Kind::Member)) return;
    out_.members.push_back(word_hash(std::string(atoms_.text(ir_[object].atom)) + "." + std::string(name)));
  }

  void string(NodeIndex i) {
    const Node& node = ir_[i];
    const std::string_view content = atoms_.text(node.atom);
    if (node.sub == static_cast<std::uint8_t>(StringSub::Doc)) return;
    if (content.size() <= kStringWordsBytesMax) each_word(content, [&](std::string_view w) { word(w); });
    if (content.size() >= kLiteralBytesMin && content.size() <= kLiteralBytesMax) literal(i);
  }

  void literal(NodeIndex i) {
    LiteralFact fact{{ir_[i].first, ir_[i].end}, {}, {}};
    const NodeIndex up = ir_[i].parent;
    const Node& parent = ir_[up];
    const auto name_of = [&](Role role) {
      const NodeIndex named = ir_.child(up, role);
      return named == kNoNode || named == i ? std::string() : std::string(atoms_.text(ir_[named].atom));
    };
    switch (parent.kind) {
      case Kind::Assign:
        fact.assigned_name = name_of(Role::Left);
        break;
      case Kind::VarDef:
      case Kind::Field:
      case Kind::Param:
      case Kind::XmlAttribute:
      case Kind::EnumMember:
        fact.assigned_name = atoms_.text(parent.atom);
        break;
      case Kind::Pair:
        fact.assigned_name = name_of(Role::Key);
        break;
      case Kind::Binary:
        fact.assigned_name = name_of(Role::Left);
        break;
      case Kind::KeywordArg:
        fact.assigned_name = atoms_.text(parent.atom);
        if (const NodeIndex callee = ir_.child(parent.parent, Role::Callee); callee != kNoNode)
          fact.called_function = atoms_.text(ir_[callee].atom);
        break;
      case Kind::Call:
        fact.called_function = name_of(Role::Callee);
        break;
      case Kind::New:
        fact.called_function = name_of(Role::Type);
        break;
      default:
        return;
    }
    if (!fact.assigned_name.empty() || !fact.called_function.empty()) out_.literals.push_back(std::move(fact));
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

  void import(NodeIndex i) {
    ImportFact fact;
    const Node& node = ir_[i];
    fact.module = atoms_.text(node.atom);
    fact.sub = static_cast<ImportSub>(node.sub);
    fact.type_only = (node.flags & kFlagTypeOnly) != 0 || for_types_only(i);
    fact.lazy = inside_function(i);
    fact.where = detail::location(text_, {node.first, node.end}, positions_);
    bool all_types = true;
    for (NodeIndex c = ir_.first_child(i); c != kNoNode; c = ir_.next_sibling(c)) {
      if (ir_[c].kind != Kind::ImportItem) continue;
      fact.names.emplace_back(atoms_.text(ir_[c].atom));
      all_types &= (ir_[c].flags & kFlagTypeOnly) != 0;
    }
    const bool script = ir_.language == source::Language::TypeScript || ir_.language == source::Language::Tsx;
    if (script && !fact.names.empty() && all_types) fact.type_only = true;
    out_.imports.push_back(std::move(fact));
  }

  void require(NodeIndex i) {
    if (ir_.language != source::Language::JavaScript && ir_.language != source::Language::TypeScript &&
        ir_.language != source::Language::Tsx)
      return;
    const NodeIndex callee = ir_.child(i, Role::Callee);
    const NodeIndex argument = ir_.child(i, Role::Arg);
    if (callee == kNoNode || argument == kNoNode || ir_[callee].kind != Kind::Name ||
        ir_[argument].kind != Kind::String)
      return;
    if (atoms_.text(ir_[callee].atom) != "require") return;
    ImportFact fact;
    fact.module = atoms_.text(ir_[argument].atom);
    fact.lazy = inside_function(i);
    fact.where = detail::location(text_, {ir_[i].first, ir_[i].end}, positions_);
    out_.imports.push_back(std::move(fact));
  }

  const Ir& ir_;
  const Atoms& atoms_;
  const source::SourceText& text_;
  detail::PositionCursor positions_;
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

}  // namespace wrench::code
