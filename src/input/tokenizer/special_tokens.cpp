#include "special_tokens.h"

#include <algorithm>
#include <charconv>
#include <nlohmann/json.hpp>

#include "gatesweep/base/error.h"
#include "gatesweep/base/file.h"
#include "json_fields.h"

namespace gatesweep::bpe {
namespace {

using nlohmann::json;
namespace fs = std::filesystem;

constexpr std::uint64_t max_config_bytes = 64 << 20;  // later vocabularies list a thousand added tokens
constexpr std::uint64_t max_id = 1 << 21;

json read_object(fs::path const& file) {
    if (file_kind(file) == FileKind::missing) return json::object();
    auto config = json::parse(read_file(file, max_config_bytes), nullptr, false);
    GATESWEEP_VALIDATE(config.is_object(), ExitCode::bad_data,
                       "{}: not a JSON object: copy the checkpoint's file again", file.string());
    return config;
}

AddedToken special_token(std::string content) {
    AddedToken token;
    token.content = std::move(content);
    token.id = no_id_yet;
    token.special = true;
    return token;
}

// {"content": .., "lstrip": .., ...}, with transformers' defaults.
AddedToken read_token(Fields const& fields, bool is_special) {
    AddedToken token = special_token(fields.text("content"));
    token.special = fields.flag("special", is_special);
    token.single_word = fields.flag("single_word", false);
    token.strips_left = fields.flag("lstrip", false);
    token.strips_right = fields.flag("rstrip", false);
    token.normalized = fields.flag("normalized", !token.special);
    return token;
}

std::int32_t read_id(std::string_view text, Fields const& fields) {
    std::uint64_t id = 0;
    auto const result = std::from_chars(text.data(), text.data() + text.size(), id);
    if (result.ec != std::errc() || result.ptr != text.data() + text.size() || id > max_id)
        fields.malformed(std::string(text).c_str(), "a token id");
    return static_cast<std::int32_t>(id);
}

class Reader {
public:
    explicit Reader(fs::path const& folder)
        : folder_(folder),
          config_(read_object(folder / "tokenizer_config.json")),
          map_(read_object(folder / "special_tokens_map.json")) {}

    SpecialTokens run() {
        Fields const fields(config_, (folder_ / "tokenizer_config.json").string());
        out_.adds_bos = fields.flag("add_bos_token", false);
        out_.adds_eos = fields.flag("add_eos_token", false);
        if (config_.contains("legacy")) out_.legacy = fields.flag("legacy", false);
        out_.has_decoder = fields.has("added_tokens_decoder");
        if (out_.has_decoder) read_decoder(fields.object("added_tokens_decoder"));
        for (std::string const& name : SpecialTokens::names())
            read_named(name);
        if (!out_.has_decoder) read_added_file();
        for (auto& [name, token] : out_.named)
            take_flags(token);
        for (char const* name : {"additional_special_tokens", "extra_special_tokens"})
            read_list(out_.has_decoder || !map_.contains(name) ? config_ : map_, name);
        std::ranges::sort(out_.added, {}, &AddedToken::id);
        return std::move(out_);
    }

private:
    void read_decoder(Fields const& fields) {
        for (auto const& [id, ignored] : config_["added_tokens_decoder"].items()) {
            AddedToken token = read_token(fields.object(id.c_str()), false);
            token.id = read_id(id, fields);
            out_.added.push_back(std::move(token));
        }
    }

    // As transformers: beside an added_tokens_decoder special_tokens_map.json says nothing, else it decides.
    void read_named(std::string const& name) {
        bool const in_config = out_.has_decoder || !map_.contains(name);
        json const& file = in_config ? config_ : map_;
        if (!file.contains(name)) return;
        json const& value = file[name];
        if (value.is_null()) {
            out_.named_nothing.push_back(name);
            return;
        }
        Fields const fields(file,
                            (folder_ / (in_config ? "tokenizer_config.json" : "special_tokens_map.json")).string());
        out_.named[name] = value.is_object() ? read_token(fields.object(name.c_str()), true)
                                             : special_token(fields.text(name.c_str()));
    }

    void read_added_file() {
        json const file = read_object(folder_ / "added_tokens.json");
        Fields const fields(file, (folder_ / "added_tokens.json").string());
        for (auto const& entry : file.items()) {
            std::string const& content = entry.key();
            AddedToken token = special_token(content);
            token.id = static_cast<std::int32_t>(fields.number(content.c_str(), max_id));
            token.special = std::ranges::any_of(out_.named, [&](auto const& n) { return n.second.content == content; });
            token.normalized = !token.special;
            out_.added.push_back(std::move(token));
        }
    }

    void take_flags(AddedToken& token) const {
        auto const same = std::ranges::find(out_.added, token.content, &AddedToken::content);
        if (same == out_.added.end()) return;
        token = *same;
        token.special = true;
    }

    void read_list(json const& file, char const* name) {
        if (!file.contains(name) || !file[name].is_array()) return;
        for (json const& entry : file[name]) {
            bool const is_text = entry.is_string();
            std::string const content = is_text ? entry.get<std::string>() : Fields(entry, name).text("content");
            auto const has = [&](std::vector<AddedToken> const& list) {
                return std::ranges::find(list, content, &AddedToken::content) != list.end();
            };
            if (has(out_.more) || has(out_.added)) continue;
            out_.more.push_back(is_text ? special_token(content) : read_token(Fields(entry, name), true));
        }
    }

    fs::path const& folder_;
    json config_;
    json map_;
    SpecialTokens out_;
};

}  // namespace

SpecialTokens SpecialTokens::read(fs::path const& folder) {
    return Reader(folder).run();
}

std::vector<std::string> const& SpecialTokens::names() {
    static std::vector<std::string> const all = {"bos_token", "eos_token", "unk_token", "sep_token",
                                                 "pad_token", "cls_token", "mask_token"};
    return all;
}

std::vector<AddedToken> SpecialTokens::to_add() const {
    std::vector<AddedToken> out = added;
    for (std::string const& name : names()) {
        auto const found = named.find(name);
        if (found != named.end()) out.push_back(found->second);
    }
    out.insert(out.end(), more.begin(), more.end());
    return out;
}

}  // namespace gatesweep::bpe
