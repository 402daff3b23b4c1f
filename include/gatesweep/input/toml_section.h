// Typed reading of one table of a job file, or of another TOML file that a job names. Every refusal is an
// Error(ExitCode::job) that names file, line and key, and says what is allowed.
#pragma once

#include <toml++/toml.h>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "gatesweep/base/error.h"

namespace gatesweep {

// The text of a TOML file; `kind` is what messages call it, "job file". Refused with file and line: text that is not
// UTF-8, not TOML, or that names keys so deep that the TOML library would end the process.
toml::table parse_toml(std::string_view text, std::string const& file, std::string_view kind);

// "jobs/demo.toml:12", or "--set signals.batch_tokens=0" for what came from the command line.
std::string place_of(toml::node const& node, std::string_view file);
// The 1-based line of a dotted key with more parts than any job has, 0 when there is none. The TOML library recurses
// once per part, so a hostile key of a hundred thousand parts would end the process instead of being refused.
std::size_t line_of_deep_key(std::string_view text);
// A value as a message shows it: 7, "text", a list, a table.
std::string describe(toml::node const& node);

class Section {
public:
    // `name` as messages show it: "[model]". A key beside `keys` is refused here, naming the nearest of them.
    Section(toml::table const& table, std::string name, std::string file, std::vector<std::string_view> const& keys);

    bool has(std::string_view key) const { return table_.contains(key); }
    std::string place() const { return place_of(table_, file_); }
    std::string place(std::string_view key) const;
    bool is_overridden(std::string_view key) const;  // by --set, whole or in part of the way to it

    // Absent keys give nullopt; a value of another type or out of range is refused.
    std::optional<std::string> text(std::string_view key) const;
    std::optional<std::int64_t> whole(std::string_view key, std::int64_t min, std::int64_t max) const;
    std::optional<double> number(std::string_view key) const;
    std::optional<bool> flag(std::string_view key) const;
    std::optional<std::vector<double>> numbers(std::string_view key) const;
    std::optional<std::vector<std::int64_t>> wholes(std::string_view key, std::int64_t min, std::int64_t max) const;
    std::optional<std::vector<std::string>> texts(std::string_view key) const;
    std::optional<std::vector<std::pair<std::string, std::string>>> texts_by_key(std::string_view key) const;
    std::optional<Section> section(std::string_view key, std::vector<std::string_view> const& keys) const;
    std::vector<Section> sections(std::string_view key, std::vector<std::string_view> const& keys) const;
    toml::node const* node(std::string_view key) const { return table_.get(key); }

    // One word of `choices`.
    template <class T>
    std::optional<T> choice(std::string_view key, std::initializer_list<std::pair<std::string_view, T>> choices) const {
        if (!has(key)) return std::nullopt;
        std::string allowed;
        for (auto const& [word, value] : choices) {
            if (node(key)->value_exact<std::string_view>() == word) return value;
            allowed += fmt::format("{}\"{}\"", allowed.empty() ? "" : " or ", word);
        }
        refuse(key, allowed);
    }

    // "<place>: [signals] batch_tokens = 0 is not allowed: give <allowed>".
    [[noreturn]] void refuse(std::string_view key, std::string_view allowed) const;

private:
    toml::table const& table_;
    std::string name_;
    std::string file_;
};

}  // namespace gatesweep
