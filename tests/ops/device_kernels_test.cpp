// The source of the CUDA kernels, run on the host, against the operations composed of ATen calls: in both orders of
// threads, so that what a missing barrier leaves to chance would show.
#include "support/kernel_emulator.h"
// The kernels' headers come after what stands in for CUDA.
#include "gatesweep/ops/cached_attention.h"
#include "ops/cuda/cached_attention_kernel.cuh"
#include "ops/cuda/gather_kernel.cuh"
#include "ops/cuda/route_kernel.cuh"
#include "ops/generic/generic_ops.h"
#include "support/tensors.h"

namespace gatesweep {
namespace {

std::vector<at::ScalarType> const kernel_types = {at::kFloat, at::kBFloat16};

void expect_same(Routing const& a, Routing const& b) {
    EXPECT_TRUE(at::equal(a.expert_ids, b.expert_ids));
    EXPECT_LE(relative_error(a.routing_weights, b.routing_weights), 1e-6);
    ASSERT_EQ(a.margins.defined(), b.margins.defined());
    if (!a.margins.defined()) return;
    EXPECT_LE((a.margins - b.margins).abs().max().item<double>(), 1e-6);
}

TEST(RouteKernel, EqualsItsReference) {
    for (auto dtype : kernel_types) {
        for (std::int64_t num_experts : {4, 8, 11, 64}) {
            for (std::int64_t top_k : {1, 2, 4}) {
                // Few distinct values, so that many ties are decided; more tokens than a block has threads.
                at::Tensor const logits = (random_tensor({150, num_experts}, at::kDouble, 7) * 3).round().to(dtype);
                at::Tensor const all_finite = at::ones({}, at::kBool);
                expect_same(cuda::launch_route(HostLauncher{}, logits, top_k, {}, all_finite),
                            generic::route(logits, top_k));
                EXPECT_TRUE(all_finite.item<bool>());
            }
        }
    }
}

TEST(RouteKernel, EqualsTheLoopsOfTheCpuBitForBit) {
    for (auto dtype : kernel_types) {
        at::Tensor const logits = random_tensor({40, 8}, dtype, 3) * 4, all_finite = at::ones({}, at::kBool);
        Routing const own = cuda::launch_route(HostLauncher{}, logits, 2, {}, all_finite), loops = route(logits, 2);
        EXPECT_TRUE(at::equal(own.expert_ids, loops.expert_ids));
        EXPECT_TRUE(at::equal(own.routing_weights, loops.routing_weights));
        EXPECT_TRUE(at::equal(own.margins, loops.margins));
    }
}

TEST(RouteKernel, EditsAsTheReferenceDoes) {
    constexpr std::int64_t num_experts = 8, num_tokens = 60;
    RouterEdits edits(1, num_experts);
    for (EditMode mode :
         {EditMode::mask, EditMode::zero, EditMode::zero_renormalise, EditMode::steer, EditMode::bias}) {
        edits.add(mode, EditScope::both, std::vector<RouterEdit>{{0, 1, 1.0}, {0, 6, -0.75}});
        edits.add(mode, EditScope::both, std::vector<RouterEdit>{{0, 0, 1.0}, {0, 2, 1.0}, {0, 3, 1.0}, {0, 7, 1.0}});
    }
    std::vector<std::int32_t> entries;
    for (std::int32_t t = 0; t < num_tokens; ++t)
        entries.push_back(t % static_cast<std::int32_t>(edits.layer_edits().size()));
    RowEdits const rows{&edits, entries};
    for (auto dtype : kernel_types) {
        at::Tensor const logits = random_tensor({num_tokens, num_experts}, dtype, 5) * 2,
                         all_finite = at::ones({}, at::kBool);
        Routing const own = cuda::launch_route(HostLauncher{}, logits, 2, tensors_of(rows, at::kCPU), all_finite);
        expect_same(own, generic::route(logits, 2, rows));
        Routing const loops = route(logits, 2, rows);
        EXPECT_TRUE(at::equal(own.expert_ids, loops.expert_ids));
        EXPECT_TRUE(at::equal(own.routing_weights, loops.routing_weights));
    }
}

TEST(RouteKernel, TellsOfLogitsThatAreNotFinite) {
    for (float bad : {std::numeric_limits<float>::quiet_NaN(), -std::numeric_limits<float>::infinity()}) {
        at::Tensor const logits = random_tensor({5, 8}, at::kFloat, 1), all_finite = at::ones({}, at::kBool);
        logits[3][6].fill_(bad);
        Routing const routing = cuda::launch_route(HostLauncher{}, logits, 2, {}, all_finite);
        EXPECT_FALSE(all_finite.item<bool>());
        EXPECT_TRUE(routing.expert_ids.ge(0).logical_and(routing.expert_ids.lt(8)).all().item<bool>());
        EXPECT_TRUE(routing.expert_ids.select(1, 0).lt(routing.expert_ids.select(1, 1)).all().item<bool>());
    }
}

TEST(RouteKernel, TakesNoTokensAndAllExperts) {
    at::Tensor const all_finite = at::ones({}, at::kBool);
    EXPECT_EQ(cuda::launch_route(HostLauncher{}, at::empty({0, 4}), 2, {}, all_finite).num_tokens(), 0);
    at::Tensor const logits = random_tensor({3, 4}, at::kFloat, 2);
    expect_same(cuda::launch_route(HostLauncher{}, logits, 4, {}, all_finite), generic::route(logits, 4));
}

struct Cache {
    std::int64_t num_heads, num_kv_heads, head_dim;
    std::optional<std::int64_t> window;
    bool has_sinks = false;
};

TEST(CachedAttentionKernel, EqualsItsReference) {
    std::vector<std::int64_t> const slots = {3, 0, 2, 5}, positions = {0, 17, 6, 2};
    at::Tensor const slot_tensor = at::tensor(slots, at::kLong), position_tensor = at::tensor(positions, at::kLong);
    constexpr std::int64_t num_slots = 6, capacity = 20;
    for (auto dtype : kernel_types) {
        for (Cache const& c : {Cache{8, 2, 128, {}}, Cache{4, 4, 8, {}}, Cache{6, 1, 40, {}}, Cache{4, 2, 64, 5},
                               Cache{2, 1, 160, 1}, Cache{8, 2, 64, 5, true}, Cache{6, 6, 40, {}, true}}) {
            // Queries are a slice of one projection, as the decoder passes them.
            at::Tensor const heads = random_tensor({4, c.num_heads + 2, c.head_dim}, dtype, 1);
            CachedAttentionInput const in{heads.slice(1, 1, 1 + c.num_heads),
                                          random_tensor({num_slots, c.num_kv_heads, capacity, c.head_dim}, dtype, 2),
                                          random_tensor({num_slots, c.num_kv_heads, capacity, c.head_dim}, dtype, 3),
                                          slots,
                                          positions,
                                          c.window,
                                          1.0 / std::sqrt(static_cast<double>(c.head_dim)),
                                          {},
                                          {},
                                          c.has_sinks ? random_tensor({c.num_heads}, dtype, 4) * 3 : at::Tensor()};
            at::Tensor const own = cuda::launch_cached_attention(HostLauncher{false}, in, slot_tensor, position_tensor);
            EXPECT_LE(relative_error(own, generic::cached_attention(in)), rounding_of(dtype)) << c.head_dim;
            EXPECT_TRUE(
                at::equal(own, cuda::launch_cached_attention(HostLauncher{true}, in, slot_tensor, position_tensor)));
        }
    }
}

TEST(CachedAttentionKernel, ARowsBitsAreItsOwn) {
    std::vector<std::int64_t> const slots = {1, 0}, positions = {9, 4};
    at::Tensor const q = random_tensor({2, 4, 32}, at::kFloat, 1), k = random_tensor({2, 2, 10, 32}, at::kFloat, 2),
                     v = random_tensor({2, 2, 10, 32}, at::kFloat, 3);
    auto const attend = [&](std::int64_t begin, std::int64_t end) {
        CachedAttentionInput const in{q.slice(0, begin, end), k, v, {}, {}, {}, 0.25};
        return cuda::launch_cached_attention(HostLauncher{}, in, at::tensor(slots, at::kLong).slice(0, begin, end),
                                             at::tensor(positions, at::kLong).slice(0, begin, end));
    };
    EXPECT_TRUE(at::equal(attend(0, 2).slice(0, 1), attend(1, 2)));
}

// Distinct experts of each token, ascending.
at::Tensor random_ids(std::int64_t num_tokens, std::int64_t top_k, std::int64_t num_experts, std::uint64_t seed) {
    return route(random_tensor({num_tokens, num_experts}, at::kFloat, seed) * 3, top_k).expert_ids;
}

TEST(GatherKernel, EqualsItsReference) {
    for (auto [num_experts, num_ranks] :
         {std::pair<std::int64_t, std::int64_t>{8, 1}, {8, 4}, {128, 1}, {128, 2}, {6, 4}, {60, 8}}) {
        for (std::int64_t top_k : {1, 2, 5}) {
            for (std::int64_t num_tokens : {0, 1, 7, 700}) {
                for (std::int64_t rank = 0; rank < num_ranks; rank += 3) {
                    at::Tensor const all = random_ids(num_tokens, top_k, num_experts, 5);
                    GatheredIds const ids{
                        all, all.slice(0, num_tokens / 3, num_tokens / 2), {num_experts, num_ranks}, rank};
                    GatheredPlan const expected = generic::plan_gathered(ids);
                    for (bool reversed : {false, true}) {
                        GatheredPlan const own = cuda::launch_plan_gathered(HostLauncher{reversed}, ids);
                        ASSERT_TRUE(at::equal(own.offsets, expected.offsets));
                        std::int64_t const num_rows = expected.token_of_row.size(0);
                        ASSERT_EQ(own.token_of_row.size(0), num_tokens * ids.places());
                        EXPECT_TRUE(at::equal(own.token_of_row.slice(0, 0, num_rows), expected.token_of_row));
                        EXPECT_TRUE(own.token_of_row.slice(0, num_rows).eq(0).all().item<bool>());
                        EXPECT_TRUE(at::equal(own.answer_rows, expected.answer_rows));
                        EXPECT_TRUE(at::equal(own.slot_places, expected.slot_places));
                    }
                }
            }
        }
    }
}

}  // namespace
}  // namespace gatesweep
