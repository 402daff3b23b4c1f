// Input: config.json.
#include "fuzz_target.h"
#include "gatesweep/model/model_config.h"
#include "gatesweep/model/model_size.h"

void gatesweep::fuzz::fuzz_one(std::string_view input) {
    ModelConfig const config = parse_model_config(input, "config.json");
    require(config.num_layers > 0 && config.top_k > 0 && config.top_k <= config.num_experts, "the shape is possible");
    require(config.num_heads % config.num_kv_heads == 0, "query heads share key heads evenly");
    require(num_parameters(config) > 0, "the parameters can be counted");
}
