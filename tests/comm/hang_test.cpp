#include "gatesweep/comm/hang.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "support/temporary_folder.h"

namespace gatesweep {
namespace {

using Pulses = std::vector<std::optional<Pulse>>;

// Rank r waits in MPI_Barrier, in signals, silent for ten seconds.
Pulses all_waiting(int ranks, std::uint64_t beats) {
    Pulses pulses;
    for (int r = 0; r < ranks; ++r) {
        Pulse pulse{r, fmt::format("n{}", r), 100 + r, beats, 10, {}, {}};
        pulse.activity = {RunPhase::signals, 3, 7, "batches", "MPI_Barrier", 0};
        pulses.emplace_back(pulse);
    }
    return pulses;
}

void expect_words(std::optional<Hang> const& hang, int teller, std::vector<std::string> const& words) {
    ASSERT_TRUE(hang);
    EXPECT_EQ(hang->teller, teller);
    for (auto const& word : words)
        EXPECT_NE(hang->message.find(word), std::string::npos) << '"' << word << "\" is not in: " << hang->message;
}

TEST(Hang, IsNoneWhileAnybodyWorks) {
    Pulses const first = all_waiting(3, 5);
    Pulses second = all_waiting(3, 9);
    second[2]->silent = 1.5;
    EXPECT_FALSE(find_hang(first, second, 2));
    second[1]->beats = 5;  // even where another rank is stopped: nobody waits for it yet
    EXPECT_FALSE(find_hang(first, second, 2));
}

TEST(Hang, IsOfTheRankWhoseBeatsStandStill) {
    Pulses const first = all_waiting(3, 5);
    Pulses second = all_waiting(3, 9);
    second[0] = first[0];
    expect_words(
        find_hang(first, second, 2), 1,
        {"rank 0 on node n0 (process 100) gives no sign of life, last seen in signals, 3 of 7 batches (stopped"});
    second[0] = std::nullopt;
    expect_words(find_hang(first, second, 2), 1, {"rank 0 gives no sign of life and left no trace"});
}

TEST(Hang, IsOfTheRankThatOthersWaitFor) {
    Pulses const first = all_waiting(3, 5);
    Pulses second = all_waiting(3, 9);
    second[2]->activity.waiting_in = "";
    expect_words(find_hang(first, second, 2), 0,
                 {"rank 2 on node n2 (process 102) computes without a step for 10 s, in signals, 3 of 7 batches ("});
    second[2]->file_call = "writing /x/y";
    expect_words(find_hang(first, second, 2), 0,
                 {"rank 2 on node n2 (process 102) is writing /x/y without a step for 10 s"});
}

TEST(Hang, IsAMismatchWhereAllWait) {
    Pulses const first = all_waiting(3, 5);
    Pulses second = all_waiting(3, 9);
    second[1]->activity.waiting_in = "MPI_Bcast";
    expect_words(
        find_hang(first, second, 2), 0,
        {"ranks 0, 2: waits in MPI_Barrier, in signals", "rank 1: waits in MPI_Bcast", "they wait for each other"});
}

TEST(Hang, IsUnknownWhereNotEvenOnesOwnPulseIsSeen) {
    EXPECT_FALSE(find_hang(all_waiting(2, 5), all_waiting(2, 5), 2));
}

TEST(Hang, NamesAFewOfMany) {
    Pulses const first = all_waiting(100, 5);
    Pulses second = first;
    second[0]->beats = 9;
    std::string const message = find_hang(first, second, 2)->message;
    EXPECT_NE(message.find("and 91 more"), std::string::npos) << message;
    EXPECT_LT(message.size(), 1500u);
}

TEST(Pulse, ComesBackAsWritten) {
    TemporaryFolder const folder;
    Pulse pulse = *all_waiting(4, 77)[3];
    pulse.file_call = "reading /a file/with blanks";
    write_pulse(folder.path(), pulse);
    pulse.beats = 78;
    write_pulse(folder.path(), pulse);
    auto const back = read_pulse(folder.path(), 3);
    ASSERT_TRUE(back);
    EXPECT_EQ(to_line(*back), to_line(pulse));
    EXPECT_EQ(back->who(), "rank 3 on node n3 (process 103)");
    EXPECT_EQ(back->activity.place(), "signals, 3 of 7 batches");
    EXPECT_EQ(back->file_call, pulse.file_call);
    remove_pulse(folder.path(), 3);
    EXPECT_FALSE(read_pulse(folder.path(), 3));
}

TEST(Pulse, IsNoneWhenTornOrHostile) {
    std::string const line = to_line(*all_waiting(1, 7)[0]);
    for (std::size_t size = 0; size < line.size(); ++size)
        EXPECT_FALSE(parse_pulse(line.substr(0, size)));
    EXPECT_FALSE(parse_pulse(line + "\n"));
    for (std::size_t i = 0; i < line.size(); ++i) {
        std::string other = line;
        other[i] = '\t';
        parse_pulse(other);  // whatever it makes of it, it does not crash
    }
    Pulse odd = *all_waiting(1, 7)[0];
    odd.host = "evil\thost\n" + std::string(1000, 'x');
    odd.file_call = "reading " + std::string(1000, 'y');
    ASSERT_TRUE(parse_pulse(to_line(odd)));
    EXPECT_EQ(parse_pulse(to_line(odd))->host.substr(0, 10), "evil?host?");
}

TEST(Pulse, ThatCannotBeWrittenIsNoError) {
    write_pulse("/proc/no/such/folder", *all_waiting(1, 1)[0]);
}

}  // namespace
}  // namespace gatesweep
