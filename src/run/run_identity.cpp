#include "gatesweep/run/run_identity.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <map>

#include "gatesweep/base/error.h"
#include "gatesweep/store/ledger.h"

namespace gatesweep {
namespace {

bool says_how_not_what(std::string_view section, std::string_view key) {
    if (section == "signals" && key == "phases") return false;
    constexpr std::array<std::string_view, 3> sections = {"parallel", "signals", "prompts"};
    return std::find(sections.begin(), sections.end(), section) != sections.end() ||
           (section == "model" && (key == "path" || key == "adapter"));
}

// "section.key" -> value of a job as to_toml writes it: a key a line. Tables of a list are told apart by their number.
std::map<std::string, std::string> keys_of(std::string_view toml) {
    std::map<std::string, std::string> keys;
    std::map<std::string, int> repeated;
    std::string section, shown;
    while (!toml.empty()) {
        std::string_view const line = toml.substr(0, toml.find('\n'));
        toml.remove_prefix(std::min(toml.size(), line.size() + 1));
        if (line.starts_with('[')) {
            bool const in_list = line.starts_with("[[");
            auto const begin = line.find_first_not_of('['), end = line.find(']');
            section = std::string(line.substr(begin, end - begin));
            shown = in_list ? fmt::format("{} {}", section, ++repeated[section]) : section;
            continue;
        }
        auto const equals = line.find(" = ");
        if (equals == std::string_view::npos || says_how_not_what(section, line.substr(0, equals))) continue;
        std::string const key(line.substr(0, equals));
        keys[shown.empty() ? key : shown + "." + key] = std::string(line.substr(equals + 3));
    }
    return keys;
}

}  // namespace

std::vector<std::string> job_differences(std::string_view was, std::string_view is) {
    auto const before = keys_of(was), now = keys_of(is);
    std::map<std::string, std::pair<std::string, std::string>> all;
    for (auto const& [key, value] : before)
        all[key].first = value;
    for (auto const& [key, value] : now)
        all[key].second = value;
    std::vector<std::string> differences;
    for (auto const& [key, values] : all) {
        auto const& [old_value, new_value] = values;
        if (old_value == new_value) continue;
        differences.push_back(old_value.empty() ? fmt::format("{}: was not there, is {}", key, printable(new_value))
                              : new_value.empty()
                                  ? fmt::format("{}: was {}, is gone", key, printable(old_value))
                                  : fmt::format("{}: was {}, is {}", key, printable(old_value), printable(new_value)));
    }
    return differences;
}

CsvTable prompt_list(Inputs const& inputs) {
    CsvTable table{"prompts", {"prompt_id", "group", "digest"}, {}};
    for (std::size_t p = 0; p < inputs.token_ids.size(); ++p) {
        table.add(inputs.prompt_ids[p], inputs.groups[p], ids_digest(inputs.token_ids[p]));
    }
    return table;
}

std::string prompt_difference(CsvTable const& was, CsvTable const& is) {
    std::size_t next = 0;
    for (std::size_t row = 0; row < was.rows.size(); ++row) {
        std::size_t at = next;
        while (at < is.rows.size() &&
               (is.text(at, "group") != was.text(row, "group") || is.text(at, "digest") != was.text(row, "digest")))
            ++at;
        if (at == is.rows.size()) {
            return fmt::format("prompts: {} of group {}, number {} of {} before, is gone, changed or elsewhere",
                               printable(was.text(row, "prompt_id")), printable(was.text(row, "group")), row,
                               was.rows.size());
        }
        next = at + 1;
    }
    return {};
}

}  // namespace gatesweep
