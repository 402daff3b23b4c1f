// Rows of tensors between ranks: every type, empty blocks, rows that are slices of wider tensors.
#include "gatesweep/comm/tensor_collectives.h"

#include "mpi_main.h"
#include "support/tensors.h"

namespace gatesweep {
namespace {

std::int64_t rows_between(int from, int to) {
    return (3 * from + to) % 4;
}  // some are 0

at::Tensor rows_of(int from, int to, at::ScalarType dtype, std::int64_t columns) {
    return random_tensor({rows_between(from, to), columns}, dtype, static_cast<std::uint64_t>(100 * from + to));
}

TEST(TensorCollectives, BringsEveryRanksRowsInRankOrder) {
    TensorCollectives const collectives(world(), at::kCPU);
    int const rank = world().rank(), size = world().size();
    for (auto dtype : storage_types()) {
        for (std::int64_t columns : {1, 7, 64}) {
            std::vector<at::Tensor> out, expected;
            std::vector<std::int64_t> send, receive;
            for (int r = 0; r < size; ++r) {
                out.push_back(rows_of(rank, r, dtype, columns));
                expected.push_back(rows_of(r, rank, dtype, columns));
                send.push_back(out.back().size(0));
                receive.push_back(expected.back().size(0));
            }
            at::Tensor const received = collectives.all_to_all_rows(at::cat(out), send, receive);
            EXPECT_TRUE(at::equal(received, at::cat(expected))) << dtype << " " << columns;
            // The same rows as columns 1.. of a wider tensor: not contiguous.
            at::Tensor const wide = at::zeros({at::cat(out).size(0), columns + 2}, dtype);
            wide.slice(1, 1, columns + 1).copy_(at::cat(out));
            EXPECT_TRUE(at::equal(collectives.all_to_all_rows(wide.slice(1, 1, columns + 1), send, receive), received));
        }
    }
}

TEST(TensorCollectives, ExchangesNoRows) {
    TensorCollectives const collectives(world(), at::kCPU);
    std::vector<std::int64_t> const none(static_cast<std::size_t>(world().size()), 0);
    at::Tensor const received = collectives.all_to_all_rows(at::empty({0, 5}), none, none);
    EXPECT_EQ(received.sizes(), (std::vector<std::int64_t>{0, 5}));
}

TEST(TensorCollectives, OneRankKeepsItsRows) {
    TensorCollectives const collectives(Communicator(), at::kCPU);
    EXPECT_EQ(collectives.backend_name(), "none");
    at::Tensor const rows = random_tensor({3, 4}, at::kFloat, 1);
    std::vector<std::int64_t> const all = {3};
    EXPECT_TRUE(at::equal(collectives.all_to_all_rows(rows, all, all), rows));
}

}  // namespace
}  // namespace gatesweep
