// world = copies x expert_parallel, and which experts a rank holds.
#include "gatesweep/comm/parallel_layout.h"

#include <gtest/gtest.h>

#include "mpi_main.h"
#include "support/expect_error.h"

namespace gatesweep {
namespace {

TEST(ParallelLayout, CutsTheWorldIntoCopiesOfNeighbours) {
    for (int degree = 1; degree <= world().size(); degree *= 2) {
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
    for (int degree = 1; degree <= world().size(); degree *= 2) {
        ParallelLayout const layout = make_parallel_layout(world(), degree);
        ExpertRange const mine = layout.local_experts(8);
        EXPECT_EQ(mine.count, 8 / degree);
        EXPECT_EQ(layout.expert_parallel.all_reduce_sum(mine.count), 8);
        auto const first = layout.expert_parallel.all_gather(mine.first);
        for (int r = 0; r < degree; ++r)
            EXPECT_EQ(first[r], r * mine.count);
    }
}

TEST(ParallelLayout, RefusesADegreeThatDoesNotDivideTheRanks) {
    for (int degree : {0, -1, world().size() + 1, 3}) {
        EXPECT_ERROR(make_parallel_layout(world(), degree), ExitCode::job, "parallel.expert_parallel",
                     "does not divide");
    }
}

TEST(ParallelLayout, RefusesADegreeThatDoesNotDivideTheExperts) {
    EXPECT_NO_THROW(validate_expert_split(8, 4));
    EXPECT_ERROR(validate_expert_split(8, 3), ExitCode::job, "cannot split 8 experts", "1, 2, 4, 8");
    EXPECT_ERROR(validate_expert_split(6, 4), ExitCode::job, "1, 2, 3, 6");
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
