#include "post_processor.h"

#include <algorithm>
#include <nlohmann/json.hpp>

namespace gatesweep::bpe {
namespace {

constexpr std::uint64_t max_id = 1 << 21;
constexpr int max_depth = 8;  // of Sequences in Sequences

// {"id": "<s>", "ids": [1], "tokens": ["<s>"]}
std::vector<std::int32_t> ids_of(Fields const& token) {
    auto const& list = token.value("ids");
    bool const is_sound = list.is_array() && std::ranges::all_of(list, [](auto const& id) {
                              return id.is_number_unsigned() && id.template get<std::uint64_t>() < max_id;
                          });
    if (!is_sound) token.malformed("ids", "a list of token ids");
    return list.get<std::vector<std::int32_t>>();
}

Surroundings of_template(Fields const& fields) {
    fields.allow_only({"type", "single", "pair", "special_tokens"});
    Surroundings out;
    bool is_behind = false;
    for (Fields const& piece : fields.objects("single")) {
        piece.allow_only({"SpecialToken", "Sequence"});
        if (piece.has("Sequence")) {
            if (is_behind || piece.object("Sequence").text("id") != "A") piece.refuse("Sequence");
            is_behind = true;
            continue;
        }
        std::string const name = piece.object("SpecialToken").text("id");
        auto const ids = ids_of(fields.object("special_tokens").object(name.c_str()));
        auto& to = is_behind ? out.after : out.before;
        to.insert(to.end(), ids.begin(), ids.end());
    }
    if (!is_behind) fields.malformed("single", "a template with the text in it");
    return out;
}

// ["</s>", 2]
std::int32_t id_of_pair(Fields const& fields, char const* name) {
    auto const& pair = fields.value(name);
    bool const is_sound =
        pair.is_array() && pair.size() == 2 && pair[1].is_number_unsigned() && pair[1].get<std::uint64_t>() < max_id;
    if (!is_sound) fields.malformed(name, "a token and its id");
    return pair[1].get<std::int32_t>();
}

Surroundings read(Fields const& fields, int depth) {
    std::string const type = fields.text("type");
    if (type == "Sequence" && depth < max_depth) {
        fields.allow_only({"type", "processors"});
        Surroundings out;
        for (Fields const& part : fields.objects("processors")) {  // each puts its ids around what was there
            Surroundings const outer = read(part, depth + 1);
            out.before.insert(out.before.begin(), outer.before.begin(), outer.before.end());
            out.after.insert(out.after.end(), outer.after.begin(), outer.after.end());
        }
        return out;
    }
    if (type == "ByteLevel") {
        fields.allow_only({"type", "add_prefix_space", "trim_offsets", "use_regex"});  // of offsets
        return {};
    }
    if (type == "TemplateProcessing") return of_template(fields);
    if (type == "RobertaProcessing" || type == "BertProcessing") {
        fields.allow_only({"type", "sep", "cls", "trim_offsets", "add_prefix_space"});
        return {{id_of_pair(fields, "cls")}, {id_of_pair(fields, "sep")}};
    }
    fields.refuse("type");
}

}  // namespace

Surroundings read_post_processor(Fields const& fields) {
    return read(fields, 0);
}

}  // namespace gatesweep::bpe
