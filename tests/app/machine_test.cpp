// Whether weights fit, and what to do where they do not.
#include "app/machine.h"

#include "support/expect_error.h"

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

TEST(DegreeThatFits, IsTheSmallestThatDividesTheExperts) {
    // README: 93.4, 48.3, 25.8 and 14.5 GB a rank.
    ModelConfig const config = mixtral_8x7b();
    EXPECT_EQ(degree_that_fits(config, 94 * gigabyte, bfloat16), 1);
    EXPECT_EQ(degree_that_fits(config, 93 * gigabyte, bfloat16), 2);
    EXPECT_EQ(degree_that_fits(config, 48 * gigabyte, bfloat16), 4);
    EXPECT_EQ(degree_that_fits(config, 20 * gigabyte, bfloat16), 8);
    EXPECT_EQ(degree_that_fits(config, 14 * gigabyte, bfloat16), 0);
}

TEST(ValidateMemory, NamesTheDegreeThatWouldFitOnGpus) {
    Machine machine;
    machine.device = at::Device(at::kCUDA, 0);
    machine.weight_memory = 94 * gigabyte;
    machine.free_memory = 79 * gigabyte;
    machine.fitting_degree = 2;
    EXPECT_ERROR(validate_memory(machine, {}), ExitCode::unavailable, "need 94.0 GB on each rank",
                 "79.0 GB of device memory", "parallel.expert_parallel = 2 fits");
    machine.fitting_degree = 0;
    EXPECT_ERROR(validate_memory(machine, {}), ExitCode::unavailable, "no expert_parallel fits", "device = \"cpu\"");
    machine.device = at::kCPU;
    EXPECT_ERROR(validate_memory(machine, {}), ExitCode::unavailable, "of host memory", "start fewer ranks on a node");
    machine.free_memory = machine.weight_memory;
    EXPECT_NO_THROW(validate_memory(machine, {}));
}

}  // namespace
}  // namespace gatesweep
