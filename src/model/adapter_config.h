// Private to model: adapter_config.json, the fields of PEFT's LoraConfig.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <utility>
#include <vector>

namespace gatesweep {

struct AdapterConfig {
    std::string file;  // for messages
    std::int64_t rank = 0;
    double alpha = 0.0;
    bool is_rank_stabilised = false;  // use_rslora: alpha over the root of the rank
    // Of names that end so, in place of rank and alpha.
    std::vector<std::pair<std::string, std::int64_t>> ranks;
    std::vector<std::pair<std::string, double>> alphas;
    std::vector<std::string> target_modules, target_parameters;
    // Whether common tensors of experts are turned: before PEFT 0.19, but for families that hold them so.
    enum class Layout { current, turned, unknown };
    Layout layout = Layout::unknown;

    std::int64_t rank_of(std::string const& name) const;
    double scale_of(std::string const& name, std::int64_t rank) const;
    // Whether target_parameters name the tensor.
    bool targets_parameter(std::string const& name) const;
};

// Errors: input_missing; bad_data with the field: another kind of adapter than LoRA, and whatever the field asks for
// that W + scale B A is not.
AdapterConfig read_adapter_config(std::filesystem::path const& file);

std::string adapter_config_text(AdapterConfig const& config);

}  // namespace gatesweep
