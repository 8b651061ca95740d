#include "memory_checks.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "finding_maker.hpp"
#include "flow_builder.hpp"
#include "macro_functions.hpp"
#include "memory_run.hpp"
#include "thread_checks.hpp"
#include "wrench/code/lower.hpp"

namespace wrench::code {

namespace {

using findings::Confidence;
using findings::Severity;
using memory::Fault;
using memory::Object;

struct Check {
  Fault fault;
  std::string_view rule, title, message;
  Severity severity;
  Confidence confidence;
  std::vector<std::string> cwe;
};

const Check& check_of(Fault fault) {
  static const std::vector<Check> kChecks = {
      {Fault::WriteBeyond,
       "c.buffer-overflow",
       "Write beyond the end",
       "This writes beyond the end of the memory made at {}, over whatever lies behind it. Check the size before "
       "writing.",
       Severity::High,
       Confidence::Medium,
       {"CWE-787"}},
      {Fault::WriteBefore,
       "c.buffer-underwrite",
       "Write before the start",
       "This writes before the start of the memory made at {}. Check that the index isn't negative.",
       Severity::High,
       Confidence::Medium,
       {"CWE-124", "CWE-787"}},
      {Fault::ReadBeyond,
       "c.buffer-overread",
       "Read beyond the end",
       "This reads beyond the end of the memory made at {}: it gives other data, or ends the program. Check the size "
       "first.",
       Severity::High,
       Confidence::Medium,
       {"CWE-126", "CWE-125"}},
      {Fault::ReadBefore,
       "c.buffer-underread",
       "Read before the start",
       "This reads before the start of the memory made at {}. Check that the index isn't negative.",
       Severity::High,
       Confidence::Medium,
       {"CWE-127", "CWE-125"}},
      {Fault::NullUse,
       "c.null-dereference",
       "Null pointer is used",
       "The pointer is null here on a path that gets this far, and using it ends the program. Check it first.",
       Severity::High,
       Confidence::High,
       {"CWE-476"}},
      {Fault::UncheckedUse,
       "c.unchecked-pointer",
       "What may have failed is used",
       "The call at {} gives a null pointer when it fails, and what it gave is used unchecked. Check it first.",
       Severity::Medium,
       Confidence::Medium,
       {"CWE-690", "CWE-476"}},
      {Fault::FailureMissed,
       "c.pointer-compared-as-number",
       "Pointer is tested as a number",
       "The call gives a null pointer when it fails, which is neither below zero nor -1, so this test never sees it. "
       "Compare with NULL.",
       Severity::Medium,
       Confidence::High,
       {"CWE-253"}},
      {Fault::UseAfterFree,
       "c.use-after-free",
       "Memory is used after it was freed",
       "The memory was freed at {} and is used here: by now it may belong to something else. Set pointers to NULL when "
       "what they lead "
       "to is freed, and free at the end.",
       Severity::High,
       Confidence::High,
       {"CWE-416"}},
      {Fault::DoubleFree,
       "c.double-free",
       "Memory is freed twice",
       "The memory was freed at {} before, and freeing it again damages the heap. Set the pointer to NULL when it is "
       "freed.",
       Severity::High,
       Confidence::High,
       {"CWE-415"}},
      {Fault::FreeInside,
       "c.free-inside",
       "Memory is freed from its middle",
       "This isn't the pointer that the allocation at {} gave but one into the memory behind it, which free() can't "
       "take. Keep the first "
       "pointer for free().",
       Severity::High,
       Confidence::High,
       {"CWE-761", "CWE-763"}},
      {Fault::FreeOfOther,
       "c.free-of-no-heap",
       "Memory is freed that wasn't allocated",
       "What is freed here is on the stack or a literal (at {}), which damages the heap. Free only what malloc() gave.",
       Severity::High,
       Confidence::High,
       {"CWE-590"}},
      {Fault::Leak,
       "c.memory-leak",
       "Memory is never freed",
       "What was allocated at {} isn't freed on this way out of the function, and nobody can free it any more. Free it "
       "on every path, "
       "error paths too.",
       Severity::Medium,
       Confidence::Medium,
       {"CWE-401"}},
      {Fault::Uninitialised,
       "c.uninitialised-use",
       "Value is used before it is set",
       "Nothing has been stored here yet on a path that gets this far, so the value is whatever lay there. Set it when "
       "it is declared.",
       Severity::Medium,
       Confidence::Medium,
       {"CWE-457"}},
      {Fault::DivisionByZero,
       "c.division-by-zero",
       "Division by zero",
       "The divisor can be zero here, which ends the program. Check it first.",
       Severity::Medium,
       Confidence::Medium,
       {"CWE-369"}},
      {Fault::Overflow,
       "c.external-number-overflow",
       "Number from outside overflows",
       "This number comes from outside and nothing bounds it, so the result may not fit. Check it against a limit "
       "first.",
       Severity::Medium,
       Confidence::Medium,
       {"CWE-190"}},
      {Fault::Underflow,
       "c.external-number-underflow",
       "Number from outside underflows",
       "This number comes from outside and nothing bounds it, so the result may fall below the smallest number. Check "
       "it against a limit "
       "first.",
       Severity::Medium,
       Confidence::Medium,
       {"CWE-191"}},
      {Fault::NegativeSize,
       "c.negative-size",
       "Size may be negative",
       "A size that comes from outside or is negative becomes an enormous one here. Check that it isn't below zero.",
       Severity::High,
       Confidence::Medium,
       {"CWE-195"}},
      {Fault::ExternalSize,
       "c.external-allocation-size",
       "Size of an allocation comes from outside",
       "How much is allocated here comes from outside and nothing bounds it, so one request can take all memory. Check "
       "the size against a limit first.",
       Severity::Medium,
       Confidence::Medium,
       {"CWE-770", "CWE-789"}},
      {Fault::ExternalPointer,
       "c.external-pointer",
       "A number from outside is used as an address",
       "This address is a number that comes from outside, so whoever sends it chooses what is read or written. Look "
       "the "
       "object up in a table by a checked index.",
       Severity::High,
       Confidence::High,
       {"CWE-822"}},
      {Fault::TooLarge,
       "c.number-overflow",
       "Result doesn't fit",
       "The result is more than the type can hold on every path that gets here. Use a larger type, or check before "
       "computing.",
       Severity::Medium,
       Confidence::Medium,
       {"CWE-190"}},
      {Fault::TooSmall,
       "c.number-underflow",
       "Result falls below the smallest number",
       "The result is less than the type can hold on every path that gets here. Check before computing.",
       Severity::Medium,
       Confidence::Medium,
       {"CWE-191"}},
      {Fault::EndlessLoop,
       "c.endless-loop",
       "Loop never ends",
       "Nothing in the loop ever makes its condition false, and nothing else leaves it. Check what the loop changes.",
       Severity::Medium,
       Confidence::Medium,
       {"CWE-835"}},
      {Fault::EndlessRecursion,
       "c.endless-recursion",
       "Function always calls itself",
       "Every way through the function gets to this call of itself, so it never returns and uses up the stack. Return "
       "before it in the simplest case.",
       Severity::High,
       Confidence::High,
       {"CWE-674"}},
  };
  return *std::find_if(kChecks.begin(), kChecks.end(), [&](const Check& check) { return check.fault == fault; });
}

/// The widest expression or statement that begins there.
Span span_at(const Ir& ir, std::uint32_t first) {
  const auto found = std::lower_bound(ir.nodes.begin(), ir.nodes.end(), first,
                                      [](const Node& node, std::uint32_t offset) { return node.first < offset; });
  for (auto node = found; node != ir.nodes.end() && node->first == first; ++node)
    if (is_expression(node->kind) || node->kind == Kind::VarDef) return {node->first, node->end};
  return {first, first + 1};
}

/// What is called by a macro's name does what the macro says.
void add_macros(const FileIndex& file, const CpuBudget& budget, FlowFile& flow) {
  const std::string text = macro_functions(file);
  if (text.empty()) return;
  Atoms atoms;
  Parser parser;
  const auto ir = parser.parse(file.ir().language, text, atoms, {}, budget, {});
  if (ir.ok()) add_macro_functions(FileIndex(*ir, atoms, text), FlowMemory::Pointers, flow);
}

}  // namespace

MemoryFindings memory_findings(const FileIndex& file, const source::SourceText& text, const CpuBudget& budget) {
  MemoryFindings result;
  std::vector<findings::Finding>& out = result.findings;
  const Ir& ir = file.ir();
  if (ir.language != source::Language::C && ir.language != source::Language::Cpp) return result;
  FlowFile flow = build_flow(file, {}, FlowMemory::Pointers);
  add_macros(file, budget, flow);
  const auto line_of = [&](std::uint32_t offset) { return text.lines.position(text.text, offset).line; };
  std::set<std::pair<Fault, std::uint32_t>> told, told_of;
  const memory::Hits hits = memory::run_memory(flow, budget);
  for (const std::uint32_t name : hits.cut) result.cut.push_back(flow.names[name]);
  for (const std::uint32_t name : hits.followed_in_part) result.followed_in_part.push_back(flow.names[name]);
  for (const memory::Hit& hit : hits.hits) {
    if (!told.emplace(hit.fault, hit.first).second) continue;
    // What one allocation lacks is said once, where it first matters.
    const bool once = hit.fault == Fault::UncheckedUse || hit.fault == Fault::FreeInside;
    if (once && hit.related != 0 && !told_of.emplace(hit.fault, hit.related).second) continue;
    const Check& check = check_of(hit.fault);
    const Span span = span_at(ir, hit.first);
    std::string message(check.message);
    if (const std::size_t at = message.find("{}"); at != std::string::npos)
      message.replace(at, 2, hit.related == 0 ? "an earlier place" : fmt::format("line {}", line_of(hit.related)));
    auto finding = detail::make_finding(text, span, check.rule, check.severity, check.confidence,
                                        findings::Category::Correctness, std::string(check.title), std::move(message));
    finding.cwe = check.cwe;
    if (hit.fault == Fault::WriteBeyond) {
      if (hit.kind == Object::Kind::Heap) finding.cwe.insert(finding.cwe.begin(), "CWE-122");
      if (hit.kind == Object::Kind::Stack || hit.kind == Object::Kind::Alloca)
        finding.cwe.insert(finding.cwe.begin(), "CWE-121");
    }
    if (hit.related != 0) {
      const Span made = span_at(ir, hit.related);
      finding.trace.push_back({findings::TraceRole::Source, detail::location(text, made), "where it comes from"});
      finding.trace.push_back({findings::TraceRole::Sink, detail::location(text, span), "where it is used"});
    }
    out.push_back(std::move(finding));
  }
  for (findings::Finding& finding : thread_findings(file, text)) out.push_back(std::move(finding));
  std::stable_sort(out.begin(), out.end(),
                   [](const auto& a, const auto& b) { return a.where.start.offset < b.where.start.offset; });
  return result;
}

}  // namespace wrench::code
