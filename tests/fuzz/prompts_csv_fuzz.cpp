// Input: a prompt file in CSV.
#include "fuzz_target.h"
#include "input/csv_reader.h"
#include "prompt_table.h"

void gatesweep::fuzz::fuzz_one(std::string_view input) {
    PromptTable table;
    table.name = "prompts.csv";
    read_csv(input, table);
    for (auto const& row : table.rows) {
        for (auto const& field : row.fields)
            require(field.column >= 0 && field.column < static_cast<int>(table.columns.size()), "a cell has a column");
    }
}
