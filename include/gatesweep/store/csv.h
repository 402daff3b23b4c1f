// Tables as CSV: a header and rows, cells quoted as in RFC 4180, lines ended by a line feed alone.
//
// Numbers are written shortest such that reading them gives the same bits ("0.1", "1e-05", "nan"), so that a table is
// byte-identical wherever its numbers are. A missing value is an empty cell.
#pragma once

#include <concepts>
#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace gatesweep {

std::string to_cell(double value);
inline std::string to_cell(std::string_view text) {
    return std::string(text);
}
inline std::string to_cell(char const* text) {
    return text;
}
template <std::integral T>
std::string to_cell(T value) {
    return std::to_string(value);
}

struct CsvTable {
    std::string name;  // the file it was read from; for messages
    std::vector<std::string> header;
    std::vector<std::vector<std::string>> rows;

    template <class... Cells>
    void add(Cells const&... cells) {
        rows.push_back({to_cell(cells)...});
    }

    // Access by column name. A missing column, or a cell that is not the kind of number asked for, is bad_data naming
    // the table, row (1 is the first below the header) and column.
    std::size_t column(std::string_view column_name) const;
    std::string const& text(std::size_t row, std::string_view column_name) const;
    double number(std::size_t row, std::string_view column_name) const;  // "nan" and "inf" are numbers
    std::int64_t integer(std::size_t row, std::string_view column_name) const;
};

// A row with more or fewer cells than the header is an internal error.
std::string to_csv(CsvTable const& table);

// Strict, because it reads only what to_csv wrote (lines may end in CR LF as well): a row of another length, a stray
// quote, a repeated column, a NUL byte or a missing last line end (the file was cut) is bad_data with file and line.
CsvTable parse_csv(std::string_view text, std::string_view name);
CsvTable read_csv(std::filesystem::path const& path);

}  // namespace gatesweep
