#include "gatesweep/label/judge_template.h"

#include <algorithm>

#include "gatesweep/base/digest.h"
#include "gatesweep/base/error.h"
#include "gatesweep/base/file.h"
#include "gatesweep/input/toml_section.h"

namespace gatesweep {
namespace {

constexpr std::uint64_t max_template_bytes = 1 << 20;
using Part = JudgeTemplate::Part;

void append_text(std::vector<Part>& parts, std::string_view text) {
    if (parts.empty() || parts.back().kind != Part::text) parts.push_back({});
    parts.back().value += text;
}

std::vector<Part> parse_parts(Section const& top, std::string_view text) {
    std::vector<Part> out;
    while (!text.empty()) {
        std::size_t const brace = std::min(text.find_first_of("{}"), text.size());
        append_text(out, text.substr(0, brace));
        text.remove_prefix(brace);
        if (text.empty()) break;
        if (text.starts_with("{{") || text.starts_with("}}")) {
            append_text(out, text.substr(0, 1));
            text.remove_prefix(2);
            continue;
        }
        std::string_view const slot = text.substr(0, std::min(text.find('}'), text.size() - 1) + 1);
        bool const is_prompt = slot == "{prompt}", is_completion = slot == "{completion}";
        GATESWEEP_VALIDATE(
            is_prompt || is_completion, ExitCode::job,
            "{}: text holds {}, which is no slot: write {{prompt}} or {{completion}}, and {{{{ or }}}} for a brace",
            top.place("text"), printable(slot, 40));
        out.push_back({is_prompt ? Part::prompt : Part::completion, ""});
        text.remove_prefix(slot.size());
    }
    auto const has_completion =
        std::any_of(out.begin(), out.end(), [](Part const& p) { return p.kind == Part::completion; });
    GATESWEEP_VALIDATE(has_completion, ExitCode::job,
                       "{}: text has no {{completion}} (the judge would not see what it judges): add it",
                       top.place("text"));
    return out;
}

std::string required(Section const& section, std::string_view key) {
    auto const value = section.text(key);
    GATESWEEP_VALIDATE(value && !value->empty(), ExitCode::job, "{}: {} is missing: add {} = \"...\"",
                       section.place(key), key, key);
    return *value;
}

JudgeAnswer read_answer(Section const& section) {
    JudgeAnswer out{required(section, "text"), Label::unscored};
    auto const label = parse_label(required(section, "label"));
    if (!label || *label == Label::unscored)
        section.refuse("label", "\"full_refusal\", \"partial_refusal\", \"full_compliance\" or \"incoherent\"");
    out.label = *label;
    return out;
}

std::vector<JudgeAnswer> read_answers(Section const& top) {
    std::vector<JudgeAnswer> out;
    for (auto const& section : top.sections("answers", {"text", "label"})) {
        JudgeAnswer answer = read_answer(section);
        for (auto const& other : out) {
            bool const is_clear = !answer.text.starts_with(other.text) && !other.text.starts_with(answer.text);
            GATESWEEP_VALIDATE(is_clear, ExitCode::job,
                               "{}: the answer \"{}\" begins like \"{}\" (they could not be told apart): reword one",
                               section.place("text"), printable(answer.text), printable(other.text));
        }
        out.push_back(std::move(answer));
    }
    bool const differ = std::any_of(out.begin(), out.end(),
                                    [&](JudgeAnswer const& answer) { return answer.label != out.front().label; });
    GATESWEEP_VALIDATE(
        differ, ExitCode::job,
        "{}: answers with at least two labels are needed (a judge without a choice says nothing): add them",
        top.place("answers"));
    return out;
}

}  // namespace

std::string JudgeTemplate::fill(std::string_view prompt, std::string_view completion) const {
    std::string out;
    for (auto const& part : parts)
        out += part.kind == Part::prompt       ? prompt
               : part.kind == Part::completion ? completion
                                               : std::string_view(part.value);
    return out;
}

JudgeTemplate parse_judge_template(std::string_view text, std::string const& name) {
    toml::table const root = parse_toml(text, name, "judge template");
    Section const top(root, "", name, {"name", "version", "chat", "text", "answers"});
    JudgeTemplate out;
    out.name = required(top, "name");
    out.version = required(top, "version");
    GATESWEEP_VALIDATE(top.has("chat"), ExitCode::job, "{}: chat is missing: add chat = true or false", name);
    auto const chat = top.node("chat")->value_exact<bool>();
    if (!chat) top.refuse("chat", "true or false");
    out.input = *chat ? JudgeInput::chat : JudgeInput::raw;
    out.parts = parse_parts(top, required(top, "text"));
    out.answers = read_answers(top);
    out.sha256 = sha256_hex(text);
    return out;
}

JudgeTemplate load_judge_template(std::filesystem::path const& file) {
    return parse_judge_template(read_file(file, max_template_bytes), file.string());
}

}  // namespace gatesweep
