#include "job_parts.h"

#include <algorithm>

#include "gatesweep/base/utf8.h"
#include "toml_text.h"

namespace gatesweep {

namespace fs = std::filesystem;

fs::path find_input(Section const& section, std::string_view key, InputPlaces const& places, PathKind kind) {
    std::string const text = section.text(key).value();
    bool const sound =
        !text.empty() && std::none_of(text.begin(), text.end(), [](unsigned char c) { return c < 0x20; });
    if (!sound) section.refuse(key, kind == PathKind::folder ? "the path of a folder" : "the path of a file");
    fs::path const given(text);
    if (places.is_stored && !section.is_overridden(key)) return given;
    std::vector<fs::path> tried = {fs::absolute(given)};
    if (fs::path const beside = fs::absolute(places.job_folder / given); !places.is_stored && beside != tried.front())
        tried.insert(tried.begin(), beside);
    std::error_code ignored;
    for (auto const& place : tried) {
        bool const found = kind == PathKind::folder ? fs::is_directory(place, ignored)
                                                    : fs::exists(place, ignored) && !fs::is_directory(place, ignored);
        if (!found) continue;
        // Without "..", unless a symbolic link makes that another place.
        fs::path const normal = place.lexically_normal();
        fs::path const result = fs::equivalent(normal, place, ignored) ? normal : place;
        GATESWEEP_VALIDATE(find_invalid_utf8(result.string()) == std::string::npos, ExitCode::job,
                           "{}: {} is below a folder whose name is not UTF-8 (results name it): move it",
                           section.place(key), printable(text));
        return result;
    }
    fail(ExitCode::input_missing, "{}: there is no {} {} (looked at {}{}{}): correct the path", section.place(key),
         kind == PathKind::folder ? "folder" : "file", printable(text, 400), tried[0].string(),
         tried.size() > 1 ? " and " : "", tried.size() > 1 ? tried[1].string() : "");
}

fs::path find_optional_input(Section const& section, std::string_view key, InputPlaces const& places, PathKind kind) {
    if (section.text(key).value_or("").empty()) return {};
    return find_input(section, key, places, kind);
}

void require(Section const& section, std::string_view key, std::string_view what) {
    GATESWEEP_VALIDATE(section.has(key), ExitCode::job, "{}: {} is missing: add {}", section.place(), key, what);
}

bool says_auto(Section const& section, std::string_view key) {
    return section.node(key)->value_exact<std::string_view>() == "auto";
}

bool is_name(std::string_view text) {
    if (text.empty()) return false;
    for (std::size_t i = 0; i < text.size(); ++i) {
        auto const byte = static_cast<unsigned char>(text[i]);
        if (byte < 0x20 || byte == 0x7F) return false;
        if (byte == 0xC2 && static_cast<unsigned char>(text[i + 1]) < 0xA0) return false;  // U+0080 to U+009F
    }
    return true;
}

std::vector<std::string> prompt_groups(Job const& job) {
    std::vector<std::string> groups;
    for (auto const& source : job.prompts) {
        if (std::find(groups.begin(), groups.end(), source.group) == groups.end()) groups.push_back(source.group);
    }
    return groups;
}

std::vector<std::string> read_words(Section const& section, std::string_view key, std::vector<std::string> fallback,
                                    std::vector<std::string> const& known, EmptyList empty) {
    if (!section.has(key)) return fallback;
    auto const list = checked_list(section, key, *section.texts(key), empty);
    for (auto const& word : list) {
        if (std::find(known.begin(), known.end(), word) != known.end()) continue;
        std::string const close = nearest(word, known);
        section.refuse(
            key,
            fmt::format("only {} (\"{}\" is none of them{})",
                        toml_list(known, [](auto const& k) { return fmt::format("\"{}\"", printable(k)); }),
                        printable(word), close.empty() ? "" : fmt::format(", did you mean \"{}\"?", printable(close))));
    }
    return list;
}

std::vector<std::string> read_openers(Section const& section, std::string_view key) {
    auto const list = section.texts(key).value_or(std::vector<std::string>());
    for (auto const& opener : list) {
        if (opener.empty() || std::count(list.begin(), list.end(), opener) > 1) {
            section.refuse(key, "texts that are not empty, each once, or [] for the model's own, from the baseline");
        }
    }
    return list;
}

}  // namespace gatesweep
