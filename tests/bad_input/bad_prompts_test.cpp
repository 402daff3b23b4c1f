// Prompt files: unreadable, ambiguous, of the wrong kind, or not fit for the model.
#include "bad_case.h"

namespace gatesweep {
namespace {

std::function<void(Workshop&)> write(std::string bytes) {
    return [=](Workshop& w) { w.write("harmful.csv", bytes); };
}

// The harmful group comes from another kind of file.
std::function<void(Workshop&)> instead(std::string name, std::string bytes) {
    return [=](Workshop& w) {
        w.write(name, bytes);
        w.replace("job.toml", "harmful.csv", name);
    };
}

std::function<void(Workshop&)> token_ids(std::string list) {
    return instead("harmful.jsonl", "{\"token_ids\": [1, 5, 6]}\n{\"token_ids\": " + list + "}\n");
}

std::function<void(Workshop&)> in_job(std::string line) {
    return [=](Workshop& w) { w.replace("job.toml", "file  = \"harmful.csv\"", "file = \"harmful.csv\"\n" + line); };
}

std::vector<BadCase> tables() {
    return {
        {"prompt_file_missing",
         ExitCode::input_missing,
         {"job.toml:", "there is no file harmful.csv", "correct the path"},
         [](Workshop& w) { w.remove("harmful.csv"); }},
        {"prompt_file_empty", ExitCode::bad_data, {"harmful.csv", "is empty", "give a file with prompts"}, write("")},
        {"prompt_not_utf8",
         ExitCode::bad_data,
         {"harmful.csv row 2", "the prompt is not UTF-8", "save the file as UTF-8"},
         write("prompt\nHow?\nWhat \xE9 this?\n")},
        {"prompt_with_nul",
         ExitCode::bad_data,
         {"harmful.csv row 1", "holds a NUL", "remove it"},
         write(std::string("prompt\nHow\0?\n", 13))},
        {"quote_without_end",
         ExitCode::bad_data,
         {"harmful.csv: row 2, line 3", "has no end", "close it"},
         write("prompt\nHow?\n\"What is\nthis?\n")},
        {"quote_inside_a_field",
         ExitCode::bad_data,
         {"harmful.csv: row 1, line 2", "quote the field"},
         write("prompt\nHow \"so\"?\n")},
        {"too_many_fields",
         ExitCode::bad_data,
         {"harmful.csv: row 1, line 2", "2 fields where the header has 1", "quote fields"},
         write("prompt\nHow, and why?\n")},
        {"no_prompt_column",
         ExitCode::bad_data,
         {"harmful.csv", "no prompt column", "\"words\"", "column = "},
         write("id,words\n1,How?\n")},
        {"named_column_not_there",
         ExitCode::bad_data,
         {"harmful.csv", "no column \"request\"", "\"prompt\"", "correct column in the job"},
         in_job("column = \"request\"")},
        {"two_columns_of_one_name",
         ExitCode::bad_data,
         {"harmful.csv", "two columns are called \"prompt\"", "rename one"},
         write("prompt,prompt\nHow?,Why?\n")},
        {"header_only",
         ExitCode::bad_data,
         {"harmful.csv", "group \"harmful\" is empty", "give it prompts"},
         write("id,prompt\n")},
        {"only_blank_prompts",
         ExitCode::bad_data,
         {"harmful.csv", "group \"harmful\" is empty", "2 rows"},
         write("id,prompt\n1,\n2,\n")},
        {"filter_that_nothing_passes",
         ExitCode::bad_data,
         {"harmful.csv", "id = \"h9\"", "\"h1\", \"h2\"", "correct where in the job"},
         in_job("where = { id = \"h9\" }")},
        {"filter_on_an_unknown_column",
         ExitCode::bad_data,
         {"harmful.csv", "no column \"label\"", "correct where in the job"},
         in_job("where = { label = \"unsafe\" }")},
        {"id_given_twice",
         ExitCode::bad_data,
         {"harmful.csv row 1", "harmful.csv row 2", "the id \"h1\"", "change one"},
         write("id,prompt\nh1,How?\nh1,Why?\n")},
        {"answers_under_the_heading_of_requests",
         ExitCode::bad_data,
         {"harmful.csv", "the header is swapped", "set column in the job"},
         write("target,goal\nHow to bake?,\"Sure, here is how to bake\"\nHow to sew?,\"Sure, here is how to sew\"\n")},
    };
}

std::vector<BadCase> kinds() {
    return {
        {"unknown_kind_of_file",
         ExitCode::bad_data,
         {"harmful.parquet", "unknown kind of prompt file", "convert it to .csv"},
         instead("harmful.parquet", "PAR1")},
        {"gzip_garbage",
         ExitCode::bad_data,
         {"harmful.csv.gz", "damaged gzip data", "copy the file again"},
         instead("harmful.csv.gz", "prompt\nHow?\n")},
        {"gzip_ends_early",
         ExitCode::bad_data,
         {"harmful.csv.gz", "ends early", "copy the file again"},
         instead("harmful.csv.gz", std::string("\x1F\x8B\x08\x00\x00\x00\x00\x00\x00\x03\x2B", 11))},
        {"json_that_is_no_list",
         ExitCode::bad_data,
         {"harmful.json", "not a list of objects"},
         instead("harmful.json", "{\"prompt\": \"How?\"}")},
        {"json_entry_that_is_a_list",
         ExitCode::bad_data,
         {"harmful.json: row 2", "an entry is a list", "give an object"},
         instead("harmful.json", R"([{"prompt": "How?"}, ["Why?"]])")},
        {"jsonl_line_cut_off",
         ExitCode::bad_data,
         {"harmful.jsonl: row 2, line 2", "not valid JSON", "correct it"},
         instead("harmful.jsonl", "{\"prompt\": \"How?\"}\n{\"prompt\": \"Wh")},
        {"json_nested_without_end",
         ExitCode::bad_data,
         {"harmful.json", "64 deep", "is it the right file?"},
         instead("harmful.json", "[{\"prompt\": " + std::string(100000, '['))},
        {"prompt_is_a_number",
         ExitCode::bad_data,
         {"harmful.jsonl row 1", "\"prompt\" is no text"},
         instead("harmful.jsonl", "{\"prompt\": 7}\n")},
        {"conversation_without_a_question",
         ExitCode::bad_data,
         {"harmful.jsonl row 1", "does not end with a user turn"},
         instead("harmful.jsonl",
                 R"({"messages": [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello"}]})")},
        {"roles_that_the_template_refuses",
         ExitCode::bad_data,
         {"harmful.jsonl row 1", "Conversation roles must alternate"},
         instead("harmful.jsonl",
                 R"({"messages": [{"role": "user", "content": "Hi"}, {"role": "user", "content": "Hello"}]})")},
    };
}

