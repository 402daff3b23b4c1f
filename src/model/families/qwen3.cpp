// Qwen3's dense models: heads of a width of their own, each normed.
#include "qwen3.h"

#include "dense.h"
#include "mlp_experts.h"

namespace gatesweep {
namespace {

void read_config(ConfigFields const& fields, ModelConfig& config) {
    read_dense_config(config);
    config.heads.norm = HeadRule::Norm::each;
    config.max_position_embeddings = 32768;
    config.eos_token_ids.clear();
    fields.refuse_unless_false("attention_bias");
    refuse_windows(fields);
}

}  // namespace

Family const qwen3 = {"qwen3", "Qwen3", true, 32, read_config, dense_spellings, {qwen_rope_types}, 128};

}  // namespace gatesweep
