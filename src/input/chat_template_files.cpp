// The chat template and the special tokens among a checkpoint's files.
#include "gatesweep/input/chat_template.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "gatesweep/base/error.h"
#include "gatesweep/base/file.h"

namespace gatesweep {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::json;

constexpr std::uint64_t max_template_bytes = 64 << 10;  // real ones have 0.5 to 17 kB
constexpr std::uint64_t max_config_bytes = 64 << 20;    // later vocabularies list a thousand added tokens

struct Source {
    std::string name;
    std::string text;
    std::string file;
};

bool is_there(fs::path const& file) {
    std::error_code ignored;
    return fs::exists(file, ignored);
}

Json read_config(fs::path const& file) {
    auto config = Json::parse(read_file(file, max_config_bytes), nullptr, false);
    GATESWEEP_VALIDATE(config.is_object(), ExitCode::bad_data,
                       "{}: not a JSON object: copy the checkpoint's file again", file.string());
    return config;
}

// chat_template.jinja, and beside it additional_chat_templates/*.jinja.
std::vector<Source> own_files(fs::path const& folder) {
    std::vector<Source> out;
    auto const add = [&](std::string const& name, fs::path const& file) {
        out.push_back({name, read_file(file, max_template_bytes), file.string()});
    };
    if (is_there(folder / "chat_template.jinja")) add("default", folder / "chat_template.jinja");
    std::error_code ignored;
    std::vector<fs::path> more;
    for (auto const& entry : fs::directory_iterator(folder / "additional_chat_templates", ignored)) {
        if (entry.path().extension() == ".jinja") more.push_back(entry.path());
    }
    std::sort(more.begin(), more.end());
    for (auto const& file : more)
        add(file.stem().string(), file);
    return out;
}

// Of tokenizer_config.json: one text, or a list of {name, template}.
std::vector<Source> in_config(Json const& config, std::string const& file) {
    auto const entry = config.find("chat_template");
    if (entry == config.end() || entry->is_null()) return {};
    if (entry->is_string()) return {{"default", entry->get<std::string>(), file}};
    GATESWEEP_VALIDATE(entry->is_array(), ExitCode::bad_data,
                       "{}: chat_template is neither a text nor a list: correct the file", file);
    std::vector<Source> out;
    for (auto const& one : *entry) {
        bool const sound = one.is_object() && one.contains("name") && one["name"].is_string() &&
                           one.contains("template") && one["template"].is_string();
        GATESWEEP_VALIDATE(sound, ExitCode::bad_data,
                           "{}: an entry of chat_template is not {{name, template}}: correct the file", file);
        out.push_back({one["name"], one["template"], file});
    }
    return out;
}

Source pick(std::vector<Source> const& sources, std::string const& wanted, std::string const& file) {
    std::string const name = wanted.empty() ? "default" : wanted;
    std::string names;
    for (Source const& one : sources) {
        if (one.name == name) return one;
        names += (names.empty() ? "" : ", ") + printable(one.name);
    }
    fail(
        ExitCode::bad_data,
        "{}: chat_template has no entry named {} (it has {}): name one of them in [model] chat_template, or the one to "
        "use default",
        file, printable(name), names.empty() ? "none" : names);
}

// "bos_token": a text, {"content": text}, or null for a model that has none; also lists of them.
bool read_token(Json const& value, Json& out) {
    if (value.is_object()) return value.contains("content") && read_token(value["content"], out);
    if (value.is_array()) {
        out = Json::array();
        for (auto const& one : value) {
            Json token;
            if (!read_token(one, token)) return false;
            out.push_back(token);
        }
        return true;
    }
    out = value;
    return value.is_string() || value.is_null();
}

void add_special_tokens(Json const& config, std::map<std::string, std::string>& tokens) {
    for (auto const& [name, value] : config.items()) {
        bool const named = name.ends_with("_token") || name == "additional_special_tokens";
        Json token;
        if (named && read_token(value, token)) tokens.emplace(name, token.dump());  // the first file's counts
    }
}

}  // namespace

ChatTemplate ChatTemplate::load(fs::path const& folder, TemplateSettings settings) {
    auto sources = own_files(folder);
    auto const config_file = folder / "tokenizer_config.json";
    std::string file = sources.empty() ? config_file.string() : sources[0].file;
    if (sources.empty() || is_there(config_file)) {
        Json const config = read_config(config_file);
        add_special_tokens(config, settings.special_tokens);
        if (sources.empty()) sources = in_config(config, file);
    }
    GATESWEEP_VALIDATE(!sources.empty(), ExitCode::input_missing,
                       "{}: there is no chat_template, and no chat_template.jinja beside it (prompts with template = "
                       "\"chat\" need one): add the model's, or set template = \"raw\"",
                       file);
    auto const map_file = folder / "special_tokens_map.json";
    if (is_there(map_file)) add_special_tokens(read_config(map_file), settings.special_tokens);
    Source const source = pick(sources, settings.name, file);
    return ChatTemplate(source.text, source.file, std::move(settings));
}

}  // namespace gatesweep
