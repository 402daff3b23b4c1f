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

// The column of that name, in any case; -1 when there is none.
int find_any_case(PromptTable const& table, std::string_view name) {
    for (std::size_t i = 0; i < table.columns.size(); ++i) {
        if (lower(table.columns[i]) == lower(name)) return static_cast<int>(i);
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
        out.prompt = require_column(table, source.column, "column");
    } else {
        out.prompt =
            find_first_of(table, {"prompt", "goal", "behavior", "forbidden_prompt", "instruction", "question", "text"});
        std::string const name = out.prompt >= 0 ? lower(table.columns[static_cast<std::size_t>(out.prompt)]) : "";
        if (name == "instruction") out.below = find_any_case(table, "input");
    }
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
