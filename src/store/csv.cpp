#include "gatesweep/store/csv.h"

#include <algorithm>
#include <charconv>
#include <set>
#include <utility>

#include "gatesweep/base/csv_records.h"
#include "gatesweep/base/error.h"
#include "gatesweep/base/file.h"

namespace gatesweep {
namespace {

void append_cell(std::string& out, std::string_view cell) {
    if (cell.find_first_of(",\"\r\n") == std::string_view::npos) {
        out += cell;
        return;
    }
    out += '"';
    for (char const c : cell) {
        if (c == '"') out += '"';
        out += c;
    }
    out += '"';
}

void append_row(std::string& out, std::vector<std::string> const& cells) {
    for (std::size_t i = 0; i < cells.size(); ++i) {
        if (i > 0) out += ',';
        append_cell(out, cells[i]);
    }
    // A lone empty cell would be an empty line, which readers skip.
    if (cells.size() == 1 && cells[0].empty()) out += "\"\"";
    out += '\n';
}

[[noreturn]] void wrong(std::string_view name, std::int64_t line, std::string_view what) {
    fail(ExitCode::bad_data, "{}: line {}: {} (the table was cut or edited): restore the file or make it again", name,
         line, what);
}

std::string_view words(CsvFault fault) {
    switch (fault) {
        case CsvFault::stray_quote:
            return "a quote inside an unquoted cell";
        case CsvFault::open_quote:
            return "a quoted cell without its end";
        case CsvFault::text_after_quote:
            return "text after a quoted cell";
        case CsvFault::carriage_return:
            return "a carriage return inside an unquoted cell";
    }
    return "";
}

void refuse_nul(std::string_view text, std::string_view name) {
    auto const nul = text.find('\0');
    if (nul == text.npos) return;
    wrong(name, 1 + std::count(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(nul), '\n'), "a NUL byte");
}

template <class T>
T parse_number(CsvTable const& table, std::size_t row, std::string_view column_name, char const* kind) {
    std::string const& cell = table.text(row, column_name);
    T value{};
    auto const [end, error] = std::from_chars(cell.data(), cell.data() + cell.size(), value);
    GATESWEEP_VALIDATE(
        error == std::errc{} && end == cell.data() + cell.size(), ExitCode::bad_data,
        "{}: row {}, column {}: '{}' is not {} (the table was edited): restore the file or make it again", table.name,
        row + 1, column_name, printable(cell), kind);
    return value;
}

}  // namespace

std::string to_cell(double value) {
    return fmt::format("{}", value);
}

std::size_t CsvTable::column(std::string_view column_name) const {
    auto const found = std::find(header.begin(), header.end(), column_name);
    GATESWEEP_VALIDATE(found != header.end(), ExitCode::bad_data,
                       "{}: no column {} (the table is another one or was edited): restore the file or make it again",
                       name, column_name);
    return static_cast<std::size_t>(found - header.begin());
}

std::string const& CsvTable::text(std::size_t row, std::string_view column_name) const {
    GATESWEEP_VALIDATE(row < rows.size(), ExitCode::bad_data,
                       "{}: no row {} (the table has {}): restore the file or make it again", name, row + 1,
                       rows.size());
    return rows[row][column(column_name)];
}

double CsvTable::number(std::size_t row, std::string_view column_name) const {
    return parse_number<double>(*this, row, column_name, "a number");
}

std::int64_t CsvTable::integer(std::size_t row, std::string_view column_name) const {
    return parse_number<std::int64_t>(*this, row, column_name, "an integer");
}

std::string to_csv(CsvTable const& table) {
    std::string out;
    append_row(out, table.header);
    for (auto const& row : table.rows) {
        GATESWEEP_VALIDATE(row.size() == table.header.size(), ExitCode::internal,
                           "a row of table {} has {} cells under {} columns", table.name, row.size(),
                           table.header.size());
        append_row(out, row);
    }
    return out;
}

CsvTable parse_csv(std::string_view text, std::string_view name) {
    if (text.empty()) wrong(name, 1, "the table is empty");
    refuse_nul(text, name);
    GATESWEEP_VALIDATE(text.back() == '\n', ExitCode::bad_data,
                       "{}: the last line has no end (the table was cut): restore the file or make it again", name);
    CsvRecords records(text, CsvLines::written,
                       [&](CsvFault fault, std::int64_t line) { wrong(name, line, words(fault)); });
    CsvTable table;
    table.name = std::string(name);
    records.next(table.header);
    std::set<std::string> columns;
    for (auto const& column : table.header) {
        GATESWEEP_VALIDATE(
            columns.insert(column).second, ExitCode::bad_data,
            "{}: column '{}' appears twice (which one is meant is unknown): restore the file or make it again", name,
            printable(column));
    }
    for (std::vector<std::string> cells; records.next(cells);) {
        GATESWEEP_VALIDATE(
            cells.size() == table.header.size(), ExitCode::bad_data,
            "{}: line {}: {} cells under {} columns (the table was cut or edited): restore the file or make it again",
            name, records.record_line(), cells.size(), table.header.size());
        table.rows.push_back(std::move(cells));
    }
    return table;
}

CsvTable read_csv(std::filesystem::path const& path) {
    return parse_csv(read_file(path), path.string());
}

}  // namespace gatesweep
