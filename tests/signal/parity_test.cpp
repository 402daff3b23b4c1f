// The signals against Hugging Face transformers, and against themselves: the same bytes from any layout.
#include <ATen/Parallel.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "gatesweep/signal/signals.h"
#include "mpi_main.h"
#include "support/golden.h"

namespace gatesweep {
namespace {

struct Setting {
    int expert_parallel = 1;
    std::int64_t batch_tokens = 512;
    std::uint64_t tape_memory = std::uint64_t{1} << 40;
    int threads = 1;
    bool in_halves = false;
    at::ScalarType dtype = at::kFloat;
};

Signals run(Golden const& golden, Communicator const& ranks, Setting const& setting) {
    at::set_num_threads(setting.threads);
    ParallelLayout const layout = make_parallel_layout(ranks, setting.expert_parallel);
    Decoder const model = load_model(golden.model_folder(), layout, setting.dtype);
    std::vector<std::int64_t> tokens;
    for (auto const& ids : golden.prompts)
        tokens.push_back(static_cast<std::int64_t>(ids.size()));
    Signals signals =
        compute_signals(model, layout, golden.prompts, plan_batches(tokens, setting.batch_tokens),
                        {.tape_memory = setting.tape_memory, .in_halves = setting.in_halves, .progress = {}});
    reduce_to_final_rank(signals, layout);
    return signals;
}

class Parity : public testing::TestWithParam<std::string> {};

TEST_P(Parity, EqualsTransformersInFloat32) {
    Golden const golden = load_golden(GetParam());
    Signals const signals = run(golden, world(), {});
    if (world().rank() != world().size() - 1) return;
    EXPECT_EQ(signals.activation_counts.values, golden.counts().values);
    for (std::size_t p = 0; p < golden.losses.size(); ++p) {
        EXPECT_NEAR(signals.losses.values[p], golden.losses[p], 1e-5 * golden.losses[p]) << "prompt " << p;
    }
    auto const expected = golden.gradient_scores();
    double largest = 0, worst = 0;
    for (std::size_t i = 0; i < expected.values.size(); ++i) {
        largest = std::max(largest, expected.values[i]);
        worst = std::max(worst, std::abs(expected.values[i] - signals.gradient_scores.values[i]));
    }
    // With top-1 the gradient vanishes; transformers leaves its rounding noise there.
    EXPECT_LE(worst, std::max(1e-4 * largest, 1e-7)) << "largest " << largest;
    if (world().size() == 1) RecordProperty("worst_over_largest", std::to_string(worst / largest));
}

TEST_P(Parity, AgreesWithTransformersInBfloat16) {
    Golden const golden = load_golden(GetParam());
    Signals const signals = run(golden, world(), {.dtype = at::kBFloat16});
    if (world().rank() != world().size() - 1) return;
    auto const expected = golden.counts("_bf16");
    std::int64_t moved = 0, total = 0;
    for (std::size_t i = 0; i < expected.values.size(); ++i) {
        moved += std::abs(expected.values[i] - signals.activation_counts.values[i]);
        total += expected.values[i];
    }
    // Each routed slot that goes elsewhere counts twice. bfloat16 rounds where implementations differ.
    EXPECT_LE(static_cast<double>(moved) / 2 / static_cast<double>(total), 0.02);
}

TEST_P(Parity, SameBytesFromAnyLayoutBatchingThreadsAndRecomputation) {
    Golden const golden = load_golden(GetParam());
    std::int64_t const num_experts = golden.counts().shape[2];
    for (auto dtype : {at::kFloat, at::kBFloat16}) {
        Signals const alone = run(golden, Communicator(), {.dtype = dtype});
        std::vector<Setting> settings = {
            {.batch_tokens = 64}, {.batch_tokens = 8192}, {.tape_memory = 0}, {.threads = 2}, {.in_halves = true}};
        for (int degree : degrees()) {
            if (degree == 1 || degree > num_experts) continue;
            settings.push_back({.expert_parallel = degree});
            settings.push_back(
                {.expert_parallel = degree, .batch_tokens = 100, .tape_memory = 0, .threads = 2, .in_halves = true});
            settings.push_back({.expert_parallel = degree, .in_halves = true});
        }
        for (Setting setting : settings) {
            setting.dtype = dtype;
            Signals const signals = run(golden, world(), setting);
            if (world().rank() != world().size() - 1) continue;
            std::string const what = fmt::format("expert_parallel {} batch_tokens {} tape {} threads {} halves {} {}",
                                                 setting.expert_parallel, setting.batch_tokens, setting.tape_memory,
                                                 setting.threads, setting.in_halves, at::toString(dtype));
            EXPECT_EQ(signals.activation_counts.values, alone.activation_counts.values) << what;
            EXPECT_EQ(signals.losses.values, alone.losses.values) << what;
            EXPECT_EQ(signals.near_ties.values, alone.near_ties.values) << what;
            EXPECT_EQ(signals.gradient_scores.values, alone.gradient_scores.values) << what;
        }
    }
    at::set_num_threads(1);
}

INSTANTIATE_TEST_SUITE_P(Golden, Parity, testing::ValuesIn(golden_names()), [](auto const& parameter) {
    std::string name = parameter.param;
    std::replace(name.begin(), name.end(), '-', '_');
    return name;
});

}  // namespace
}  // namespace gatesweep
