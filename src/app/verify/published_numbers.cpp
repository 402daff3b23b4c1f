#include "published_numbers.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <string>

#include "gatesweep/base/error.h"

namespace gatesweep {
namespace {

// transformers, tests/models/olmoe/test_modeling_olmoe.py and tests/models/qwen2_moe/test_modeling_qwen2_moe.py.
std::vector<PublishedNumbers> const& table() {
    static std::vector<PublishedNumbers> const numbers = {
        {
            .checkpoint = "allenai/OLMoE-1B-7B-0924",
            .config = R"({"model_type":"olmoe","vocab_size":50304,"hidden_size":2048,"intermediate_size":1024,
                "num_hidden_layers":16,"num_attention_heads":16,"num_key_value_heads":16,"num_experts":64,
                "num_experts_per_tok":8,"norm_topk_prob":false})",
            .token_ids = {1, 306, 4658, 278, 6593, 310, 2834, 338},
            .mean_logits = {-1.3814, -3.4450, -2.2990, -1.9542, -2.4387, -2.7941, -2.9312, -2.8309},
            .first_logits = {-2.3874, -2.4076, -2.4995, 4.2278,  1.4004,  -0.0252, 0.4189,  -2.7560, 0.3531,  1.6678,
                             -0.7941, -1.1818, -0.2920, 0.7131,  -1.4173, 1.6723,  0.5406,  0.1345,  -0.1800, 0.2304,
                             1.2791,  0.7489,  0.6341,  -0.0151, -1.3693, -1.2532, -2.3921, 0.7376,  1.6876,  0.5483},
            .prompt = "Simply put, the theory of relativity states that ",
            .continued = "Simply put, the theory of relativity states that \nthe speed of light is the same for all "
                         "observers, no matter \nhow fast they are moving.  This is a very counter-intuitive "
                         "\nconcept, and it took Einstein a long time to come up with \nthe theory.  The theory of "
                         "relativity is based on two \npostulates",
            .new_tokens = 64,
            .encodings = {{"A sample test", {34, 3410, 1071}},
                          {"This is a test", {1552, 310, 247, 1071}},
                          {"生活的真谛是", {20025, 46549, 5225, 48561, 33656, 238, 12105}},
                          {"Hi  Hello", {12764, 50276, 12092}},
                          {"Hi   Hello", {12764, 50275, 12092}},
                          {"", {}},
                          {" ", {209}},
                          {"  ", {50276}},
                          {" Hello", {24387}}},
        },
        {
            .checkpoint = "Qwen/Qwen1.5-MoE-A2.7B",
            .config = R"({"model_type":"qwen2_moe","vocab_size":151936,"hidden_size":2048,"intermediate_size":5632,
                "moe_intermediate_size":1408,"shared_expert_intermediate_size":5632,"num_hidden_layers":24,
                "num_attention_heads":16,"num_key_value_heads":16,"num_experts":60,"num_experts_per_tok":4,
                "norm_topk_prob":false})",
            .token_ids = {1, 306, 4658, 278, 6593, 310, 2834, 338},
            .mean_logits = {-4.2125, -3.6416, -4.9136, -4.3005, -4.9938, -3.4393, -3.5195, -4.1621},
            .first_logits = {2.3013,  -0.6595, -0.1389, -1.4095, -1.7381, -1.7609, -2.0449, -2.4289, -3.0271, -2.1351,
                             -0.6568, -4.6012, -1.9102, -0.7475, -3.1377, 4.6904,  7.1936,  7.0991,  6.4414,  6.1720,
                             6.2617,  5.8751,  5.6997,  5.6011,  5.5828,  -3.9505, -0.5384, -0.3392, 1.2445,  2.0714},
            .prompt = "To be or not to",
            .continued = "To be or not to be, that is the question. This is the question that has been asked by many "
                         "people over the",
            .new_tokens = 20,
            .encodings = {},
        },
    };
    return numbers;
}

bool have_same_shape(ModelConfig const& a, ModelConfig const& b) {
    return a.family == b.family && a.vocab_size == b.vocab_size && a.hidden_size == b.hidden_size &&
           a.intermediate_size == b.intermediate_size && a.num_layers == b.num_layers && a.num_heads == b.num_heads &&
           a.num_kv_heads == b.num_kv_heads && a.head_dim == b.head_dim && a.num_experts == b.num_experts &&
           a.top_k == b.top_k && a.router.renormalise == b.router.renormalise && a.shared_size == b.shared_size &&
           a.dense_layers == b.dense_layers;
}

}  // namespace

std::span<PublishedNumbers const> published_numbers() {
    return table();
}

std::string published_names() {
    std::vector<std::string_view> names;
    for (PublishedNumbers const& numbers : table())
        names.push_back(numbers.checkpoint);
    return fmt::format("{}", fmt::join(names, " and "));
}

PublishedNumbers const& published_numbers_of(ModelConfig const& config, std::string_view folder) {
    auto const found = std::ranges::find_if(table(), [&](PublishedNumbers const& numbers) {
        return have_same_shape(parse_model_config(numbers.config, std::string(numbers.checkpoint)), config);
    });
    if (found != table().end()) return *found;
    fail(ExitCode::bad_data,
         "{}: no numbers are known that were published of a {} of this shape (--published compares with them; they are "
         "known of {}): leave --published out, or name such a folder",
         folder, family_title(config), published_names());
}

}  // namespace gatesweep
