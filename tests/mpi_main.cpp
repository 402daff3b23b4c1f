// GoogleTest under mpirun: every rank runs every test; a failure on any rank fails the run.
// In MPI tests ASSERT_ only on values that are equal on all ranks: a rank that leaves a test early would let the others
// wait in a collective.
#include "mpi_main.h"

#include <gtest/gtest.h>

#include <optional>

#include "gatesweep/comm/communicator.h"
#include "gatesweep/comm/mpi_session.h"

namespace gatesweep {

namespace {
std::optional<Communicator> test_world;
}

Communicator const& world() {
    return *test_world;
}

std::vector<int> degrees() {
    std::vector<int> possible;
    for (int degree = 1; degree <= world().size(); ++degree) {
        if (world().size() % degree == 0) possible.push_back(degree);
    }
    return possible;
}

}  // namespace gatesweep

int main(int argc, char** argv) {
    gatesweep::MpiSession const mpi(argc, argv);
    testing::InitGoogleTest(&argc, argv);
    gatesweep::test_world = mpi.world();
    auto& listeners = testing::UnitTest::GetInstance()->listeners();
    if (mpi.world().rank() != 0) delete listeners.Release(listeners.default_result_printer());
    try {
        int const failed = RUN_ALL_TESTS();
        std::int64_t const any = mpi.world().all_reduce_max(failed);
        if (failed) fprintf(stderr, "rank %d failed\n", mpi.world().rank());
        gatesweep::test_world.reset();
        return static_cast<int>(any);
    } catch (std::exception const& error) {
        fprintf(stderr, "rank %d: %s\n", mpi.world().rank(), error.what());
        mpi.abort(gatesweep::ExitCode::internal);
    }
}
