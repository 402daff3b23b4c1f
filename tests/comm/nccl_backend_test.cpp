// The NCCL back end over the fake library: the same bytes as MPI for any routing, and NCCL's rules are kept.
#include "gatesweep/comm/nccl_backend.h"

#include <cstdlib>
#include <random>

#include "comm/fake_group.h"
#include "mpi_main.h"
#include "support/expect_error.h"
#include "support/tensors.h"

namespace gatesweep {
namespace {

// Rows that rank `from` sends to rank `to`; every rank draws the same table. Some tables are empty, some nearly so,
// some have ranks that send nothing or receive nothing.
class Routings {
public:
    explicit Routings(std::uint64_t seed) : random_(seed) {}

    std::vector<std::vector<std::int64_t>> next(int size) {
        std::uint64_t const kind = draw(6);
        std::uint64_t const silent = draw(static_cast<std::uint64_t>(size)),
                            deaf = draw(static_cast<std::uint64_t>(size));
        std::vector<std::vector<std::int64_t>> rows(size, std::vector<std::int64_t>(size, 0));
        for (int from = 0; from < size; ++from) {
            for (int to = 0; to < size; ++to) {
                std::uint64_t const count = draw(kind == 1 ? 2 : 9);
                bool const none = kind == 0 || (kind == 2 && static_cast<std::uint64_t>(from) == silent) ||
                                  (kind == 3 && static_cast<std::uint64_t>(to) == deaf) || (kind == 4 && from != to);
                rows[from][to] = none ? 0 : static_cast<std::int64_t>(count);
            }
        }
        return rows;
    }
    std::uint64_t draw(std::uint64_t below) { return random_() % below; }

private:
    std::mt19937_64 random_;
};

struct Exchange {
    at::Tensor rows;
    std::vector<std::int64_t> send, receive;
};

Exchange next_exchange(Routings& routings, at::ScalarType dtype) {
    int const rank = world().rank(), size = world().size();
    auto const table = routings.next(size);
    auto const columns = static_cast<std::int64_t>(1 + routings.draw(9));
    auto const seed = routings.draw(1U << 20);
    Exchange exchange;
    std::int64_t total = 0;
    for (int r = 0; r < size; ++r) {
        exchange.send.push_back(table[rank][r]);
        exchange.receive.push_back(table[r][rank]);
        total += table[rank][r];
    }
    exchange.rows = random_tensor({total, columns}, dtype, seed * 8 + static_cast<std::uint64_t>(rank));
    return exchange;
}

void expect_bytes_of_mpi(FakeOptions const& fake_options, std::size_t max_piece, int count) {
    auto const fake = std::make_shared<FakeNccl>(world(), fake_options);
    NcclOptions options;
    options.max_piece_bytes = max_piece;
    {
        TensorCollectives const nccl = make_fake_collectives(world(), fake, options);
        TensorCollectives const mpi(world(), make_mpi_backend(world()));
        EXPECT_EQ(nccl.backend_name(), "NCCL 2.28.9");
        Routings routings(max_piece + static_cast<std::uint64_t>(fake_options.in_progress));
        int wrong = 0;
        for (int i = 0; i < count; ++i) {
            auto const dtype = storage_types()[i % 3];
            Exchange const e = next_exchange(routings, dtype);
            at::Tensor const expected = mpi.all_to_all_rows(e.rows, e.send, e.receive);
            wrong += !at::equal(nccl.all_to_all_rows(e.rows, e.send, e.receive), expected);
        }
        EXPECT_EQ(wrong, 0);
        nccl.wait();
    }
    EXPECT_TRUE(fake->broken_rules().empty()) << fake->broken_rules().front();
    EXPECT_EQ(fake->num_destroyed(), 1);
    EXPECT_EQ(fake->num_aborted(), 0);
    if (fake_options.in_progress > 0) {
        EXPECT_GE(fake->num_in_progress(), fake->num_calls(FakeCall::group_end) * fake_options.in_progress);
    }
}

TEST(NcclBackend, GivesTheBytesOfMpiForRandomRoutings) {
    expect_bytes_of_mpi({}, std::size_t{1} << 30, 2000);
}

TEST(NcclBackend, GivesThemWhenSeveralExchangesAreUnderWay) {
    FakeOptions slow;
    slow.in_progress = 1;
    auto const fake = std::make_shared<FakeNccl>(world(), slow);
    {
        TensorCollectives const nccl = make_fake_collectives(world(), fake);
        TensorCollectives const mpi(world(), make_mpi_backend(world()));
        Routings routings(11);
        for (int i = 0; i < 100; ++i) {
            std::vector<RowsUnderWay> under_way;
            std::vector<at::Tensor> expected;
            for (int j = 0; j < 4; ++j) {
                Exchange const e = next_exchange(routings, storage_types()[j % 3]);
                expected.push_back(mpi.all_to_all_rows(e.rows, e.send, e.receive));
                under_way.push_back(nccl.start_all_to_all_rows(e.rows, e.send, e.receive));
            }
            for (std::size_t j : {1U, 0U, 2U, 3U})
                EXPECT_TRUE(at::equal(under_way[j].arrived(), expected[j])) << i << ", " << j;
            EXPECT_TRUE(at::equal(under_way[0].arrived(), expected[0])) << "asked again";
        }
        EXPECT_EQ(fake->most_under_way(), 4);
    }
    EXPECT_TRUE(fake->broken_rules().empty()) << fake->broken_rules().front();
    EXPECT_EQ(fake->num_events(), 0);
}

TEST(NcclBackend, GivesThemWhenEveryCallIsInProgressForAWhile) {
    FakeOptions slow;
    slow.in_progress = 3;
    expect_bytes_of_mpi(slow, std::size_t{1} << 30, 500);
}

TEST(NcclBackend, GivesThemWhenBlocksTravelInPieces) {
    expect_bytes_of_mpi({}, 7, 500);
}

TEST(NcclBackend, TakesRowsThatAreASliceOfWiderOnes) {
    auto const fake = std::make_shared<FakeNccl>(world(), FakeOptions{});
    TensorCollectives const collectives = make_fake_collectives(world(), fake);
    std::vector<std::int64_t> const ones(static_cast<std::size_t>(world().size()), 1);
    at::Tensor const wide = random_tensor({world().size(), 9}, at::kFloat, 4);
    at::Tensor const part = wide.slice(1, 2, 7);
    at::Tensor const received = collectives.all_to_all_rows(part, ones, ones);
    for (int r = 0; r < world().size(); ++r)
        EXPECT_TRUE(at::equal(received[r], part[world().rank()])) << "every rank has the same rows";
}

TEST(NcclBackend, SkipsEmptyBlocksOnBothSides) {
    auto const fake = std::make_shared<FakeNccl>(world(), FakeOptions{});
    TensorCollectives const collectives = make_fake_collectives(world(), fake);
    std::vector<std::int64_t> const none(static_cast<std::size_t>(world().size()), 0);
    EXPECT_EQ(collectives.all_to_all_rows(at::empty({0, 5}), none, none).size(0), 0);
    EXPECT_EQ(fake->num_calls(FakeCall::send), 0);
    EXPECT_EQ(fake->num_calls(FakeCall::receive), 0);
    EXPECT_EQ(fake->num_calls(FakeCall::copy), 0);
    EXPECT_EQ(fake->num_calls(FakeCall::group_end), 1) << "a group of nothing keeps the ranks' order of calls alike";
}

TEST(NcclBackend, CopiesWhatARankSendsToItself) {
    auto const fake = std::make_shared<FakeNccl>(world(), FakeOptions{});
    TensorCollectives const collectives = make_fake_collectives(world(), fake);
    std::vector<std::int64_t> own(static_cast<std::size_t>(world().size()), 0);
    own[static_cast<std::size_t>(world().rank())] = 3;
    at::Tensor const rows = random_tensor({3, 4}, at::kFloat, 5);
    EXPECT_TRUE(at::equal(collectives.all_to_all_rows(rows, own, own), rows));
    EXPECT_EQ(fake->num_calls(FakeCall::copy), 1);
    EXPECT_EQ(fake->num_calls(FakeCall::send), 0);
}

TEST(NcclVersion, MustBeTheHeadersOrLater) {
    EXPECT_EQ(nccl_version_text(22809), "2.28.9");
    EXPECT_EQ(nccl_version_text(0), "unknown");
    EXPECT_NO_THROW(validate_nccl_version(22809, 22809));
    EXPECT_NO_THROW(validate_nccl_version(22809, 23004));
    EXPECT_ERROR(validate_nccl_version(22809, 22703), ExitCode::unavailable, "built for NCCL 2.28.9",
                 "NCCL 2.27.3 was loaded", "LD_LIBRARY_PATH");
    EXPECT_ERROR(validate_nccl_version(22809, 30000), ExitCode::unavailable, "3.0.0");
    EXPECT_ERROR(validate_nccl_version(22809, 0), ExitCode::unavailable, "unknown");
}

TEST(NcclVersion, MustBeTheSameOnAllRanks) {
    if (world().size() == 1) return;
    FakeOptions options;
    if (world().rank() == 1) options.loaded_version = 22811;
    auto const fake = std::make_shared<FakeNccl>(world(), options);
    EXPECT_ERROR(make_fake_collectives(world(), fake), ExitCode::unavailable, "loads NCCL 2.28.9", "rank 1", "2.28.11");
}

TEST(NcclOptions, TakeTheTimeLimitFromTheEnvironment) {
    EXPECT_EQ(nccl_options_from_environment().timeout_seconds, 300);
    ::setenv("GATESWEEP_NCCL_TIMEOUT", "12.5", 1);
    EXPECT_EQ(nccl_options_from_environment().timeout_seconds, 12.5);
    for (char const* wrong : {"", "abc", "0", "-3", "5s", "nan", "inf"}) {
        ::setenv("GATESWEEP_NCCL_TIMEOUT", wrong, 1);
        EXPECT_ERROR(nccl_options_from_environment(), ExitCode::usage, "GATESWEEP_NCCL_TIMEOUT", "above 0");
    }
    ::unsetenv("GATESWEEP_NCCL_TIMEOUT");
}

}  // namespace
}  // namespace gatesweep
