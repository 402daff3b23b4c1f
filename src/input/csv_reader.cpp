#include "csv_reader.h"

#include "gatesweep/base/csv_records.h"
#include "gatesweep/base/error.h"
#include "prompt_table.h"

namespace gatesweep {
namespace {

[[noreturn]] void refuse(std::string const& place, CsvFault fault) {
    switch (fault) {
        case CsvFault::open_quote:
            fail(ExitCode::bad_data,
                 "{}: a quote that begins here has no end: close it, or double a quote that is text", place);
        case CsvFault::text_after_quote:
            fail(ExitCode::bad_data,
                 "{}: text after a closing quote (RFC 4180 forbids it): double a quote that is text", place);
        default:
            fail(ExitCode::bad_data,
                 "{}: a quote inside an unquoted field (RFC 4180 forbids it): quote the field and double the quote",
                 place);
    }
}

std::string_view separator_name(char separator) {
    return separator == '\t' ? "tabs" : separator == ';' ? "semicolons" : "commas";
}

// The separator of a file that is called .csv: what its header has, a comma before anything else. Between quotes
// nothing separates.
char separator_of(std::string_view text) {
    bool is_quoted = false, has_tab = false, has_semicolon = false;
    for (char const c : text) {
        if (c == '"') is_quoted = !is_quoted;
        if (is_quoted) continue;
        if (c == ',') return ',';
        if (c == '\n' || c == '\r') break;
        has_tab = has_tab || c == '\t';
        has_semicolon = has_semicolon || c == ';';
    }
    return has_tab ? '\t' : has_semicolon ? ';' : ',';
}

void read_separated(std::string_view text, PromptTable& table, char separator) {
    std::int64_t records_begun = 1;  // the header is the first
    CsvRecords* reading = nullptr;
    auto const place = [&] {
        return records_begun == 1
                   ? fmt::format("{}: header, line {}", table.name, reading->record_line())
                   : fmt::format("{}: row {}, line {}", table.name, records_begun - 1, reading->record_line());
    };
    CsvRecords records(
        text, CsvLines::any, [&](CsvFault fault, std::int64_t) { refuse(place(), fault); }, separator);
    reading = &records;
    records.next(table.columns);
    ++records_begun;
    for (std::vector<std::string> fields; records.next(fields); ++records_begun) {
        GATESWEEP_VALIDATE(fields.size() == table.columns.size(), ExitCode::bad_data,
                           "{}: {} fields where the header has {}: quote fields that contain {}", place(),
                           fields.size(), table.columns.size(), separator_name(separator));
        PromptRow& row = table.rows.emplace_back();
        row.number = static_cast<std::int64_t>(table.rows.size());
        row.fields.reserve(fields.size());
        for (std::size_t i = 0; i < fields.size(); ++i)
            row.fields.push_back({static_cast<int>(i), Field::text, std::move(fields[i])});
    }
}

}  // namespace

void read_csv(std::string_view text, PromptTable& table) {
    char const separator = separator_of(text);
    if (separator != ',')
        table.notices.push_back(fmt::format("{}: the header has no comma, so {} separate the fields", table.name,
                                            separator_name(separator)));
    read_separated(text, table, separator);
}

void read_tsv(std::string_view text, PromptTable& table) {
    read_separated(text, table, '\t');
}

}  // namespace gatesweep
