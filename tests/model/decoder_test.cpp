// The whole decoder on golden checkpoints: its gate gradients against finite differences in float64, and the same bits
// from any split over ranks, with empty batches on some of them.
#include "gatesweep/model/decoder.h"

#include "mpi_main.h"
#include "support/golden.h"
#include "support/tensors.h"

namespace gatesweep {
namespace {

using Prompts = std::vector<std::vector<std::int32_t>>;

struct Recorder final : RoutingObserver {
    std::vector<Routing> routings;
    std::vector<at::Tensor> d_router_logits, router_inputs;  // last layer first

    void on_routing(std::int64_t, PackedBatch const&, Routing const& routing) override { routings.push_back(routing); }
    void on_router_gradient(std::int64_t, PackedBatch const&, Routing const&, at::Tensor const& dz,
                            at::Tensor const& x) override {
        d_router_logits.push_back(dz);
        router_inputs.push_back(x);
    }
};

class DecoderOn : public testing::TestWithParam<std::string> {};

TEST_P(DecoderOn, GateGradientsEqualFiniteDifferences) {
    Golden const golden = load_golden(GetParam());
    Decoder const model = load_model(golden.model_folder(), ParallelLayout(), at::kDouble);
    ModelConfig const& c = model.config();
    PackedBatch const batch = pack(Prompts{golden.prompts[0]});
    Recorder base;
    double const loss = model.forward_backward(batch, base, TapePolicy::keep)[0];
    EXPECT_NEAR(loss, golden.losses[0], 1e-5 * golden.losses[0]);
    std::mt19937_64 random(1);
    int compared = 0;
    std::vector<std::int64_t> const layers = c.sparse_layers();
    for (std::size_t row = 0; row < layers.size(); ++row) {
        std::size_t const from_last = layers.size() - 1 - row;
        at::Tensor const dense =
            at::zeros({batch.num_tokens(), c.num_experts}, at::kDouble)
                .scatter(1, experts_of_gradient(base.routings[row]), base.d_router_logits[from_last]);
        at::Tensor const gradient = at::matmul(dense.t(), base.router_inputs[from_last]);  // [E,D]
        double const largest = gradient.abs().max().item<double>();
        for (int i = 0; i < 6; ++i) {
            auto const e = static_cast<std::int64_t>(random() % static_cast<std::uint64_t>(c.num_experts));
            auto const column = static_cast<std::int64_t>(random() % static_cast<std::uint64_t>(c.hidden_size));
            at::Tensor const weight = model.weights().layers[layers[row]].gate[e][column];
            double const value = weight.item<double>(), step = 1e-4;
            auto const loss_at = [&](double w, bool& same) {
                Recorder moved;
                weight.fill_(w);
                double const result = model.forward(batch, moved)[0];
                weight.fill_(value);
                for (std::size_t k = 0; k < layers.size(); ++k)
                    same = same && at::equal(moved.routings[k].expert_ids, base.routings[k].expert_ids);
                return result;
            };
            bool same = true;
            double const numeric = (loss_at(value + step, same) - loss_at(value - step, same)) / (2 * step);
            if (!same) continue;  // the loss has a step there
            EXPECT_NEAR(gradient[e][column].item<double>(), numeric, std::max(1e-6 * largest, 1e-10))
                << "layer " << layers[row] << " expert " << e;
            ++compared;
        }
    }
    EXPECT_GE(compared, 6);
}

TEST_P(DecoderOn, ABatchOfOneRankMayBeEmptyAndNothingChanges) {
    Golden const golden = load_golden(GetParam());
    std::int64_t const num_experts = golden.counts().shape[2];
    if (num_experts < world().size()) GTEST_SKIP() << "more ranks than experts";
    ParallelLayout const layout = make_parallel_layout(world(), world().size());
    Decoder const shared = load_model(golden.model_folder(), layout, at::kFloat),
                  alone = load_model(golden.model_folder(), ParallelLayout(), at::kFloat);
    PackedBatch const batch = pack(Prompts{golden.prompts[1], golden.prompts[2]});
    Recorder expected;
    auto const losses = alone.forward_backward(batch, expected, TapePolicy::keep);
    for (auto policy : {TapePolicy::keep, TapePolicy::recompute}) {
        Recorder seen;
        bool const has_prompts = world().rank() == world().size() - 1;
        auto const got = shared.forward_backward(has_prompts ? batch : pack({}), seen, policy);
        ASSERT_EQ(seen.routings.size(), expected.routings.size());
        if (!has_prompts) {
            EXPECT_TRUE(got.empty());
            continue;
        }
        EXPECT_EQ(got, losses);
        for (std::size_t l = 0; l < expected.routings.size(); ++l) {
            EXPECT_TRUE(at::equal(seen.routings[l].expert_ids, expected.routings[l].expert_ids)) << "layer " << l;
            EXPECT_TRUE(at::equal(seen.d_router_logits[l], expected.d_router_logits[l]));
            EXPECT_TRUE(at::equal(seen.router_inputs[l], expected.router_inputs[l]));
        }
    }
}

TEST_P(DecoderOn, ForwardAloneGivesTheLossesOfForwardBackward) {
    Golden const golden = load_golden(GetParam());
    Decoder const model = load_model(golden.model_folder(), ParallelLayout(), at::kFloat);
    PackedBatch const batch = pack(Prompts{golden.prompts[0], golden.prompts[3]});
    Recorder forward, both;
    EXPECT_EQ(model.forward(batch, forward), model.forward_backward(batch, both, TapePolicy::recompute));
}

INSTANTIATE_TEST_SUITE_P(Golden, DecoderOn, testing::ValuesIn(golden_names()), [](auto const& parameter) {
    std::string name = parameter.param;
    for (char& c : name)
        c = c == '-' ? '_' : c;
    return name;
});

}  // namespace
}  // namespace gatesweep
