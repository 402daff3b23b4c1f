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

    void expect(StoredWeight const& weight) {
        bool const is_packed = weight.storing == Storing::mxfp4;
        expect(weight.tensor, weight.tensor_shape, is_packed);
        if (is_packed) expect(weight.scales, {weight.tensor_shape.begin(), weight.tensor_shape.end() - 1}, true);
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
    void expect(std::string const& tensor, Shape const& shape, bool is_packed) {
        if (!expected_.insert(tensor).second) return;  // experts that share one
        std::string const folder = checkpoint_.folder().string();
        refuse_other_storing(tensor, is_packed);
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
        GATESWEEP_VALIDATE(
            !is_packed || type == "U8", ExitCode::bad_data,
            "{}/{}: tensor \"{}\" is stored as {} (blocks and scales of MXFP4 are U8): copy the checkpoint "
            "again",
            folder, checkpoint_.file_of(tensor), tensor, type);
        GATESWEEP_VALIDATE(is_packed || type == "F32" || type == "F16" || type == "BF16", ExitCode::bad_data,
                           "{}/{}: tensor \"{}\" is stored as {} (only F32, F16 and BF16 can be read): use the "
                           "unquantized checkpoint",
                           folder, checkpoint_.file_of(tensor), tensor, type);
    }

    // Weights that are there, but packed where config.json says that they are not, or the other way round.
    void refuse_other_storing(std::string const& tensor, bool is_packed) const {
        if (checkpoint_.has(tensor)) return;
        std::string const blocks = "_blocks";
        bool const is_blocks = is_packed && tensor.ends_with(blocks);
        std::string const other = is_blocks ? tensor.substr(0, tensor.size() - blocks.size()) : tensor + blocks;
        GATESWEEP_VALIDATE(
            !checkpoint_.has(other), ExitCode::bad_data,
            "{}: tensor \"{}\" is there and \"{}\" is not, but config.json has {} quantization_config of "
            "MXFP4: use the config.json that belongs to these weights",
            checkpoint_.folder().string(), other, tensor, is_blocks ? "a" : "no");
    }

    // Computed anew from the config, or the second name of the embedding: transformers ignores both too.
    bool is_ignored(std::string const& tensor) const {
        return is_harmless_tensor(tensor) || (tied_ && tensor == "lm_head.weight");
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
        inspection.expect(stored);
    inspection.refuse_others();
    return map;
}

}  // namespace gatesweep
