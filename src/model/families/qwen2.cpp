// Qwen2's and Qwen2.5's dense models: biases of queries, keys and values.
#include "qwen2.h"

#include "dense.h"
#include "mlp_experts.h"

namespace gatesweep {
namespace {

void read_config(ConfigFields const& fields, ModelConfig& config) {
    read_dense_config(config);
    config.heads.has_bias = true;  // not a field of the config
    config.max_position_embeddings = 32768;
    config.eos_token_ids.clear();
    refuse_windows(fields);
}

}  // namespace

Family const qwen2 = {"qwen2", "Qwen2", true, 32, read_config, dense_spellings, {qwen_rope_types}};

}  // namespace gatesweep
