// Which GPU each rank takes, for the ways in which launchers show them, and what is refused.
#include "gatesweep/comm/devices.h"

#include <gtest/gtest.h>

#include <cstdlib>

#include "mpi_main.h"
#include "support/expect_error.h"

namespace gatesweep {
namespace {

using BusIds = std::vector<std::string>;
RankDevices rank_on(int node, BusIds bus_ids) {
    return {node, "node" + std::to_string(node), std::move(bus_ids)};
}
std::vector<int> assign(std::vector<RankDevices> const& ranks, DeviceSharing sharing = DeviceSharing::refused) {
    return assign_devices(ranks, sharing);
}

TEST(AssignDevices, RanksThatSeeAllGpusTakeThemInTurn) {
    BusIds const all = {"a", "b", "c", "d"};
    EXPECT_EQ(
        assign({rank_on(0, all), rank_on(0, all), rank_on(0, all), rank_on(0, all), rank_on(1, all), rank_on(1, all)}),
        (std::vector{0, 1, 2, 3, 0, 1}));
    // Ranks dealt out over nodes in turn: the number within the node counts.
    EXPECT_EQ(assign({rank_on(0, all), rank_on(1, all), rank_on(0, all), rank_on(1, all)}), (std::vector{0, 0, 1, 1}));
}

TEST(AssignDevices, RanksThatSeeOneGpuEachTakeIt) {
    EXPECT_EQ(assign({rank_on(0, {"a"}), rank_on(0, {"b"}), rank_on(1, {"a"}), rank_on(1, {"b"})}),
              (std::vector{0, 0, 0, 0}));
}

TEST(AssignDevices, RanksThatSeeGroupsOfGpusTakeThemWithinTheGroup) {
    BusIds const first = {"a", "b"}, second = {"c", "d"};
    EXPECT_EQ(assign({rank_on(0, first), rank_on(0, first), rank_on(0, second), rank_on(0, second)}),
              (std::vector{0, 1, 0, 1}));
}

TEST(AssignDevices, RefusesMoreRanksThanGpus) {
    BusIds const two = {"a", "b"};
    EXPECT_ERROR(assign({rank_on(0, two), rank_on(0, two), rank_on(0, two)}), ExitCode::unavailable,
                 "ranks 0 and 2 on node0", "same GPU a", "of 2 that rank 2 sees", "--gpus-per-node");
}

TEST(AssignDevices, RefusesOneGpuShownToSeveralRanks) {
    // What mpirun makes of --gpus-per-task=1: right on the first node, one GPU for all ranks of the others.
    BusIds const two = {"a", "b"};
    EXPECT_ERROR(assign({rank_on(0, two), rank_on(0, two), rank_on(1, {"a"}), rank_on(1, {"a"})}),
                 ExitCode::unavailable, "ranks 2 and 3 on node1", "same GPU a", "with mpirun not --gpus-per-task");
    EXPECT_NO_THROW(assign({rank_on(0, {"a"}), rank_on(1, {"a"})})) << "bus ids repeat on other nodes";
}

TEST(AssignDevices, RefusesListsThatMeetInOneGpu) {
    EXPECT_ERROR(assign({rank_on(0, {"a", "b"}), rank_on(0, {"a"})}), ExitCode::unavailable, "ranks 0 and 1",
                 "same GPU a");
}

TEST(AssignDevices, RefusesARankThatSeesNone) {
    EXPECT_ERROR(assign({rank_on(0, {"a"}), rank_on(3, {})}), ExitCode::unavailable, "rank 1 on node3 sees no GPU");
    EXPECT_ERROR(assign({rank_on(3, {})}, DeviceSharing::allowed), ExitCode::unavailable,
                 "rank 0 on node3 sees no GPU");
}

TEST(AssignDevices, SharesInTurnWhereThatIsAllowed) {
    BusIds const two = {"a", "b"};
    EXPECT_EQ(assign({rank_on(0, two), rank_on(0, two), rank_on(0, two)}, DeviceSharing::allowed),
              (std::vector{0, 1, 0}));
}

TEST(DeviceSharing, IsAllowedByOneWordOnly) {
    EXPECT_FALSE(sharing_allowed());
    ::setenv("GATESWEEP_ALLOW_SHARED_GPU", "0", 1);
    EXPECT_FALSE(sharing_allowed());
    ::setenv("GATESWEEP_ALLOW_SHARED_GPU", "1", 1);
    EXPECT_TRUE(sharing_allowed());
    ::unsetenv("GATESWEEP_ALLOW_SHARED_GPU");
}

TEST(GatherDevices, TellsEveryRankWhatAllSee) {
    std::vector<DeviceFacts> mine(static_cast<std::size_t>(world().rank()));
    for (auto& device : mine)
        device.bus_id = "gpu of " + std::to_string(world().rank());
    auto const all = gather_devices(world(), world().split_by_node(), mine);
    ASSERT_EQ(std::ssize(all), world().size());
    for (int r = 0; r < world().size(); ++r) {
        EXPECT_EQ(all[r].node, 0);
        EXPECT_EQ(all[r].bus_ids, BusIds(static_cast<std::size_t>(r), "gpu of " + std::to_string(r)));
        EXPECT_FALSE(all[r].host.empty());
    }
}

TEST(CudaVersions, AreWrittenAsPeopleDo) {
    EXPECT_EQ(cuda_version_text(13000), "13.0");
    EXPECT_EQ(cuda_version_text(12080), "12.8");
}

}  // namespace
}  // namespace gatesweep
