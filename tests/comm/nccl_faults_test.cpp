// What the user is told when GPUs stop talking: every call that can fail or hang, at its first and at a later time. An
// error never becomes a wait without end, and the communicator is given up without breaking NCCL's rules.
#include <chrono>
#include <thread>

#include "comm/fake_group.h"
#include "gatesweep/comm/roll_call.h"
#include "mpi_main.h"
#include "support/expect_error.h"
#include "support/tensors.h"

namespace gatesweep {
namespace {

constexpr double limit = 1.0;  // seconds, where a hang is meant: enough for the rest on a busy machine

NcclOptions impatient() {
    NcclOptions options;
    options.timeout_seconds = limit;
    return options;
}

std::vector<std::int64_t> every_rank(std::int64_t rows) {
    return std::vector<std::int64_t>(static_cast<std::size_t>(world().size()), rows);
}

void exchange(TensorCollectives const& collectives, std::int64_t rows_each) {
    auto const counts = every_rank(rows_each);
    collectives.all_to_all_rows(at::ones({rows_each * world().size(), 3}), counts, counts);
}

// One after the other, or all under way before the first is waited for.
enum class Way { current_stream, aside };

// Connects, exchanges three times, disconnects.
void use(std::shared_ptr<FakeNccl> const& fake, NcclOptions options = {}, Way way = Way::current_stream) {
    TensorCollectives const collectives = make_fake_collectives(world(), fake, options);
    std::vector<RowsUnderWay> under_way;
    for (int i = 0; i < 3; ++i) {
        if (way == Way::current_stream) {
            exchange(collectives, 2);
        } else {
            auto const counts = every_rank(2);
            under_way.push_back(collectives.start_all_to_all_rows(at::ones({2 * world().size(), 3}), counts, counts));
        }
    }
    for (RowsUnderWay& rows : under_way)
        rows.arrived();
}

std::shared_ptr<FakeNccl> fake_with(FakeCall call, std::int64_t at, NcclStatus status) {
    FakeOptions options;
    options.fault = FakeFault{call, at, status};
    return std::make_shared<FakeNccl>(world(), options);
}

void expect_given_up(FakeNccl const& fake) {
    EXPECT_TRUE(fake.broken_rules().empty()) << fake.broken_rules().front();
    EXPECT_EQ(fake.num_aborted(), 1);
    EXPECT_EQ(fake.num_destroyed(), 0);
    world().barrier();
}

class NcclFaultsOn : public testing::TestWithParam<Way> {};

TEST_P(NcclFaultsOn, AnErrorOfAnyCallAtAnyTimeNamesTheCallAndTheRanks) {
    struct Case {
        FakeCall call;
        char const* name;
        std::int64_t per_exchange;
    };
    std::int64_t const peers = world().size() - 1;
    Case const cases[] = {{FakeCall::group_start, "ncclGroupStart", 1},
                          {FakeCall::send, "ncclSend", peers},
                          {FakeCall::receive, "ncclRecv", peers},
                          {FakeCall::group_end, "ncclGroupEnd", 1},
                          {FakeCall::copy, "cudaMemcpyAsync", 1},
                          {FakeCall::query, GetParam() == Way::aside ? "cudaEventQuery" : "cudaStreamQuery", 1},
                          {FakeCall::launched, "failed with", 1}};
    for (Case const& c : cases) {
        for (std::int64_t at = 0; at < 3 * c.per_exchange; ++at) {
            SCOPED_TRACE(c.name + std::to_string(at));
            auto const fake = fake_with(c.call, at, NcclStatus::remote_error);
            std::string const last = "rank " + std::to_string(world().size() - 1) + " (";
            if (c.call == FakeCall::query) {
                EXPECT_ERROR(use(fake, {}, GetParam()), ExitCode::io, c.name, "over NCCL between rank 0", last);
            } else {
                EXPECT_ERROR(use(fake, {}, GetParam()), ExitCode::io,
                             "exchange " + std::to_string(at / c.per_exchange + 1), c.name, "over NCCL between rank 0",
                             last, "NCCL says: a fault in");
            }
            expect_given_up(*fake);
        }
    }
}

TEST_P(NcclFaultsOn, AHangOfAnyCallEndsWithinTheTimeLimit) {
    for (auto const& [call, name] : {std::pair{FakeCall::init, "ncclCommInitRankConfig"},
                                     {FakeCall::group_end, "ncclGroupEnd"},
                                     {FakeCall::launched, "the exchange"}}) {
        for (std::int64_t at = 0; at < (call == FakeCall::init ? 1 : 2); ++at) {
            SCOPED_TRACE(name);
            auto const fake = fake_with(call, at, NcclStatus::in_progress);
            auto const start = std::chrono::steady_clock::now();
            EXPECT_ERROR(use(fake, impatient(), GetParam()), ExitCode::io, name, "did not end within 1 s",
                         "every rank waits", "GATESWEEP_NCCL_TIMEOUT");
            std::chrono::duration<double> const took = std::chrono::steady_clock::now() - start;
            EXPECT_LT(took.count(), 20 * limit);
            expect_given_up(*fake);
        }
    }
}

INSTANTIATE_TEST_SUITE_P(EitherWay, NcclFaultsOn, testing::Values(Way::current_stream, Way::aside),
                         [](auto const& parameter) {
                             return parameter.param == Way::aside ? "aside" : "current_stream";
                         });

TEST(NcclFaults, AnErrorWhileConnectingReachesEveryRank) {
    for (auto call : {FakeCall::get_unique_id, FakeCall::init}) {
        auto const fake = fake_with(call, 0, NcclStatus::system_error);
        EXPECT_ERROR(use(fake), ExitCode::io, "connecting over NCCL between rank 0",
                     call == FakeCall::init ? "ncclCommInitRankConfig" : "ncclGetUniqueId on rank 0",
                     "unhandled system error");
        EXPECT_EQ(fake->num_aborted(), call == FakeCall::init ? 1 : 0);
        EXPECT_TRUE(fake->broken_rules().empty());
        world().barrier();
    }
}

TEST(NcclFaults, ARankThatIsElsewhereIsNamed) {
    if (world().size() == 1) return;
    int const last = world().size() - 1;
    auto const fake = std::make_shared<FakeNccl>(world(), FakeOptions{});
    std::string const silent = "no answer from rank " + std::to_string(last) + " (";
    {
        TensorCollectives const collectives = make_fake_collectives(world(), fake, impatient());
        exchange(collectives, 2);
        if (world().rank() != last) {
            EXPECT_ERROR(exchange(collectives, 2), ExitCode::io, "exchange 2", "did not end within 1 s", silent);
            EXPECT_ERROR(exchange(collectives, 2), ExitCode::io, "given up after an earlier failure");
            EXPECT_ERROR(collectives.wait(), ExitCode::io, "given up after an earlier failure");
        }
        world().barrier();
    }
    EXPECT_EQ(fake->num_aborted() + fake->num_destroyed(), 1);
    EXPECT_TRUE(fake->broken_rules().empty());
    world().barrier();
}

TEST(NcclFaults, ARankThatWaitsForAnotherExchangeIsNamed) {
    if (world().size() == 1) return;
    bool const ahead = world().rank() == 1;
    auto const fake = fake_with(FakeCall::launched, ahead ? 1 : 0, NcclStatus::in_progress);
    auto const act = [&] {
        TensorCollectives const collectives = make_fake_collectives(world(), fake, impatient());
        if (ahead) exchange(collectives, 0);  // of nothing, so no other rank takes part
        exchange(collectives, 2);
    };
    if (ahead) {
        EXPECT_ERROR(act(), ExitCode::io, "exchange 2", "rank 0", "is at exchange 1");
    } else {
        EXPECT_ERROR(act(), ExitCode::io, "exchange 1", "rank 1", "is at exchange 2");
    }
    expect_given_up(*fake);
}

TEST(NcclFaults, RanksThatExchangeInDifferentOrdersAreTold) {
    if (world().size() == 1) return;
    auto const fake = std::make_shared<FakeNccl>(world(), FakeOptions{});
    auto const act = [&] {
        TensorCollectives const collectives = make_fake_collectives(world(), fake);
        exchange(collectives, world().rank() == 0 ? 3 : 5);
        exchange(collectives, world().rank() == 0 ? 5 : 3);
    };
    EXPECT_ERROR(act(), ExitCode::io, "exchange 1", "invalid usage", "order mismatch with rank");
    expect_given_up(*fake);
}

TEST(NcclFaults, WhatNobodyReceivedIsFoundAtTheEnd) {
    if (world().size() == 1) return;
    auto const fake = std::make_shared<FakeNccl>(world(), FakeOptions{});
    {
        TensorCollectives const collectives = make_fake_collectives(world(), fake);
        auto const none = every_rank(0);
        auto send = none;
        if (world().rank() == 0) send[1] = 2;
        collectives.all_to_all_rows(at::ones({world().rank() == 0 ? 2 : 0, 3}), send, none);
    }
    bool const concerned = world().rank() < 2;
    EXPECT_EQ(fake->num_aborted(), world().rank() == 1 ? 1 : 0);
    if (concerned) {
        EXPECT_EQ(fake->last_error(nullptr).empty(), world().rank() == 0);
    }
    EXPECT_TRUE(fake->broken_rules().empty());
    world().barrier();
}

TEST(NcclFaults, AnErrorOnItsWayAbortsInsteadOfFinalizing) {
    auto const fake = std::make_shared<FakeNccl>(world(), FakeOptions{});
    auto const act = [&] {
        TensorCollectives const collectives = make_fake_collectives(world(), fake);
        exchange(collectives, 1);
        fail(ExitCode::bad_data, "something else");
    };
    EXPECT_ERROR(act(), ExitCode::bad_data, "something else");
    EXPECT_EQ(fake->num_calls(FakeCall::finalize), 0) << "it would wait for ranks that may be gone";
    expect_given_up(*fake);
}

TEST(RollCall, TellsWhoIsThereAndWhereTheyWait) {
    RollCall roll_call(world());
    int const last = world().size() - 1;
    ASSERT_EQ(std::ssize(roll_call.names()), world().size());
    EXPECT_EQ(roll_call.names()[static_cast<std::size_t>(last)].find("rank " + std::to_string(last) + " ("), 0U);
    if (world().rank() == last && last > 0) {
        std::this_thread::sleep_for(std::chrono::milliseconds(1500));
    } else {
        auto const answers = roll_call.ask(10 + world().rank(), 1.0);
        for (int r = 0; r < last; ++r)
            EXPECT_EQ(answers[static_cast<std::size_t>(r)], 10 + r);
        EXPECT_EQ(answers[static_cast<std::size_t>(last)].has_value(), last == 0);
    }
    world().barrier();
}

}  // namespace
}  // namespace gatesweep
