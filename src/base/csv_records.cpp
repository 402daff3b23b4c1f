#include "gatesweep/base/csv_records.h"

#include <algorithm>
#include <utility>

namespace gatesweep {

CsvRecords::CsvRecords(std::string_view text, CsvLines lines, Refuse refuse, char separator)
    : text_(text), lines_(lines), refuse_(std::move(refuse)), separator_(separator) {}

bool CsvRecords::next(std::vector<std::string>& cells) {
    if (lines_ == CsvLines::any) {
        while (at_ < text_.size() && at_line_end())
            skip_line_end();
    }
    if (at_ >= text_.size()) return false;
    record_line_ = line_;
    cells.clear();
    for (;; ++at_) {
        cells.push_back(text_.substr(at_, 1) == "\"" ? quoted() : plain());
        if (at_ >= text_.size() || text_[at_] != separator_) break;
    }
    if (at_ < text_.size()) skip_line_end();
    return true;
}

bool CsvRecords::at_line_end() const {
    char const c = text_[at_];
    return c == '\n' || (c == '\r' && (lines_ == CsvLines::any || text_.substr(at_, 2) == "\r\n"));
}

void CsvRecords::skip_line_end() {
    if (text_.substr(at_, 2) == "\r\n") ++at_;
    ++at_;
    ++line_;
}

std::string CsvRecords::plain() {
    std::size_t const start = at_;
    while (at_ < text_.size() && text_[at_] != separator_ && !at_line_end()) {
        if (text_[at_] == '"' && separator_ != '\t') refuse_(CsvFault::stray_quote, line_);
        if (text_[at_] == '\r') refuse_(CsvFault::carriage_return, line_);
        ++at_;
    }
    return std::string(text_.substr(start, at_ - start));
}

std::string CsvRecords::quoted() {
    std::string cell;
    for (++at_;;) {
        std::size_t const end = std::min(text_.find('"', at_), text_.size());
        for (; at_ < end; ++at_) {
            bool const ends_line = text_[at_] == '\n' ||
                                   (lines_ == CsvLines::any && text_[at_] == '\r' && text_.substr(at_ + 1, 1) != "\n");
            line_ += ends_line ? 1 : 0;
            cell += text_[at_];
        }
        if (end == text_.size()) refuse_(CsvFault::open_quote, line_);
        ++at_;
        if (text_.substr(at_, 1) != "\"") break;
        cell += '"';
        ++at_;
    }
    if (at_ < text_.size() && text_[at_] != separator_ && !at_line_end()) refuse_(CsvFault::text_after_quote, line_);
    return cell;
}

}  // namespace gatesweep
