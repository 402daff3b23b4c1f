// Predicted times against sums by hand.
#include "app/plan/plan_time.h"

#include <gtest/gtest.h>

namespace gatesweep {
namespace {

// Two layers, four experts, numbers that come out by hand.
ModelConfig small_model() {
    ModelConfig c;
    c.vocab_size = 100;
    c.hidden_size = 10;
    c.intermediate_size = 20;
    c.num_layers = 2;
    c.num_heads = 2;
    c.num_kv_heads = 1;
    c.head_dim = 5;
    c.num_experts = 4;
    c.top_k = 2;
    return c;
}

Cluster slow_machine() {
    Cluster cluster;
    cluster.nodes = 1;
    cluster.ranks_per_node = 2;
    cluster.memory = 1e6;
    cluster.flops = 1e4;
    cluster.memory_bandwidth = 1e3;
    cluster.node_bandwidth = 100;
    cluster.network_bandwidth = 10;
    cluster.exchange_latency = 0.5;
    cluster.storage_bandwidth = 50;
    return cluster;
}

RankMemory small_memory() {
    RankMemory memory;
    memory.weights = 5000;
    memory.batch_tokens = 8;
    memory.sweep_tokens = 8;
    memory.cache_slot = 40;
    return memory;
}

// A token of a layer: 10 * (5 * 2 * (2 + 1) + 4) = 340 and 3 * 2 * 10 * 20 = 1200 multiply-adds; the head 1000.
TEST(PlanTime, IsProductsAgainstReadingAndThenExchanges) {
    SweepWork sweep;
    sweep.num_sequences = 12;
    sweep.prompt_tokens = 32;
    TimePlan const whole = plan_time(slow_machine(), small_model(), 1, small_memory(), 2, {16, 2}, sweep, 4, 3);
    EXPECT_DOUBLE_EQ(whole.load, 5000 / 50.0) << "both ranks read the same";
    EXPECT_DOUBLE_EQ(whole.signals.products, 2 * 16 * (3 * 1540 + 2 * 1000) / 1e4);
    EXPECT_DOUBLE_EQ(whole.signals.reading, 2 * 2 * 5.0);
    EXPECT_EQ(whole.signals.exchange, 0.0);
    EXPECT_DOUBLE_EQ(whole.signals.total(), 2 * 16 * 6620 / 1e4);
    EXPECT_DOUBLE_EQ(whole.prefill.products, 2 * 16 * 2 * 1540 / 1e4);
    EXPECT_DOUBLE_EQ(whole.prefill.reading, 2 * 5.0);
    EXPECT_EQ(whole.texts.total(), 0.0);
    EXPECT_EQ(whole.screen.total(), 0.0);
    EXPECT_EQ(whole.slots, 3);
    EXPECT_EQ(whole.decode_steps, 2 * 4) << "6 sequences of a rank, 3 at once";
    EXPECT_DOUBLE_EQ(whole.decode.products, 2 * 24 * (2 * 1540 + 1000) / 1e4);
    // Of 9600 bytes of experts, 3 tokens leave (1 / 2)^3 alone.
    EXPECT_DOUBLE_EQ(whole.decode.reading, 8 * (5000 - 9600 * 0.125 + 3 * 40) / 1e3);

    // An edit in either layer changes it and those above: 3 of 4 layers.
    sweep.max_screen_tokens = 32;
    EXPECT_DOUBLE_EQ(
        plan_time(slow_machine(), small_model(), 1, small_memory(), 2, {16, 2}, sweep, 4, 3).screen.products,
        2 * 12 * 2 * 1540 / 1e4);
    sweep.max_screen_tokens = 0;

    // The same on one copy: 16 tokens in 2 batches are 8 a rank; 4 L - 2 = 6 exchanges a batch, of 4 tokens each.
    TimePlan const shared = plan_time(slow_machine(), small_model(), 2, small_memory(), 2, {16, 2}, sweep, 4, 3);
    double const token = 2 * 10 * 0.5 * 2 / 100.0;
    EXPECT_DOUBLE_EQ(shared.load, (5000 + 4800) / 50.0) << "each its own half of 9600 bytes of experts";
    EXPECT_DOUBLE_EQ(shared.signals.products, whole.signals.products / 2);
    EXPECT_DOUBLE_EQ(shared.signals.exchange, 2 * 6 * (0.5 + 4 * token));
    EXPECT_DOUBLE_EQ(shared.decode.exchange, 8 * 4 * (0.5 + 3 * token));
    Cluster apart = slow_machine();
    apart.ranks_per_node = 1;
    apart.nodes = 2;
    EXPECT_DOUBLE_EQ(plan_time(apart, small_model(), 2, small_memory(), 2, {16, 2}, sweep, 4, 3).decode.exchange,
                     8 * 4 * (0.5 + 3 * 10 * token))
        << "over the network";
}

TEST(PlanTime, CountsTheLargestShareOfExperts) {
    // 4 experts over 3 ranks: one of them has 2, half of all rows where a third would be even.
    Cluster cluster = slow_machine();
    cluster.ranks_per_node = 3;
    TimePlan const plan = plan_time(cluster, small_model(), 3, small_memory(), 2, {12, 1}, {}, 4, 3);
    EXPECT_DOUBLE_EQ(plan.signals.products, 2 * 4 * (3 * (340 + 1200 * 1.5) + 2 * 1000) / 1e4);
    EXPECT_DOUBLE_EQ(plan.load, (5000 + 2 * 2400) / 50.0) << "its own 2 experts of 2400 bytes, and the node's other 2";
}

TEST(PlanTime, CountsTheBusiestCopyAndFillsMemoryWithSlots) {
    std::vector<std::int64_t> const tokens = {9, 7, 5, 3};
    BatchPlan const plan = plan_batches(tokens, 9);
    SignalWork const one = busiest_copy(plan, tokens, 1), two = busiest_copy(plan, tokens, 2);
    EXPECT_EQ(one.tokens, 24);
    EXPECT_GE(two.tokens, 12);
    EXPECT_LT(two.tokens, 24);
    SweepWork sweep;
    sweep.num_sequences = 1000;
    Cluster cluster = slow_machine();
    cluster.memory = 5000 + 4 * 40 * 7;
    EXPECT_EQ(plan_time(cluster, small_model(), 1, small_memory(), 2, one, sweep, 4, 0).slots, 7);
    EXPECT_EQ(plan_time(slow_machine(), small_model(), 1, small_memory(), 2, one, {}, 4, 0).decode.total(), 0.0);
}

}  // namespace
}  // namespace gatesweep
