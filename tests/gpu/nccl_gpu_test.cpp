// The real NCCL: connecting, exchanging, ending, again and again.
#include "gatesweep/comm/nccl_backend.h"
#include "gpu_test.h"
#include "support/tensors.h"

namespace gatesweep {
namespace {

using NcclOnGpu = GpuTest;

TEST_F(NcclOnGpu, FitsTheHeaderItWasBuiltWith) {
    auto const nccl = nccl_library();
    EXPECT_NO_THROW(validate_nccl_version(nccl->built_version(), nccl->loaded_version()));
    EXPECT_GT(free_device_memory(), 0U);
}

TEST_F(NcclOnGpu, GivesTheBytesOfMpi) {
    TensorCollectives const nccl(world(), make_nccl_backend(world(), device_, nccl_library(), NcclOptions{}));
    TensorCollectives const mpi(world(), make_mpi_backend(world()));
    for (int i = 0; i < 200; ++i) {
        std::vector<std::int64_t> send, receive;
        std::int64_t total = 0;
        for (int r = 0; r < world().size(); ++r) {
            send.push_back((3 * world().rank() + r + i) % 5);
            receive.push_back((3 * r + world().rank() + i) % 5);
            total += send.back();
        }
        at::Tensor const rows = random_tensor({total, 33}, storage_types()[i % 3], static_cast<std::uint64_t>(i));
        at::Tensor const received = nccl.all_to_all_rows(rows.to(device_), send, receive);
        nccl.wait();
        ASSERT_TRUE(at::equal(received.cpu(), mpi.all_to_all_rows(rows, send, receive))) << i;
    }
}

TEST_F(NcclOnGpu, KeepsNoMemoryOfConnectionsThatEnded) {
    auto const connect = [&] { make_nccl_backend(world(), device_, nccl_library(), NcclOptions{})->wait(); };
    for (int i = 0; i < 5; ++i)
        connect();
    std::uint64_t const before = free_device_memory();
    for (int i = 0; i < 20; ++i)
        connect();
    EXPECT_GE(free_device_memory() + (std::uint64_t{64} << 20), before);
}

}  // namespace
}  // namespace gatesweep
