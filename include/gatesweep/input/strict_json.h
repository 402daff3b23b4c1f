// Small JSON files of a checkpoint that came from elsewhere, read without the usual leniency.
//
// Refused: duplicate keys, integers over 64 bits, invalid UTF-8, a byte order mark, NUL bytes, text after the value,
// nesting over `max_depth`, more than `max_values`. So no file costs unbounded memory, and none means two things.
#pragma once

#include <nlohmann/json_fwd.hpp>

#include <cstddef>
#include <string>
#include <string_view>

namespace gatesweep {

// `name` is the file's, for messages. Errors: bad_data with file and line.
nlohmann::json parse_strict_json(std::string_view text, std::string const& name, int max_depth = 16,
                                 std::size_t max_values = std::size_t{1} << 20);

// The same checks on the raw bytes alone, for readers that take the events of the parser themselves.
void check_json_bytes(std::string_view text, std::string const& name);

}  // namespace gatesweep
