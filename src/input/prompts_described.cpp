#include "gatesweep/input/prompts.h"
#include "prompt_columns.h"
#include "prompt_table.h"

namespace gatesweep {

PromptFileFacts describe_prompts(PromptSource const& source) {
    PromptTable const table = read_prompt_table(source.file);
    PromptColumns const columns = find_columns(table, source);
    PromptFileFacts out;
    out.num_rows = std::ssize(table.rows);
    int const taken = columns.conversation >= 0 ? columns.conversation : columns.prompt;
    for (int c = 0; c < static_cast<int>(table.columns.size()); ++c) {
        auto const& name = table.columns[static_cast<std::size_t>(c)];
        if (c == taken)
            out.column = name;
        else if (c == columns.id)
            out.id = name;
        else if (!name.empty())
            out.others.push_back(name);
    }
    return out;
}

}  // namespace gatesweep
