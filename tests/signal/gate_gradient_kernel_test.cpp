// The gate gradient's kernel, run on the host, and the scores from gradients that stay on their device, against the
// CPU's sums.
#include "support/kernel_emulator.h"
// The kernel's header comes after what stands in for CUDA.
#include <cmath>
#include <limits>

#include "gatesweep/signal/gate_gradients.h"
#include "signal/cuda/gate_gradient_kernel.cuh"
#include "signal/gradient_scores.h"
#include "support/tensors.h"

namespace gatesweep {
namespace {

struct Size {
    std::int64_t num_experts, top_k, d;
};
std::vector<Size> const all_sizes = {{5, 2, 7}, {8, 1, 130}, {11, 3, 128}, {16, 2, 300}};

struct Batch {
    PackedBatch batch =
        pack(std::vector<std::vector<std::int32_t>>{{1, 2, 3}, {}, std::vector<std::int32_t>(21, 4), {5}});
    Routing routing;
    at::Tensor dz, x;
    cuda::GateGradientInput input;
    at::Tensor offsets = at::tensor(batch.offsets, at::kLong);

    Batch(Size const& size, at::ScalarType dtype, bool renormalise = true) {
        std::int64_t const num_tokens = batch.num_tokens();
        routing = route(random_tensor({num_tokens, size.num_experts}, at::kFloat, 1), {size.top_k, renormalise});
        dz = route_backward(routing, random_tensor({num_tokens, size.top_k}, at::kFloat, 2));
        if (size.top_k == 1 && renormalise)
            dz.copy_(random_tensor({num_tokens, 1}, at::kFloat, 2));  // those of one expert are zero
        x = random_tensor({num_tokens, size.d}, dtype, 3);
        input = {experts_of_gradient(routing), dz, x, size.num_experts};
    }
    GradientOfPrompts gradient_of(HostLauncher launch = {}) const {
        return [this, launch](at::Tensor const& some) { return cuda::launch_gate_gradient(launch, input, some); };
    }
};

TEST(GateGradientKernel, HasTheBitsOfTheCpu) {
    for (auto dtype : {at::kFloat, at::kBFloat16}) {
        for (Size const& size : all_sizes) {
            Batch const b(size, dtype);
            at::Tensor const gradient = b.gradient_of()(b.offsets);
            EXPECT_TRUE(at::equal(gradient, b.gradient_of(HostLauncher{true})(b.offsets)));
            for (std::int64_t p = 0; p < b.batch.num_prompts(); ++p) {
                std::vector<double> const loops = gate_gradient_of_prompt(b.batch, p, b.routing, b.dz, b.x);
                EXPECT_TRUE(at::equal(gradient[p].flatten(), at::tensor(loops, at::kDouble)))
                    << size.d << ", prompt " << p;
                EXPECT_TRUE(at::equal(b.gradient_of()(b.offsets.slice(0, p, p + 2))[0], gradient[p]))
                    << size.d << ", prompt " << p;
            }
        }
    }
}

TEST(GateGradientKernel, TakesGradientsOfAllExperts) {
    for (Size const& size : all_sizes) {
        Batch const b(size, at::kFloat, false);
        EXPECT_EQ(b.dz.size(1), size.num_experts);
        at::Tensor const gradient = b.gradient_of()(b.offsets);
        for (std::int64_t p = 0; p < b.batch.num_prompts(); ++p) {
            at::Tensor const dz = b.dz.slice(0, b.batch.offsets[p], b.batch.offsets[p + 1]).to(at::kDouble),
                             x = b.x.slice(0, b.batch.offsets[p], b.batch.offsets[p + 1]).to(at::kDouble);
            EXPECT_LE(relative_error(gradient[p], at::matmul(dz.t(), x)), 1e-12);
            std::vector<double> const loops = gate_gradient_of_prompt(b.batch, p, b.routing, b.dz, b.x);
            EXPECT_TRUE(at::equal(gradient[p].flatten(), at::tensor(loops, at::kDouble)));
        }
    }
}

TEST(GateGradientKernel, LaunchesNothingForNoPrompts) {
    Batch const b(all_sizes[0], at::kFloat);
    auto const launch = [](auto const&...) { ADD_FAILURE() << "launched"; };
    EXPECT_EQ(cuda::launch_gate_gradient(launch, b.input, at::zeros({1}, at::kLong)).size(0), 0);
}

TEST(GradientScores, EqualThoseOfTheCpu) {
    for (auto dtype : {at::kFloat, at::kBFloat16}) {
        for (Size const& size : all_sizes) {
            Batch const b(size, dtype);
            GateGradientScores const loops = gate_gradient_scores(b.batch, b.routing, b.dz, b.x);
            for (std::int64_t prompts_at_once : {1, 3, 4, 100}) {
                GateGradientScores const own = scores_on_device(b.batch, b.input, prompts_at_once, b.gradient_of());
                ASSERT_EQ(own.scores.size(), loops.scores.size());
                ASSERT_EQ(own.imbalance.size(), loops.imbalance.size());
                for (std::size_t i = 0; i < loops.scores.size(); ++i)
                    EXPECT_NEAR(own.scores[i], loops.scores[i], 1e-13) << i;
                for (std::size_t p = 0; p < loops.imbalance.size(); ++p)
                    EXPECT_NEAR(own.imbalance[p], loops.imbalance[p], 1e-6 * (1 + loops.imbalance[p])) << p;
            }
        }
    }
}

TEST(GradientScores, AGradientThatDoesNotSumToZeroIsSeenInItsPromptAlone) {
    Batch const b(all_sizes[0], at::kFloat);
    b.dz[1][0].add_(1e-3);
    GateGradientScores const own = scores_on_device(b.batch, b.input, 2, b.gradient_of());
    EXPECT_GT(own.imbalance[0], 1.0);
    for (std::size_t p : {1U, 2U, 3U})
        EXPECT_LE(own.imbalance[p], 1.0) << p;
}

TEST(GradientScores, ANaNStaysANaNOfItsPrompt) {
    for (std::int64_t column = 0; column < all_sizes[0].d; ++column) {
        Batch const b(all_sizes[0], at::kFloat);
        b.x[2][column].fill_(std::numeric_limits<float>::quiet_NaN());
        GateGradientScores const own = scores_on_device(b.batch, b.input, 4, b.gradient_of());
        EXPECT_TRUE(std::isnan(own.imbalance[0])) << "column " << column;
        for (std::size_t p : {1U, 2U, 3U})
            EXPECT_LE(own.imbalance[p], 1.0) << "column " << column << ", prompt " << p;
    }
}

TEST(GradientScores, ABatchWithoutPromptsHasNone) {
    PackedBatch const none = pack({});
    cuda::GateGradientInput const input{at::empty({0, 2}, at::kLong), at::empty({0, 2}), at::empty({0, 7}), 5};
    GateGradientScores const own =
        scores_on_device(none, input, 4, [](at::Tensor const&) -> at::Tensor { throw std::logic_error("asked"); });
    EXPECT_TRUE(own.scores.empty());
    EXPECT_TRUE(own.imbalance.empty());
}

}  // namespace
}  // namespace gatesweep
