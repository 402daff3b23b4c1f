// A text file of answers, a line each.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace gatesweep {

struct AnswerList {
    std::vector<std::string> answers;  // at least one; lines of white space are passed over
    std::string file_digest;           // "path sha256"
};

// Errors: input_missing; bad_data, naming the file, for one without answers, or with text that is not UTF-8.
AnswerList read_answer_list(std::filesystem::path const& file);

}  // namespace gatesweep
