// Adapters in the files of Hugging Face's PEFT: adapter_model.safetensors and adapter_config.json in a folder.
#pragma once

#include <filesystem>
#include <memory>
#include <string>

#include "gatesweep/model/adapter.h"
#include "gatesweep/model/model_config.h"

namespace gatesweep {

inline constexpr char const* adapter_weights_name = "adapter_model.safetensors";
inline constexpr char const* adapter_config_name = "adapter_config.json";

// How the matrices of experts are named, those of attention always by themselves.
//   per_expert  model.layers.3.block_sparse_moe.experts.5.w1, as on the hub, in the family's own words. For
//   transformers
//               4, and for transformers 5 where PEFT (0.21) puts such names together itself: mixtral, olmoe, qwen2_moe,
//               qwen3_moe, deepseek_v2. It wants all experts of a layer then, so those that are not adapted stand there
//               as zeros.
//   fused       model.layers.3.mlp.experts, all experts of a layer together, as transformers 5 holds them and PEFT from
//               0.19 on targets them (target_parameters). Zeros for experts that are not adapted.
enum class AdapterNaming { per_expert, fused };
// The one that PEFT loads on transformers 5: per_expert, but fused for families whose experts have no names of their
// own (gpt_oss), or whose names PEFT does not put together (phimoe).
AdapterNaming usual_naming(ModelConfig const& config);

// Equal adapters give equal bytes. The folder is made; files of an earlier adapter are replaced. Errors: cannot_create,
// io; job for per_expert in a family whose experts have no names of their own (gpt_oss).
void write_adapter(std::filesystem::path const& folder, Adapter const& adapter, ModelConfig const& config,
                   AdapterNaming naming = AdapterNaming::per_expert);

// Reads either naming. Ranks that are zero, as those of experts that are not adapted, are left out: the adapter is the
// same from either. Nothing else is skipped: whatever
// the files ask for and the model with the pairs would not be, is refused. Errors: input_missing; bad_data naming the
// field, or the tensor and what is wrong: another shape than the model's, a part of the model that is not adapted (the
// router, norms, ends), a half without its other, values that are NaN or infinite.
Adapter read_adapter(std::filesystem::path const& folder, ModelConfig const& config);
// Null for an empty path, which names none.
std::shared_ptr<Adapter const> read_optional_adapter(std::filesystem::path const& folder, ModelConfig const& config);

// "rank 8, 30 matrices of 10 experts", "rank 8, 4 matrices of attention".
std::string adapter_text(Adapter const& adapter);

}  // namespace gatesweep
