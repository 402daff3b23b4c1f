// A file of the user's as a table of texts: CSV (RFC 4180, byte order mark, any line end, quoted newlines), JSONL or a
// JSON list, each also with .gz behind it; the format follows from the name.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace gatesweep {

struct TextTable {
    std::string name;    // for messages: the path, below the working folder when it is there
    std::string sha256;  // of the file's bytes
    std::vector<std::string> columns;
    std::vector<std::vector<std::optional<std::string>>>
        rows;  // [row][column]; nothing: absent, null, a list or an object

    // Names are compared in any case; -1 when there is no such column. Two of that name are bad_data.
    int column(std::string_view column_name) const;
    std::string place(std::size_t row) const;  // "labels.csv row 3": from 1, a header not counted
    std::string column_list() const;           // "a", "b", for messages
};

// Errors: input_missing; bad_data with file, row and line.
TextTable read_text_table(std::filesystem::path const& file);

}  // namespace gatesweep
