// Dense: a window on every layer, of 4096 where the config names none.
#include "mistral.h"

#include "dense.h"

namespace gatesweep {
namespace {

void read_config(ConfigFields const& fields, ModelConfig& config) {
    read_dense_config(config);
    if (!fields.contains("sliding_window")) config.sliding_window = 4096;
    read_window(fields, config);
}

}  // namespace

Family const mistral = {"mistral", "Mistral", true, 8, read_config, dense_spellings};

}  // namespace gatesweep
