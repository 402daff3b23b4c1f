// Whether a job holds its weights or streams them, on machines of any memory; one decision for all ranks.
#include "gatesweep/run/streaming.h"
#include "gatesweep/model/model_size.h"

#include <gtest/gtest.h>

#include "app/verify/sample.h"
#include "mpi_main.h"
#include "support/expect_error.h"

namespace gatesweep {
namespace {

class StreamingTest : public testing::Test {
protected:
    void SetUp() override {
        config_.vocab_size = 32000;
        config_.hidden_size = 4096;
        config_.intermediate_size = 14336;
        config_.num_layers = 32;
        config_.num_heads = 32;
        config_.num_kv_heads = 8;
        config_.head_dim = 128;
        config_.num_experts = 8;
        config_.top_k = 2;
        machine_.dtype = at::kBFloat16;
        machine_.weight_memory = weight_bytes(config_, 8, 2);
        machine_.free_memory = std::uint64_t{24'000'000'000};
        job_.signals.memory = 1'000'000;
    }
    Streaming choose() const { return choose_streaming(job_, config_, layout_, machine_); }

    Job job_;
    ModelConfig config_;
    ParallelLayout layout_{world(), {}, {}, world().size(), world().rank()};
    Machine machine_;
};

TEST_F(StreamingTest, IsTheWayOutWhereWeightsDoNotFit) {
    Streaming const streaming = choose();
    EXPECT_TRUE(streaming.enabled);
    EXPECT_EQ(streaming.activation_memory, 1'000'000u);
    EXPECT_GT(streaming.weight_memory, std::uint64_t{5'800'000'000});  // two layers of 2.9 GB
    EXPECT_LT(streaming.weight_memory, std::uint64_t{8'000'000'000});
    machine_.free_memory = std::uint64_t{94'000'000'000};
    EXPECT_FALSE(choose().enabled);
    job_.signals.stream = StreamMode::always;
    EXPECT_TRUE(choose().enabled);
}

TEST_F(StreamingTest, IsDoneByAllRanksWhereItIsByOne) {
    machine_.free_memory = std::uint64_t{94'000'000'000};
    job_.signals.memory = world().rank() == 0 ? 5'000'000 : 7'000'000;
    if (world().rank() == 0) machine_.free_memory = std::uint64_t{24'000'000'000};
    Streaming const streaming = choose();
    EXPECT_TRUE(streaming.enabled);
    EXPECT_EQ(streaming.activation_memory, 5'000'000u);
}

TEST_F(StreamingTest, ShareOfTheMemoryIsChosenWhereTheJobNamesNone) {
    job_.signals.memory = 0;
    std::uint64_t const budget = choose().activation_memory;
    EXPECT_GT(budget, 0u);
    EXPECT_LT(budget, available_memory(at::kCPU, 1));
}

TEST_F(StreamingTest, RefusesWhatDoesNotFitWithWhatWould) {
    if (world().size() > 1) GTEST_SKIP() << "other ranks wait for the end that an error makes";
    job_.sweep.enabled = true;
    EXPECT_ERROR(choose(), ExitCode::unavailable, "the weights need 93.4 GB", "24.0 GB of host memory",
                 "raise parallel.expert_parallel to 8 (14.5 GB each", "run without the sweep");
    machine_.free_memory = std::uint64_t{30'000'000'000};
    EXPECT_ERROR(choose(), ExitCode::unavailable, "raise parallel.expert_parallel to 4 (25.8 GB each");
    job_.sweep.enabled = false;
    job_.signals.stream = StreamMode::never;
    EXPECT_ERROR(choose(), ExitCode::unavailable, "set signals.stream = \"auto\"");
    job_.signals.stream = StreamMode::automatic;
    machine_.free_memory = std::uint64_t{2'000'000'000};
    EXPECT_ERROR(choose(), ExitCode::unavailable, "2.0 GB of host memory",
                 "no parallel.expert_parallel fits: start fewer ranks on a node");
}

}  // namespace
}  // namespace gatesweep
