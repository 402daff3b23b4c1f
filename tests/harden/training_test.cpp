// What an arm trains, which texts a step takes, and how the optimiser steps.
#include <gtest/gtest.h>

#include <cmath>
#include <set>

#include "gatesweep/base/error.h"
#include "gatesweep/harden/adamw.h"
#include "gatesweep/harden/arms.h"
#include "gatesweep/harden/trainer.h"

namespace gatesweep {
namespace {

ModelConfig small_model() {
    ModelConfig config;
    config.num_layers = 4;
    config.hidden_size = 6;
    config.intermediate_size = 10;
    config.num_experts = 4;
    config.top_k = 2;
    config.num_heads = 2;
    config.num_kv_heads = 1;
    config.head_dim = 3;
    return config;
}

std::vector<ExpertId> const two = {{1, 3}, {2, 0}};

TEST(Arms, SelectsByOrderOrByBudget) {
    std::vector<ExpertId> const order = {{3, 1}, {0, 2}, {1, 1}, {2, 2}};
    HardenSpec spec;
    spec.experts = 2;
    EXPECT_EQ(selected_experts(spec, small_model(), order), (std::vector<ExpertId>{{0, 2}, {3, 1}}));
    // One expert's adapter of rank 1 has 3 x (6 + 10) of the 16 x 180 parameters.
    spec.rank = 1;
    spec.experts.reset();
    spec.budget = 3.5 * 48 / (16 * 180);
    EXPECT_EQ(selected_experts(spec, small_model(), order).size(), 3u);
    spec.experts = 2;
    EXPECT_EQ(selected_experts(spec, small_model(), order).size(), 2u);
    spec.experts.reset();
    spec.budget = 0.9 * 48 / (16 * 180);
    EXPECT_THROW(selected_experts(spec, small_model(), order), Error);
    spec.budget.reset();
    spec.experts = 17;
    EXPECT_THROW(selected_experts(spec, small_model(), order), Error);
}

TEST(Arms, BeginWithoutAnyEffect) {
    HardenSpec spec;
    spec.rank = 2;
    for (HardenArm arm : {HardenArm::selected, HardenArm::random, HardenArm::all_experts, HardenArm::attention}) {
        Adapter const adapter = new_adapter(arm, spec, small_model(), two),
                      again = new_adapter(arm, spec, small_model(), two);
        EXPECT_DOUBLE_EQ(adapter.scale(), spec.alpha / 2.0) << to_string(arm);
        for (auto const& [place, pair] : adapter.pairs) {
            EXPECT_EQ(pair.b.abs().max().item<float>(), 0.0F);
            EXPECT_GT(pair.a.abs().max().item<float>(), 0.0F);
            EXPECT_LE(pair.a.abs().max().item<double>(), 1.0 / std::sqrt(static_cast<double>(pair.a.size(1))));
            EXPECT_TRUE(at::equal(pair.a, again.pairs.at(place).a));
        }
    }
}

TEST(Arms, TrainWhatTheySay) {
    HardenSpec spec;
    spec.rank = 8;
    ModelConfig const config = small_model();
    EXPECT_EQ(experts_of(new_adapter(HardenArm::selected, spec, config, two)), two);
    auto const random = experts_of(new_adapter(HardenArm::random, spec, config, two));
    ASSERT_EQ(random.size(), 2u);
    EXPECT_EQ(random[0].layer, 1);
    EXPECT_EQ(random[1].layer, 2);
    EXPECT_NE(random[0].expert, 3);
    EXPECT_NE(random[1].expert, 0);
    Adapter const all = new_adapter(HardenArm::all_experts, spec, config, two);
    EXPECT_EQ(experts_of(all).size(), 16u);
    EXPECT_EQ(all.rank, 1);  // 2 experts of rank 8 over 16
    Adapter const attention = new_adapter(HardenArm::attention, spec, config, two);
    EXPECT_TRUE(experts_of(attention).empty());
    // 8 x 2 x 48 parameters, over 4 layers of (6+6) + 2 (3+6) + (6+6).
    EXPECT_EQ(attention.rank, std::lround(768.0 / 168.0));
}

TEST(AdamW, TakesTheStepsOfTheRule) {
    Adapter adapter;
    adapter.rank = 1;
    adapter.alpha = 1.0;
    adapter.pairs[{0, 0, AdaptedMatrix::w1}] = {at::full({1, 2}, 1.0F), at::full({1, 1}, -2.0F)};
    AdamWState state;
    AdamWOptions const options{.learning_rate = 0.1, .weight_decay = 0.01};
    std::vector<double> value = {1.0, 1.0, -2.0}, m(3, 0.0), v(3, 0.0);
    for (int step = 1; step <= 5; ++step) {
        std::vector<double> const gradient = {0.5 * step, -0.25, 0.0};
        adamw_step(adapter, gradient, state, options);
        for (int i = 0; i < 3; ++i) {
            m[i] = 0.9 * m[i] + 0.1 * gradient[i];
            v[i] = 0.999 * v[i] + 0.001 * gradient[i] * gradient[i];
            value[i] -= 0.1 * 0.01 * value[i];
            value[i] -=
                0.1 * (m[i] / (1 - std::pow(0.9, step))) / (std::sqrt(v[i] / (1 - std::pow(0.999, step))) + 1e-8);
        }
        auto const& pair = adapter.pairs.begin()->second;
        EXPECT_NEAR(pair.a[0][0].item<float>(), value[0], 1e-6);
        EXPECT_NEAR(pair.a[0][1].item<float>(), value[1], 1e-6);
        EXPECT_NEAR(pair.b[0][0].item<float>(), value[2], 1e-6);
    }
}

TEST(AdamW, ClipsAndSchedules) {
    std::vector<double> gradient = {3.0, 4.0};
    EXPECT_DOUBLE_EQ(clip_norm(gradient, 10.0), 5.0);
    EXPECT_DOUBLE_EQ(gradient[1], 4.0);
    EXPECT_DOUBLE_EQ(clip_norm(gradient, 1.0), 5.0);
    EXPECT_NEAR(std::hypot(gradient[0], gradient[1]), 1.0, 1e-6);
    EXPECT_DOUBLE_EQ(scheduled_rate(1.0, 0, 100, 10), 0.1);
    EXPECT_DOUBLE_EQ(scheduled_rate(1.0, 9, 100, 10), 1.0);
    EXPECT_DOUBLE_EQ(scheduled_rate(1.0, 10, 100, 10), 1.0);
    EXPECT_NEAR(scheduled_rate(1.0, 55, 100, 10), 0.5, 1e-12);
    EXPECT_LT(scheduled_rate(1.0, 99, 100, 10), 1e-3);
    EXPECT_DOUBLE_EQ(scheduled_rate(1.0, 0, 1, 0), 1.0);
}

// Texts that can be told apart by their one token.
std::vector<TrainingText> texts(int first, int num, bool is_refusal) {
    std::vector<TrainingText> out;
    for (int i = 0; i < num; ++i)
        out.push_back({{first + i, 0}, 1, is_refusal});
    return out;
}

TEST(Texts, KeepAShareForValidation) {
    HardenSpec spec;
    spec.validation = 0.25;
    TrainingSet const set = split_texts(texts(0, 8, true), texts(100, 9, false), spec);
    EXPECT_EQ(set.refusals.size(), 6u);
    EXPECT_EQ(set.others.size(), 7u);
    EXPECT_EQ(set.validation.size(), 4u);
    spec.validation = 0.0;
    EXPECT_TRUE(split_texts(texts(0, 8, true), texts(100, 9, false), spec).validation.empty());
}

TEST(Texts, ComeOnceARoundInAnOrderOfTheSeed) {
    HardenSpec spec;
    spec.batch = 4;
    TrainingSet const set{texts(0, 6, true), texts(100, 6, false), {}};
    std::multiset<std::int32_t> seen;
    std::vector<std::int32_t> order;
    for (std::int64_t step = 0; step < 6; ++step) {
        auto const chosen = texts_of_step(set, spec, step);
        ASSERT_EQ(chosen.size(), 4u);
        EXPECT_TRUE(chosen[0].is_refusal && chosen[1].is_refusal && !chosen[2].is_refusal && !chosen[3].is_refusal);
        for (auto const& text : chosen) {
            seen.insert(text.token_ids[0]);
            order.push_back(text.token_ids[0]);
        }
    }
    for (std::int32_t id : {0, 1, 2, 3, 4, 5, 100, 101, 102, 103, 104, 105})
        EXPECT_EQ(seen.count(id), 2u) << id;
    spec.seed = 2;
    std::vector<std::int32_t> other;
    for (std::int64_t step = 0; step < 6; ++step) {
        for (auto const& text : texts_of_step(set, spec, step))
            other.push_back(text.token_ids[0]);
    }
    EXPECT_NE(order, other);
    spec.beta = 0.0;
    for (auto const& text : texts_of_step(set, spec, 0))
        EXPECT_TRUE(text.is_refusal);
}

TEST(Texts, AreCutIntoPartsOfSimilarSizes) {
    std::vector<TrainingText> all;
    for (std::size_t size : {3, 9, 4, 8, 5})
        all.push_back({std::vector<std::int32_t>(size, 1), 1, true});
    auto const parts = cut_into_parts(all, 2);
    EXPECT_EQ(parts, (std::vector<std::vector<std::size_t>>{{1, 4, 0}, {3, 2}}));
    EXPECT_EQ(cut_into_parts(all, 9).size(), 5u);
}

}  // namespace
}  // namespace gatesweep
