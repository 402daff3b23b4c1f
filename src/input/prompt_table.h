// A prompt file as rows of named fields, whatever its format.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "conversation.h"

namespace gatesweep {

struct Field {
    enum Kind {
        text,
        scalar,  // a JSON number or truth value, as text
        null,
        nested,  // a JSON list or object; `value` is empty
    };
    int column = 0;
    Kind kind = text;
    std::string value;
};

struct PromptRow {
    std::int64_t number = 0;    // from 1, a header not counted
    std::vector<Field> fields;  // a JSON row may lack columns
    std::vector<Conversation> conversations;
    std::optional<std::vector<std::int32_t>> token_ids;

    Field const* field(int column) const {
        for (auto const& candidate : fields) {
            if (candidate.column == column) return &candidate;
        }
        return nullptr;
    }
    Conversation const* conversation(int column) const {
        for (auto const& candidate : conversations) {
            if (candidate.column == column) return &candidate;
        }
        return nullptr;
    }
};

struct PromptTable {
    std::string name;  // for messages: the path, below the working folder when it is there
    std::string sha256;
    std::vector<std::string> columns;
    std::vector<PromptRow> rows;
    std::vector<std::string> notices;  // how the file was read, where that is not plain
};

// The format follows from the name: .csv, .tsv, .jsonl or .ndjson, .json, each also with .gz behind it. A .csv whose
// header has no comma, but tabs or semicolons, is separated by these. Errors: input_missing; bad_data with row and
// line, and for content of another kind than the name says.
PromptTable read_prompt_table(std::filesystem::path const& file);

}  // namespace gatesweep
