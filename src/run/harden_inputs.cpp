#include "gatesweep/run/harden_inputs.h"

#include <algorithm>
#include <map>

#include "gatesweep/base/error.h"
#include "gatesweep/base/words.h"
#include "gatesweep/harden/arms.h"
#include "gatesweep/label/labelling.h"
#include "gatesweep/run/reply_generation.h"
#include "gatesweep/terms/moe_layers.h"

namespace gatesweep {
namespace {

constexpr std::int64_t suppressed_by_default = 8;

void check_suppressed(HardenSpec const& spec, ModelConfig const& config) {
    MoeLayers const moe_layers(config.sparse_layers());
    for (ExpertId const id : spec.suppress) {
        bool const exists = moe_layers.has(id.layer, config.num_sparse_layers()) && id.expert < config.num_experts;
        GATESWEEP_VALIDATE(exists, ExitCode::job,
                           "[harden] suppress: expert {} of layer {} is not in the model ({}): correct the list",
                           id.expert, id.layer, moe_layers.words(config.num_sparse_layers(), config.num_experts));
    }
    std::vector<ExpertId> const fitting = maskable(spec.suppress, config);
    auto const first = std::ranges::mismatch(spec.suppress, fitting).in1;
    GATESWEEP_VALIDATE(first == spec.suppress.end(), ExitCode::job,
                       "[harden] suppress: with expert {} of layer {} the layer would be left with fewer than the {} "
                       "that every token needs: take experts of that layer out of the list",
                       first->expert, first->layer, plural(config.top_k, "expert"));
}

// An arm without a matrix would train nothing.
void check_arms(HardenSpec const& spec, ModelConfig const& config) {
    bool const draws = std::ranges::find(spec.compare, HardenArm::random) != spec.compare.end();
    std::int64_t const all = config.num_sparse_layers() * config.num_experts;
    GATESWEEP_VALIDATE(num_selected(spec, config) < all || !draws, ExitCode::job,
                       "[harden] selects all {} of the model and compare has \"random\" (which draws from the others): "
                       "lower experts or budget, or take \"random\" out of compare",
                       plural(all, "expert"));
}

// Replies to all of these are generated.
void check_replies(Inputs const& inputs, ModelConfig const& config) {
    HardenSpec const& spec = inputs.job.harden;
    for (auto const* const groups :
         {&spec.train.benign, &spec.held_out.harmful, &spec.held_out.benign, &spec.held_out.near_miss}) {
        for (std::size_t p = 0; p < inputs.token_ids.size(); ++p) {
            if (std::ranges::find(*groups, inputs.groups[p]) != groups->end())
                check_reply_room(inputs, config, p, spec.max_new_tokens, "harden.max_new_tokens");
        }
    }
}

}  // namespace

std::int64_t num_suppressed(HardenSpec const& spec) {
    return spec.suppress.empty() ? suppressed_by_default : std::ssize(spec.suppress);
}

std::vector<ExpertId> maskable(std::span<ExpertId const> in_order, ModelConfig const& config) {
    std::map<std::int64_t, std::int64_t> masked;  // by layer
    std::vector<ExpertId> out;
    for (ExpertId const id : in_order) {
        if (config.num_experts - masked[id.layer] <= config.top_k) continue;
        ++masked[id.layer];
        out.push_back(id);
    }
    return out;
}

void check_harden(Inputs const& inputs, ModelConfig const& config) {
    HardenSpec const& spec = inputs.job.harden;
    if (!spec.enabled) return;
    check_suppressed(spec, config);
    check_arms(spec, config);
    check_replies(inputs, config);
    check_label_inputs(inputs.job);
}

}  // namespace gatesweep
