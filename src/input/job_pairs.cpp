#include "job_pairs.h"

#include <algorithm>
#include <array>
#include <limits>
#include <utility>

#include "gatesweep/input/job_keys.h"
#include "toml_text.h"

namespace gatesweep {
namespace {

constexpr std::array<std::string_view, 2> response_keys = {"response_0", "response_1"};

// What both sides are built from.
constexpr std::array<std::string_view, 4> built_keys = {"response_0", "response_1", "document", "question"};

// A name with this ending is a list of answers, any other a column.
constexpr std::string_view list_ending = ".txt";

ResponseSource read_response(Section const& section, std::string_view key, InputPlaces const& places) {
    std::string const text = section.text(key).value_or("");
    if (text.ends_with(list_ending)) return {find_input(section, key, places, PathKind::file), ""};
    return {{}, text};
}

void check_built(Section const& section, PairSource const& source) {
    bool const has_document = !source.document.empty() || !source.question.empty();
    bool const has_responses = source.responses[0].is_given() || source.responses[1].is_given();
    GATESWEEP_VALIDATE(has_document != has_responses, ExitCode::job,
                       "{}: [[pairs]] \"{}\" is built from prompts and has {} (the two sides come from one of them): "
                       "give either response_0 and response_1, or document and question",
                       section.place(), printable(source.name),
                       has_document ? "both responses and a document" : "neither responses nor a document");
    for (auto const& [key, is_missing] : {std::pair("response_0", has_responses && !source.responses[0].is_given()),
                                          std::pair("response_1", has_responses && !source.responses[1].is_given()),
                                          std::pair("document", has_document && source.document.empty()),
                                          std::pair("question", has_document && source.question.empty())}) {
        GATESWEEP_VALIDATE(!is_missing, ExitCode::job, "{}: [[pairs]] \"{}\" has no {} (both sides need one): add it",
                           section.place(), printable(source.name), key);
    }
    if (has_document && source.count == PairCount::response)
        section.refuse("count", "\"target\" (the question) or \"prompt\": there is no response beside a document");
    if (has_responses && source.count == PairCount::target)
        section.refuse("count", "\"response\" or \"prompt\": targets stand in a file with messages_0_target");
}

void check_file(Section const& section, PairSource const& source) {
    for (std::string_view const key : {"column", "where"}) {
        if (!section.has(key)) continue;
        bool const is_empty = section.node(key)->is_table() ? section.node(key)->as_table()->empty()
                                                            : section.text(key).value_or("").empty();
        if (!is_empty)
            section.refuse(key, "it together with prompts = \"a prompt file\", not with file, which holds both sides");
    }
    GATESWEEP_EXPECT(!source.file.empty());
}

PairSource read_source(Section const& section, InputPlaces const& places) {
    PairSource out;
    out.name = section.text("name").value_or("pairs");
    if (!is_name(out.name)) section.refuse("name", "a name without control characters");
    out.file = find_optional_input(section, "file", places, PathKind::file);
    out.prompts = find_optional_input(section, "prompts", places, PathKind::file);
    // A prompt file may be called file too, where another key says that both sides are built from it.
    bool const is_built =
        std::ranges::any_of(built_keys, [&](auto key) { return !section.text(key).value_or("").empty(); });
    if (is_built && out.prompts.empty()) std::swap(out.file, out.prompts);
    GATESWEEP_VALIDATE(
        out.file.empty() != out.prompts.empty(), ExitCode::job,
        "{}: [[pairs]] \"{}\" has {} (its conversations come from one of them): give either file = \"rows "
        "of messages_0 and messages_1\" or prompts = \"a prompt file\"",
        section.place(), printable(out.name), out.file.empty() ? "neither file nor prompts" : "both file and prompts");
    out.column = section.text("column").value_or("");
    if (auto const where = section.texts_by_key("where")) out.where.insert(where->begin(), where->end());
    for (std::size_t side = 0; side < 2; ++side)
        out.responses[side] = read_response(section, response_keys[side], places);
    out.document = section.text("document").value_or("");
    out.question = section.text("question").value_or("");
    if (section.has("count") && !says_auto(section, "count")) {
        out.count = section.choice<PairCount>("count", {{"response", PairCount::response},
                                                        {"target", PairCount::target},
                                                        {"prompt", PairCount::prompt},
                                                        {"auto", PairCount::target}});
    }
    out.limit = section.whole("limit", 0, std::numeric_limits<std::int64_t>::max()).value_or(0);
    out.file.empty() ? check_built(section, out) : check_file(section, out);
    return out;
}

}  // namespace

std::string_view to_string(PairCount count) {
    return count == PairCount::response ? "response" : count == PairCount::target ? "target" : "prompt";
}

std::vector<PairSource> read_pair_sources(Section const& top, InputPlaces const& places) {
    std::vector<PairSource> out;
    for (auto const& section : top.sections("pairs", keys_of("pairs"))) {
        PairSource source = read_source(section, places);
        for (auto const& earlier : out) {
            GATESWEEP_VALIDATE(earlier.name != source.name, ExitCode::job,
                               "{}: two [[pairs]] are called \"{}\" (tables tell them apart by it): give each a name "
                               "that no other has",
                               section.place(), printable(source.name));
        }
        out.push_back(std::move(source));
    }
    return out;
}

std::string pair_source_text(PairSource const& source) {
    std::string out = fmt::format("\n[[pairs]]\nname = {}\n", toml_string(source.name));
    if (!source.file.empty()) {
        out += fmt::format("file = {}\n", toml_string(source.file.string()));
    } else {
        std::string where;
        for (auto const& [column, value] : source.where)
            where += fmt::format("{}{} = {}", where.empty() ? " " : ", ", toml_string(column), toml_string(value));
        out += fmt::format("prompts = {}\ncolumn = {}\nwhere = {{{} }}\n", toml_string(source.prompts.string()),
                           toml_string(source.column), where);
        for (std::size_t side = 0; side < 2; ++side) {
            ResponseSource const& response = source.responses[side];
            out += fmt::format("{} = {}\n", response_keys[side],
                               toml_string(response.list.empty() ? response.column : response.list.string()));
        }
        out +=
            fmt::format("document = {}\nquestion = {}\n", toml_string(source.document), toml_string(source.question));
    }
    return out +
           fmt::format("count = \"{}\"\nlimit = {}\n", source.count ? to_string(*source.count) : "auto", source.limit);
}

}  // namespace gatesweep
