// A known answer: a model all of whose experts are equal, and whose weights sum to one, is dense whatever its router
// chooses. No mask may change a token, no gate weight has a gradient, and an expert that is unlike the others is seen.
#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>

#include "gatesweep/signal/signals.h"
#include "gatesweep/sweep/generate_all.h"
#include "support/golden.h"

namespace gatesweep {
namespace {

// The golden model with every layer's first expert in the place of all; in layer 0 `odd` keeps its own weights.
Decoder equal_experts(Golden const& golden, std::optional<std::int64_t> odd = std::nullopt) {
    ModelConfig const config = load_model_config(golden.model_folder());
    Checkpoint const checkpoint(golden.model_folder());
    auto const map = std::make_shared<WeightMap const>(validate_checkpoint(checkpoint, config));
    ParallelLayout const alone;
    Weights weights =
        load_weights({&checkpoint, &config, map, alone.local_experts(config.num_experts), at::kFloat, at::kCPU});
    for (std::int64_t l = 0; l < config.num_layers; ++l) {
        auto& experts = weights.layers[static_cast<std::size_t>(l)].experts;
        for (std::size_t e = 1; e < experts.gate_up.size(); ++e) {
            if (l == 0 && odd == static_cast<std::int64_t>(e)) continue;
            experts.gate_up[e] = experts.gate_up[0];
            experts.down[e] = experts.down[0];
        }
    }
    return Decoder(config, std::move(weights), alone, 512);
}

Signals signals_of(Decoder const& model, Golden const& golden) {
    std::vector<std::int64_t> tokens;
    for (auto const& ids : golden.prompts)
        tokens.push_back(static_cast<std::int64_t>(ids.size()));
    return compute_signals(model, ParallelLayout(), golden.prompts, plan_batches(tokens, 512),
                           {.tape_memory = std::uint64_t{1} << 40, .progress = {}});
}

class EqualExperts : public testing::TestWithParam<std::string> {
protected:
    Golden const golden = load_golden(GetParam());
};

TEST_P(EqualExperts, HaveNoGateGradient) {
    Signals const signals = signals_of(equal_experts(golden), golden);
    for (double score : signals.gradient_scores.values)
        ASSERT_EQ(score, 0.0);
}

TEST_P(EqualExperts, AnswerAlikeUnderEveryMask) {
    Decoder const model = equal_experts(golden);
    ModelConfig const& c = model.config();
    RouterEdits edits(c.num_layers, c.num_experts);
    for (std::int64_t e = 0; e < c.num_experts; ++e) {  // one expert less in every layer, and all but top-k
        std::vector<RouterEdit> one, most;
        for (std::int64_t l = 0; l < c.num_layers; ++l) {
            one.push_back({l, e});
            for (std::int64_t i = c.top_k; i < c.num_experts; ++i)
                most.push_back({l, (e + i) % c.num_experts});
        }
        edits.add(EditMode::mask, EditScope::both, one);
        edits.add(EditMode::mask, EditScope::both, most);
    }
    std::vector<std::int64_t> const rows = {0, 3, 6};
    GeneratorOptions const options{8, 16, 2048, {}};
    auto const completions = generate_all({model, ParallelLayout(), edits, golden.prompts, options.prefill_tokens, {}},
                                          rows, 0, static_cast<std::int32_t>(edits.num_variants()), options)
                                 .completions;
    ASSERT_EQ(completions.size(), rows.size() * static_cast<std::size_t>(edits.num_variants()));
    for (std::size_t i = 0; i < completions.size(); ++i)
        EXPECT_EQ(completions[i].token_ids, completions[i % rows.size()].token_ids) << "variant " << i / rows.size();
}

TEST_P(EqualExperts, OneThatIsUnlikeTheOthersHasTheLargestGradientOfTheOnlyLayerWithOne) {
    std::int64_t const odd = 1;
    Signals const signals = signals_of(equal_experts(golden, odd), golden);
    auto const& scores = signals.gradient_scores;
    std::vector<double> sums(static_cast<std::size_t>(scores.shape[2]));
    for (std::int64_t p = 0; p < scores.shape[0]; ++p) {
        for (std::int64_t l = 0; l < scores.shape[1]; ++l) {
            for (std::int64_t e = 0; e < scores.shape[2]; ++e) {
                if (l > 0) ASSERT_EQ(scores.at(p, l, e), 0.0) << "layer " << l;
                sums[static_cast<std::size_t>(e)] += scores.at(p, l, e);
            }
        }
    }
    EXPECT_EQ(std::max_element(sums.begin(), sums.end()) - sums.begin(), odd);
    EXPECT_GT(sums[odd], 1e-6);
}

// Of those whose weights sum to one, with two chosen experts and with three.
INSTANTIATE_TEST_SUITE_P(Golden, EqualExperts, testing::Values("hub-bf16", "three-f16"), [](auto const& parameter) {
    std::string name = parameter.param;
    std::replace(name.begin(), name.end(), '-', '_');
    return name;
});

}  // namespace
}  // namespace gatesweep
