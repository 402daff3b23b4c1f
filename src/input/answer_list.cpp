#include "answer_list.h"

#include <algorithm>

#include "gatesweep/base/digest.h"
#include "gatesweep/base/error.h"
#include "gatesweep/base/file.h"
#include "prompt_columns.h"

namespace gatesweep {

AnswerList read_answer_list(std::filesystem::path const& file) {
    std::string const text = read_file(file);
    AnswerList out;
    out.file_digest = fmt::format("{} {}", file.string(), sha256_hex(text));
    for (std::size_t at = 0; at < text.size();) {
        std::size_t const end = std::min(text.find('\n', at), text.size());
        std::string line = text.substr(at, end - at);
        at = end + 1;
        if (line.ends_with('\r')) line.pop_back();
        if (line.find_first_not_of(" \t") == line.npos) continue;
        check_text(line, "a line", file.string());
        out.answers.push_back(std::move(line));
    }
    GATESWEEP_VALIDATE(!out.answers.empty(), ExitCode::bad_data, "{}: holds no answer: give one a line", file.string());
    return out;
}

}  // namespace gatesweep
