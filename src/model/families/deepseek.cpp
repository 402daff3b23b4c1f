// DeepSeekMoE: plain attention, and experts that every token goes to besides, unweighed. transformers has no class of
// its own for it: the defaults are those of the class that is published with the checkpoint.
#include "deepseek.h"

#include "deepseek_experts.h"

namespace gatesweep {
namespace {

void read_config(ConfigFields const& fields, ModelConfig& config) {
    read_deepseek_experts(fields, config, fields.size_or("moe_layer_freq", 1, max_config_count));
    // As the class does: the weight of a single expert is its probability.
    config.router.renormalise = fields.flag_or("norm_topk_prob", false) && config.top_k > 1;
    config.eos_token_ids = {100001};
    config.bos_token_id = 100000;
    fields.refuse_unless_false("attention_bias");
}

}  // namespace

Family const deepseek = {"deepseek", "DeepSeekMoE", false, 32, read_config, deepseek_spellings};

}  // namespace gatesweep
