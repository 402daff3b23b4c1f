// A model with an adapter against PEFT and Hugging Face transformers, and against itself: from any layout, streamed,
// and merged into a checkpoint of its own.
#include <ATen/Parallel.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "gatesweep/base/digest.h"
#include "gatesweep/model/merge.h"
#include "gatesweep/signal/signals.h"
#include "gatesweep/signal/streamed_signals.h"
#include "mpi_main.h"
#include "support/expect_error.h"
#include "support/golden_adapter.h"
#include "support/temporary_folder.h"

namespace gatesweep {
namespace {

namespace fs = std::filesystem;

std::vector<std::int64_t> tokens_of(std::vector<std::vector<std::int32_t>> const& prompts) {
    std::vector<std::int64_t> tokens;
    for (auto const& ids : prompts)
        tokens.push_back(std::ssize(ids));
    return tokens;
}

// A checkpoint on disk, read by one layout of ranks.
struct Scene {
    Scene(fs::path const& folder, std::shared_ptr<Adapter const> adapter, Communicator const& ranks,
          int expert_parallel, at::ScalarType dtype)
        : config(load_model_config(folder)),
          checkpoint(folder),
          layout(make_parallel_layout(ranks, expert_parallel)),
          source{&checkpoint,
                 &config,
                 std::make_shared<WeightMap const>(validate_checkpoint(checkpoint, config)),
                 layout.local_experts(config.num_experts),
                 dtype,
                 at::kCPU,
                 std::move(adapter)} {}

    Signals resident(Golden const& golden) {
        Weights weights = load_weights(source);
        digests = weights.digests;
        Decoder const model(config, std::move(weights), layout, 512);
        return whole(
            compute_signals(model, layout, golden.prompts, plan(golden), {.tape_memory = std::uint64_t{1} << 40}));
    }
    Signals streamed(Golden const& golden) {
        StreamedDecoder model(source, layout, 512);
        auto result = compute_streamed_signals(model, layout, golden.prompts, plan(golden),
                                               {.activation_memory = std::uint64_t{1} << 40});
        digests = model.digests();
        return whole(std::move(result.signals));
    }
    // Of one copy, as a run adds them up.
    std::uint64_t whole_digest() const {
        std::uint64_t const mine = digests.experts + (layout.ep_rank() == 0 ? digests.dense : 0);
        return static_cast<std::uint64_t>(layout.expert_parallel.all_reduce_sum(static_cast<std::int64_t>(mine)));
    }

    ModelConfig config;
    Checkpoint checkpoint;
    ParallelLayout layout;
    WeightSource source;
    WeightDigests digests;

private:
    static BatchPlan plan(Golden const& golden) { return plan_batches(tokens_of(golden.prompts), 200); }
    Signals whole(Signals signals) const {
        reduce_to_final_rank(signals, layout);
        return signals;
    }
};

bool is_final_rank() {
    return world().rank() == world().size() - 1;
}

void expect_equal(Signals const& signals, Signals const& expected, std::string const& what) {
    if (!is_final_rank()) return;
    EXPECT_EQ(signals.activation_counts.values, expected.activation_counts.values) << what;
    EXPECT_EQ(signals.losses.values, expected.losses.values) << what;
    EXPECT_EQ(signals.gradient_scores.values, expected.gradient_scores.values) << what;
}

class WithAdapter : public testing::TestWithParam<std::string> {
protected:
    WithAdapter() : golden_(load_golden_adapter(GetParam())) {}

    fs::path model() const { return golden_.golden.model_folder(); }
    std::shared_ptr<Adapter const> adapter(std::string const& naming = "fused") const {
        return read_optional_adapter(golden_.folder(naming), load_model_config(model()));
    }

