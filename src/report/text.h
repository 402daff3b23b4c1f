// A user's text made fit for figures and pages.
#pragma once

#include <string>
#include <string_view>

namespace gatesweep {

// Valid UTF-8 with every invalid byte, and every control character but line feed and tab, replaced by U+FFFD.
std::string clean_utf8(std::string_view text);

// clean_utf8 with & < > " ' as character references: fit for HTML text and quoted attributes.
std::string html_escape(std::string_view text);

// At most `max_characters` characters of valid UTF-8, the cut shown by an ellipsis.
std::string shortened(std::string_view text, std::size_t max_characters);

}  // namespace gatesweep
