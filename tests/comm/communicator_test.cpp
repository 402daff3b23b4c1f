// Collectives as values on 1, 2 and 4 ranks, and the null communicator that acts serial.
#include "gatesweep/comm/communicator.h"

#include <gtest/gtest.h>

#include <boost/serialization/map.hpp>
#include <boost/serialization/string.hpp>
#include <boost/serialization/vector.hpp>

#include <algorithm>
#include <map>
#include <numeric>

#include "mpi_main.h"

namespace gatesweep {
namespace {

int rank() {
    return world().rank();
}
int size() {
    return world().size();
}

TEST(Communicator, BroadcastsTheRootsBytes) {
    for (int root = 0; root < size(); ++root) {
        std::int64_t value = 100 + rank();
        world().broadcast(std::as_writable_bytes(std::span(&value, 1)), root);
        EXPECT_EQ(value, 100 + root);
    }
}

TEST(Communicator, BroadcastsAnyValue) {
    using Value = std::map<std::string, std::vector<double>>;
    Value const expected = {{"empty", {}}, {std::string("nul\0inside", 10), {0.1, -0.0, 1e300}}};
    Value value;
    if (rank() == size() - 1) value = expected;
    world().broadcast_value(value, size() - 1);
    EXPECT_EQ(value, expected);
}

TEST(Communicator, SumsIntoTheRootOnly) {
    int const root = size() - 1;
    std::vector<std::int64_t> counts = {rank(), 1, std::int64_t{1} << 40};
    std::vector<double> values(static_cast<std::size_t>(size()), 0.0);
    values[rank()] = 0.1 * (rank() + 1);
    auto const own = counts;
    world().reduce_sum(std::span(counts), root);
    world().reduce_sum(std::span(values), root);
    if (rank() != root) {
        EXPECT_EQ(counts, own);
        return;
    }
    std::int64_t const n = size();
    EXPECT_EQ(counts, (std::vector<std::int64_t>{n * (n - 1) / 2, n, n << 40}));
    for (int r = 0; r < size(); ++r)
        EXPECT_EQ(values[r], 0.1 * (r + 1)) << "a value that one rank holds travels exactly";
}

TEST(Communicator, ReducesAndGathersSingleValues) {
    std::int64_t const n = size();
    EXPECT_EQ(world().all_reduce_min(10 + rank()), 10);
    EXPECT_EQ(world().all_reduce_max(10 + rank()), 9 + n);
    EXPECT_EQ(world().all_reduce_sum(10 + rank()), 10 * n + n * (n - 1) / 2);
    std::vector<std::int64_t> expected(static_cast<std::size_t>(n));
    std::iota(expected.begin(), expected.end(), std::int64_t{7});
    EXPECT_EQ(world().all_gather(7 + rank()), expected);
}

TEST(Communicator, ExchangesBlocksOfValues) {
    std::vector<std::int64_t> send;
    for (int to = 0; to < size(); ++to) {
        for (int i = 0; i < 3; ++i)
            send.push_back(100 * rank() + 10 * to + i);
    }
    auto const received = world().all_to_all(send, 3);
    ASSERT_EQ(received.size(), send.size());
    for (int from = 0; from < size(); ++from) {
        for (int i = 0; i < 3; ++i)
            EXPECT_EQ(received[3 * from + i], 100 * from + 10 * rank() + i);
    }
}

// What rank `from` sends to rank `to`: nothing, a few bytes, or a megabyte.
std::int64_t block_bytes(int from, int to) {
    std::int64_t const sizes[] = {0, 5, 1 << 20};
    return sizes[(2 * from + to) % 3];
}
std::byte content(int from, int to, std::int64_t i) {
    return static_cast<std::byte>((31 * from + 7 * to + i) & 0xff);
}

TEST(Communicator, ExchangesBlocksOfDifferentSizes) {
    std::vector<std::int64_t> send_bytes, receive_bytes;
    std::vector<std::byte> send;
    for (int r = 0; r < size(); ++r) {
        send_bytes.push_back(block_bytes(rank(), r));
        receive_bytes.push_back(block_bytes(r, rank()));
        for (std::int64_t i = 0; i < send_bytes.back(); ++i)
            send.push_back(content(rank(), r, i));
    }
    std::vector<std::byte> receive(
        static_cast<std::size_t>(std::accumulate(receive_bytes.begin(), receive_bytes.end(), std::int64_t{0})));
    world().all_to_all_v(send, send_bytes, receive, receive_bytes);
    std::size_t at = 0;
    for (int r = 0; r < size(); ++r) {
        std::int64_t wrong = 0;
        for (std::int64_t i = 0; i < receive_bytes[r]; ++i)
            wrong += receive[at++] != content(r, rank(), i);
        EXPECT_EQ(wrong, 0) << "from rank " << r;
    }
}

TEST(Communicator, ExchangesNothingAtAll) {
    std::vector<std::int64_t> const none(static_cast<std::size_t>(size()), 0);
    EXPECT_NO_THROW(world().all_to_all_v({}, none, {}, none));
}

TEST(Communicator, SplitsByColourInOrderOfKey) {
    Communicator const half = world().split(rank() % 2, -rank());
    EXPECT_EQ(half.size(), rank() % 2 == 0 ? (size() + 1) / 2 : size() / 2);
    auto const members = half.all_gather(rank());
    EXPECT_TRUE(std::is_sorted(members.rbegin(), members.rend()));
    for (auto member : members)
        EXPECT_EQ(member % 2, rank() % 2);
    EXPECT_EQ(world().split_by_node().size(), size()) << "these tests run on one node";
}

TEST(NullCommunicator, ActsSerial) {
    Communicator const null;
    EXPECT_TRUE(null.is_null());
    EXPECT_EQ(null.rank(), 0);
    EXPECT_EQ(null.size(), 1);
    EXPECT_TRUE(null.split(1, 1).is_null());
    EXPECT_TRUE(null.split_by_node().is_null());
    EXPECT_NO_THROW(null.barrier());
    EXPECT_EQ(null.all_reduce_sum(3), 3);
    EXPECT_EQ(null.all_gather(3), std::vector<std::int64_t>{3});
    EXPECT_EQ(null.all_to_all(std::vector<std::int64_t>{1, 2}, 2), (std::vector<std::int64_t>{1, 2}));
    std::vector<std::byte> const send = {std::byte{1}, std::byte{2}};
    std::vector<std::byte> receive(2);
    std::vector<std::int64_t> const two = {2};
    null.all_to_all_v(send, two, receive, two);
    EXPECT_EQ(receive, send);
    std::string value = "kept";
    null.broadcast_value(value, 0);
    EXPECT_EQ(value, "kept");
    std::vector<std::int64_t> sum = {5};
    null.reduce_sum(std::span(sum), 0);
    EXPECT_EQ(sum, std::vector<std::int64_t>{5});
}

}  // namespace
}  // namespace gatesweep
