// What score providers measure against Hugging Face transformers, and against itself: the same bytes from any layout,
// and from weights that stay on disk. The signals beside it stay what they are.
#include <ATen/Parallel.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "gatesweep/model/checkpoint_layout.h"
#include "gatesweep/signal/signals.h"
#include "gatesweep/signal/streamed_signals.h"
#include "mpi_main.h"
#include "support/golden.h"

namespace gatesweep {
namespace {

std::vector<std::string> const names = {"hub-bf16",      "fused-f16",        "olmoe-bf16",
                                        "qwen2-moe-f16", "qwen2-dense-bf16", "qwen3-moe-bf16"};

struct Setting {
    int expert_parallel = 1;
    std::int64_t batch_tokens = 512;
    std::uint64_t tape_memory = std::uint64_t{1} << 40;
    int threads = 1;
    bool in_halves = false;
    at::ScalarType dtype = at::kFloat;
    bool with_measures = true;
};

WantedMeasures all_measures(Golden const& golden) {
    auto const json = nlohmann::json::parse(read_file(golden.folder / "measures.json"));
    return {{Measure::gate_mass, Measure::output_norm, Measure::margin_gradient},
            {json.at("refusals").get<std::vector<std::int32_t>>(),
             json.at("compliances").get<std::vector<std::int32_t>>()}};
}

BatchPlan plan_of(Golden const& golden, std::int64_t batch_tokens) {
    std::vector<std::int64_t> tokens;
    for (auto const& ids : golden.prompts)
        tokens.push_back(std::ssize(ids));
    return plan_batches(tokens, batch_tokens);
}

Signals run(Golden const& golden, Communicator const& ranks, Setting const& setting) {
    at::set_num_threads(setting.threads);
    ParallelLayout const layout = make_parallel_layout(ranks, setting.expert_parallel);
    Decoder const model = load_model(golden.model_folder(), layout, setting.dtype);
    SignalsOptions options{.tape_memory = setting.tape_memory, .in_halves = setting.in_halves};
    if (setting.with_measures) options.measures = all_measures(golden);
    Signals signals = compute_signals(model, layout, golden.prompts, plan_of(golden, setting.batch_tokens), options);
    reduce_to_final_rank(signals, layout);
    at::set_num_threads(1);
    return signals;
}

Signals streamed(Golden const& golden, int expert_parallel, at::ScalarType dtype) {
    ParallelLayout const layout = make_parallel_layout(world(), expert_parallel);
    ModelConfig const config = load_model_config(golden.model_folder());
    Checkpoint const checkpoint(golden.model_folder());
    WeightSource const source{&checkpoint,
                              &config,
                              std::make_shared<WeightMap const>(validate_checkpoint(checkpoint, config)),
                              layout.local_experts(config.num_experts),
                              dtype,
                              at::kCPU};
    StreamedDecoder model(source, layout, 512);
    StreamedSignalsOptions options{.activation_memory = 300 * model.bytes_per_token()};
    options.measures = all_measures(golden);
    auto result = compute_streamed_signals(model, layout, golden.prompts, plan_of(golden, 100), options);
    reduce_to_final_rank(result.signals, layout);
    return std::move(result.signals);
}

bool is_final() {
    return world().rank() == world().size() - 1;
}

class MeasuresOf : public testing::TestWithParam<std::string> {};

TEST_P(MeasuresOf, EqualTransformersInFloat32) {
    Golden const golden = load_golden(GetParam());
    Signals const signals = run(golden, world(), {});
    if (!is_final()) return;
    ASSERT_EQ(signals.measures.size(), measure_kinds.size());
    for (auto const& [kind, values] : signals.measures) {
        std::string const word(facts_of(kind).word);
        auto const expected = read_npy<double>(golden.folder / (word + ".npy"));
        ASSERT_EQ(values.shape, expected.shape);
        double largest = 0, worst = 0;
        for (std::size_t i = 0; i < expected.values.size(); ++i) {
            largest = std::max(largest, std::abs(expected.values[i]));
            worst = std::max(worst, std::abs(expected.values[i] - values.values[i]));
        }
        EXPECT_GT(largest, 0.1) << word;
        EXPECT_LE(worst, 1e-5 * largest) << word;
    }
}

void expect_same(Signals const& signals, Signals const& alone, std::string const& what) {
    EXPECT_EQ(signals.activation_counts.values, alone.activation_counts.values) << what;
    EXPECT_EQ(signals.gradient_scores.values, alone.gradient_scores.values) << what;
    EXPECT_EQ(signals.losses.values, alone.losses.values) << what;
    for (auto const& [kind, values] : signals.measures)
        EXPECT_EQ(values.values, alone.measures.at(kind).values) << facts_of(kind).word << ", " << what;
}

// Batches hold both kinds of prompts here; a run keeps them apart.
TEST_P(MeasuresOf, MarginsAreThoseOfThePromptsThatAreWanted) {
    Golden const golden = load_golden(GetParam());
    ParallelLayout const layout = make_parallel_layout(world(), 1);
    Decoder const model = load_model(golden.model_folder(), layout, at::kFloat);
    WantedMeasures wanted = all_measures(golden);
    for (std::size_t p = 0; p < golden.prompts.size(); ++p)
        wanted.margin_of_prompt.push_back(p % 3 == 0);
    Signals some = compute_signals(model, layout, golden.prompts, plan_of(golden, 200),
                                   {.tape_memory = std::uint64_t{1} << 40, .measures = wanted});
    reduce_to_final_rank(some, layout);
    Signals const all = run(golden, world(), {});
    if (!is_final()) return;
    auto const& margins = some.measures.at(Measure::margin_gradient);
    for (std::int64_t p = 0; p < margins.shape[0]; ++p) {
        auto const row = margins.row(p), whole = all.measures.at(Measure::margin_gradient).row(p);
        for (std::size_t i = 0; i < row.size(); ++i)
            EXPECT_EQ(row[i], p % 3 == 0 ? whole[i] : 0.0) << p;
    }
    EXPECT_EQ(some.measures.at(Measure::gate_mass).values, all.measures.at(Measure::gate_mass).values);
}

TEST_P(MeasuresOf, HaveTheSameBytesFromAnyLayout) {
    Golden const golden = load_golden(GetParam());
    std::int64_t const num_experts = golden.counts().shape[2];
    for (auto dtype : {at::kFloat, at::kBFloat16}) {
        Signals const alone = run(golden, Communicator(), {.dtype = dtype});
        std::vector<Setting> settings = {{.with_measures = false},
                                         {.batch_tokens = 64, .tape_memory = 0, .threads = 2, .in_halves = true}};
        for (int degree : {2, 4}) {
            if (world().size() % degree != 0 || num_experts % degree != 0) continue;
            settings.push_back({.expert_parallel = degree});
            settings.push_back({.expert_parallel = degree, .batch_tokens = 100, .tape_memory = 0, .in_halves = true});
        }
        for (Setting setting : settings) {
            setting.dtype = dtype;
            Signals const signals = run(golden, world(), setting);
            if (!is_final()) continue;
            EXPECT_EQ(signals.measures.empty(), !setting.with_measures);
            expect_same(signals, alone,
                        fmt::format("expert_parallel {} batch_tokens {} {}", setting.expert_parallel,
                                    setting.batch_tokens, at::toString(dtype)));
        }
        int const degree = world().size() % 2 == 0 ? 2 : 1;
        Signals const from_disk = streamed(golden, degree, dtype);
        if (is_final()) expect_same(from_disk, alone, "streamed");
    }
}

// Of the margin alone: raising a chosen expert's logit and lowering another's as much changes nothing in a token's sum.
TEST_P(MeasuresOf, MarginGradientsSumToZeroInEveryLayer) {
    Golden const golden = load_golden(GetParam());
    Signals const signals = run(golden, world(), {});
    if (!is_final()) return;
    auto const& gradients = signals.measures.at(Measure::margin_gradient);
    for (std::int64_t p = 0; p < gradients.shape[0]; ++p) {
        for (std::int64_t l = 0; l < gradients.shape[1]; ++l) {
            double sum = 0, size = 0;
            for (std::int64_t e = 0; e < gradients.shape[2]; ++e) {
                sum += gradients.at(p, l, e);
                size += std::abs(gradients.at(p, l, e));
            }
            EXPECT_LE(std::abs(sum), 1e-5 * size + 1e-9) << p << " " << l;
        }
    }
}

INSTANTIATE_TEST_SUITE_P(Golden, MeasuresOf, testing::ValuesIn(names), [](auto const& parameter) {
    std::string name = parameter.param;
    std::replace(name.begin(), name.end(), '-', '_');
    return name;
});

}  // namespace
}  // namespace gatesweep
