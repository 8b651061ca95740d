#pragma once

#include <optional>
#include <string_view>
#include <vector>

#include "flow.hpp"
#include "flow_values.hpp"

/// What operators and well-known functions do to abstract values.
namespace wrench::code {

/// `a op b`; without b the operator has one operand. Constants only: what is carried is the caller's matter.
ValueId operate(ValuePool& pool, Op op, ValueId a, std::optional<ValueId> b);

struct ModelCall {
  std::string_view path;    ///< As written or imported: "java.util.Arrays.asList", ".get".
  std::string_view method;  ///< Its last part.
  std::string_view type;    ///< Of the receiver or what is constructed; may be empty.
  bool constructs = false;
  ValueId receiver = kUnknown;
  std::vector<ValueId> args;
};

struct ModelResult {
  ValueId value = kUnknown;
  std::optional<ValueId> receiver;  ///< When it changes.
};

/// Containers, texts and what well-known types do with what they carry; none when the function isn't known.
std::optional<ModelResult> call_model(ValuePool& pool, const ModelCall& call);

bool returns_number(std::string_view path, std::string_view method);
bool returns_boolean(std::string_view method);
/// Whether the arguments only say where in the receiver: `text.slice(from, to)`.
bool takes_positions(std::string_view method);
bool is_number_type(std::string_view type);
bool is_boolean_type(std::string_view type);

}  // namespace wrench::code
