#include "prompt_columns.h"

#include <algorithm>

#include "gatesweep/base/error.h"
#include "gatesweep/base/utf8.h"

namespace gatesweep {
namespace {

std::string lower(std::string_view text) {
    std::string out(text);
    for (char& c : out)
        c = c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
    return out;
}

// The column of exactly that name, else the first of that name in any case; -1 when there is none.
int find_any_case(PromptTable const& table, std::string_view name) {
    int found = -1;
    for (std::size_t i = 0; i < table.columns.size(); ++i) {
        if (table.columns[i] == name) return static_cast<int>(i);
        if (found < 0 && lower(table.columns[i]) == lower(name)) found = static_cast<int>(i);
    }
    return found;
}

// Two columns that a reader of the header may take for the same one.
void refuse_twins(PromptTable const& table, int column) {
    if (column < 0) return;
    auto const& name = table.columns[static_cast<std::size_t>(column)];
    for (auto const& other : table.columns) {
        GATESWEEP_VALIDATE(
            other == name || lower(other) != lower(name), ExitCode::bad_data,
            "{}: the columns \"{}\" and \"{}\" could both be the prompt (they may hold different texts): name one with "
            "column = \"...\" in the job",
            table.name, printable(name), printable(other));
    }
}

// The first column that holds conversations under the names that data sets give them.
int find_conversation(PromptTable const& table) {
    for (std::string_view const key : conversation_keys) {
        for (std::size_t i = 0; i < table.columns.size(); ++i) {
            bool const is_held = table.columns[i] == key && std::ranges::any_of(table.rows, [&](PromptRow const& row) {
                                     return row.conversation(static_cast<int>(i)) != nullptr;
                                 });
            if (is_held) return static_cast<int>(i);
        }
    }
    return -1;
}

int find_first_of(PromptTable const& table, std::initializer_list<std::string_view> names) {
    for (auto name : names) {
        if (int const column = find_any_case(table, name); column >= 0) return column;
    }
    return -1;
}

// A column that the job names: exactly so, else in another case.
int require_column(PromptTable const& table, std::string const& name, std::string_view key) {
    auto const exact = std::find(table.columns.begin(), table.columns.end(), name);
    int const column =
        exact != table.columns.end() ? static_cast<int>(exact - table.columns.begin()) : find_any_case(table, name);
    GATESWEEP_VALIDATE(column >= 0, ExitCode::bad_data,
                       "{}: there is no column \"{}\" (the columns are {}): correct {} in the job", table.name,
                       printable(name), list_of(table.columns), key);
    return column;
}

void require_single(PromptTable const& table, int column) {
    if (column < 0) return;
    auto const& name = table.columns[static_cast<std::size_t>(column)];
    GATESWEEP_VALIDATE(std::count(table.columns.begin(), table.columns.end(), name) == 1, ExitCode::bad_data,
                       "{}: two columns are called \"{}\" (which one counts is unclear): rename one", table.name,
                       printable(name));
}

}  // namespace

PromptColumns find_columns(PromptTable const& table, PromptSource const& source) {
    PromptColumns out;
    if (!source.column.empty()) {
        out.is_named = true;
        out.prompt = require_column(table, source.column, "column");
        if (table.columns[static_cast<std::size_t>(out.prompt)] != source.column) refuse_twins(table, out.prompt);
        bool const is_conversation = std::ranges::any_of(
            table.rows, [&](PromptRow const& row) { return row.conversation(out.prompt) != nullptr; });
        if (is_conversation) out.conversation = out.prompt;
    } else {
        out.prompt =
            find_first_of(table, {"prompt", "goal", "behavior", "forbidden_prompt", "instruction", "question", "text"});
        std::string const name = out.prompt >= 0 ? lower(table.columns[static_cast<std::size_t>(out.prompt)]) : "";
        if (name == "instruction") out.below = find_any_case(table, "input");
        refuse_twins(table, out.prompt);
        // Messages have always come first; other names only where no column is known.
        int const conversation = find_conversation(table);
        bool const is_messages =
            conversation >= 0 && table.columns[static_cast<std::size_t>(conversation)] == conversation_keys[0];
        if (is_messages || out.prompt < 0) out.conversation = conversation;
    }
    out.system = find_first_of(table, {"system", "system_prompt"});
    if (out.system == out.prompt) out.system = -1;
    std::string const prompt = out.prompt >= 0 ? lower(table.columns[static_cast<std::size_t>(out.prompt)]) : "";
    if (prompt == "behavior") out.before = find_any_case(table, "ContextString");
    out.id = find_first_of(table, {"id", "Index", "BehaviorID"});
    out.tags = find_any_case(table, "Tags");
    out.category = find_any_case(table, "FunctionalCategory");
    for (auto const& [name, value] : source.where)
        out.where.emplace_back(require_column(table, name, "where"), value);
    require_single(table, out.prompt);
    require_single(table, out.id);
    for (auto const& [column, value] : out.where)
        require_single(table, column);
    return out;
}

std::vector<std::string> column_notices(PromptTable const& table, PromptColumns const& columns) {
    std::vector<std::string> out;
    auto const name = [&](int column) { return printable(table.columns[static_cast<std::size_t>(column)]); };
    auto const any_row = [&](auto const& holds) { return std::ranges::any_of(table.rows, holds); };
    if (!columns.is_named && columns.prompt >= 0) {
        int const conversation = find_conversation(table);
        bool const has_both = conversation >= 0 && any_row([&](PromptRow const& row) {
                                  return row.conversation(conversation) && row.field(columns.prompt);
                              });
        int const taken = columns.conversation >= 0 ? columns.conversation : columns.prompt;
        int const other = columns.conversation >= 0 ? columns.prompt : conversation;
        if (has_both)
            out.push_back(
                fmt::format("{}: rows have both \"{}\" and \"{}\": \"{}\" is taken (column = \"{}\" in the job "
                            "takes the other)",
                            table.name, name(taken), name(other), name(taken), name(other)));
    }
    bool const has_system = columns.system >= 0 && any_row([&](PromptRow const& row) {
                                Field const* field = row.field(columns.system);
                                return field && field->kind == Field::text && !field->value.empty();
                            });
    if (has_system)
        out.push_back(
            fmt::format("{}: the column \"{}\" is not part of the prompts (a system prompt counts only as a "
                        "turn of messages): put it there if the model should see it",
                        table.name, name(columns.system)));
    return out;
}

Conversation const* conversation_of_row(PromptRow const& row, PromptColumns const& columns, std::string const& origin) {
    Conversation const* const found = row.conversation(columns.conversation);
    if (found) GATESWEEP_VALIDATE(found->problem.empty(), ExitCode::bad_data, "{}: {}", origin, found->problem);
    return found;
}

bool passes(PromptRow const& row, PromptColumns const& columns) {
    return std::all_of(columns.where.begin(), columns.where.end(), [&](auto const& condition) {
        Field const* field = row.field(condition.first);
        return field && (field->kind == Field::text || field->kind == Field::scalar) &&
               field->value == condition.second;
    });
}

bool is_copyright(PromptRow const& row, PromptColumns const& columns) {
    Field const* tags = columns.tags >= 0 ? row.field(columns.tags) : nullptr;
    Field const* category = columns.category >= 0 ? row.field(columns.category) : nullptr;
    return (tags && tags->value.find("hash_check") != std::string::npos) ||
           (category && category->value == "copyright");
}

std::string list_of(std::vector<std::string> const& words) {
    constexpr std::size_t most = 12;
    std::string out;
    for (std::size_t i = 0; i < std::min(words.size(), most); ++i)
        out += fmt::format("{}\"{}\"", i == 0 ? "" : ", ", printable(words[i], 40));
    return words.size() > most ? fmt::format("{} and {} more", out, words.size() - most) : out;
}

std::string prompt_text(PromptTable const& table, PromptRow const& row, PromptColumns const& columns,
                        std::string const& origin) {
    Field const* field = columns.prompt >= 0 ? row.field(columns.prompt) : nullptr;
    if (!field && columns.prompt < 0) {
        fail(ExitCode::bad_data,
             "{}: no prompt column is known there (the columns are {}): name it with column = \"...\" in the job",
             table.name, list_of(table.columns));
    }
    auto const& name = table.columns[static_cast<std::size_t>(columns.prompt)];
    GATESWEEP_VALIDATE(field && field->kind == Field::text, ExitCode::bad_data, "{}: \"{}\" is {}: give a text", origin,
                       printable(name), field ? "no text" : "missing");
    std::string content = field->value;
    if (content.empty()) return content;
    if (Field const* below = columns.below >= 0 ? row.field(columns.below) : nullptr; below && !below->value.empty()) {
        content += "\n" + below->value;
    }
    if (Field const* before = columns.before >= 0 ? row.field(columns.before) : nullptr;
        before && !before->value.empty()) {
        content = before->value + "\n\n---\n\n" + content;
    }
    return content;
}

void check_text(std::string const& text, std::string_view what, std::string const& origin) {
    std::size_t const bad = find_invalid_utf8(text);
    GATESWEEP_VALIDATE(bad == text.npos, ExitCode::bad_data,
                       "{}: {} is not UTF-8 (byte {} of it): save the file as UTF-8", origin, what, bad);
    std::size_t const nul = text.find('\0');
    GATESWEEP_VALIDATE(nul == text.npos, ExitCode::bad_data, "{}: {} holds a NUL (byte {} of it): remove it", origin,
                       what, nul);
}

}  // namespace gatesweep
