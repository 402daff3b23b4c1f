#include "gatesweep/store/csv.h"

#include <algorithm>
#include <charconv>
#include <set>

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

class Parser {
public:
    Parser(std::string_view text, std::string_view name) : text_(text), name_(name) {}

    bool at_end() const { return position_ == text_.size(); }
    std::int64_t line() const { return line_; }

    std::vector<std::string> row() {
        std::vector<std::string> cells;
        for (;;) {
            cells.push_back(peek() == '"' ? quoted() : plain());
            char const c = take();
            if (c == ',') continue;
            if (c == '\r' && peek() == '\n') take();
            ++line_;
            return cells;
        }
    }

    [[noreturn]] void wrong(std::string_view what) const {
        fail(ExitCode::bad_data, "{}: line {}: {} (the table was cut or edited): restore the file or make it again",
             name_, line_, what);
    }

private:
    // The text ends with a line feed, so a cell never runs past the end unless a quote is open.
    char peek() const { return at_end() ? '\0' : text_[position_]; }
    char take() { return text_[position_++]; }

    std::string plain() {
        std::size_t const start = position_;
        while (peek() != ',' && peek() != '\n' && !(peek() == '\r' && text_[position_ + 1] == '\n')) {
            if (peek() == '"') wrong("a quote inside an unquoted cell");
            if (peek() == '\0') wrong("a NUL byte");
            if (peek() == '\r') wrong("a carriage return inside an unquoted cell");
            ++position_;
        }
        return std::string(text_.substr(start, position_ - start));
    }

    std::string quoted() {
        std::string cell;
        take();
        for (;;) {
            if (at_end()) wrong("a quoted cell without its end");
            char const c = take();
            if (c == '\0') wrong("a NUL byte");
            if (c == '"') {
                if (peek() != '"') break;
                take();
            }
            if (c == '\n') ++line_;
            cell += c;
        }
        bool const ends = peek() == ',' || peek() == '\n' || (peek() == '\r' && text_[position_ + 1] == '\n');
        if (!ends) wrong("text after a quoted cell");
        return cell;
    }

    std::string_view text_;
    std::string_view name_;
    std::size_t position_ = 0;
    std::int64_t line_ = 1;
};

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
    Parser parser(text, name);
    if (text.empty()) parser.wrong("the table is empty");
    GATESWEEP_VALIDATE(text.back() == '\n', ExitCode::bad_data,
                       "{}: the last line has no end (the table was cut): restore the file or make it again", name);
    CsvTable table;
    table.name = std::string(name);
    table.header = parser.row();
    std::set<std::string> columns;
    for (auto const& column : table.header) {
        GATESWEEP_VALIDATE(
            columns.insert(column).second, ExitCode::bad_data,
            "{}: column '{}' appears twice (which one is meant is unknown): restore the file or make it again", name,
            printable(column));
    }
    while (!parser.at_end()) {
        auto const line = parser.line();
        table.rows.push_back(parser.row());
        GATESWEEP_VALIDATE(
            table.rows.back().size() == table.header.size(), ExitCode::bad_data,
            "{}: line {}: {} cells under {} columns (the table was cut or edited): restore the file or make it again",
            name, line, table.rows.back().size(), table.header.size());
    }
    return table;
}

CsvTable read_csv(std::filesystem::path const& path) {
    return parse_csv(read_file(path), path.string());
}

}  // namespace gatesweep
