// config.json, tokenizer and chat template: damaged, of another family, or of another checkpoint than the weights.
#include "bad_case.h"

namespace gatesweep {
namespace {

constexpr char const* config = "model/config.json";
constexpr char const* tokenizer = "model/tokenizer.model";
constexpr char const* use_its_config = "use the config.json that belongs to these weights";

std::function<void(Workshop&)> change(std::string from, std::string to) {
    return [=](Workshop& w) { w.replace(config, from, to); };
}

std::vector<BadCase> configs() {
    return {
        {"config_missing",
         ExitCode::input_missing,
         {"there is no config.json", "name the folder of a downloaded checkpoint"},
         [](Workshop& w) { w.remove(config); }},
        {"config_not_json",
         ExitCode::bad_data,
         {"config.json", "not valid JSON", "line 2", "correct it"},
         change("\"architectures\"", "architectures")},
        {"config_is_a_list",
         ExitCode::bad_data,
         {"config.json", "not a JSON object"},
         [](Workshop& w) { w.write(config, "[1, 2]"); }},
        {"config_key_given_twice",
         ExitCode::bad_data,
         {"config.json", "hidden_size", "is given twice", "remove one"},
         change("\"bos_token_id\": 1,", "\"bos_token_id\": 1, \"hidden_size\": 48,")},
        {"other_family",
         ExitCode::bad_data,
         {"config.json", "model_type is \"dbrx\"", "must be one of", "\"mixtral\"", "choose another model"},
         change("\"model_type\": \"mixtral\"", "\"model_type\": \"dbrx\"")},
        {"dense_model",
         ExitCode::bad_data,
         {"a dense model", "Llama", "no router", "name a mixture of experts", "sweep.labels.judge"},
         [](Workshop& w) { w.use_model("dense-llama-f16"); }},
        {"other_activation", ExitCode::bad_data, {"config.json", "hidden_act is \"gelu\""}, change("silu", "gelu")},
        {"other_rope",
         ExitCode::bad_data,
         {"config.json", "rope_scaling.rope_type is \"yarn\"", "must be \"default\""},
         change("\"rope_theta\": 1000000.0", "\"rope_theta\": 1000000.0, \"rope_scaling\": {\"rope_type\": \"yarn\"}")},
        {"quantized",
         ExitCode::bad_data,
         {"config.json", "quantization_config", "use the unquantized checkpoint"},
         change("\"vocab_size\": 512", "\"vocab_size\": 512, \"quantization_config\": {\"bits\": 4}")},
        {"negative_size",
         ExitCode::bad_data,
         {"config.json", "hidden_size is -48", "correct the file"},
         change("\"hidden_size\": 48", "\"hidden_size\": -48")},
        {"size_is_a_text",
         ExitCode::bad_data,
         {"config.json", "num_hidden_layers is \"2\"", "correct the file"},
         change("\"num_hidden_layers\": 2", "\"num_hidden_layers\": \"2\"")},
        {"field_missing",
         ExitCode::bad_data,
         {"config.json", "intermediate_size is missing"},
         change("\"intermediate_size\": 40,", "")},
        {"more_experts_per_token_than_experts",
         ExitCode::bad_data,
         {"num_experts_per_tok 9", "num_local_experts 8"},
         change("\"num_experts_per_tok\": 2", "\"num_experts_per_tok\": 9")},
        {"heads_that_do_not_share_evenly",
         ExitCode::bad_data,
         {"num_attention_heads 4", "num_key_value_heads 3"},
         change("\"num_key_value_heads\": 2", "\"num_key_value_heads\": 3")},
    };
}

// Fields that are possible by themselves, but not the weights'.
std::vector<BadCase> mismatches() {
    return {
        {"hidden_size_of_another",
         ExitCode::bad_data,
         {"model.layers.0.input_layernorm.weight", "[48]", "[64]", use_its_config},
         change("\"hidden_size\": 48", "\"hidden_size\": 64")},
        {"vocab_size_of_another",
         ExitCode::bad_data,
         {"model.embed_tokens.weight", "[512, 48]", "[600, 48]", use_its_config},
         change("\"vocab_size\": 512", "\"vocab_size\": 600")},
        {"intermediate_size_of_another",
         ExitCode::bad_data,
         {"experts.0.w1.weight", "[40, 48]", "[44, 48]", use_its_config},
         change("\"intermediate_size\": 40", "\"intermediate_size\": 44")},
        {"heads_of_another",
         ExitCode::bad_data,
         {"self_attn.k_proj.weight", "[24, 48]", "[48, 48]", use_its_config},
         change("\"num_key_value_heads\": 2", "\"num_key_value_heads\": 4")},
        {"more_layers_than_weights",
         ExitCode::bad_data,
         {"model.layers.2.", "is missing", "config.json asks for it"},
         change("\"num_hidden_layers\": 2", "\"num_hidden_layers\": 3")},
        {"fewer_layers_than_weights",
         ExitCode::bad_data,
         {"model.layers.1.", "is not part of the model that config.json describes"},
         change("\"num_hidden_layers\": 2", "\"num_hidden_layers\": 1")},
        {"more_experts_than_weights",
         ExitCode::bad_data,
         {"gate.weight", "[8, 48]", "[10, 48]", use_its_config},
         change("\"num_local_experts\": 8", "\"num_local_experts\": 10")},
        {"tied_head_that_is_stored_nowhere",
         ExitCode::bad_data,
         {"lm_head.weight", "is missing"},
         [](Workshop& w) {
             w.use_model("fused-f16");
             w.replace(config, "\"tie_word_embeddings\": true", "\"tie_word_embeddings\": false");
         }},
    };
}

std::vector<BadCase> texts() {
    return {
        {"tokenizer_missing",
         ExitCode::input_missing,
         {"tokenizer.model", "cannot be opened"},
         [](Workshop& w) { w.remove(tokenizer); }},
        {"tokenizer_truncated",
         ExitCode::bad_data,
         {"tokenizer.model", "not a SentencePiece model", "copy the checkpoint's file again"},
         [](Workshop& w) { std::filesystem::resize_file(w / tokenizer, 1001); }},
        {"tokenizer_garbage",
         ExitCode::bad_data,
         {"tokenizer.model", "not a SentencePiece model", "copy the checkpoint's file again"},
         [](Workshop& w) { w.write(tokenizer, "version https://git-lfs.github.com/spec/v1\n"); }},
        {"tokenizer_empty",
         ExitCode::bad_data,
         {"tokenizer.model", "copy the checkpoint's file again"},
         [](Workshop& w) { w.write(tokenizer, ""); }},
        {"tokenizer_of_a_larger_vocabulary",
         ExitCode::bad_data,
         {"benign.csv row 1", "outside the model's vocabulary of 384", "is it the right model?"},
         [](Workshop& w) {
             std::filesystem::copy_file(w / tokenizer, w / "larger.model");
             w.use_model("top1-bf16");
             std::filesystem::copy_file(w / "larger.model", w / tokenizer,
                                        std::filesystem::copy_options::overwrite_existing);
         }},
        {"template_missing",
         ExitCode::input_missing,
         {"tokenizer_config.json", "there is no chat_template", "template = \"raw\""},
         [](Workshop& w) { w.replace("model/tokenizer_config.json", "\"chat_template\"", "\"chat_templates\""); }},
        {"template_with_an_unknown_filter",
         ExitCode::bad_data,
         {"chat_template.jinja", "nosuchfilter"},
         [](Workshop& w) { w.write("model/chat_template.jinja", "{{ bos_token }}{{ messages | nosuchfilter }}"); }},
        {"template_that_never_ends",
         ExitCode::bad_data,
         {"chat_template.jinja"},
         [](Workshop& w) {
             w.write("model/chat_template.jinja",
                     "{{ bos_token }}{% for message in messages %}{{ message['content'] }}");
         }},
        {"template_with_two_beginnings",
         ExitCode::bad_data,
         {"chat_template.jinja", "2 times", "correct the template"},
         [](Workshop& w) {
             w.write("model/chat_template.jinja", "{{ bos_token }}{{ bos_token }}{{ messages[0]['content'] }}");
         }},
        {"template_file_not_utf8",
         ExitCode::bad_data,
         {"chat_template.jinja", "not UTF-8"},
         [](Workshop& w) { w.write("model/chat_template.jinja", "\xC3\x28"); }},
        {"tokenizer_config_not_json",
         ExitCode::bad_data,
         {"tokenizer_config.json", "not a JSON object"},
         [](Workshop& w) { w.write("model/tokenizer_config.json", "{"); }},
    };
}

GATESWEEP_BAD_INPUT(Config, configs());
GATESWEEP_BAD_INPUT(Mismatch, mismatches());
GATESWEEP_BAD_INPUT(Text, texts());

}  // namespace
}  // namespace gatesweep
