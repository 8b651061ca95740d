#pragma once

#include <unordered_map>
#include <vector>

#include "flow.hpp"
#include "match_index.hpp"

namespace wrench::code {

/// What rules say about a node of the tree.
struct NodeMark {
  enum class What : std::uint8_t {
    Source,          ///< The node's value comes from a source.
    SourceVariable,  ///< By side effect: the variable holds it from here on.
    Sanitizer,       ///< The node's value is clean.
    SanitizerVariable,
    Sink,        ///< The node's value is looked at; of a call its arguments and receiver.
    SinkValue,   ///< The node's value is looked at, of a call what it returns.
    Propagator,  ///< After the node: what `from` carries is in `to`.
  };
  What what = What::Source;
  std::uint32_t mark = 0;                  ///< Index that the caller chose; Mark and Propagate carry it.
  NodeIndex from = kNoNode, to = kNoNode;  ///< Propagator only.
};
using NodeMarks = std::unordered_map<NodeIndex, std::vector<NodeMark>>;

/// How memory is seen.
enum class FlowMemory : std::uint8_t {
  Values,    ///< What a pointer leads to is the pointer's own value: enough to follow what it carries.
  Pointers,  ///< C: declarations, addresses and sizes are operations of their own, a[i] and *p go through memory.
};

/// Turns a lowered file into control flow graphs.
FlowFile build_flow(const FileIndex& file, const NodeMarks& marks, FlowMemory memory = FlowMemory::Values);

/// Adds the functions of a file of macro_functions() to the flow of the file that calls them.
void add_macro_functions(const FileIndex& file, FlowMemory memory, FlowFile& flow);

/// One line an operation, for golden tests.
std::string dump(const FlowFile& flow);

}  // namespace wrench::code
