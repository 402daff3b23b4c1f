#include "gatesweep/model/checkpoint_layout.h"

#include <algorithm>
#include <set>

#include <fmt/ranges.h>

#include "families/family.h"
#include "gatesweep/base/error.h"

namespace gatesweep {
namespace {

using Shape = std::vector<std::int64_t>;

// Checks tensors one by one against the config and remembers which of them it has seen.
class Inspection {
public:
    Inspection(Checkpoint const& checkpoint, bool tied) : checkpoint_(checkpoint), tied_(tied) {}

    void expect(std::string const& tensor, Shape const& shape) {
        if (!expected_.insert(tensor).second) return;  // experts that share one
        std::string const folder = checkpoint_.folder().string();
        GATESWEEP_VALIDATE(
            checkpoint_.has(tensor), ExitCode::bad_data,
            "{}: tensor \"{}\" [{}] is missing from the {} file(s) read (config.json asks for it): copy the "
            "checkpoint again",
            folder, tensor, fmt::join(shape, ", "), checkpoint_.shard_sizes().size());
        TensorEntry const& entry = checkpoint_.entry(tensor);
        GATESWEEP_VALIDATE(
            entry.shape == shape, ExitCode::bad_data,
            "{}/{}: tensor \"{}\" has shape [{}], but config.json asks for [{}]: use the config.json that "
            "belongs to these weights",
            folder, checkpoint_.file_of(tensor), tensor, fmt::join(entry.shape, ", "), fmt::join(shape, ", "));
        auto const& type = entry.type.name;
        GATESWEEP_VALIDATE(type == "F32" || type == "F16" || type == "BF16", ExitCode::bad_data,
                           "{}/{}: tensor \"{}\" is stored as {} (only F32, F16 and BF16 can be read): use the "
                           "unquantized checkpoint",
                           folder, checkpoint_.file_of(tensor), tensor, type);
    }

    void refuse_others() const {
        for (auto const& tensor : checkpoint_.tensor_names()) {
            GATESWEEP_VALIDATE(expected_.contains(tensor) || is_ignored(tensor), ExitCode::bad_data,
                               "{}/{}: tensor \"{}\" is not part of the model that config.json describes (its part in "
                               "the result would be lost): use a checkpoint without it",
                               checkpoint_.folder().string(), checkpoint_.file_of(tensor), printable(tensor));
        }
    }

private:
    // Computed anew from the config, or the second name of the embedding: transformers ignores both too.
    bool is_ignored(std::string const& tensor) const {
        return tensor.ends_with(".rotary_emb.inv_freq") || (tied_ && tensor == "lm_head.weight");
    }

    Checkpoint const& checkpoint_;
    bool tied_;
    std::set<std::string> expected_;
};

// The spelling whose sign the checkpoint bears; the first where it bears none.
Spelling const& spelling_of(Checkpoint const& checkpoint, ModelConfig const& config) {
    auto const& all = family_of(config.family).spellings;
    auto const found = std::ranges::find_if(all, [&](Spelling const& s) { return checkpoint.has(s.sign(config)); });
    return found == all.end() ? all.front() : *found;
}

}  // namespace

WeightMap validate_checkpoint(Checkpoint const& checkpoint, ModelConfig const& config) {
    WeightMap map = spelling_of(checkpoint, config).map(config);
    Inspection inspection(checkpoint, config.tie_word_embeddings);
    for (auto const& [place, stored] : map.weights())
        inspection.expect(stored.tensor, stored.tensor_shape);
    inspection.refuse_others();
    return map;
}

}  // namespace gatesweep
