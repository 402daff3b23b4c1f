#include "gatesweep/base/error.h"
#include "prompt_table.h"

namespace gatesweep {
namespace {

// RFC 4180, with any of the three kinds of line end.
class CsvReader {
public:
    CsvReader(std::string_view text, std::string const& name) : text_(text), name_(name) {}

    // The next record that is no blank line; false at the end.
    bool next(std::vector<std::string>& fields) {
        while (at_ < text_.size() && (text_[at_] == '\n' || text_[at_] == '\r'))
            skip_line_end();
        if (at_ >= text_.size()) return false;
        record_line_ = line_;
        ++record_;
        fields.clear();
        do
            fields.push_back(text_.substr(at_, 1) == "\"" ? quoted_field() : plain_field());
        while (skip_comma());
        return true;
    }

    std::string place() const {  // of the record read last; the first one is the header
        return record_ <= 1 ? fmt::format("{}: header, line {}", name_, record_line_)
                            : fmt::format("{}: row {}, line {}", name_, record_ - 1, record_line_);
    }

private:
    bool skip_comma() {
        if (at_ < text_.size() && text_[at_] == ',') return ++at_, true;
        if (at_ < text_.size()) skip_line_end();
        return false;
    }

    void skip_line_end() {
        if (text_.substr(at_, 2) == "\r\n") ++at_;
        ++at_;
        ++line_;
    }

    std::string plain_field() {
        std::size_t const end = std::min(text_.find_first_of(",\r\n\"", at_), text_.size());
        GATESWEEP_VALIDATE(
            end == text_.size() || text_[end] != '"', ExitCode::bad_data,
            "{}: a quote inside an unquoted field (RFC 4180 forbids it): quote the field and double the quote",
            place());
        std::string out(text_.substr(at_, end - at_));
        at_ = end;
        return out;
    }

    std::string quoted_field() {
        std::string out;
        for (++at_;;) {
            std::size_t const end = text_.find('"', at_);
            GATESWEEP_VALIDATE(end != text_.npos, ExitCode::bad_data,
                               "{}: a quote that begins here has no end: close it, or double a quote that is text",
                               place());
            append_counting_lines(out, text_.substr(at_, end - at_));
            at_ = end + 1;
            if (text_.substr(at_, 1) != "\"") break;
            out += '"';
            ++at_;
        }
        bool const ends = at_ == text_.size() || text_[at_] == ',' || text_[at_] == '\r' || text_[at_] == '\n';
        GATESWEEP_VALIDATE(ends, ExitCode::bad_data,
                           "{}: text after a closing quote (RFC 4180 forbids it): double a quote that is text",
                           place());
        return out;
    }

    void append_counting_lines(std::string& out, std::string_view part) {
        out += part;
        for (std::size_t i = 0; i < part.size(); ++i) {
            line_ += part[i] == '\n' || (part[i] == '\r' && (i + 1 == part.size() || part[i + 1] != '\n'));
        }
    }

    std::string_view text_;
    std::string const& name_;
    std::size_t at_ = 0;
    std::int64_t line_ = 1;
    std::int64_t record_ = 0;
    std::int64_t record_line_ = 1;
};

}  // namespace

void read_csv(std::string_view text, PromptTable& table) {
    CsvReader reader(text, table.name);
    reader.next(table.columns);
    std::vector<std::string> fields;
    while (reader.next(fields)) {
        GATESWEEP_VALIDATE(fields.size() == table.columns.size(), ExitCode::bad_data,
                           "{}: {} fields where the header has {}: quote fields that contain commas", reader.place(),
                           fields.size(), table.columns.size());
        PromptRow& row = table.rows.emplace_back();
        row.number = static_cast<std::int64_t>(table.rows.size());
        row.fields.reserve(fields.size());
        for (std::size_t i = 0; i < fields.size(); ++i)
            row.fields.push_back({static_cast<int>(i), Field::text, std::move(fields[i])});
    }
}

}  // namespace gatesweep
