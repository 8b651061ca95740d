#include "name_uses.hpp"

#include <algorithm>

#include "wrench/code/facts.hpp"

namespace wrench::code::detail {

namespace {

constexpr std::size_t kStringWordsBytesMax = 200;  ///< Longer strings are prose.

bool is_one_word(std::string_view text) { return std::ranges::all_of(text, is_word_char); }

}  // namespace

bool declares(const Node& parent, const Node& name) {
  // `<Name/>` and `{ [name]: 1 }` use it.
  return name.role == Role::Name && parent.kind != Kind::XmlElement && parent.atom == name.atom;
}

void sort_unique(std::vector<std::uint64_t>& hashes) {
  std::ranges::sort(hashes);
  hashes.erase(std::unique(hashes.begin(), hashes.end()), hashes.end());
  hashes.shrink_to_fit();
}

NameUses::NameUses(const Ir& ir, const Atoms& atoms)
    : ir_(ir),
      atoms_(atoms),
      values_(atoms.end_id()),
      types_(atoms.end_id()),
      members_(atoms.end_id()),
      split_(atoms.end_id()),
      string_done_(atoms.end_id()),
      imported_(atoms.end_id()) {
  for (NodeIndex i = 1; i < ir.nodes.size(); ++i) {
    const Node& node = ir.nodes[i];
    switch (node.kind) {
      case Kind::Import:
        // `import static a.B.f` names the class B.
        if (ir.language == source::Language::Java)
          each_word(atoms.text(node.atom), [&](std::string_view word) { other_words_.push_back(word_hash(word)); });
        break;
      case Kind::ImportItem:
        imported_[node.atom] = true;
        break;
      case Kind::Name: {
        const Node& parent = ir[node.parent];
        if (declares(parent, node) || (node.role == Role::Target && parent.kind == Kind::VarDef)) break;
        ++values_[node.atom];
        break;
      }
      case Kind::Member:
      case Kind::KeywordArg:
        ++members_[node.atom];
        break;
      case Kind::XmlElement:
      case Kind::Type:
        type(node.atom);
        break;
      case Kind::Other:
        // Bodies of macros.
        if (node.subtree_end == i + 1) type(node.atom);
        break;
      case Kind::Function:
        // Of an interface, or abstract: whoever implements it is called through it.
        if ((ir.language == source::Language::Go || ir.language == source::Language::Java) &&
            ir.child(i, Role::Body) == kNoNode)
          ++members_[node.atom];
        break;
      case Kind::String:
        string(node);
        break;
      default:
        break;
    }
  }
  sort_unique(string_names_);
  sort_unique(sentence_words_);
}

void NameUses::type(Atom atom) {
  const std::string_view text = atoms_.text(atom);
  if (is_one_word(text)) {
    ++types_[atom];
    return;
  }
  if (split_[atom]) return;
  split_[atom] = true;
  each_word(text, [&](std::string_view word) {
    if (const Atom part = atoms_.find(word); part != kNoAtom) {
      ++types_[part];
    } else {
      other_words_.push_back(word_hash(word));
    }
  });
}

void NameUses::string(const Node& node) {
  if (node.sub == static_cast<std::uint8_t>(StringSub::Doc) || string_done_[node.atom]) return;
  string_done_[node.atom] = true;
  const std::string_view content = atoms_.text(node.atom);
  if (content.size() > kStringWordsBytesMax) return;
  auto& words = content.find_first_of(" \t\n") == std::string_view::npos ? string_names_ : sentence_words_;
  each_text_word(content, [&](std::string_view word) { words.push_back(word_hash(word)); });
}

bool NameUses::names_string(std::string_view word) const {
  return std::ranges::binary_search(string_names_, word_hash(word));
}

bool NameUses::in_sentence(std::string_view word) const {
  return std::ranges::binary_search(sentence_words_, word_hash(word));
}

std::vector<std::uint64_t> NameUses::take_words() {
  std::vector<std::uint64_t> out = std::move(other_words_);
  out.insert(out.end(), string_names_.begin(), string_names_.end());
  for (Atom atom = 1; atom < imported_.size(); ++atom)
    if (any(atom) != 0 || imported_[atom]) out.push_back(word_hash(atoms_.text(atom)));
  sort_unique(out);
  return out;
}

}  // namespace wrench::code::detail
