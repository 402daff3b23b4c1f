// A user's table by column name, with errors that name file and row.
#pragma once

#include <initializer_list>

#include "gatesweep/input/text_table.h"
#include "gatesweep/label/label_files.h"

namespace gatesweep {

class LabelColumns {
public:
    // Every one of `needed` must be there.
    LabelColumns(std::filesystem::path const& file, std::initializer_list<std::string_view> needed);

    std::size_t num_rows() const { return table_.rows.size(); }
    std::string place(std::size_t row) const { return table_.place(row); }
    std::string const& file() const { return table_.name; }
    std::string const& sha256() const { return table_.sha256; }
    bool has(std::string_view column) const { return table_.column(column) >= 0; }
    [[noreturn]] void refuse_columns(std::string_view needed) const;

    // Nothing for an absent cell.
    std::optional<std::string> cell(std::size_t row, std::string_view column) const;
    // An absent or empty cell is refused.
    std::string text(std::size_t row, std::string_view column) const;
    std::int64_t whole(std::size_t row, std::string_view column) const;  // of at least 0
    // Nothing for a cell that is absent or only white space; a name that no label has is refused.
    std::optional<NamedLabel> label(std::size_t row, std::string_view column) const;

private:
    TextTable table_;
};

}  // namespace gatesweep
