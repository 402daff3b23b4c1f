// What expert edits cost while tokens are generated: the router alone with and without a mask, and whole decode steps
// with an edit that changes no number (a bias of 1e-30) and with none, on the demo model. Thread CPU time, the two
// taking turns. The test holds the router's part to the goal: on a busy machine whole steps differ by more than that.
#include <ATen/Parallel.h>
#include <fmt/core.h>
#include <gtest/gtest.h>
#include <time.h>

#include <algorithm>
#include <limits>

#include "gatesweep/model/kv_cache.h"
#include "support/golden.h"

namespace gatesweep {
namespace {

constexpr std::int64_t num_rows = 64;

double cpu_seconds() {
    timespec now{};
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
}

// Seconds of one call, the least of all rounds, and the median over rounds of edited / plain.
struct Comparison {
    double plain = std::numeric_limits<double>::infinity(), edited = std::numeric_limits<double>::infinity();
    double ratio = 0.0;
};

template <class Plain, class Edited>
Comparison compare(int rounds, int calls, Plain const& plain, Edited const& edited) {
    Comparison best;
    std::vector<double> ratios;
    auto const measure = [&](auto const& work) {
        double const start = cpu_seconds();
        for (int i = 0; i < calls; ++i)
            work();
        return (cpu_seconds() - start) / calls;
    };
    for (int round = 0; round < rounds; ++round) {
        bool const plain_first = round % 2 == 0;  // neither gains from coming second
        double const first = plain_first ? measure(plain) : measure(edited);
        double const second = plain_first ? measure(edited) : measure(plain);
        best.plain = std::min(best.plain, plain_first ? first : second);
        best.edited = std::min(best.edited, plain_first ? second : first);
        ratios.push_back(plain_first ? second / first : first / second);
    }
    std::nth_element(ratios.begin(), ratios.begin() + rounds / 2, ratios.end());
    best.ratio = ratios[static_cast<std::size_t>(rounds / 2)];
    return best;
}

// One expert in every layer, for each row a variant of its own.
RouterEdits edits_of(EditMode mode, double value, ModelConfig const& config) {
    RouterEdits edits(config.num_layers, config.num_experts);
    for (std::int64_t v = 0; v < num_rows; ++v) {
        std::vector<RouterEdit> edit;
        for (std::int64_t l = 0; l < config.num_layers; ++l)
            edit.push_back({l, (v + l) % config.num_experts, value});
        edits.add(mode, EditScope::both, edit);
    }
    return edits;
}

TEST(MaskBench, EditsCostLessThanOnePercentOfADecodeStep) {
    at::set_num_threads(1);
    Decoder const model =
        load_model(std::filesystem::path(GATESWEEP_SOURCE_DIR) / "jobs/demo/model", ParallelLayout(), at::kFloat);
    ModelConfig const& config = model.config();

    RouterEdits const masks = edits_of(EditMode::mask, 1.0, config);
    at::Tensor const logits = at::randn({num_rows, config.num_experts});
    std::vector<std::int32_t> entries;
    for (std::int32_t v = 1; v <= num_rows; ++v)
        entries.push_back(masks.entry(v, 0, Phase::decode));
    Comparison const router = compare(
        50, 200, [&] { route(logits, config.top_k); },
        [&] {
            route(logits, config.top_k, {&masks, entries});
        });

    RouterEdits const same = edits_of(EditMode::bias, 1e-30, config);
    KvCache cache(config, num_rows, 64, at::kFloat);
    DecodeBatch batch;
    for (std::int64_t row = 0; row < num_rows; ++row) {
        batch.ids.push_back(static_cast<std::int32_t>(3 + row));
        batch.positions.push_back(0);
        batch.slots.push_back(row);
        batch.variants.push_back(0);
    }
    DecodeBatch edited = batch;
    for (std::int64_t row = 0; row < num_rows; ++row)
        edited.variants[row] = static_cast<std::int32_t>(row + 1);
    ASSERT_EQ(model.decode(batch, same, cache), model.decode(edited, same, cache)) << "not the same work";
    Comparison const step = compare(
        200, 1, [&] { model.decode(batch, same, cache); }, [&] { model.decode(edited, same, cache); });

    double const in_router = (router.edited - router.plain) * static_cast<double>(config.num_layers) / step.plain;
    fmt::print("router, ns per row      {:8.1f} as it is {:8.1f} masked\n", router.plain / num_rows * 1e9,
               router.edited / num_rows * 1e9);
    fmt::print("decode, us per token    {:8.2f} as it is {:8.2f} with edits in every layer\n",
               step.plain / num_rows * 1e6, step.edited / num_rows * 1e6);
    fmt::print("overhead                {:8.3f} % (router alone, all layers) {:8.3f} % (whole step)\n", 100 * in_router,
               100 * (step.ratio - 1));
    EXPECT_LT(in_router, 0.01);
}

}  // namespace
}  // namespace gatesweep
