// Whether weights fit, and what to do where they do not.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <ATen/Parallel.h>

#include <cstdlib>

#include "gatesweep/model/model_size.h"
#include "gatesweep/run/streaming.h"

namespace gatesweep {
namespace {

ModelConfig mixtral_8x7b() {
    ModelConfig config;
    config.vocab_size = 32000;
    config.hidden_size = 4096;
    config.intermediate_size = 14336;
    config.num_layers = 32;
    config.num_heads = 32;
    config.num_kv_heads = 8;
    config.head_dim = 128;
    config.num_experts = 8;
    config.top_k = 2;
    return config;
}

constexpr std::uint64_t gigabyte = 1'000'000'000;
constexpr std::size_t bfloat16 = 2;

TEST(DegreeThatFits, IsTheSmallestWhoseLargestShareFits) {
    // slurm/README.md: 93.4, 48.3, 25.8 and 14.5 GB a rank; the largest of 3 ranks has 3 experts, 37.0 GB.
    ModelConfig const config = mixtral_8x7b();
    EXPECT_EQ(degree_that_fits(config, 94 * gigabyte, bfloat16), 1);
    EXPECT_EQ(degree_that_fits(config, 93 * gigabyte, bfloat16), 2);
    EXPECT_EQ(degree_that_fits(config, 48 * gigabyte, bfloat16), 3);
    EXPECT_EQ(degree_that_fits(config, 36 * gigabyte, bfloat16), 4);
    EXPECT_EQ(degree_that_fits(config, 20 * gigabyte, bfloat16), 8);
    EXPECT_EQ(degree_that_fits(config, 14 * gigabyte, bfloat16), 0);
}

TEST(WaysToFit, NameTheDegreeThatWould) {
    Machine machine;
    machine.dtype = at::kBFloat16;
    machine.free_memory = 79 * gigabyte;
    EXPECT_THAT(ways_to_fit(mixtral_8x7b(), machine),
                testing::HasSubstr("parallel.expert_parallel to 2 (48.3 GB each"));
    machine.free_memory = 14 * gigabyte;
    EXPECT_THAT(ways_to_fit(mixtral_8x7b(), machine), testing::HasSubstr("start fewer ranks on a node"));
    machine.device = at::Device(at::kCUDA, 0);
    EXPECT_THAT(ways_to_fit(mixtral_8x7b(), machine), testing::HasSubstr("device = \"cpu\""));
}

// What a shared node tells OpenMP counts where the job leaves the number of threads open, and is said.
TEST(ChooseMachine, HeedsTheThreadsOfTheEnvironment) {
    ParallelLayout const alone = make_parallel_layout(Communicator(), 1);
    auto const machine = [&](int threads, char const* environment) {
        environment ? ::setenv("OMP_NUM_THREADS", environment, 1) : ::unsetenv("OMP_NUM_THREADS");
        Job job;
        job.parallel.device = DeviceKind::cpu;
        job.parallel.threads = threads;
        Machine const chosen = choose_machine(job, mixtral_8x7b(), alone);
        ::unsetenv("OMP_NUM_THREADS");
        return chosen;
    };
    int const automatic = machine(0, nullptr).threads;
    EXPECT_EQ(machine(0, "1").threads, 1);
    EXPECT_EQ(machine(0, "3,2").threads, 3) << "the outermost level";
    EXPECT_THAT(machine(0, "1").describe(), testing::HasSubstr("1 thread each (OMP_NUM_THREADS)"));
    EXPECT_EQ(machine(2, "1").threads, 2) << "the job says so";
    EXPECT_THAT(machine(2, "1").describe(), testing::Not(testing::HasSubstr("OMP")));
    for (char const* nonsense : {"", "0", "-1", "many", "1.5", "99999999"}) {
        EXPECT_EQ(machine(0, nonsense).threads, automatic) << nonsense;
        EXPECT_FALSE(machine(0, nonsense).threads_by_environment) << nonsense;
    }
    at::set_num_threads(automatic);
}

}  // namespace
}  // namespace gatesweep
