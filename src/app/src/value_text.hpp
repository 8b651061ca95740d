#pragma once

#include <string>

#include "wrench/app/command.hpp"
#include "wrench/codec/json.hpp"

namespace wrench::app {

/// A JSON value for people: members below each other, lists of like objects as tables. Safe to print. Long lists are
/// cut, and say so.
std::string value_text(const codec::Json& value, const PageStyle& style);

}  // namespace wrench::app
