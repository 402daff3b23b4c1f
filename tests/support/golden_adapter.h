// The golden adapters: files in PEFT's layouts and what Hugging Face transformers computes with them
// (tests/golden/make_adapters.py).
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "gatesweep/model/adapter_files.h"
#include "support/golden.h"

namespace gatesweep {

struct GoldenAdapter {
    Golden golden;
    nlohmann::json json;

    std::filesystem::path folder(std::string const& naming) const { return golden.folder / "adapter" / naming; }
    std::vector<double> losses() const { return json.at("losses").get<std::vector<double>>(); }
    // [P,L,E], as of golden.counts().
    std::vector<std::int64_t> counts() const {
        std::vector<std::int64_t> values;
        for (auto const& prompt : json.at("counts"))
            for (auto const& layer : prompt)
                for (auto const& count : layer)
                    values.push_back(count.get<std::int64_t>());
        return values;
    }
};

// Those whose experts have names of their own in some file; those that are only ever together.
inline std::vector<std::string> adapter_names_per_expert() {
    return {"hub-bf16", "fused-f16", "olmoe-bf16", "qwen3-moe-bf16", "deepseek-v2-lite-f32"};
}
inline std::vector<std::string> adapter_names_fused() {
    return {"phimoe-bf16", "gpt-oss-f32", "gpt-oss-mxfp4"};
}
inline std::vector<std::string> adapter_names() {
    auto all = adapter_names_per_expert();
    for (auto const& name : adapter_names_fused())
        all.push_back(name);
    return all;
}

inline GoldenAdapter load_golden_adapter(std::string const& name) {
    Golden golden = load_golden(name);
    auto json = nlohmann::json::parse(read_file(golden.folder / "adapter" / "adapter.json"));
    return {std::move(golden), std::move(json)};
}

}  // namespace gatesweep
