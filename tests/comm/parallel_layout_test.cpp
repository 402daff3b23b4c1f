// world = copies x expert_parallel, and which experts a rank holds.
#include "gatesweep/comm/parallel_layout.h"

#include <gtest/gtest.h>

#include "mpi_main.h"
#include "support/expect_error.h"

namespace gatesweep {
namespace {

TEST(ParallelLayout, CutsTheWorldIntoCopiesOfNeighbours) {
    for (int degree : degrees()) {
        ParallelLayout const layout = make_parallel_layout(world(), degree);
        EXPECT_EQ(layout.num_copies, world().size() / degree);
        EXPECT_EQ(layout.copy, world().rank() / degree);
        EXPECT_EQ(layout.ep_size(), degree);
        EXPECT_EQ(layout.ep_rank(), world().rank() % degree);
        EXPECT_EQ(layout.expert_parallel.is_null(), degree == 1);
        EXPECT_EQ(layout.is_final_rank(), world().rank() == world().size() - 1);
        EXPECT_EQ(layout.node.size(), world().size());
    }
}

TEST(ParallelLayout, EveryExpertHasOneOwnerInACopy) {
    for (int degree : degrees()) {
        ParallelLayout const layout = make_parallel_layout(world(), degree);
        ExpertRange const mine = layout.local_experts(8);
        EXPECT_EQ(layout.expert_parallel.all_reduce_sum(mine.count), 8);
        auto const first = layout.expert_parallel.all_gather(mine.first);
        for (int r = 0; r < degree; ++r)
            EXPECT_EQ(first[r], layout.split(8).of(r).first);
    }
}

TEST(ExpertSplit, GivesNeighbouringRangesWhoseSizesDifferByAtMostOne) {
    for (std::int64_t experts : {1, 4, 6, 8, 12, 60, 64, 128}) {
        for (std::int64_t ranks = 1; ranks <= experts; ++ranks) {
            ExpertSplit const split{experts, ranks};
            std::int64_t next = 0;
            for (std::int64_t r = 0; r < ranks; ++r) {
                ExpertRange const range = split.of(r);
                EXPECT_EQ(range.first, next);
                EXPECT_EQ(range.count, r < split.num_larger() ? split.largest() : split.smallest());
                next += range.count;
            }
            EXPECT_EQ(next, experts);
            EXPECT_LE(split.largest() - split.smallest(), 1);
            EXPECT_GE(split.smallest(), 1);
        }
    }
    EXPECT_EQ((ExpertSplit{60, 8}.largest()), 8);
    EXPECT_EQ((ExpertSplit{60, 8}.of(4).first), 32);
    EXPECT_EQ((ExpertSplit{6, 4}.of(3).first), 5);
}

TEST(ParallelLayout, RefusesADegreeThatDoesNotDivideTheRanks) {
    for (int degree : {0, -1, world().size() + 1, 5}) {
        EXPECT_ERROR(make_parallel_layout(world(), degree), ExitCode::job, "parallel.expert_parallel",
                     "does not divide");
    }
}

TEST(ParallelLayout, RefusesRanksWithoutExperts) {
    EXPECT_NO_THROW(validate_expert_split(8, 3));
    EXPECT_NO_THROW(validate_expert_split(8, 8));
    EXPECT_ERROR(validate_expert_split(8, 9), ExitCode::job, "parallel.expert_parallel = 9", "8 experts", "at most 8");
}

TEST(ParallelLayout, WithoutALauncherIsOneRank) {
    ParallelLayout const layout = make_parallel_layout(Communicator(), 1);
    EXPECT_EQ(layout.num_copies, 1);
    EXPECT_TRUE(layout.is_final_rank());
    EXPECT_EQ(layout.local_experts(8).count, 8);
    EXPECT_ERROR(make_parallel_layout(Communicator(), 2), ExitCode::job, "does not divide the 1 rank of");
}

}  // namespace
}  // namespace gatesweep
