// Signals from streamed layers against those of resident weights: the same bytes from any layout and any chunks.
#include "gatesweep/signal/streamed_signals.h"
#include "gatesweep/model/checkpoint_layout.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <limits>

#include "mpi_main.h"
#include "support/golden.h"

namespace gatesweep {
namespace {

constexpr std::uint64_t unlimited = std::uint64_t{1} << 40;

std::vector<std::int64_t> tokens_of(std::vector<std::vector<std::int32_t>> const& prompts) {
    std::vector<std::int64_t> tokens;
    for (auto const& ids : prompts)
        tokens.push_back(std::ssize(ids));
    return tokens;
}

// A golden checkpoint on disk, and its prompts cut into batches.
struct Scene {
    Scene(std::string const& name, int expert_parallel, at::ScalarType dtype, std::int64_t batch_tokens)
        : golden(load_golden(name)),
          config(load_model_config(golden.model_folder())),
          checkpoint(golden.model_folder()),
          layout(make_parallel_layout(world(), expert_parallel)),
          source{&checkpoint,
                 &config,
                 std::make_shared<WeightMap const>(validate_checkpoint(checkpoint, config)),
                 layout.local_experts(config.num_experts),
                 dtype,
                 at::kCPU},
          plan(plan_batches(tokens_of(golden.prompts), batch_tokens)) {}

    Signals resident(std::uint64_t tape_memory) const {
        Decoder const model = load_model(golden.model_folder(), layout, source.dtype);
        return compute_signals(model, layout, golden.prompts, plan, {.tape_memory = tape_memory, .progress = {}});
    }
    // Memory for so many tokens of each rank.
    std::uint64_t room_for(std::int64_t tokens) const {
        std::size_t const element = c10::elementSize(source.dtype);
        return static_cast<std::uint64_t>(tokens) * StreamedDecoder::bytes_per_token(config, element);
    }

