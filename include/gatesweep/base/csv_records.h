// RFC 4180 read a record at a time: the one reader of comma-separated text, for tables and for people's files.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace gatesweep {

enum class CsvFault { stray_quote, open_quote, text_after_quote, carriage_return };

// Which line ends separate records outside quotes, and what an empty line is.
//   written  LF or CR LF, as this program writes; an empty line is a record of one empty cell, a lone CR is a fault
//   any      LF, CR LF or CR, as people's programs write; empty lines are passed over
enum class CsvLines { written, any };

class CsvRecords {
public:
    // Told the fault and the line on which it was seen; has to throw. `text` outlives the reader.
    using Refuse = std::function<void(CsvFault fault, std::int64_t line)>;
    // Where tabs separate, a quote inside a field that does not begin with one is text, as programs write it.
    CsvRecords(std::string_view text, CsvLines lines, Refuse refuse, char separator = ',');

    // The next record's cells without their quotes; false at the end of the text.
    bool next(std::vector<std::string>& cells);
    std::int64_t record_line() const { return record_line_; }  // from 1, on which the record read last begins

private:
    bool at_line_end() const;
    void skip_line_end();
    std::string plain();
    std::string quoted();

    std::string_view text_;
    CsvLines lines_;
    Refuse refuse_;
    char separator_;
    std::size_t at_ = 0;
    std::int64_t line_ = 1;
    std::int64_t record_line_ = 1;
};

}  // namespace gatesweep
