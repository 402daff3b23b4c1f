#include "gatesweep/input/text_table.h"

#include <algorithm>

#include "gatesweep/base/error.h"
#include "prompt_columns.h"
#include "prompt_table.h"

namespace gatesweep {
namespace {

bool same_in_any_case(std::string_view a, std::string_view b) {
    auto const lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; };
    return std::equal(a.begin(), a.end(), b.begin(), b.end(), [&](char x, char y) { return lower(x) == lower(y); });
}

}  // namespace

int TextTable::column(std::string_view column_name) const {
    int found = -1;
    for (std::size_t i = 0; i < columns.size(); ++i) {
        if (!same_in_any_case(columns[i], column_name)) continue;
        GATESWEEP_VALIDATE(found < 0, ExitCode::bad_data,
                           "{}: two columns are called \"{}\" (which one counts is unclear): rename one", name,
                           printable(columns[i]));
        found = static_cast<int>(i);
    }
    return found;
}

std::string TextTable::place(std::size_t row) const {
    return fmt::format("{} row {}", name, row + 1);
}

std::string TextTable::column_list() const {
    return list_of(columns);
}

TextTable read_text_table(std::filesystem::path const& file) {
    PromptTable table = read_prompt_table(file);
    TextTable out{std::move(table.name), std::move(table.sha256), std::move(table.columns), {}};
    out.rows.reserve(table.rows.size());
    for (auto& row : table.rows) {
        auto& cells = out.rows.emplace_back(out.columns.size());
        for (auto& field : row.fields) {
            if (field.kind == Field::text || field.kind == Field::scalar)
                cells[static_cast<std::size_t>(field.column)] = std::move(field.value);
        }
    }
    return out;
}

}  // namespace gatesweep
