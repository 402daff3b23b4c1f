// Tokens to experts and back on GPUs, by the way of decode steps, against the counted way on the CPU.
#include "gatesweep/model/decoder_layer.h"
#include "gpu_test.h"
#include "support/tensors.h"

namespace gatesweep {
namespace {

using DispatchOnGpu = GpuTest;

TEST_F(DispatchOnGpu, GivesTheSlotsOfTheCountedWay) {
    constexpr std::int64_t num_experts = 8, d = 64, f = 128, n = 37, top_k = 2;
    ParallelLayout const layout = make_parallel_layout(world(), world().size());
    ExpertRange const range = layout.local_experts(num_experts);
    auto const weights = [&](at::Device device) {
        at::Tensor const gate_up = random_tensor({num_experts, 2 * f, d}, at::kBFloat16, 1).to(device);
        at::Tensor const down = random_tensor({num_experts, d, f}, at::kBFloat16, 2).to(device);
        ExpertWeights mine;
        for (std::int64_t x = range.first; x < range.first + range.count; ++x) {
            mine.gate_up.emplace_back(gate_up[x]);
            mine.down.emplace_back(down[x]);
        }
        return mine;
    };
    auto const seed = static_cast<std::uint64_t>(world().rank()) + 3;
    at::Tensor const tokens = random_tensor({n, d}, at::kBFloat16, seed);
    Routing const routing = route(random_tensor({n, num_experts}, at::kFloat, seed), top_k);

    TokenDispatcher const on_cpu(layout, num_experts, at::kCPU);
    DispatchRecord const record = on_cpu.plan(routing);
    at::Tensor const slots = tokens.unsqueeze(1).expand({-1, top_k, -1}).reshape({-1, d});
    at::Tensor const expected =
        on_cpu
            .from_experts(
                experts_forward(weights(at::kCPU), on_cpu.to_experts(slots, record).arrived(), record.expert_offsets)
                    .output,
                record)
            .arrived();

    TokenDispatcher const on_gpu(layout, num_experts, device_);
    auto const tokens_of_rank = on_gpu.share_token_counts(n);
    ASSERT_EQ(std::ssize(tokens_of_rank), world().size());
    GatheredTokens const gathered = on_gpu.gather(tokens.to(device_), routing, tokens_of_rank);
    at::Tensor const outputs = gathered_experts_forward(on_gpu, weights(device_), gathered);
    at::Tensor const back = on_gpu.return_slots(outputs, gathered);
    on_gpu.wait();
    EXPECT_LE(relative_error(back.cpu(), expected), rounding_of(at::kBFloat16));
}

}  // namespace
}  // namespace gatesweep
