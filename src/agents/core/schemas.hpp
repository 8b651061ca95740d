#pragma once

#include <initializer_list>
#include <string_view>

#include "wrench/codec/json.hpp"

/// Short forms for the schemas of capabilities.
namespace wrench::agents::schema {

/// {"type": type}
codec::Json of(std::string_view type);
/// An object with these members and no others; a name that ends in '?' is optional.
codec::Json object(std::initializer_list<std::pair<std::string_view, codec::Json>> members);
codec::Json list_of(codec::Json item);
/// A tree to look at: {path, root, rules?, builtin_rules?, jobs?}.
codec::Json tree();
/// A report of scan (wrench.scan/1).
codec::Json report();

}  // namespace wrench::agents::schema
