// The golden checkpoints as the tests of this layer use them.
#pragma once

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace gatesweep {

inline std::filesystem::path golden_folder() {
    return GATESWEEP_GOLDEN_DIR;
}
inline std::vector<std::string> golden_names() {
    return {"fused-f16", "hub-bf16", "plain-f32", "three-f16", "top1-bf16", "wide-bf16"};
}
inline std::filesystem::path golden_model(std::string const& name) {
    return golden_folder() / name / "model";
}

inline nlohmann::json golden_json(std::string const& name) {
    std::ifstream file(golden_folder() / name / "golden.json");
    return nlohmann::json::parse(file);
}

}  // namespace gatesweep
