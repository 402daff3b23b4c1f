#include "quantization.h"

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "gatesweep/base/error.h"

namespace gatesweep {
namespace {

using nlohmann::json;

std::string method_of(json const& quantization) {
    auto const found = quantization.is_object() ? quantization.find("quant_method") : quantization.end();
    if (found == quantization.end() || !found->is_string()) return "an unnamed method";
    return '"' + printable(found->get_ref<std::string const&>()) + '"';
}

// Whether an entry of modules_to_not_convert, a pattern of module names, leaves experts alone for certain: its last
// part names a module that is none.
bool spares_experts(std::string_view entry) {
    static constexpr std::array others = {"self_attn", "router", "embed_tokens",    "lm_head",
                                          "norm",      "q_proj", "k_proj",          "v_proj",
                                          "o_proj",    "sinks",  "input_layernorm", "post_attention_layernorm",
                                          "rotary_emb"};
    bool const is_plain = std::ranges::all_of(entry, [](unsigned char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '.' ||
               c == '*';
    });
    return is_plain && std::ranges::find(others, entry.substr(entry.rfind('.') + 1)) != others.end();
}

void check_exceptions(ConfigFields const& fields) {
    json const* const exceptions = fields.find("modules_to_not_convert");
    if (exceptions == nullptr) return;
    if (!exceptions->is_array()) fields.wrong("modules_to_not_convert", *exceptions, "a list of modules");
    for (json const& entry : *exceptions) {
        if (!spares_experts(fields.text(entry, "modules_to_not_convert"))) {
            fields.wrong("modules_to_not_convert", entry,
                         "a module without experts, as \"model.layers.*.self_attn\" (gatesweep reads all experts in "
                         "MXFP4, or none)");
        }
    }
}

}  // namespace

bool reads_mxfp4(ConfigFields const& fields, Family const& family) {
    json const* const quantization = fields.find("quantization_config");
    if (quantization == nullptr) return false;
    std::string const method = method_of(*quantization);
    GATESWEEP_VALIDATE(family.has_mxfp4, ExitCode::bad_data,
                       "{}: quantization_config is given, with weights quantized by {} (gatesweep reads this family's "
                       "weights as bfloat16, float16 or float32): use the unquantized checkpoint",
                       fields.file(), method);
    GATESWEEP_VALIDATE(
        method == "\"mxfp4\"", ExitCode::bad_data,
        "{}: quantization_config.quant_method is {} (gatesweep reads \"mxfp4\", the form of the release, "
        "or weights in bfloat16, float16 or float32 without quantization_config): use such a checkpoint",
        fields.file(), method);
    check_exceptions(ConfigFields(*quantization, fields.file(), "quantization_config."));
    return true;
}

}  // namespace gatesweep
