#include "gatesweep/harden/arms.h"

#include <algorithm>
#include <cmath>
#include <random>
#include <set>

#include "gatesweep/base/error.h"
#include "gatesweep/base/uniform.h"
#include "gatesweep/base/words.h"
#include "gatesweep/harden/adamw.h"

namespace gatesweep {
namespace {

struct Shape {
    std::int64_t outputs = 0, inputs = 0;
    std::int64_t sum() const { return outputs + inputs; }
};

struct Target {
    AdapterPlace place;
    Shape shape;
};

void add_expert(ExpertId id, ModelConfig const& c, std::vector<Target>& to) {
    to.push_back({{id.layer, id.expert, AdaptedMatrix::w1}, {c.intermediate_size, c.hidden_size}});
    to.push_back({{id.layer, id.expert, AdaptedMatrix::w3}, {c.intermediate_size, c.hidden_size}});
    to.push_back({{id.layer, id.expert, AdaptedMatrix::w2}, {c.hidden_size, c.intermediate_size}});
}

// Latent attention makes queries, keys and values by other matrices; of it the last one alone.
void add_attention(std::int64_t layer, ModelConfig const& c, std::vector<Target>& to) {
    std::int64_t const d = c.hidden_size, q = c.num_heads * c.head_dim, kv = c.num_kv_heads * c.head_dim;
    if (!c.latent) {
        to.push_back({{layer, -1, AdaptedMatrix::q_proj}, {q, d}});
        to.push_back({{layer, -1, AdaptedMatrix::k_proj}, {kv, d}});
        to.push_back({{layer, -1, AdaptedMatrix::v_proj}, {kv, d}});
    }
    std::int64_t const values = c.latent ? c.num_heads * c.latent->value_dim : q;
    to.push_back({{layer, -1, AdaptedMatrix::o_proj}, {d, values}});
}

// As many in every layer as the selected, from the others.
std::vector<ExpertId> random_experts(HardenSpec const& spec, ModelConfig const& config,
                                     std::span<ExpertId const> selected) {
    std::mt19937_64 random(spec.seed);
    std::vector<ExpertId> out;
    for (std::int64_t const layer : config.sparse_layers()) {
        std::vector<ExpertId> others;
        for (std::int64_t e = 0; e < config.num_experts; ++e) {
            if (std::ranges::find(selected, ExpertId{layer, e}) == selected.end()) others.push_back({layer, e});
        }
        auto const wanted = std::ranges::count(selected, layer, &ExpertId::layer);
        for (std::ptrdiff_t i = 0; i < wanted && !others.empty(); ++i) {
            auto const at = static_cast<std::ptrdiff_t>(uniform_below(others.size(), random));
            out.push_back(others[static_cast<std::size_t>(at)]);
            others.erase(others.begin() + at);
        }
    }
    std::ranges::sort(out);
    return out;
}

std::vector<Target> targets_of(HardenArm arm, HardenSpec const& spec, ModelConfig const& config,
                               std::span<ExpertId const> selected) {
    std::vector<Target> targets;
    if (arm == HardenArm::selected) {
        for (ExpertId const id : selected)
            add_expert(id, config, targets);
    } else if (arm == HardenArm::random) {
        for (ExpertId const id : random_experts(spec, config, selected))
            add_expert(id, config, targets);
    } else {
        for (std::int64_t const layer : config.sparse_layers()) {
            for (std::int64_t e = 0; arm == HardenArm::all_experts && e < config.num_experts; ++e)
                add_expert({layer, e}, config, targets);
            if (arm == HardenArm::attention) add_attention(layer, config, targets);
        }
    }
    return targets;
}

std::int64_t parameters_per_rank(std::vector<Target> const& targets) {
    std::int64_t sum = 0;
    for (Target const& target : targets)
        sum += target.shape.sum();
    return sum;
}

std::int64_t rank_of(HardenArm arm, HardenSpec const& spec, ModelConfig const& config,
                     std::span<ExpertId const> selected, std::vector<Target> const& targets) {
    if (arm == HardenArm::selected || arm == HardenArm::random) return spec.rank;
    double const wanted =
        static_cast<double>(spec.rank * parameters_per_rank(targets_of(HardenArm::selected, spec, config, selected)));
    return std::max<std::int64_t>(1, std::llround(wanted / static_cast<double>(parameters_per_rank(targets))));
}

// Uniform in [-1, 1).
double symmetric(std::mt19937_64& random) {
    return static_cast<double>(random() >> 11) * 0x1p-52 - 1.0;
}

at::Tensor drawn(Target const& target, std::int64_t rank, std::uint64_t seed) {
    AdapterPlace const& p = target.place;
    std::seed_seq sequence{seed, static_cast<std::uint64_t>(p.layer), static_cast<std::uint64_t>(p.expert + 1),
                           static_cast<std::uint64_t>(p.matrix)};
    std::mt19937_64 random(sequence);
    at::Tensor a = at::empty({rank, target.shape.inputs}, at::kFloat);
    double const bound = 1.0 / std::sqrt(static_cast<double>(target.shape.inputs));
    for (std::int64_t i = 0; i < a.numel(); ++i)
        a.data_ptr<float>()[i] = static_cast<float>(bound * symmetric(random));
    return a;
}

std::int64_t parameters_of_expert(ModelConfig const& config) {
    return 3 * config.hidden_size * config.intermediate_size;
}

}  // namespace

std::int64_t num_expert_parameters(ModelConfig const& config) {
    return config.num_sparse_layers() * config.num_experts * parameters_of_expert(config);
}

std::int64_t num_selected(HardenSpec const& spec, ModelConfig const& config) {
    std::int64_t const all = config.num_sparse_layers() * config.num_experts;
    std::int64_t num = spec.experts.value_or(all);
    if (spec.budget) {
        std::vector<Target> one;
        add_expert({}, config, one);
        double const of_one = static_cast<double>(spec.rank * parameters_per_rank(one));
        auto const held =
            static_cast<std::int64_t>(*spec.budget * static_cast<double>(num_expert_parameters(config)) / of_one);
        GATESWEEP_VALIDATE(held >= 1, ExitCode::job,
                           "[harden] budget = {} holds no expert: rank {} on one expert takes {:.4f} of the experts' "
                           "parameters: raise budget or lower rank",
                           *spec.budget, spec.rank, of_one / static_cast<double>(num_expert_parameters(config)));
        num = std::min(num, held);
    }
    GATESWEEP_VALIDATE(num <= all, ExitCode::job, "[harden] experts = {}, and the model has {}: name fewer", num,
                       plural(all, "expert"));
    return num;
}

std::vector<ExpertId> selected_experts(HardenSpec const& spec, ModelConfig const& config,
                                       std::span<ExpertId const> in_order) {
    std::vector<ExpertId> out(in_order.begin(), in_order.begin() + num_selected(spec, config));
    std::ranges::sort(out);
    return out;
}

ArmSize arm_size(HardenArm arm, HardenSpec const& spec, ModelConfig const& config) {
    // Experts are of one size: any will do.
    std::vector<ExpertId> const some(static_cast<std::size_t>(num_selected(spec, config)));
    HardenArm const alike = arm == HardenArm::random ? HardenArm::selected : arm;
    std::vector<Target> const targets = targets_of(alike, spec, config, some);
    std::int64_t const rank = rank_of(alike, spec, config, some, targets);
    return {rank, rank * parameters_per_rank(targets)};
}

Adapter new_adapter(HardenArm arm, HardenSpec const& spec, ModelConfig const& config,
                    std::span<ExpertId const> selected) {
    std::vector<Target> const targets = targets_of(arm, spec, config, selected);
    std::int64_t const rank = rank_of(arm, spec, config, selected, targets);
    Adapter adapter;
    adapter.rank = rank;
    adapter.alpha = spec.alpha / static_cast<double>(spec.rank) * static_cast<double>(rank);
    for (Target const& target : targets)
        adapter.pairs[target.place] = {drawn(target, rank, spec.seed), at::zeros({target.shape.outputs, rank})};
    return adapter;
}

std::vector<ExpertId> experts_of(Adapter const& adapter) {
    std::set<ExpertId> experts;
    for (auto const& [place, pair] : adapter.pairs) {
        if (place.expert >= 0) experts.insert({place.layer, place.expert});
    }
    return {experts.begin(), experts.end()};
}

}  // namespace gatesweep
