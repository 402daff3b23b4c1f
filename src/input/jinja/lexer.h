#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace gatesweep::jinja {

struct Token {
    enum Kind {
        data,         // text between tags, white space already trimmed
        print_begin,  // {{
        print_end,
        block_begin,  // {%
        block_end,
        name,
        text,  // a quoted literal, escapes resolved
        number,
        symbol,  // == != <= >= < > + - * ** / // % ~ | . , : ( ) [ ] { } =
        end,
    };
    Kind kind = end;
    std::string value;
    int line = 0;
};

// Splits a template as Jinja does with trim_blocks and lstrip_blocks on, which is how Hugging Face renders chat
// templates. Errors: bad_data with the line, without the template's name.
std::vector<Token> tokenize(std::string_view source);

}  // namespace gatesweep::jinja
