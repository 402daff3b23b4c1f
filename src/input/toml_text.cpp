#include "toml_text.h"

#include <fmt/format.h>

namespace gatesweep {

std::string toml_string(std::string_view text) {
    std::string out = "\"";
    for (char c : text) {
        auto const byte = static_cast<unsigned char>(c);
        if (c == '"' || c == '\\') {
            out += fmt::format("\\{}", c);
        } else if (byte < 0x20 || byte == 0x7F) {
            out += fmt::format("\\u{:04X}", byte);
        } else {
            out += c;
        }
    }
    return out + '"';
}

std::string toml_number(double value) {
    std::string out = fmt::format("{}", value);
    return out.find_first_of(".e") == out.npos ? out + ".0" : out;  // TOML wants a point or an exponent
}

}  // namespace gatesweep
