// The way of decode steps against the counted one: the same rows for every expert, the same slots back, bit for bit,
// over MPI and over NCCL's layer, for whatever numbers of tokens the ranks have.
#include "gatesweep/model/gathered_dispatch.h"

#include <cstdlib>
#include <random>

#include "comm/fake_group.h"
#include "gatesweep/model/decoder_layer.h"
#include "mpi_main.h"
#include "support/expect_error.h"
#include "support/tensors.h"

namespace gatesweep {
namespace {

constexpr std::int64_t d = 6, f = 10;

ExpertWeights weights_of(ExpertRange range, at::ScalarType dtype) {
    ExpertWeights mine;
    for (std::int64_t x = 0; x < range.count; ++x) {
        auto const e = static_cast<std::uint64_t>(range.first + x);
        mine.gate_up.emplace_back(random_tensor({2 * f, d}, dtype, 50 + e));
        mine.down.emplace_back(random_tensor({d, f}, dtype, 90 + e));
    }
    return mine;
}

// Logits that draw tokens to few experts, so that some ranks are left out, or to all alike.
at::Tensor random_logits(std::int64_t num_tokens, std::int64_t num_experts, std::uint64_t seed) {
    at::Tensor const logits = random_tensor({num_tokens, num_experts}, at::kFloat, seed);
    if (seed % 3 == 0) logits.slice(1, 0, num_experts / 2).add_(5.0);
    if (seed % 3 == 1) logits.slice(1, num_experts / 2).add_(5.0);
    return logits;
}

void expect_the_counted_way(TokenDispatcher const& dispatcher, ParallelLayout const& layout, std::int64_t num_experts,
                            int num_cases) {
    std::mt19937_64 random(static_cast<std::uint64_t>(num_experts));  // alike on every rank
    int wrong_rows = 0, wrong_offsets = 0, wrong_slots = 0;
    for (int i = 0; i < num_cases; ++i) {
        auto const dtype = storage_types()[random() % 3];
        auto const top_k = static_cast<std::int64_t>(1 + random() % static_cast<std::uint64_t>(num_experts));
        std::uint64_t const most = i % 4 == 0 ? 2 : 9, seed = random() % (1U << 20);
        std::vector<std::int64_t> tokens_of_rank;
        for (int r = 0; r < layout.ep_size(); ++r)
            tokens_of_rank.push_back(i % 7 == 0 ? 0 : static_cast<std::int64_t>(random() % most));
        auto const rank = static_cast<std::uint64_t>(layout.ep_rank());
        std::int64_t const n = tokens_of_rank[rank];
        at::Tensor const tokens = random_tensor({n, d}, dtype, seed * 4 + rank);
        Routing const routing = route(random_logits(n, num_experts, seed * 4 + rank), top_k);
        ExpertWeights const weights = weights_of(layout.local_experts(num_experts), dtype);

        DispatchRecord const record = dispatcher.plan(routing);
        at::Tensor const slots = tokens.unsqueeze(1).expand({-1, top_k, -1}).reshape({-1, d});
        at::Tensor const rows = dispatcher.to_experts(slots, record).arrived();
        at::Tensor const expected =
            dispatcher.from_experts(experts_forward(weights, rows, record.expert_offsets).output, record).arrived();

        ASSERT_EQ(dispatcher.share_token_counts(n), tokens_of_rank);
        GatheredTokens const gathered = dispatcher.gather(tokens, routing, tokens_of_rank);
        wrong_rows += !at::equal(gathered.rows, rows);
        wrong_offsets += !at::equal(gathered.offsets, at::tensor(record.expert_offsets, at::kLong));
        at::Tensor const outputs = gathered_experts_forward(dispatcher, weights, gathered);
        wrong_slots += !at::equal(dispatcher.return_slots(outputs, gathered), expected);
    }
    EXPECT_EQ(wrong_rows, 0);
    EXPECT_EQ(wrong_offsets, 0);
    EXPECT_EQ(wrong_slots, 0);
}

// On a GPU there are as many rows as there could be; the experts' own come first.
TEST(GatheredDispatch, RowsOfNoExpertChangeNothing) {
    constexpr std::int64_t num_experts = 3, wide = 8;
    std::vector<std::int64_t> const offsets = {0, 4, 4, 9};
    ParallelLayout const layout = make_parallel_layout(world(), 1);
    TokenDispatcher const dispatcher(layout, num_experts, at::kCPU);
    for (auto dtype : storage_types()) {
        ExpertWeights experts;
        for (std::uint64_t x = 0; x < num_experts; ++x) {
            experts.gate_up.emplace_back(random_tensor({2 * wide, wide}, dtype, 1 + 2 * x));
            experts.down.emplace_back(random_tensor({wide, wide}, dtype, 2 + 2 * x));
        }
        GatheredTokens gathered;
        gathered.rows = random_tensor({11, wide}, dtype, 9);
        gathered.offsets = at::tensor(offsets, at::kLong);
        at::Tensor const y = gathered_experts_forward(dispatcher, experts, gathered);
        ASSERT_GE(y.size(0), 9);
        at::Tensor const expected = experts_forward(experts, gathered.rows.slice(0, 0, 9), offsets).output;
        EXPECT_TRUE(at::equal(y.slice(0, 0, 9), expected)) << dtype;
    }
}

TEST(GatheredDispatch, EqualsTheCountedWayOverMpi) {
    for (std::int64_t num_experts : {4, 6, 8, 13}) {
        for (int degree : degrees()) {
            if (degree > num_experts) continue;
            ParallelLayout const layout = make_parallel_layout(world(), degree);
            TensorCollectives collectives(layout.expert_parallel, at::kCPU);
            TokenDispatcher const dispatcher(layout, num_experts, std::move(collectives), DecodeDispatch::gathered);
            expect_the_counted_way(dispatcher, layout, num_experts, 100);
        }
    }
}

TEST(GatheredDispatch, EqualsTheCountedWayOverNccl) {
    ParallelLayout const layout = make_parallel_layout(world(), world().size());
    if (layout.ep_size() == 1) return;
    auto const fake = std::make_shared<FakeNccl>(layout.expert_parallel, FakeOptions{});
    {
        TokenDispatcher const dispatcher(layout, 8, make_fake_collectives(layout.expert_parallel, fake),
                                         DecodeDispatch::gathered);
        expect_the_counted_way(dispatcher, layout, 8, 300);
    }
    EXPECT_TRUE(fake->broken_rules().empty()) << fake->broken_rules().front();
    EXPECT_EQ(fake->num_destroyed(), 1);
}

TEST(GatheredDispatch, SizesDoNotDependOnTheRouting) {
    ParallelLayout const layout = make_parallel_layout(world(), world().size());
    TokenDispatcher const dispatcher(layout, 8, TensorCollectives(layout.expert_parallel, at::kCPU),
                                     DecodeDispatch::gathered);
    auto const tokens_of_rank = dispatcher.share_token_counts(3);
    for (std::uint64_t seed = 0; seed < 6; ++seed) {
        GatheredTokens const gathered = dispatcher.gather(random_tensor({3, d}, at::kFloat, 1),
                                                          route(random_logits(3, 8, seed), 2), tokens_of_rank);
        EXPECT_EQ(gathered.places, std::min<std::int64_t>(2, layout.split(8).largest()));
        EXPECT_EQ(gathered.answer_rows.size(0), 3 * world().size() * gathered.places);
        EXPECT_EQ(gathered.slot_places.size(0), 6);
    }
}

TEST(DecodeDispatch, FollowsTheDeviceUnlessToldOtherwise) {
    char const* const set = std::getenv("GATESWEEP_DECODE_DISPATCH");
    std::string const before = set ? set : "";
    ::unsetenv("GATESWEEP_DECODE_DISPATCH");
    EXPECT_EQ(choose_decode_dispatch(at::kCPU), DecodeDispatch::counted);
    EXPECT_EQ(choose_decode_dispatch(at::Device(at::kCUDA, 0)), DecodeDispatch::gathered);
    ::setenv("GATESWEEP_DECODE_DISPATCH", "gathered", 1);
    EXPECT_EQ(choose_decode_dispatch(at::kCPU), DecodeDispatch::gathered);
    ::setenv("GATESWEEP_DECODE_DISPATCH", "counted", 1);
    EXPECT_EQ(choose_decode_dispatch(at::Device(at::kCUDA, 0)), DecodeDispatch::counted);
    ::setenv("GATESWEEP_DECODE_DISPATCH", "padded", 1);
    EXPECT_ERROR(choose_decode_dispatch(at::kCPU), ExitCode::usage, "padded", "auto, counted or gathered");
    ::unsetenv("GATESWEEP_DECODE_DISPATCH");
    if (set) ::setenv("GATESWEEP_DECODE_DISPATCH", before.c_str(), 1);
}

}  // namespace
}  // namespace gatesweep
