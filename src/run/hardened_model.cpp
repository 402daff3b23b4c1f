#include "hardened_model.h"

#include <memory>
#include <nlohmann/json.hpp>

#include "gatesweep/base/digest.h"
#include "gatesweep/base/file.h"
#include "gatesweep/base/heap.h"
#include "gatesweep/comm/fail_once.h"
#include "gatesweep/model/adapter_files.h"
#include "gatesweep/model/checkpoint_layout.h"

namespace gatesweep {
namespace {

nlohmann::ordered_json number_or_null(double value) {
    return std::isfinite(value) ? nlohmann::ordered_json(value) : nlohmann::ordered_json();
}

}  // namespace

std::unique_ptr<Decoder> load_hardened(Setup const& setup, Adapter const& adapter) {
    Inputs const& inputs = setup.inputs;
    ModelConfig const& config = setup.config;
    ParallelLayout const& layout = setup.layout;
    Machine const& machine = setup.machine;
    std::unique_ptr<Decoder> model;
    return_freed_memory();
    fail_once(layout.world, [&] {
        Checkpoint const checkpoint(inputs.job.model.path);
        WeightSource source{&checkpoint,
                            &config,
                            std::make_shared<WeightMap const>(validate_checkpoint(checkpoint, config)),
                            layout.local_experts(config.num_experts),
                            machine.dtype,
                            machine.device};
        source.adapter = std::make_shared<Adapter const>(adapter);
        model = std::make_unique<Decoder>(config, load_weights(source), layout,
                                          inputs.max_tokens() + inputs.job.harden.max_new_tokens);
    });
    keep_freed_memory();
    return model;
}

std::string router_digest(Decoder const& model) {
    FastDigest digest;
    for (LayerWeights const& layer : model.weights().layers) {
        for (at::Tensor const& part : {layer.gate, layer.gate_bias}) {
            if (!part.defined()) continue;
            at::Tensor const host = part.cpu().contiguous();
            digest.add(std::span(static_cast<std::byte const*>(host.const_data_ptr()), host.nbytes()));
        }
    }
    return digest.hex();
}

void write_hardened(std::filesystem::path const& folder, Adapter const& adapter, ModelConfig const& config,
                    std::vector<Gate> const& gates, std::string const& arm) {
    write_adapter(folder, adapter, config, usual_naming(config));
    nlohmann::ordered_json facts;
    facts["arm"] = arm;
    facts["accepted"] = is_accepted(gates, arm);
    for (Gate const& gate : gates) {
        if (gate.arm != arm) continue;
        facts["gates"][gate.gate] = {{"value", number_or_null(gate.value)},
                                     {"low", number_or_null(gate.interval.low)},
                                     {"high", number_or_null(gate.interval.high)},
                                     {"limit", number_or_null(gate.limit.value_or(std::nan("")))},
                                     {"passed", gate.passed}};
    }
    write_file_atomically(folder / "hardening.json", facts.dump(1) + "\n");
}

}  // namespace gatesweep
