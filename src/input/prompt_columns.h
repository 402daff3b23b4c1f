#pragma once

#include <string>
#include <vector>

#include "gatesweep/input/job.h"
#include "prompt_table.h"

namespace gatesweep {

// Which columns of a table play which part; -1: the table has none.
struct PromptColumns {
    int prompt = -1;
    int conversation = -1;  // where a row has one, it is the prompt
    bool is_named = false;  // the job names the column: nothing else in a row counts
    int system = -1;        // a system prompt, which is not used
    int below = -1;         // "input" of an instruction
    int before = -1;        // "ContextString" of a behavior
    int id = -1;
    int tags = -1;  // HarmBench's, which mark copyright rows
    int category = -1;
    std::vector<std::pair<int, std::string>> where;
};

// Errors: bad_data for a column that the job names and the table lacks, and where two columns could be the prompt's and
// differ in upper and lower case alone. A missing prompt column is none yet: rows may carry token ids.
PromptColumns find_columns(PromptTable const& table, PromptSource const& source);

// What people should know of the choice: what else could have been taken, what is not used.
std::vector<std::string> column_notices(PromptTable const& table, PromptColumns const& columns);

bool passes(PromptRow const& row, PromptColumns const& columns);
bool is_copyright(PromptRow const& row, PromptColumns const& columns);

// The row's prompt, with what belongs above and below it; empty where the cell is. `origin` is the row, for messages.
// Errors: bad_data for a table without a prompt column, a cell that is no text.
std::string prompt_text(PromptTable const& table, PromptRow const& row, PromptColumns const& columns,
                        std::string const& origin);

// Errors: bad_data for what is not UTF-8 or holds a NUL; `what` is the text, as messages call it.
void check_text(std::string const& text, std::string_view what, std::string const& origin);

// The row's conversation, as `columns` choose; null where the row has none. Errors: bad_data for one that is damaged.
Conversation const* conversation_of_row(PromptRow const& row, PromptColumns const& columns, std::string const& origin);

// "a", "b" and so on, for messages.
std::string list_of(std::vector<std::string> const& words);

}  // namespace gatesweep
