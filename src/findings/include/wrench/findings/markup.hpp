#pragma once

#include <string>
#include <string_view>

namespace wrench::findings {

/// For text and quoted attributes of XML and HTML: controls, bidi marks and invalid bytes become visible escapes,
/// then & < > " ' become entities. Line breaks stay (as &#10; a parser keeps them in attributes too).
std::string escape_markup(std::string_view text);

}  // namespace wrench::findings
