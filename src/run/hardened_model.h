// A hardened model as files, and as a later job would load it.
#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "gatesweep/harden/gates.h"
#include "gatesweep/model/decoder.h"
#include "gatesweep/run/setup.h"

namespace gatesweep {

// The job's model with the adapter added to its weights. Collective. Errors: those of LoadedModel.
std::unique_ptr<Decoder> load_hardened(Setup const& setup, Adapter const& adapter);

// Of the bytes of every router's weights and biases.
std::string router_digest(Decoder const& model);

// The adapter in PEFT's files, and hardening.json beside them: whether the arm was accepted, and by which gates.
void write_hardened(std::filesystem::path const& folder, Adapter const& adapter, ModelConfig const& config,
                    std::vector<Gate> const& gates, std::string const& arm);

}  // namespace gatesweep
