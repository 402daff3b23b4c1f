// A run that was stopped or killed goes on at any number of ranks and leaves the bytes of an undisturbed one.
#include <random>

#include "gatesweep/store/record_writer.h"
#include "resume_scene.h"

namespace gatesweep {
namespace {

TEST_F(Resume, GoesOnAfterASoftStopWithAnotherNumberOfRanks) {
    {
        BackgroundRun run(on_ranks(3, words(out(), job())), GATESWEEP_SOURCE_DIR, folder() / "stopped.txt",
                          rank_environment);
        ASSERT_TRUE(
            run.wait_for_output([](auto const& text) { return text.find("baseline  100 %") != text.npos; }, patience))
            << run.output();
        ::kill(run.pid(), SIGUSR1);  // the launcher passes it on to every rank
        ASSERT_TRUE(run.wait_until_gone(patience)) << run.output();
        EXPECT_EQ(run.exit_code(), static_cast<int>(ExitCode::stopped)) << run.output();
    }
    expect(gatesweep({"status", out().string()}), ExitCode::stopped,
           {"unfinished", "9 of 9 signals", "starts    1;", "stopped", "goes on from there"});
    std::int64_t const before = num_committed();
    EXPECT_GT(before, 9);  // the signals, and some completions
    std::int64_t num_records = 0;
    for (RecordLog const& log : logs()) {
        EXPECT_EQ(log.torn_bytes, 0u) << log.path;
        num_records += std::ssize(log.records);
    }
    EXPECT_EQ(num_records, before);

    expect(go_on(2), ExitCode::ok,
           {"start 2 of this run; there already: ", "9 signals", "9 prompts done, the others in 0 batches"});
    EXPECT_EQ(digests_of(out()), reference());
    expect(gatesweep({"status", out().string()}), ExitCode::ok, {"complete"});
    EXPECT_GT(num_committed(), before);
}

// Seeded moments of every part of a run; the soak test draws a thousand more.
TEST_F(Resume, LeavesTheSameBytesAfterKills) {
    enum class Victim { rank, launcher, everything };
    struct Kill {
        std::string after;  // words of the log
        Victim victim;
    };
    std::vector<Kill> const kills = {{"model  ", Victim::rank},
                                     {"signals   100", Victim::launcher},
                                     {"baseline  100", Victim::everything},
                                     {"screen    100", Victim::launcher},
                                     {"resume  ", Victim::rank},
                                     {"sweep     100", Victim::everything}};
    std::mt19937_64 random(20);
    int num_kills = 0;
    for (Kill const& kill : kills) {
        int const ranks = 1 + static_cast<int>(random() % 4);
        auto const delay = std::chrono::milliseconds(random() % 40);
        SCOPED_TRACE(kill.after + " on " + std::to_string(ranks));
        BackgroundRun run(on_ranks(ranks, words(out(), job())), GATESWEEP_SOURCE_DIR, folder() / "killed.txt",
                          rank_environment);
        // An earlier start may have got further than planned; then a phase says nothing, and a later one has to do.
        auto const is_time = [&](std::string const& text) {
            return text.find(kill.after) != text.npos || text.find("sweep     100") != text.npos ||
                   text.find("texts     100") != text.npos || text.find("analysis  ") != text.npos;
        };
        ASSERT_TRUE(run.wait_for_output(is_time, patience)) << run.output();
        if (run.output().find("analysis  ") != std::string::npos) {  // this start came to the end
            EXPECT_TRUE(run.wait_until_gone(patience));
            break;
        }
        ++num_kills;
        std::this_thread::sleep_for(delay);
        auto const in_ranks = run.ranks(GATESWEEP_BINARY);
        if (kill.victim == Victim::everything) {
            run.kill_all();
        } else if (kill.victim == Victim::launcher || in_ranks.empty()) {
            ::kill(run.pid(), SIGKILL);
        } else {
            ::kill(in_ranks[random() % in_ranks.size()], SIGKILL);
        }
        ASSERT_TRUE(run.wait_until_gone(patience)) << "ranks outlived the launcher: " << run.output();
    }
    EXPECT_GE(num_kills, 3);
    expect(go_on(1 + static_cast<int>(random() % 4)), ExitCode::ok, {});
    EXPECT_EQ(digests_of(out()), reference());
    std::map<std::pair<std::string, std::string>, std::string> digests;
    for (RecordLog const& log : logs()) {
        for (LogRecord const& record : log.records) {
            auto const [at, is_new] = digests.try_emplace({record.kind, record.key}, record.digest);
            EXPECT_EQ(at->second, record.digest) << record.kind << ' ' << record.key;
            EXPECT_TRUE(is_new || record.kind == "text" || record.kind == "margin")
                << "done twice: " << record.kind << ' ' << record.key;
        }
    }
}

TEST_F(Resume, RefusesAFolderThatIsAtWork) {
    BackgroundRun first(on_ranks(1, words(out(), job())), GATESWEEP_SOURCE_DIR, folder() / "first.txt",
                        rank_environment);
    ASSERT_TRUE(first.wait_for_output([](auto const& text) { return text.find("model  ") != text.npos; }, patience))
        << first.output();
    ::kill(first.pid(), SIGSTOP);
    expect(go_on(2), ExitCode::cannot_create, {"in use by process " + std::to_string(first.pid()), "two writers"});
    ::kill(first.pid(), SIGCONT);
    ASSERT_TRUE(first.wait_until_gone(patience));
    EXPECT_EQ(first.exit_code(), 0) << first.output();
    EXPECT_EQ(digests_of(out()), reference());
}

TEST_F(Resume, NoticesATornTailAndComputesItAgain) {
    begin();
    auto const torn = list_logs(out() / "log", "work").back();
    std::int64_t const before = num_committed();
    std::filesystem::resize_file(torn, std::filesystem::file_size(torn) - 3);
    EXPECT_LT(num_committed(), before);
    expect(go_on(2), ExitCode::ok, {torn.filename().string(), "are no whole commit", "computed again"});
    EXPECT_EQ(digests_of(out()), reference());
}

TEST_F(Resume, RefusesALogWhoseCommittedBytesChanged) {
    begin();
    auto const damaged = list_logs(out() / "log", "work").front();
    std::string const good = read_file(damaged);
    std::string bad = good;
    // In the payload of the first commit: a later one proves that it was on disk.
    auto const at = static_cast<std::size_t>(logs().front().records.front().offset);
    bad[at] = static_cast<char>(bad[at] ^ 0x10);
    write_file_atomically(damaged, bad);
    expect(go_on(), ExitCode::bad_data, {damaged.string(), "offset"});
    write_file_atomically(damaged, good);
    expect(go_on(), ExitCode::ok, {"resume "});
    EXPECT_EQ(digests_of(out()), reference());
}

TEST_F(Resume, RefusesTwoDifferingCopiesOfAResult) {
    begin();
    RecordLog const log = logs().front();
    LogRecord const& record = log.records.front();
    auto const other = out() / "log" / LogName{"work", next_attempt(out() / "log"), 0}.file_name();
    std::string payload = read_payload(InputFile(log.path), record);
    payload.back() = static_cast<char>(payload.back() ^ 1);
    RecordWriter writer(other, log.identity);
    writer.append(record.kind, record.key, payload);
    writer.commit();
    expect(go_on(), ExitCode::internal, {record.kind, "hold different results", log.path.string(), other.string()});
    std::filesystem::remove(other);
    expect(go_on(), ExitCode::ok, {"resume "});
    EXPECT_EQ(digests_of(out()), reference());
}

}  // namespace
}  // namespace gatesweep