    GoldenAdapter golden_;
};

TEST_P(WithAdapter, HasTheLossesOfPeftFromAnyLayoutAndStreamed) {
    for (auto const dtype : {at::kFloat, at::kBFloat16}) {
        Scene alone(model(), adapter(), Communicator(), 1, dtype);
        Signals const expected = alone.resident(golden_.golden);
        std::uint64_t const digest = alone.whole_digest();
        if (dtype == at::kFloat && is_final_rank()) {
            auto const losses = golden_.losses();
            for (std::size_t p = 0; p < losses.size(); ++p)
                EXPECT_NEAR(expected.losses.values[p], losses[p], 1e-5 * losses[p]) << "prompt " << p;
            EXPECT_EQ(expected.activation_counts.values, golden_.counts());
        }
        Scene plain(model(), nullptr, Communicator(), 1, dtype);
        EXPECT_NE(plain.resident(golden_.golden).losses.values, expected.losses.values);
        EXPECT_NE(plain.whole_digest(), digest) << "other weights, and the same digest";
        for (int const degree : degrees()) {
            if (degree > alone.config.num_experts) continue;
            std::string const what = fmt::format("degree {}, {}", degree, at::toString(dtype));
            Scene scene(model(), adapter(), world(), degree, dtype);
            expect_equal(scene.resident(golden_.golden), expected, what);
            EXPECT_EQ(scene.whole_digest(), digest) << what;
            expect_equal(scene.streamed(golden_.golden), expected, what + ", streamed");
            EXPECT_EQ(scene.whole_digest(), digest) << what;
        }
    }
}

TEST_P(WithAdapter, IsTheModelThatTheyAreMergedInto) {
    if (world().size() > 1) return;  // one rank merges
    TemporaryFolder const folder;
    fs::path const merged = folder / "merged";
    ModelConfig const config = load_model_config(model());
    if (config.mxfp4_experts) {
        EXPECT_ERROR(merge_checkpoint(model(), *adapter(), merged), ExitCode::bad_data, "MXFP4", "[model] adapter");
        EXPECT_FALSE(fs::exists(merged));
        return;
    }
    fs::create_directory(folder / "merged.part");  // of a start that was cut off
    folder.write("merged.part/model-00009-of-00009.safetensors", "");
    merge_checkpoint(model(), *adapter(), fs::path(merged) / "");
    auto const stored = config.stored_dtype == "bfloat16"  ? at::kBFloat16
                        : config.stored_dtype == "float32" ? at::kFloat
                                                           : at::kHalf;
    std::vector<at::ScalarType> exact;  // types in which nothing is rounded on the way that the file did not round
    if (stored == at::kBFloat16) exact = {at::kBFloat16};
    if (stored == at::kFloat) exact = {at::kFloat, at::kBFloat16};
    for (auto const dtype : exact) {
        Scene with(model(), adapter(), Communicator(), 1, dtype), alone(merged, nullptr, Communicator(), 1, dtype);
        expect_equal(alone.resident(golden_.golden), with.resident(golden_.golden), at::toString(dtype));
    }
    // In float32 they differ by the rounding of what is stored.
    Signals const signals = Scene(merged, nullptr, Communicator(), 1, at::kFloat).resident(golden_.golden);
    double const allowed = stored == at::kFloat ? 1e-5 : stored == at::kHalf ? 3e-3 : 2e-2;
    auto const losses = golden_.losses();
    for (std::size_t p = 0; p < losses.size(); ++p)
        EXPECT_NEAR(signals.losses.values[p], losses[p], allowed * losses[p]) << "prompt " << p;
    // Every other file as it was, and nothing else.
    for (auto const& entry : fs::directory_iterator(model())) {
        fs::path const copy = merged / entry.path().filename();
        ASSERT_TRUE(fs::exists(copy)) << copy;
        EXPECT_EQ(fs::file_size(copy), entry.file_size()) << copy;
        if (entry.path().extension() != ".safetensors")
            EXPECT_EQ(sha256_hex_of_file(copy), sha256_hex_of_file(entry.path())) << copy;
    }
    for (auto const& entry : fs::directory_iterator(merged))
        EXPECT_TRUE(fs::exists(model() / entry.path().filename())) << entry.path();
    EXPECT_ERROR(merge_checkpoint(model(), *adapter(), merged), ExitCode::cannot_create, "there already");
    EXPECT_FALSE(fs::exists(folder / "merged.part"));
}

TEST_P(WithAdapter, IsTheSameForAnyNumberOfThreads) {
    Scene one(model(), adapter(), Communicator(), 1, at::kFloat),
        two(model(), adapter(), Communicator(), 1, at::kFloat);
    Signals const expected = one.resident(golden_.golden);
    at::set_num_threads(3);
    expect_equal(two.resident(golden_.golden), expected, "three threads");
    at::set_num_threads(1);
}

TEST_P(WithAdapter, IsRefusedWhereTheSumIsNoNumber) {
    ModelConfig const config = load_model_config(model());
    auto const scaled = [&](double alpha) {
        auto large = std::make_shared<Adapter>(*adapter());
        large->alpha = alpha;
        return large;
    };
    Scene scene(model(), scaled(1e40), Communicator(), 1, at::kFloat);
    EXPECT_ERROR(load_weights(scene.source), ExitCode::bad_data, "with the adapter", "too large");
    if (config.mxfp4_experts) return;
    TemporaryFolder const folder;
    EXPECT_ERROR(merge_checkpoint(model(), *scaled(1e40), folder / "m"), ExitCode::bad_data, "too large");
    bool const is_half = config.stored_dtype == "float16";
    if (is_half) EXPECT_ERROR(merge_checkpoint(model(), *scaled(1e6), folder / "m"), ExitCode::bad_data, "too large");
    EXPECT_FALSE(fs::exists(folder / "m"));
}

INSTANTIATE_TEST_SUITE_P(Golden, WithAdapter, testing::ValuesIn(adapter_names()), [](auto const& parameter) {
    std::string name = parameter.param;
    std::replace(name.begin(), name.end(), '-', '_');
    return name;
});

}  // namespace
}  // namespace gatesweep
