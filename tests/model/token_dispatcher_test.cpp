// Rows to experts and back, on 1, 2, 3, 4 and 8 ranks: whatever the degree, an expert sees the same rows and a token
// gets back what its experts made of it.
#include "gatesweep/model/token_dispatcher.h"

#include "comm/fake_group.h"
#include "gatesweep/model/experts.h"
#include "gatesweep/ops/linear.h"
#include "mpi_main.h"
#include "support/tensors.h"

namespace gatesweep {
namespace {

constexpr std::int64_t num_experts = 10, d = 5;

struct Tokens {
    Routing routing;
    at::Tensor slots;  // [T*K, D]
};

// Every rank has its own number of tokens; with `skip`, odd ranks have none.
Tokens tokens_of_rank(int rank, std::int64_t top_k, bool skip = false) {
    std::int64_t const count = skip && rank % 2 == 1 ? 0 : 7 + 3 * rank;
    auto const seed = static_cast<std::uint64_t>(rank) + 1;
    return {route(random_tensor({count, num_experts}, at::kFloat, seed), top_k),
            random_tensor({count * top_k, d}, at::kFloat, seed + 100)};
}

// Expert e multiplies a row by e + 2 and adds e.
at::Tensor apply_experts(at::Tensor const& rows, DispatchRecord const& record, ExpertRange mine) {
    at::Tensor const out = rows.clone();
    for (std::int64_t x = 0; x < mine.count; ++x) {
        double const e = static_cast<double>(mine.first + x);
        out.slice(0, record.expert_offsets[x], record.expert_offsets[x + 1]).mul_(e + 2).add_(e);
    }
    return out;
}

TEST(TokenDispatcher, EverySlotGoesToItsExpertAndComesBack) {
    ParallelLayout const layout = make_parallel_layout(world(), world().size());
    TokenDispatcher const dispatcher(layout, num_experts, at::kCPU);
    for (std::int64_t top_k : {1, 2, 8}) {
        for (bool skip : {false, true}) {
            Tokens const t = tokens_of_rank(world().rank(), top_k, skip);
            DispatchRecord const record = dispatcher.plan(t.routing);
            at::Tensor const rows = dispatcher.to_experts(t.slots, record).arrived();
            EXPECT_EQ(rows.size(0), record.expert_offsets.back());
            at::Tensor const back =
                dispatcher.from_experts(apply_experts(rows, record, layout.local_experts(num_experts)), record)
                    .arrived();
            at::Tensor const e = t.routing.expert_ids.view({-1, 1}).to(at::kFloat);
            EXPECT_TRUE(at::equal(back, t.slots * (e + 2) + e)) << "top_k " << top_k;
        }
    }
}

TEST(TokenDispatcher, SlotsOfSeveralBatchesTravelAtOnce) {
    ParallelLayout const layout = make_parallel_layout(world(), world().size());
    auto const fake = std::make_shared<FakeNccl>(world(), FakeOptions{});
    {
        TokenDispatcher const dispatcher(layout, num_experts, make_fake_collectives(layout.expert_parallel, fake),
                                         DecodeDispatch::counted);
        std::vector<Tokens> tokens;
        std::vector<DispatchRecord> records;
        std::vector<SlotsUnderWay> slots;
        for (std::int64_t top_k : {2, 1, 3}) {
            tokens.push_back(tokens_of_rank(world().rank(), top_k, top_k == 1));
            records.push_back(dispatcher.plan(tokens.back().routing));
            slots.push_back(dispatcher.to_experts(tokens.back().slots, records.back()));
        }
        for (std::size_t i = 0; i < tokens.size(); ++i) {
            at::Tensor const outputs = apply_experts(slots[i].arrived(), records[i], layout.local_experts(num_experts));
            slots[i] = dispatcher.from_experts(outputs, records[i]);
        }
        for (std::size_t i = 0; i < tokens.size(); ++i) {
            at::Tensor const e = tokens[i].routing.expert_ids.view({-1, 1}).to(at::kFloat);
            EXPECT_TRUE(at::equal(slots[i].arrived(), tokens[i].slots * (e + 2) + e)) << "batch " << i;
        }
        // One rank alone keeps its rows: nothing travels.
        EXPECT_EQ(fake->most_under_way(), world().size() == 1 ? 0 : 3);
    }
    EXPECT_TRUE(fake->broken_rules().empty()) << fake->broken_rules().front();
}

TEST(TokenDispatcher, ExpertsSeeTheRowsOfAllRanksInRankOrder) {
    ParallelLayout const layout = make_parallel_layout(world(), world().size());
    TokenDispatcher const dispatcher(layout, num_experts, at::kCPU);
    Tokens const mine = tokens_of_rank(world().rank(), 2);
    DispatchRecord const record = dispatcher.plan(mine.routing);
    at::Tensor const rows = dispatcher.to_experts(mine.slots, record).arrived();
    ExpertRange const local = layout.local_experts(num_experts);
    for (std::int64_t x = 0; x < local.count; ++x) {
        std::int64_t row = record.expert_offsets[x];
        for (int r = 0; r < world().size(); ++r) {
            Tokens const t = tokens_of_rank(r, 2);
            auto const* id = t.routing.expert_ids.const_data_ptr<std::int64_t>();
            for (std::int64_t i = 0; i < t.routing.expert_ids.numel(); ++i) {
                if (id[i] != local.first + x) continue;
                EXPECT_TRUE(at::equal(rows[row++], t.slots[i])) << "rank " << r << " slot " << i;
            }
        }
        EXPECT_EQ(row, record.expert_offsets[x + 1]);
    }
}

TEST(TokenDispatcher, TheWayBackIsTheGradientOfTheWayOut) {
    // <to_experts(s), g> summed over ranks = <s, from_experts(g)> summed over ranks, for every s and g.
    ParallelLayout const layout = make_parallel_layout(world(), world().size());
    TokenDispatcher const dispatcher(layout, num_experts, at::kCPU);
    Tokens const t = tokens_of_rank(world().rank(), 2);
    DispatchRecord const record = dispatcher.plan(t.routing);
    // Whole numbers, so that sums are exact.
    at::Tensor const slots = (t.slots * 8).round(), rows = dispatcher.to_experts(slots, record).arrived();
    at::Tensor const g = (random_tensor(rows.sizes().vec(), at::kFloat, 77) * 8).round();
    auto const sum = [&](at::Tensor const& a, at::Tensor const& b) {
        return world().all_reduce_sum((a.to(at::kDouble) * b.to(at::kDouble)).sum().to(at::kLong).item<std::int64_t>());
    };
    EXPECT_EQ(sum(rows, g), sum(slots, dispatcher.from_experts(g, record).arrived()));
}

TEST(TokenDispatcher, ExpertOutputsAreTheBitsOfDegreeOne) {
    auto const weights = [](ExpertRange range) {
        ExpertWeights mine;
        for (std::int64_t e = range.first; e < range.first + range.count; ++e) {
            mine.gate_up.emplace_back(random_tensor({24, d}, at::kFloat, 50 + e));
            mine.down.emplace_back(random_tensor({d, 12}, at::kFloat, 60 + e));
        }
        return mine;
    };
    Tokens const t = tokens_of_rank(world().rank(), 3);
    auto const outputs = [&](ParallelLayout const& layout) {
        TokenDispatcher const dispatcher(layout, num_experts, at::kCPU);
        ExpertRange const local = layout.local_experts(num_experts);
        ExpertWeights const mine = weights(local);
        DispatchRecord const record = dispatcher.plan(t.routing);
        return dispatcher
            .from_experts(
                experts_forward(mine, dispatcher.to_experts(t.slots, record).arrived(), record.expert_offsets).output,
                record)
            .arrived();
    };
    at::Tensor const alone = outputs(ParallelLayout());
    for (int degree : degrees()) {
        EXPECT_TRUE(at::equal(outputs(make_parallel_layout(world(), degree)), alone)) << "degree " << degree;
    }
}

}  // namespace
}  // namespace gatesweep
