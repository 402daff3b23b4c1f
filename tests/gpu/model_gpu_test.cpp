// The golden checkpoints on GPUs, experts sharded over the ranks, against the CPU: counts, scores, losses, greedy
// tokens.
#include "gatesweep/signal/signals.h"
#include "gatesweep/sweep/generator.h"
#include "gpu_test.h"
#include "support/expect_error.h"
#include "support/golden.h"
#include "support/tensors.h"

namespace gatesweep {
namespace {

using ModelOnGpu = GpuTest;

Signals signals_of(Decoder const& model, ParallelLayout const& layout, Golden const& golden) {
    std::vector<std::int64_t> lengths;
    for (auto const& ids : golden.prompts)
        lengths.push_back(std::ssize(ids));
    Signals signals = compute_signals(model, layout, golden.prompts, plan_batches(lengths, 64),
                                      {.tape_memory = std::uint64_t{1} << 30, .progress = {}});
    reduce_to_final_rank(signals, layout);
    return signals;
}

// The tokens of this rank's requests: every prompt, unedited and with two experts masked.
std::vector<std::vector<std::int32_t>> tokens_of(Decoder const& model, ParallelLayout const& layout,
                                                 Golden const& golden) {
    RouterEdits edits(model.config().num_layers, model.config().num_experts);
    std::int64_t const last = model.config().num_layers - 1;
    std::int32_t const masked = edits.add(EditMode::mask, EditScope::both, std::vector<RouterEdit>{{0, 1}, {last, 0}});
    std::vector<Request> requests;
    for (std::int64_t p = 0; p < std::ssize(golden.prompts); ++p) {
        requests.push_back({p, 0});
        requests.push_back({p, masked});
    }
    Generator generator(model, layout, edits, golden.prompts, {12, 8, 256, {}});
    std::vector<std::vector<std::int32_t>> tokens(requests.size());
    generator.run(requests, [&](Completion const& c) {
        tokens[static_cast<std::size_t>(2 * c.prompt + (c.variant == masked ? 1 : 0))] = c.token_ids;
    });
    return tokens;
}

TEST_F(ModelOnGpu, GivesTheNumbersOfTheCpuInFloat32) {
    for (auto const& name : golden_names()) {
        Golden const golden = load_golden(name);
        std::int64_t const num_experts = load_model_config(golden.model_folder()).num_experts;
        if (num_experts % world().size() != 0) continue;
        ParallelLayout const layout = make_parallel_layout(world(), world().size());
        Decoder const on_gpu = load_model(golden.model_folder(), layout, at::kFloat, 512, device_);
        Decoder const on_cpu = load_model(golden.model_folder(), layout, at::kFloat);
        Signals const a = signals_of(on_gpu, layout, golden), b = signals_of(on_cpu, layout, golden);
        EXPECT_EQ(tokens_of(on_gpu, layout, golden), tokens_of(on_cpu, layout, golden)) << name;
        if (!layout.is_final_rank()) continue;
        EXPECT_EQ(a.activation_counts.values, b.activation_counts.values) << name;
        for (std::size_t i = 0; i < b.gradient_scores.values.size(); ++i)
            ASSERT_NEAR(a.gradient_scores.values[i], b.gradient_scores.values[i],
                        1e-3 * b.gradient_scores.values[i] + 1e-9)
                << name;
        for (std::size_t p = 0; p < b.losses.values.size(); ++p)
            EXPECT_NEAR(a.losses.values[p], b.losses.values[p], 1e-4) << name;
    }
}

// A recorded step holds nothing that waits for the host.
TEST_F(ModelOnGpu, RefusesToRecordWhereTheHostWaits) {
    ParallelLayout const layout = make_parallel_layout(world(), 1);
    Golden const golden = load_golden(golden_names().front());
    Decoder const model = load_model(golden.model_folder(), layout, at::kFloat, 512, device_);
    ASSERT_EQ(setenv("GATESWEEP_DECODE_GRAPH", "on", 1), 0);
    EXPECT_ERROR(choose_recorder(model, 1), ExitCode::unavailable, "bfloat16 weights");
    ASSERT_EQ(setenv("GATESWEEP_DECODE_DISPATCH", "counted", 1), 0);
    EXPECT_ERROR(choose_recorder(model, 1), ExitCode::usage, "dispatch = \"counted\" exclude each other");
    ASSERT_EQ(unsetenv("GATESWEEP_DECODE_DISPATCH"), 0);
    ASSERT_EQ(unsetenv("GATESWEEP_DECODE_GRAPH"), 0);
}

double agreement(std::vector<std::vector<std::int32_t>> const& a, std::vector<std::vector<std::int32_t>> const& b) {
    std::size_t equal = 0, all = 0;
    for (std::size_t i = 0; i < a.size(); ++i) {
        all += std::max(a[i].size(), b[i].size());
        for (std::size_t t = 0; t < std::min(a[i].size(), b[i].size()); ++t)
            equal += a[i][t] == b[i][t];
    }
    return all == 0 ? 1.0 : static_cast<double>(equal) / static_cast<double>(all);
}

// One recorder after the other, as a sweep has them: baseline, then trials.
TEST_F(ModelOnGpu, RecordsTheDecodeStepsOfOneGeneratorAfterTheOther) {
    if (world().size() > 1) GTEST_SKIP() << "records the steps of a copy on one GPU alone";
    ParallelLayout const layout = make_parallel_layout(world(), 1);
    std::int64_t num_recorded = 0;
    for (auto const& name : golden_names()) {
        Golden const golden = load_golden(name);
        Decoder const model = load_model(golden.model_folder(), layout, at::kBFloat16, 512, device_);
        if (!experts_group_on_device(model.weights().layers[0].experts, model.weights().embedding)) continue;
        auto const plain = tokens_of(model, layout, golden);
        ASSERT_EQ(setenv("GATESWEEP_DECODE_GRAPH", "on", 1), 0);
        auto const first = tokens_of(model, layout, golden), second = tokens_of(model, layout, golden);
        ASSERT_EQ(unsetenv("GATESWEEP_DECODE_GRAPH"), 0);
        EXPECT_EQ(first, second) << name;
        EXPECT_GE(agreement(first, plain), 0.5)
            << name;  // steps are filled up: cuBLAS picks kernels by the number of rows
        ++num_recorded;
    }
    if (num_recorded == 0) GTEST_SKIP() << "no product groups rows on this GPU";
}

}  // namespace
}  // namespace gatesweep
