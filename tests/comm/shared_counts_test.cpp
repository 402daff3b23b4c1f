// Counts of all ranks on rank 0, without anybody waiting.
#include "gatesweep/comm/shared_counts.h"

#include <gtest/gtest.h>

#include <chrono>
#include <thread>

#include "mpi_main.h"

namespace gatesweep {
namespace {

TEST(SharedCounts, AreWholeAtTheEnd) {
    int const rank = world().rank(), size = world().size();
    for (int phase = 0; phase < 2000; ++phase) {  // a rank may be in the next one while rank 0 still ends this one
        SharedCounts counts(world());
        for (int done = 0; done <= 50; ++done)
            counts.set({done * (rank + 1), 50 * (rank + 1)});
        Counts const sum = counts.finish();
        EXPECT_EQ(sum.done, 50 * size * (size + 1) / 2);
        EXPECT_EQ(sum.all, sum.done);
    }
}

TEST(SharedCounts, ReachRankZeroOnTheWay) {
    SharedCounts counts(world());
    counts.set({1, 10});
    world().barrier();
    Counts sum;
    auto const end = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    do {
        sum = counts.sum();
        std::this_thread::sleep_for(std::chrono::milliseconds(1));
    } while (world().rank() == 0 && sum.done < world().size() && std::chrono::steady_clock::now() < end);
    EXPECT_EQ(sum.done, world().rank() == 0 ? world().size() : 1);
    EXPECT_EQ(sum.all, 10 * sum.done);
    counts.finish();
}

TEST(SharedCounts, OfAPhaseThatWasStoppedAreIgnored) {
    {
        SharedCounts stopped(world());
        stopped.set({1000, 1000});
    }
    SharedCounts next(world());
    world().barrier();
    next.set({1, 1});
    next.sum();
    EXPECT_EQ(next.finish().done, world().size());
}

TEST(SharedCounts, OfOneRankAreItsOwn) {
    SharedCounts counts((Communicator()));
    counts.set({3, 7});
    EXPECT_EQ(counts.sum().done, 3);
    EXPECT_EQ(counts.finish().all, 7);
}

}  // namespace
}  // namespace gatesweep
