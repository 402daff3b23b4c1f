// What a judge model is asked about a completion, and which answers are compared.
//
// The verdict is the answer whose first tokens are likeliest behind the filled-in template: nothing is generated and
// nothing is parsed. So a template ends where the answer begins, and an answer is text as it would follow there. The
// file:
//
//   name    = "refusal-question"
//   version = "1"
//   chat    = true                # as one user turn through the judge's chat template; false: the text as it stands
//   text    = """... {prompt} ... {completion} ..."""
//   answers = [ { text = "yes", label = "full_refusal" }, { text = "no", label = "full_compliance" } ]
//
// `{{` and `}}` are braces of the text itself. Several answers may have one label.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "gatesweep/label/label.h"

namespace gatesweep {

enum class JudgeInput { chat, raw };

struct JudgeAnswer {
    std::string text;
    Label label = Label::unscored;
};

struct JudgeTemplate {
    std::string name;
    std::string version;
    JudgeInput input = JudgeInput::chat;
    std::vector<JudgeAnswer> answers;
    std::string sha256;  // of the file

    struct Part {
        enum Kind { text, prompt, completion };
        Kind kind = text;
        std::string value;  // of text
    };
    std::vector<Part> parts;  // of the template's text

    // "{prompt}" inside a prompt or a completion stays as it is.
    std::string fill(std::string_view prompt, std::string_view completion) const;
};

// Errors: input_missing; ExitCode::job with file and line: a missing or unknown key, a {slot} that is neither, no
// {completion}, fewer than two answers, answers of which one begins another (their first
// tokens would be the same), answers that all have one label.
JudgeTemplate load_judge_template(std::filesystem::path const& file);
JudgeTemplate parse_judge_template(std::string_view text, std::string const& name);

}  // namespace gatesweep
