#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "flow_builder.hpp"
#include "memory_run.hpp"
#include "taint_facts.hpp"
#include "wrench/code/lower.hpp"

/// The first byte chooses a language; the rest is lowered to graphs and followed, with every expression of the file a
/// source, a sink or neither, and run over abstract memory when it is C. What is kept of it is read again.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  using namespace wrench;
  using namespace wrench::code;
  if (size < 2) return 0;
  constexpr source::Language kLanguages[] = {source::Language::Python, source::Language::JavaScript,
                                             source::Language::Java,   source::Language::Go,
                                             source::Language::C,      source::Language::Cpp};
  const source::Language language = kLanguages[bytes[0] % std::size(kLanguages)];
  const std::string text(reinterpret_cast<const char*>(bytes) + 1, size - 1);
  static Parser parser;
  Atoms atoms;
  auto ir = parser.parse(language, text, atoms, {}, {}, {});
  if (!ir.ok()) return 0;
  const FileIndex index(*ir, atoms, text);

  TaintFacts facts;
  facts.unit.rules.push_back({"rule", {""}, bytes[0] % 64U});
  NodeMarks marks;
  for (NodeIndex n = 0; n < ir->nodes.size(); ++n) {
    if (!is_expression(ir->nodes[n].kind)) continue;
    constexpr NodeMark::What kWhat[] = {NodeMark::What::Source, NodeMark::What::Sink, NodeMark::What::SourceVariable,
                                        NodeMark::What::SanitizerVariable, NodeMark::What::SinkValue};
    const std::size_t chosen = n % 11;
    if (chosen >= std::size(kWhat)) continue;
    TaintMarkFacts mark;
    mark.what = chosen == 1 || chosen == 4 ? FlowMark::What::Sink
                : chosen == 3              ? FlowMark::What::Sanitizer
                                           : FlowMark::What::Source;
    marks[n].push_back({kWhat[chosen], static_cast<std::uint32_t>(facts.unit.marks.size())});
    facts.unit.marks.push_back(mark);
    facts.places.emplace_back();
  }
  facts.unit.flow = build_flow(index, marks);
  const TaintUnit* const units[] = {&facts.unit};
  static_cast<void>(follow_units(units, FlowScope::All, {}));
  const std::string record = to_record(facts);
  const auto read = taint_facts_from_record(record);
  if (!read.ok() || to_record(*read) != record) __builtin_trap();
  if (language == source::Language::C || language == source::Language::Cpp)
    static_cast<void>(memory::run_memory(build_flow(index, {}, FlowMemory::Pointers), {}));
  return 0;
}
