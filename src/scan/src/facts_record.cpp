#include "facts_record.hpp"

#include <cstring>
#include <type_traits>

#include "wrench/codec/json.hpp"

namespace wrench::scan {
namespace {

class Writer {
 public:
  explicit Writer(std::string& out) : out_(out) {}

  template <class T>
    requires std::is_arithmetic_v<T>
  void number(T value) {
    out_.append(reinterpret_cast<const char*>(&value), sizeof value);
  }
  void text(std::string_view value) {
    number<std::uint64_t>(value.size());
    out_ += value;
  }
  template <class T>
    requires std::is_arithmetic_v<T>
  void numbers(const std::vector<T>& values) {
    number<std::uint64_t>(values.size());
    out_.append(reinterpret_cast<const char*>(values.data()), values.size() * sizeof(T));
  }
  void place(const findings::Location& where) {
    for (const auto& position : {where.start, where.end}) {
      number(position.line);
      number(position.col);
      number(position.offset);
    }
  }

 private:
  std::string& out_;
};

class Reader {
 public:
  explicit Reader(std::string_view bytes) : rest_(bytes) {}

  template <class T>
    requires std::is_arithmetic_v<T>
  T number() {
    T value{};
    if (rest_.size() < sizeof value) {
      failed_ = true;
      rest_ = {};
      return value;
    }
    std::memcpy(&value, rest_.data(), sizeof value);
    rest_.remove_prefix(sizeof value);
    return value;
  }
  std::string text() {
    const std::size_t size = length(1);
    std::string out(rest_.substr(0, size));
    rest_.remove_prefix(size);
    return out;
  }
  template <class T>
    requires std::is_arithmetic_v<T>
  std::vector<T> numbers() {
    std::vector<T> out(length(sizeof(T)));
    if (!out.empty()) std::memcpy(out.data(), rest_.data(), out.size() * sizeof(T));
    rest_.remove_prefix(out.size() * sizeof(T));
    return out;
  }
  // How many items of at least `bytes_each` follow; 0 and a failure when they can't.
  std::size_t length(std::size_t bytes_each) {
    const auto count = number<std::uint64_t>();
    if (count <= rest_.size() / bytes_each) return static_cast<std::size_t>(count);
    failed_ = true;
    rest_ = {};
    return 0;
  }
  void place(findings::Location& where) {
    for (auto* position : {&where.start, &where.end}) {
      position->line = number<std::uint32_t>();
      position->col = number<std::uint32_t>();
      position->offset = number<std::uint64_t>();
    }
  }
  void fail() { failed_ = true; }
  bool good() const { return !failed_ && rest_.empty(); }

 private:
  std::string_view rest_;
  bool failed_ = false;
};

}  // namespace

void append_facts(std::string& out, const code::FileFacts& facts) {
  Writer writer(out);
  writer.text(facts.path);
  writer.text(facts.project_path);
  writer.text(facts.content_id);
  writer.number(static_cast<std::uint8_t>(facts.language));
  writer.number(static_cast<std::uint8_t>(facts.has_errors));
  writer.number<std::uint64_t>(facts.imports.size());
  for (const auto& import : facts.imports) {
    writer.text(import.module);
    writer.number(static_cast<std::uint8_t>(import.sub));
    writer.number<std::uint64_t>(import.names.size());
    for (const auto& name : import.names) writer.text(name);
    writer.number(static_cast<std::uint8_t>((import.type_only ? 1 : 0) | (import.lazy ? 2 : 0)));
    writer.place(import.where);
  }
  writer.numbers(facts.words);
  writer.numbers(facts.members);
  writer.number<std::uint64_t>(facts.unused.size());
  for (const auto& candidate : facts.unused) {
    writer.number(candidate.name);
    writer.number(candidate.member);
    writer.number(static_cast<std::uint8_t>(candidate.import));
    writer.text(codec::write_json(findings::to_json(candidate.finding)));
  }
  writer.numbers(facts.clone_tokens.values);
  writer.numbers(facts.clone_tokens.steps);
  writer.numbers(facts.clone_tokens.sizes);
}

Result<code::FileFacts> read_facts(std::string_view bytes) {
  Reader reader(bytes);
  code::FileFacts facts;
  facts.path = reader.text();
  facts.project_path = reader.text();
  facts.content_id = reader.text();
  facts.language = static_cast<source::Language>(reader.number<std::uint8_t>());
  if (facts.language > source::Language::Text) reader.fail();
  facts.has_errors = reader.number<std::uint8_t>() != 0;
  facts.imports.resize(reader.length(sizeof(std::uint64_t)));
  for (auto& import : facts.imports) {
    import.module = reader.text();
    import.sub = static_cast<code::ImportSub>(reader.number<std::uint8_t>());
    import.names.resize(reader.length(sizeof(std::uint64_t)));
    for (auto& name : import.names) name = reader.text();
    const auto flags = reader.number<std::uint8_t>();
    import.type_only = (flags & 1) != 0;
    import.lazy = (flags & 2) != 0;
    reader.place(import.where);
    import.where.path = facts.path;
    import.where.content = facts.content_id;
  }
  facts.words = reader.numbers<std::uint64_t>();
  facts.members = reader.numbers<std::uint64_t>();
  facts.unused.resize(reader.length(sizeof(std::uint64_t)));
  for (auto& candidate : facts.unused) {
    candidate.name = reader.number<std::uint64_t>();
    candidate.member = reader.number<std::uint64_t>();
    candidate.import = reader.number<std::uint8_t>() != 0;
    const auto json = WRENCH_TRY(codec::parse_json(reader.text()));
    candidate.finding = WRENCH_TRY(findings::finding_from_json(json));
  }
  facts.clone_tokens.values = reader.numbers<std::uint32_t>();
  facts.clone_tokens.steps = reader.numbers<std::uint16_t>();
  facts.clone_tokens.sizes = reader.numbers<std::uint8_t>();
  const auto& tokens = facts.clone_tokens;
  if (!reader.good() || tokens.steps.size() != tokens.values.size() || tokens.sizes.size() != tokens.values.size())
    return Error("scan.cache_record", "the facts of a file are damaged");
  return facts;
}

}  // namespace wrench::scan
