// `gatesweep verify` on golden checkpoints passes on every layout, and each of its comparisons fails when it must.
#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "app/verify/generation.h"
#include "app/verify/gradients.h"
#include "app/verify/numbers.h"
#include "app/verify/routing.h"
#include "app/verify/sample.h"
#include "app/verify/signals.h"
#include "gatesweep/model/model_size.h"
#include "mpi_main.h"
#include "support/golden.h"
#include "support/tensors.h"

namespace gatesweep {
namespace {

std::vector<Check> verify(Golden const& golden, int expert_parallel, at::ScalarType dtype) {
    ModelConfig const config = load_model_config(golden.model_folder());
    ParallelLayout const layout = make_parallel_layout(world(), expert_parallel);
    Machine machine;
    machine.dtype = dtype;
    machine.tape_memory = std::uint64_t{1} << 32;
    at::set_num_threads(1);
    VerifyInput const input{
        golden.model_folder(), config, layout, machine, {golden.prompts.begin(), golden.prompts.begin() + 6}, 100, 24};
    std::vector<Check> checks;
    verify_numbers(input, [&](Check const& check) { checks.push_back(check); });
    return checks;
}

class VerifyOn : public testing::TestWithParam<std::string> {};

TEST_P(VerifyOn, PassesOnEveryLayoutInBothTypes) {
    Golden const golden = load_golden(GetParam());
    for (int degree : degrees()) {
        if (degree > golden.counts().shape[2]) continue;
        for (auto dtype : {at::kFloat, at::kBFloat16}) {
            auto const checks = verify(golden, degree, dtype);
            std::vector<std::string> passed;
            for (auto const& check : checks) {
                EXPECT_NE(check.verdict, Verdict::failed) << "degree " << degree << ": " << table_row(check);
                if (check.verdict == Verdict::ok) passed.push_back(check.name);
            }
            std::vector<std::string> expected = {"batching", "batching",      "memory", "threads",    "counts",
                                                 "choices",  "gradient sums", "prefix", "generation", "gate gradients"};
            if (world().size() > 1) expected.insert(expected.begin(), "sharding");
            EXPECT_EQ(passed, expected);
        }
    }
}

INSTANTIATE_TEST_SUITE_P(Golden, VerifyOn, testing::Values("hub-bf16", "top1-bf16"), [](auto const& parameter) {
    std::string name = parameter.param;
    std::replace(name.begin(), name.end(), '-', '_');
    return name;
});

TEST(VerifyGeneration, SeesAnotherTokenAndAMissingSequence) {
    std::vector<Completion> const mixed = {{0, 0, {5, 6}, FinishReason::length}, {1, 0, {7}, FinishReason::eos}};
    EXPECT_EQ(compare_generated(mixed, mixed, 1, true).verdict, Verdict::ok);
    auto other = mixed;
    other[1].token_ids[0] = 8;
    EXPECT_EQ(compare_generated(mixed, other, 1, true).verdict, Verdict::failed);
    EXPECT_EQ(compare_generated(mixed, other, 1, false).verdict, Verdict::note);
    other = mixed;
    other.pop_back();
    EXPECT_EQ(compare_generated(mixed, other, 1, true).verdict, Verdict::failed);
    EXPECT_EQ(compare_generated({}, {}, 1, true).verdict, Verdict::failed);
}

Signals some_signals() {
    ModelConfig config;
    config.num_layers = 2;
    config.num_experts = 4;
    Signals signals(3, config);
    std::iota(signals.activation_counts.values.begin(), signals.activation_counts.values.end(), std::int64_t{1});
    for (std::size_t i = 0; i < signals.gradient_scores.values.size(); ++i)
        signals.gradient_scores.values[i] = 1e-3 * static_cast<double>(i + 1);
    signals.losses.values = {1.0, 2.0, 3.0};
    return signals;
}

Verdict compared(Signals const& a, Signals const& b, SignalsDifference const& allowed = {}) {
    return compare_signals("", "", a, b, allowed).verdict;
}

TEST(CompareSignals, SeesOneBitOfAnyOfThem) {
    Signals const a = some_signals();
    EXPECT_EQ(compared(a, a), Verdict::ok);
    Signals counts = a, losses = a, scores = a;
    counts.activation_counts.values[5] += 1;
    losses.losses.values[2] = std::nextafter(3.0, 4.0);
    scores.gradient_scores.values[0] = std::nextafter(1e-3, 1.0);
    for (Signals const& b : {counts, losses, scores}) {
        EXPECT_EQ(compared(a, b), Verdict::failed);
        EXPECT_EQ(compared(b, a), Verdict::failed);
        EXPECT_EQ(compared(a, b, {.moved = 0.1, .losses = 1e-9, .scores = 1e-9}), Verdict::ok)
            << "within rounding of a GPU";
    }
}

TEST(CompareSignals, ANumberThatIsNoneFails) {
    double const nan = std::numeric_limits<double>::quiet_NaN();
    Signals const a = some_signals();
    Signals losses = a, scores = a, first = a;
    losses.losses.values[1] = nan;
    scores.gradient_scores.values[7] = nan;
    first.gradient_scores.values[0] = nan;
    for (Signals const& b : {losses, scores, first}) {
        EXPECT_EQ(compared(a, b, {.moved = 1, .losses = 1, .scores = 1}), Verdict::failed);
        EXPECT_EQ(compared(b, b), Verdict::failed);
    }
}

TEST(CountsCheck, SeesALayerThatDoesNotAddUp) {
    Signals signals = some_signals();
    std::fill(signals.activation_counts.values.begin(), signals.activation_counts.values.end(), 3);
    EXPECT_EQ(counts_check(signals, {6, 6, 6}, 2).verdict, Verdict::ok);
    signals.activation_counts.at(1, 1, 0) = 4;
    EXPECT_EQ(counts_check(signals, {6, 6, 6}, 2).verdict, Verdict::failed);
}

Verdict verdict_of(std::string const& name, RoutingExamination const& result) {
    for (auto const& check : routing_checks(result, {})) {
        if (check.name == name) return check.verdict;
    }
    return Verdict::skipped;
}

TEST(RoutingChecks, SeeExpertsChosenTwiceAndNearTies) {
    at::Tensor const logits = at::tensor(std::vector<float>{3, 2, 1, 0, 2, 1, 1, 0}).view({2, 4});
    Routing routing = route(logits, 2);
    RoutingExamination good;
    examine_choices(good, routing);
    EXPECT_EQ(good.num_choices, 2);
    EXPECT_EQ(good.near_ties, 1) << "the second token's experts 1 and 2";
    EXPECT_EQ(verdict_of("choices", good), Verdict::ok);
    routing.expert_ids[1][1].fill_(0);
    RoutingExamination twice;
    examine_choices(twice, routing);
    EXPECT_EQ(verdict_of("choices", twice), Verdict::failed);
    routing.expert_ids[1][1].fill_(4);
    RoutingExamination outside;
    examine_choices(outside, routing);
    EXPECT_EQ(verdict_of("choices", outside), Verdict::failed);
}

TEST(RoutingChecks, SeeAPrefixThatRoutesOtherwise) {
    Routing const whole = route(random_tensor({5, 4}, at::kFloat, 1), 2);
    auto const prefix = [&] {
        return Routing{whole.expert_ids.slice(0, 0, 3).clone(), whole.routing_weights.slice(0, 0, 3).clone(), 4};
    };
    auto const verdict = [&](Routing const& other) {
        RoutingExamination result;
        examine_prefix(result, whole, other);
        EXPECT_EQ(result.prefix_choices, 3);
        return verdict_of("prefix", result);
    };
    EXPECT_EQ(verdict(prefix()), Verdict::ok);
    Routing moved = prefix(), nudged = prefix();
    moved.expert_ids[2][0].fill_((whole.expert_ids[2][0].item<std::int64_t>() + 1) % 4);
    nudged.routing_weights[0][0].fill_(std::nextafter(whole.routing_weights[0][0].item<float>(), 2.0F));
    EXPECT_EQ(verdict(moved), Verdict::failed);
    EXPECT_EQ(verdict(nudged), Verdict::failed);
}

TEST(RoutingChecks, SeeGradientsThatDoNotSumToZero) {
    for (double imbalance : {1.5, std::numeric_limits<double>::quiet_NaN()}) {
        RoutingExamination result;
        result.imbalance = imbalance;
        EXPECT_EQ(verdict_of("gradient sums", result), Verdict::failed);
    }
    EXPECT_EQ(verdict_of("gradient sums", RoutingExamination()), Verdict::ok);
}

TEST(GradientCheck, SeesAWrongEntryAndARoutingGradientThatIsLost) {
    Golden const golden = load_golden("hub-bf16");
    Decoder const model = load_model(golden.model_folder(), ParallelLayout(), at::kDouble);
    auto const& prompt = golden.prompts[0];
    std::int64_t const d = model.config().hidden_size;
    GateGradients const right = gate_gradients(model, prompt, Part::examiner);
    auto const entries = choose_entries(right, d, 8);
    auto const differences = finite_differences(model, prompt, Part::examiner, entries);
    auto const verdict = [&](GateGradients const& gradients) {
        return gradient_check(agreement(gradients, d, entries, differences), 1).verdict;
    };
    EXPECT_EQ(verdict(right), Verdict::ok);
    GateGradients wrong = right, half = right, none = right;
    wrong.layers[entries[0].layer][entries[0].expert * d + entries[0].column] *= 1.0001;
    for (auto& layer : half.layers)
        for (double& value : layer)
            value *= 0.5;
    for (auto& layer : none.layers)
        std::fill(layer.begin(), layer.end(), 0.0);
    EXPECT_EQ(verdict(wrong), Verdict::failed);
    EXPECT_EQ(verdict(half), Verdict::failed);
    EXPECT_EQ(verdict(none), Verdict::failed);
    EXPECT_EQ(gradient_check(agreement(right, d, entries, std::vector<std::optional<double>>(8)), 1).verdict,
              Verdict::skipped);
}

TEST(Sample, TakesTheShortestAndLongestOfEachGroup) {
    std::vector<std::string> const groups = {"a", "b", "a", "a", "a", "b"};
    EXPECT_EQ(sample_prompts(groups, {5, 9, 3, 8, 5, 2}, 1), (std::vector<std::int64_t>{1, 2, 3, 5}));
    EXPECT_EQ(sample_prompts(groups, {5, 9, 3, 8, 5, 2}, 10), (std::vector<std::int64_t>{0, 1, 2, 3, 4, 5}));
    EXPECT_EQ(short_prompt({3, 20, 9, 12}, 8), 2);
    EXPECT_EQ(short_prompt({3, 5, 4}, 8), 1);
}

TEST(Sample, ShufflesEveryPromptIntoOneBatch) {
    std::vector<std::int64_t> const tokens = {10, 20, 30, 40, 50, 60, 7, 8};
    BatchPlan const plan = shuffled_plan(tokens, 70, 1);
    std::vector<std::int64_t> seen;
    for (auto const& batch : plan.batches) {
        std::int64_t sum = 0;
        for (auto p : batch)
            sum += tokens[p];
        EXPECT_LE(sum, 70);
        seen.insert(seen.end(), batch.begin(), batch.end());
    }
    EXPECT_FALSE(std::is_sorted(seen.begin(), seen.end()));
    std::sort(seen.begin(), seen.end());
    EXPECT_EQ(seen, (std::vector<std::int64_t>{0, 1, 2, 3, 4, 5, 6, 7}));
}

TEST(Sample, CountsTheBytesThatARankHolds) {
    for (auto const& name : golden_names()) {
        Golden const golden = load_golden(name);
        ModelConfig const config = load_model_config(golden.model_folder());
        Decoder const model = load_model(golden.model_folder(), ParallelLayout(), at::kDouble);
        EXPECT_EQ(weight_bytes(config, config.num_experts, sizeof(double)), model.weights().num_bytes()) << name;
        std::int64_t const d = config.hidden_size, f = config.intermediate_size,
                           expert = (3 * d * f + (config.has_expert_bias ? 2 * f + d : 0)) * config.num_sparse_layers();
        EXPECT_EQ(weight_bytes(config, config.num_experts - 1, 2),
                  static_cast<std::uint64_t>(2 * (num_parameters(config) - expert)));
    }
}

TEST(Skipping, SaysWhatIsNeeded) {
    EXPECT_TRUE(fits(80, 100));
    EXPECT_FALSE(fits(84, 100));
    Check const check = skipped_for_memory("sharding", "", 93'400'000'000, 8'000'000'000);
    EXPECT_EQ(check.verdict, Verdict::skipped);
    EXPECT_NE(table_row(check).find("needs 93.4 GB a rank, 8.0 GB are free"), std::string::npos) << table_row(check);
}

}  // namespace
}  // namespace gatesweep
