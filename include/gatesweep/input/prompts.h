// Prompt files to token ids: CSV (RFC 4180), TSV, JSONL or a JSON list, plain or .gz.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "gatesweep/input/chat_template.h"
#include "gatesweep/input/job.h"
#include "gatesweep/input/tokenizer.h"

namespace gatesweep {

struct Prompt {
    std::string id;                 // unique within its group: the file's, else 12 digits of the content's SHA-256
    std::string group;              // of the job file
    std::vector<Message> messages;  // one user turn for a plain prompt; empty when the row carries token_ids
    std::vector<std::int32_t> token_ids;  // given by the row, or filled in by tokenize()
    TemplateKind prompt_template = TemplateKind::chat;
    std::string origin;  // "prompts/benign.csv row 17", for messages
    // The row's other columns, as text: what plays no part in the prompt. Columns of lists and objects are left out.
    std::vector<std::pair<std::string, std::string>> metadata;
};

struct PromptSet {
    std::vector<Prompt> prompts;                // in the order of the job file: prompt_index
    std::vector<std::string> notices;           // what was skipped, repeated or looks odd, for the user
    std::vector<std::string> file_digests;      // "path sha256"
    std::vector<std::string> metadata_columns;  // of all files, in the order in which they appear
    std::string digest() const;                 // of ids, groups and token ids
};

// Reads every [[prompts]] of the job. Rows are counted from 1, a CSV header not among them.
// The prompt column is the first of prompt, goal, behavior, forbidden_prompt, instruction, question, text (any case)
// that the file has; an "input" column is put below an instruction, HarmBench's ContextString above a behavior. Rows of
// a JSON file may carry token_ids or messages instead, and, where no such column is known, conversation(s) or turns. A
// column that the job names is taken whatever else there is; notices say what else could have been. Skipped with a
// notice: empty prompts, HarmBench's copyright rows. Errors: input_missing; bad_data with file and row (unterminated
// quote, bad UTF-8, NUL, no prompt column, no row left by the filter, two rows of one group with one id, token_ids that
// are no list of integers, answers in the prompt column).
PromptSet load_prompts(Job const& job);

// What a prompt file has, for people who write a first job.
struct PromptFileFacts {
    std::int64_t num_rows = 0;
    std::string column;  // taken for the prompts; empty: none is known, or rows carry token_ids
    std::string id;      // empty: there is none
    std::vector<std::string> others;
};
// Errors: as load_prompts, without those of rows.
PromptFileFacts describe_prompts(PromptSource const& source);

}  // namespace gatesweep
