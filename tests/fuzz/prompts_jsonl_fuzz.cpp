// Input: a prompt file as JSON lines when it begins with '{', else as a JSON list.
#include "fuzz_target.h"
#include "input/json_reader.h"
#include "prompt_table.h"

void gatesweep::fuzz::fuzz_one(std::string_view input) {
    PromptTable table;
    table.name = "prompts.jsonl";
    input.starts_with('{') ? read_json_lines(input, table) : read_json_list(input, table);
    for (auto const& row : table.rows) {
        for (auto const& field : row.fields)
            require(field.column >= 0 && field.column < static_cast<int>(table.columns.size()), "a field has a column");
    }
}
