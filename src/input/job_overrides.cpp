#include "job_overrides.h"

#include <algorithm>
#include <charconv>

#include "gatesweep/base/error.h"
#include "gatesweep/input/toml_section.h"

namespace gatesweep {
namespace {

constexpr std::string_view form = "write --set section.key=value, for example --set signals.batch_tokens=4096";

std::string_view trimmed(std::string_view text) {
    auto const begin = text.find_first_not_of(" \t");
    if (begin == text.npos) return {};
    return text.substr(begin, text.find_last_not_of(" \t") - begin + 1);
}

// The '=' that ends the key: quoted parts of a key may contain one.
std::size_t end_of_key(std::string_view text) {
    char quote = 0;
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (quote == 0 && text[i] == '=') return i;
        if (quote == 0 && (text[i] == '"' || text[i] == '\''))
            quote = text[i];
        else if (text[i] == quote)
            quote = 0;
    }
    return text.npos;
}

std::string in_quotes(std::string_view text) {
    std::string out = "\"";
    for (char c : text) {
        if (c == '"' || c == '\\') out += '\\';
        out += c;
    }
    return out + '"';
}

toml::table parse(std::string const& argument, std::string const& source) {
    auto const equals = end_of_key(argument);
    bool const printing =
        std::none_of(argument.begin(), argument.end(), [](char c) { return c >= 0 && c < ' ' && c != '\t'; });
    bool const sound = equals != argument.npos && printing && line_of_deep_key(argument) == 0;
    GATESWEEP_VALIDATE(sound, ExitCode::usage, "{}: not of the form key=value: {}", source, form);
    try {
        return toml::parse(argument, source);
    } catch (toml::parse_error const& error) {
        std::string_view const value = trimmed(std::string_view(argument).substr(equals + 1));
        bool const word = !value.empty() && std::string_view("[{\"'").find(value.front()) == std::string_view::npos;
        GATESWEEP_VALIDATE(word, ExitCode::usage, "{}: {}: {}", source, printable(error.description(), 200), form);
        try {
            return toml::parse(argument.substr(0, equals + 1) + in_quotes(value), source);
        } catch (toml::parse_error const& again) {
            fail(ExitCode::usage, "{}: {}: {}", source, printable(again.description(), 200), form);
        }
    }
}

void merge(toml::table& target, toml::table&& change, std::string const& source);

void merge_into_list(toml::array& list, std::string_view name, toml::table&& change, std::string const& source) {
    for (auto&& [key, value] : change) {
        std::size_t index = list.size();
        std::string_view const digits = key.str();
        auto const [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), index);
        bool const found = error == std::errc() && end == digits.data() + digits.size() && index < list.size();
        GATESWEEP_VALIDATE(found, ExitCode::job,
                           "{}: there is no entry \"{}\" in {} (it has {}, counted from 0): correct the number", source,
                           printable(digits), name, list.size());
        toml::table* entry = list[index].as_table();
        toml::table* inner = value.as_table();
        if (entry && inner && !inner->is_inline()) {
            merge(*entry, std::move(*inner), source);
        } else {
            std::move(value).visit(
                [&](auto&& item) { list.replace(list.begin() + static_cast<std::ptrdiff_t>(index), std::move(item)); });
        }
    }
}

void merge(toml::table& target, toml::table&& change, std::string const& source) {
    for (auto&& [key, value] : change) {
        toml::node* there = target.get(key.str());
        toml::table* inner = value.as_table();
        bool const descend = there && inner && !inner->is_inline();
        if (descend && there->is_table()) {
            merge(*there->as_table(), std::move(*inner), source);
        } else if (descend && there->is_array()) {
            merge_into_list(*there->as_array(), key.str(), std::move(*inner), source);
        } else {
            std::move(value).visit(
                [&, name = key.str()](auto&& item) { target.insert_or_assign(name, std::move(item)); });
        }
    }
}

}  // namespace

void apply_overrides(toml::table& job, std::vector<std::string> const& overrides) {
    for (auto const& argument : overrides) {
        std::string const source = "--set " + printable(argument);
        merge(job, parse(argument, source), source);
    }
}

}  // namespace gatesweep
