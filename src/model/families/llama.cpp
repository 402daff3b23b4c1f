// Llama's dense models, and the many that are built like them.
#include "llama.h"

#include "dense.h"

namespace gatesweep {
namespace {

constexpr RopeType rope[] = {RopeType::plain, RopeType::linear, RopeType::llama3, RopeType::yarn};

void read_config(ConfigFields const& fields, ModelConfig& config) {
    read_dense_config(config);
    config.max_position_embeddings = 2048;
    fields.refuse_unless_false("attention_bias");
    fields.refuse_unless_false("mlp_bias");
    fields.refuse_unless_absent("sliding_window");
}

}  // namespace

Family const llama = {"llama", "Llama", true, 0, read_config, dense_spellings, {rope}};

}  // namespace gatesweep
