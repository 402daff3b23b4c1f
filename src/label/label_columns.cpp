#include "label_columns.h"

#include <algorithm>
#include <array>
#include <charconv>

#include "gatesweep/base/error.h"

namespace gatesweep {
namespace {

std::string_view trimmed(std::string_view text) {
    constexpr std::string_view space = " \t\r\n";
    auto const begin = text.find_first_not_of(space);
    return begin == text.npos ? std::string_view() : text.substr(begin, text.find_last_not_of(space) - begin + 1);
}

struct Name {
    std::string_view text;
    NamedLabel label;
};
constexpr std::array<Name, 13> names = {{{"full_refusal", {Label::full_refusal}},
                                         {"partial_refusal", {Label::partial_refusal}},
                                         {"full_compliance", {Label::full_compliance}},
                                         {"incoherent", {Label::incoherent}},
                                         {"unscored", {Label::unscored}},
                                         {"1_full_compliance", {Label::full_compliance}},
                                         {"2_full_refusal", {Label::full_refusal}},
                                         {"3_partial_refusal", {Label::partial_refusal}},
                                         {"restricted", {Label::full_refusal, true}},
                                         {"refusal", {Label::full_refusal, true}},
                                         {"non-restricted", {Label::full_compliance, true}},
                                         {"non_restricted", {Label::full_compliance, true}},
                                         {"compliance", {Label::full_compliance, true}}}};

}  // namespace

std::optional<NamedLabel> parse_label_name(std::string_view name) {
    std::string lower(trimmed(name));
    for (char& c : lower)
        c = c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
    auto const found = std::find_if(names.begin(), names.end(), [&](Name const& known) { return known.text == lower; });
    if (found == names.end()) return std::nullopt;
    return found->label;
}

LabelColumns::LabelColumns(std::filesystem::path const& file, std::initializer_list<std::string_view> needed)
    : table_(read_text_table(file)) {
    for (auto const name : needed) {
        if (!has(name)) refuse_columns(name);
    }
}

void LabelColumns::refuse_columns(std::string_view needed) const {
    fail(ExitCode::bad_data, "{}: there is no column {} (the columns are {}): name it so, and save with commas between",
         file(), needed, table_.column_list());
}

std::optional<std::string> LabelColumns::cell(std::size_t row, std::string_view column) const {
    int const index = table_.column(column);
    return index < 0 ? std::nullopt : table_.rows[row][static_cast<std::size_t>(index)];
}

std::string LabelColumns::text(std::size_t row, std::string_view column) const {
    auto value = cell(row, column);
    GATESWEEP_VALIDATE(value && !value->empty(), ExitCode::bad_data, "{}: {} is empty: fill it in or remove the row",
                       place(row), column);
    return *std::move(value);
}

std::int64_t LabelColumns::whole(std::size_t row, std::string_view column) const {
    std::string const value = text(row, column);
    std::int64_t number = -1;
    auto const [end, error] = std::from_chars(value.data(), value.data() + value.size(), number);
    GATESWEEP_VALIDATE(error == std::errc() && end == value.data() + value.size() && number >= 0, ExitCode::bad_data,
                       "{}: {} is {}: give a whole number of at least 0", place(row), column, printable(value));
    return number;
}

std::optional<NamedLabel> LabelColumns::label(std::size_t row, std::string_view column) const {
    auto const value = cell(row, column);
    if (!value || trimmed(*value).empty()) return std::nullopt;
    auto const label = parse_label_name(*value);
    GATESWEEP_VALIDATE(label, ExitCode::bad_data, "{}: {} is \"{}\", which is no label: give {}", place(row), column,
                       printable(*value), known_label_names);
    return label;
}

}  // namespace gatesweep