std::vector<BadCase> tokens() {
    std::string long_text;
    for (int i = 0; i < 1200; ++i)
        long_text += "word ";
    return {
        {"token_id_beyond_the_vocabulary",
         ExitCode::bad_data,
         {"harmful.jsonl row 2", "token id 512", "vocabulary of 512", "is it the right model?"},
         token_ids("[1, 5, 512]")},
        {"token_id_negative", ExitCode::bad_data, {"harmful.jsonl: row 2", "-5 is no token id"}, token_ids("[1, -5]")},
        {"token_ids_not_numbers",
         ExitCode::bad_data,
         {"harmful.jsonl: row 2", "token_ids is no list of whole numbers"},
         token_ids("[1, \"5\"]")},
        {"token_ids_empty", ExitCode::bad_data, {"harmful.jsonl row 2", "token_ids is empty"}, token_ids("[]")},
        {"one_token", ExitCode::bad_data, {"harmful.jsonl row 2", "1 token", "give at least 2"}, token_ids("[1]")},
        {"two_beginnings",
         ExitCode::bad_data,
         {"harmful.jsonl row 2", "two begin-of-sequence tokens", "give one"},
         token_ids("[1, 1, 5]")},
        {"prompt_longer_than_the_model_reads",
         ExitCode::bad_data,
         {"harmful.csv row 1", "more than the 1024 allowed", "shorten it"},
         write("prompt\n" + long_text + "\n")},
        {"messages_without_template",
         ExitCode::bad_data,
         {"harmful.jsonl row 1", "messages need a chat template"},
         [](Workshop& w) {
             instead(
                 "harmful.jsonl",
                 R"({"messages": [{"role": "user", "content": "A"}, {"role": "assistant", "content": "B"}, {"role": "user", "content": "C"}]})")(
                 w);
             w.set("prompts.1.template=raw");
         }},
    };
}

GATESWEEP_BAD_INPUT(Tables, tables());
GATESWEEP_BAD_INPUT(Kinds, kinds());
GATESWEEP_BAD_INPUT(Tokens, tokens());

}  // namespace
}  // namespace gatesweep
