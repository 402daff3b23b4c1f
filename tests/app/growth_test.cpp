// A job that grew: only what is new runs, in a finished folder as in an unfinished one, and the bytes are those of a
// run begun with the larger job.
#include <algorithm>

#include "gatesweep/store/csv.h"
#include "resume_scene.h"

namespace gatesweep {
namespace {

namespace fs = std::filesystem;

// More of everything that the scene's job has.
std::vector<std::string> const grown = {
    "sweep.sizes=[1, 2, 3, 4, 5, 6, 7]",
    "sweep.gap_thresholds={ activation = [0.05, 0.03] }",
    "sweep.modes=[\"mask\", \"steer\", \"bias\"]",
    "sweep.side_effects=[\"benign\", \"near-miss\"]",
    "sweep.controls={ random = 2, bottom = true, reverse = true }",
    "sweep.screen.limit=2",
};

std::vector<std::string> const fewer_watched = {"sweep.side_effects=[\"benign\"]"};

std::map<std::string, std::int64_t> num_records(std::vector<RecordLog> const& logs) {
    std::map<std::string, std::int64_t> count;
    for (RecordLog const& log : logs) {
        for (LogRecord const& record : log.records)
            ++count[record.kind];
    }
    return count;
}

std::int64_t num_lines(fs::path const& file) {
    std::string const text = read_file(file);
    return std::count(text.begin(), text.end(), '\n');
}

class Growth : public Resume {
protected:
    static std::map<std::string, std::string> const& grown_reference() {
        static std::map<std::string, std::string> const reference = [] {
            ChildResult const result = run_whole("grown", job(), 1, grown);
            EXPECT_EQ(result.exit_code, 0) << result.output;
            return digests_of(folder() / "grown");
        }();
        return reference;
    }
};

TEST_F(Growth, OfAFinishedRunComputesWhatIsNew) {
    expect(run_whole("out", job(), 2, fewer_watched), ExitCode::ok, {});
    auto const before = num_records(logs());
    std::int64_t const replies_before = num_lines(out() / "completions.jsonl");

    // What it would come to, first.
    std::vector<std::string> plan = words(out(), job(), grown);
    plan[0] = "plan";
    ChildResult const preview = gatesweep(plan);
    expect(run_whole("out", job(), 3, grown), ExitCode::ok, {"start 2 of this run", " replies are new"});
    EXPECT_EQ(digests_of(out()), grown_reference());

    // Every reply that was there was used again: the records are those of both runs, each once.
    std::int64_t const replies = num_lines(out() / "completions.jsonl");
    auto const after = num_records(logs());
    EXPECT_EQ(after.at("completion"), replies);
    EXPECT_EQ(before.at("completion"), replies_before);
    EXPECT_EQ(after.at("signal"), before.at("signal")) << "no signal was measured again";
    expect(preview, ExitCode::ok,
           {"new       " + std::to_string(replies - replies_before) + " of " + std::to_string(replies) + " replies; " +
            std::to_string(replies_before) + " are recorded in"});
}

TEST_F(Growth, OfAnUnfinishedRunToo) {
    begin(2);
    expect(go_on(1, grown), ExitCode::ok, {"start 2 of this run"});
    EXPECT_EQ(digests_of(out()), grown_reference());
}

TEST_F(Growth, ByASweepOnSignalsAlone) {
    expect(run_whole("out", job(), 1, {"sweep.enabled=false"}), ExitCode::ok, {});
    auto const signals = num_records(logs()).at("signal");
    expect(go_on(), ExitCode::ok, {"start 2 of this run"});
    EXPECT_EQ(num_records(logs()).at("signal"), signals);
    EXPECT_EQ(digests_of(out()), reference());
}

// Sizes that were chosen by the classes may be listed, and more beside them.
TEST_F(Growth, OfAutomaticSizes) {
    expect(run_whole("out", job(), 1, {"sweep.sizes=auto"}), ExitCode::ok, {});
    std::string sizes;
    std::set<std::int64_t> tried = {4};
    CsvTable const cells = read_csv(out() / "tables" / "trial_cells.csv");
    for (std::size_t row = 0; row < cells.rows.size(); ++row)
        tried.insert(cells.integer(row, "size"));
    for (auto const size : tried)
        sizes += (sizes.empty() ? "" : ", ") + std::to_string(size);
    std::vector<std::string> const listed = {"sweep.sizes=[" + sizes + "]"};
    expect(go_on(1, {"sweep.sizes=[4]"}), ExitCode::cannot_create, {"sweep.sizes: was \"auto\", is [4]"});
    expect(go_on(2, listed), ExitCode::ok, {" replies are new"});
    expect(run_whole("fresh", job(), 1, listed), ExitCode::ok, {});
    EXPECT_EQ(digests_of(out()), digests_of(folder() / "fresh"));
}

TEST_F(Growth, RefusesWhatCannotBeAddedAndSaysWhatCanBeDoneWithoutTheModel) {
    fs::copy(folder() / "whole", out(), fs::copy_options::recursive);
    expect(go_on(1, {"sweep.sizes=[1]"}), ExitCode::cannot_create, {"sweep.sizes: was [1, 5], is [1]"});
    expect(go_on(2, {"sweep.modes=[\"mask\"]"}), ExitCode::cannot_create, {"sweep.modes: was"});
    expect(go_on(1, {"analysis.activation={ gap = 0.03, min = 0.08 }"}), ExitCode::cannot_create,
           {"analysis.activation: was", "gatesweep analyze DIR --set"});
    folder().write("labels.csv", "trial_id,group,prompt_index,label\n");
    expect(go_on(1, {"sweep.labels.human=" + (folder() / "labels.csv").string()}), ExitCode::cannot_create,
           {"sweep.labels.human: was", "gatesweep relabel DIR --set"});
    EXPECT_EQ(digests_of(out()), reference());
}

}  // namespace
}  // namespace gatesweep