    Golden golden;
    ModelConfig config;
    Checkpoint checkpoint;
    ParallelLayout layout;
    WeightSource source;
    BatchPlan plan;
};

void expect_equal(Signals const& streamed, Signals const& resident, std::string const& what) {
    EXPECT_EQ(streamed.activation_counts.values, resident.activation_counts.values) << what;
    EXPECT_EQ(streamed.losses.values, resident.losses.values) << what;
    EXPECT_EQ(streamed.gradient_scores.values, resident.gradient_scores.values) << what;
}

class Streamed : public testing::TestWithParam<std::string> {};

TEST_P(Streamed, GivesTheBytesOfResidentWeights) {
    for (auto dtype : {at::kFloat, at::kBFloat16}) {
        for (int degree : degrees()) {
            auto const num_experts = load_model_config(load_golden(GetParam()).model_folder()).num_experts;
            if (degree > num_experts) continue;
            Scene const scene(GetParam(), degree, dtype, 100);
            // Layers' tapes kept, or computed again.
            Signals const resident = scene.resident(dtype == at::kFloat ? unlimited : 0);
            // All prompts at once, a few batches at once, and each round by itself.
            for (std::int64_t tokens : {std::int64_t{1} << 30, std::int64_t{250}, std::int64_t{1}}) {
                StreamedDecoder model(scene.source, scene.layout, 512);
                auto const result = compute_streamed_signals(model, scene.layout, scene.golden.prompts, scene.plan,
                                                             {.activation_memory = scene.room_for(tokens)});
                std::string const what =
                    fmt::format("degree {}, room for {} tokens, {}", degree, tokens, at::toString(dtype));
                EXPECT_TRUE(result.complete);
                expect_equal(result.signals, resident, what);
            }
        }
    }
}

INSTANTIATE_TEST_SUITE_P(Golden, Streamed, testing::ValuesIn(golden_names()), [](auto const& parameter) {
    std::string name = parameter.param;
    std::replace(name.begin(), name.end(), '-', '_');
    return name;
});

TEST(StreamedSignals, ComputeTheBatchesOfAPlanAlone) {
    Scene scene("hub-bf16", 1, at::kFloat, 100);
    Signals const whole = scene.resident(0);
    auto& batches = scene.plan.batches;
    ASSERT_GE(batches.size(), 3u);
    std::vector<std::int64_t> const left_out = batches[1];
    batches.erase(batches.begin() + 1);
    StreamedDecoder model(scene.source, scene.layout, 512);
    StreamedSignals result = compute_streamed_signals(model, scene.layout, scene.golden.prompts, scene.plan,
                                                      {.activation_memory = scene.room_for(150)});
    reduce_to_final_rank(result.signals, scene.layout);
    Signals all = whole;
    reduce_to_final_rank(all, scene.layout);
    if (!scene.layout.is_final_rank()) return;
    for (std::int64_t p = 0; p < std::ssize(scene.golden.prompts); ++p) {
        bool const is_left_out = std::ranges::find(left_out, p) != left_out.end();
        EXPECT_EQ(result.signals.losses.values[p], is_left_out ? 0.0 : all.losses.values[p]) << p;
        for (std::int64_t e = 0; e < scene.config.num_experts; ++e) {
            EXPECT_EQ(result.signals.gradient_scores.at(p, 0, e), is_left_out ? 0.0 : all.gradient_scores.at(p, 0, e));
        }
    }
}

TEST(StreamedSignals, HandOverEachBatchWholeOnceInTheOrderOfThePlan) {
    Scene const scene("hub-bf16", world().size() % 2 == 0 ? 2 : 1, at::kFloat, 100);
    Signals const whole = scene.resident(0);
    auto const mine = batches_of_copy(scene.plan, scene.layout.copy, scene.layout.num_copies);
    WeightDigests const all_weights =
        load_model(scene.golden.model_folder(), scene.layout, at::kFloat).weights().digests;
    StreamedDecoder model(scene.source, scene.layout, 512);
    std::vector<std::int64_t> handed_over;
    StreamedSignalsOptions options{.activation_memory = scene.room_for(150)};
    options.done = [&](std::int64_t batch, Signals const& signals) {
        handed_over.push_back(batch);
        EXPECT_EQ(model.digests(), all_weights);
        for (std::int64_t p : scene.plan.batches[batch]) {
            EXPECT_EQ(signals.losses.values[p], whole.losses.values[p]);
            for (std::int64_t l = 0; l < scene.config.num_layers; ++l) {
                EXPECT_EQ(signals.activation_counts.at(p, l, 0), whole.activation_counts.at(p, l, 0));
                EXPECT_EQ(signals.gradient_scores.at(p, l, 0), whole.gradient_scores.at(p, l, 0));
            }
        }
    };
    compute_streamed_signals(model, scene.layout, scene.golden.prompts, scene.plan, options);
    EXPECT_EQ(handed_over, mine);
}

TEST(StreamedSignals, SayHowFarTheyAre) {
    Scene const scene("hub-bf16", 1, at::kFloat, 100);
    std::int64_t last = 0, total = 0;
    for (auto b : batches_of_copy(scene.plan, scene.layout.copy, scene.layout.num_copies)) {
        for (auto p : scene.plan.batches[b])
            total += std::ssize(scene.golden.prompts[p]);
    }
    StreamedDecoder model(scene.source, scene.layout, 512);
    StreamedSignalsOptions options{.activation_memory = scene.room_for(150)};
    options.progress = [&](std::int64_t done, std::int64_t all) {
        EXPECT_GE(done, last);
        EXPECT_EQ(all, total);
        last = done;
    };
    compute_streamed_signals(model, scene.layout, scene.golden.prompts, scene.plan, options);
    EXPECT_EQ(last, total);
}

TEST(StreamedSignals, EndWhereTheyAreAsked) {
    Scene const scene("hub-bf16", 1, at::kFloat, 100);
    auto const room = scene.room_for(1);
    auto const ended = [&](StreamedSignalsOptions options) {
        std::int64_t num_done = 0;
        options.activation_memory = room;
        options.done = [&](std::int64_t, Signals const&) { ++num_done; };
        StreamedDecoder model(scene.source, scene.layout, 512);
        EXPECT_FALSE(compute_streamed_signals(model, scene.layout, scene.golden.prompts, scene.plan, options).complete);
        return num_done;
    };
    int layers_left = static_cast<int>(scene.config.num_layers) + 1;
    EXPECT_EQ(ended({.go_on = [&] { return layers_left-- > 0; }}), 0);
    EXPECT_EQ(ended({.go_on_with_next_chunk = [] { return false; }}), 1);
}

TEST(StreamedSignals, ReadWhatTheySay) {
    for (std::string const& name : golden_names()) {
        Scene const scene(name, world().size() % 2 == 0 ? 2 : 1, at::kFloat, 100);
        auto const rounds = std::ssize(batches_of_copy(scene.plan, 0, scene.layout.num_copies));
        for (auto const& [room, num_chunks] :
             {std::pair(scene.room_for(1), rounds), std::pair(unlimited, std::int64_t{1})}) {
            Checkpoint const counted(scene.golden.model_folder());
            WeightSource source = scene.source;
            source.checkpoint = &counted;
            StreamedDecoder model(source, scene.layout, 512);
            compute_streamed_signals(model, scene.layout, scene.golden.prompts, scene.plan,
                                     {.activation_memory = room});
            auto const& type = counted.entry("model.norm.weight").type;
            EXPECT_EQ(counted.bytes_read(),
                      LayerStream::bytes_read(scene.config, source.experts.count,
                                              static_cast<std::size_t>(type.bits / 8), num_chunks))
                << name;
        }
    }
}

TEST(StreamedSignals, ReadTheCheckpointTwiceForAChunk) {
    Scene const scene("hub-bf16", 1, at::kFloat, 8192);
    StreamedDecoder model(scene.source, scene.layout, 512);
    compute_streamed_signals(model, scene.layout, scene.golden.prompts, scene.plan, {.activation_memory = unlimited});
    std::uint64_t const once = scene.checkpoint.total_bytes();
    EXPECT_GT(scene.checkpoint.bytes_read(), once);
    EXPECT_LT(scene.checkpoint.bytes_read(), 2 * once);  // the layer at the turn stays
}

TEST(StreamedSignals, KnowTheWeightsWithoutComputing) {
    for (std::string const name : {"hub-bf16", "fused-f16", "wide-bf16"}) {
        Scene const scene(name, 1, at::kFloat, 100);
        StreamedDecoder model(scene.source, scene.layout, 512);
        model.read_all();
        EXPECT_EQ(model.digests(), load_model(scene.golden.model_folder(), scene.layout, at::kFloat).weights().digests);
    }
}

// Chunks of the simplest rule: every rank's tokens of its rounds are within the limit, unless a chunk is one round.
TEST(StreamChunks, HoldEveryRoundOnceWithinTheLimit) {
    std::vector<std::int64_t> tokens;
    for (std::int64_t i = 0; i < 57; ++i)
        tokens.push_back(5 + i * 37 % 41);
    BatchPlan const plan = plan_batches(tokens, 60);
    for (int copies : {1, 2, 5}) {
        for (int ep : {1, 2, 4}) {
            for (std::int64_t limit : {1, 40, 100, 333, 100000}) {
                auto const chunks = stream_chunks(plan, tokens, copies, ep, limit);
                std::int64_t next = 0;
                for (auto const& chunk : chunks) {
                    EXPECT_EQ(chunk.first, next);
                    EXPECT_GT(chunk.last, chunk.first);
                    next = chunk.last;
                    for (int copy = 0; copy < copies && chunk.last - chunk.first > 1; ++copy) {
                        std::vector<std::int64_t> held(static_cast<std::size_t>(ep), 0);
                        for (std::int64_t round = chunk.first; round < chunk.last; ++round) {
                            std::int64_t const b = round * copies + copy;
                            if (b >= std::ssize(plan.batches)) continue;
                            auto const spread = spread_over_ranks(plan.batches[b], tokens, ep);
                            for (int r = 0; r < ep; ++r) {
                                for (auto p : spread[r])
                                    held[r] += tokens[p];
                            }
                        }
                        EXPECT_LE(*std::ranges::max_element(held), limit);
                    }
                }
                EXPECT_EQ(next, (std::ssize(plan.batches) + copies - 1) / copies);
            }
        }
    }
    EXPECT_TRUE(stream_chunks({}, {}, 2, 1, 100).empty());
}

}  // namespace
}  // namespace gatesweep
