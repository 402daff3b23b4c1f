// Gate-gradient scores against the outer products written out, and an identity that a NaN must break.
#include "gatesweep/signal/gate_gradients.h"

#include <cmath>
#include <limits>

#include "support/tensors.h"

namespace gatesweep {
namespace {

constexpr std::int64_t num_experts = 5, d = 7, top_k = 2;

struct Example {
    PackedBatch batch = pack(std::vector<std::vector<std::int32_t>>{{1, 2, 3}, {4, 5}});
    Routing routing = route(random_tensor({5, num_experts}, at::kFloat, 1), top_k);
    at::Tensor dz = route_backward(routing, random_tensor({5, top_k}, at::kFloat, 2));
    at::Tensor x = random_tensor({5, d}, at::kFloat, 3);
};

TEST(GateGradients, AreSumsOfOuterProductsPerPrompt) {
    Example const e;
    GateGradientScores const result = gate_gradient_scores(e.batch, e.routing, e.dz, e.x);
    at::Tensor const dense =
        at::zeros({5, num_experts}, at::kDouble).scatter(1, e.routing.expert_ids, e.dz.to(at::kDouble));
    for (std::int64_t p = 0; p < 2; ++p) {
        std::int64_t const begin = e.batch.offsets[p], end = e.batch.offsets[p + 1];
        at::Tensor const gradient =
            at::matmul(dense.slice(0, begin, end).t(), e.x.to(at::kDouble).slice(0, begin, end));
        at::Tensor const scores = gradient.abs().mean(1);
        for (std::int64_t expert = 0; expert < num_experts; ++expert) {
            EXPECT_NEAR(result.scores[p * num_experts + expert], scores[expert].item<double>(), 1e-12);
        }
        EXPECT_LE(result.imbalance[p], 1.0);
    }
}

TEST(GateGradients, AGradientThatDoesNotSumToZeroIsSeen) {
    Example e;
    e.dz[4][0].add_(1e-3);
    GateGradientScores const result = gate_gradient_scores(e.batch, e.routing, e.dz, e.x);
    EXPECT_LE(result.imbalance[0], 1.0);
    EXPECT_GT(result.imbalance[1], 1.0);
}

TEST(GateGradients, ANaNInAnyColumnIsSeen) {
    for (std::int64_t column = 0; column < d; ++column) {
        Example e;
        e.x[1][column].fill_(std::numeric_limits<float>::quiet_NaN());
        EXPECT_FALSE(gate_gradient_scores(e.batch, e.routing, e.dz, e.x).imbalance[0] <= 1.0) << "column " << column;
    }
}

}  // namespace
}  // namespace gatesweep
