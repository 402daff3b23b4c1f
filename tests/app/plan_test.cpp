// plan: its bound against real plans, and the command beside the run it speaks of.
#include <gtest/gtest.h>

#include "app/stored_run_test.h"
#include "gatesweep/store/csv.h"
#include "gatesweep/sweep/sweep_bound.h"
#include "sweep/plan_input.h"

namespace gatesweep {
namespace {

SweepSpec grid(std::uint64_t seed) {
    std::mt19937_64 random(seed);
    SweepSpec sweep;
    sweep.enabled = true;
    sweep.classes = {"benign-dominant", "shared"};
    sweep.sizes = {1, 3, 40};
    sweep.gap_thresholds = {{"activation", {0.03, 0.05}}};
    sweep.modes = {EditMode::mask, EditMode::bias};
    if (random() % 2) sweep.scopes = {EditScope::prefill, EditScope::both};
    sweep.bias = {-1.0, -2.0, -4.0};
    sweep.controls.random = static_cast<int>(random() % 3);
    sweep.controls.match = ControlMatch::size;
    sweep.controls.reverse = random() % 2;
    sweep.controls.bottom = random() % 2;
    sweep.trials.emplace_back();
    sweep.trials.back().name = "own";
    sweep.trials.back().experts = {{0, 1}, {2, 3}};
    return sweep;
}

TEST(SweepBound, HasTheCellsOfThePlanAndAtLeastItsTrials) {
    for (std::uint64_t seed = 0; seed < 12; ++seed) {
        SweepSpec const sweep = grid(seed);
        TrialPlan const plan = plan_trials(sweep, AnalysisParameters(), test::gap_result({.seed = seed}));
        SweepBound const bound = sweep_bound(sweep, plan.num_layers * plan.num_experts);
        auto const random = std::count_if(plan.trials.begin(), plan.trials.end(),
                                          [](Trial const& t) { return t.kind == TrialKind::random; });
        EXPECT_EQ(bound.num_cells, std::ssize(plan.cells)) << seed;
        EXPECT_LE(random, bound.max_random) << seed;
        EXPECT_LE(std::ssize(plan.trials), bound.max_trials()) << seed;
    }
}

TEST(SweepBound, IsReachedWhereEverySetIsNew) {
    SweepSpec sweep;
    sweep.signals = {"activation"};
    sweep.sizes = {1, 2};
    sweep.controls.random = 3;
    TrialPlan const plan = plan_trials(sweep, AnalysisParameters(), test::gap_result({.num_layers = 8}));
    EXPECT_EQ(std::ssize(plan.trials), sweep_bound(sweep, 64).max_trials());
}

using Plan = StoredRun;

TEST_F(Plan, SaysWhatTheRunThenDid) {
    expect(gatesweep({"plan", "job.toml"}), ExitCode::ok,
           {"8 layers x 8 experts", "1 rank = 1 copy", "harmful", "at most", "64 experts alone x", "10 points"});
    ChildResult const exact = gatesweep({"plan", "job.toml", "--out", "whole"});
    CsvTable const trials = read_csv(whole() / "tables" / "trials.csv");
    expect(exact, ExitCode::ok, {std::to_string(trials.rows.size() / 2) + " trials: the baseline", "x 12 prompts"});
    EXPECT_EQ(exact.output.find("tokens/s"), std::string::npos) << "no time without a rate";
    expect(gatesweep({"plan", "job.toml", "--rate", "1000"}), ExitCode::ok, {"at 1000 tokens/s"});
}

TEST_F(Plan, FollowsTheLayoutThatIsAskedFor) {
    expect(gatesweep({"plan", "job.toml", "--ranks", "8", "--set", "parallel.expert_parallel=4"}), ExitCode::ok,
           {"8 ranks = 2 copies x expert parallel 4", "--nodes=1 --ntasks-per-node=8"});
    expect(gatesweep({"plan", "job.toml"}, 2), ExitCode::ok, {"2 ranks = 2 copies"});
    expect(gatesweep({"plan", "job.toml", "--ranks", "6", "--set", "parallel.expert_parallel=4"}), ExitCode::job,
           {"--ranks 6", "not a multiple"});
    expect(gatesweep({"plan", "job.toml", "--set", "parallel.expert_parallel=4"}, 2), ExitCode::job,
           {"ranks started: 2", "not a multiple"});
    expect(gatesweep({"plan", "job.toml", "--set", "parallel.expert_parallel=3"}), ExitCode::ok,
           {"3 ranks = 1 copy x expert parallel 3"});
    expect(gatesweep({"plan", "job.toml", "--set", "parallel.expert_parallel=9"}), ExitCode::job,
           {"parallel.expert_parallel = 9", "8 experts"});
    expect(gatesweep({"plan", "job.toml", "--set", "sweep.enabled=false"}), ExitCode::ok, {"no [sweep] section"});
}

TEST_F(Plan, WarnsOfWeightsThatTheRunWouldRefuse) {
    namespace fs = std::filesystem;
    fs::path const model = scene().folder / "damaged";
    fs::copy(fs::path(GATESWEEP_SOURCE_DIR) / "jobs/demo/model", model);
    std::vector<std::string> const command = {"plan", "job.toml", "--set", "model.path=damaged"};
    EXPECT_EQ(gatesweep(command).output.find("the run would end here"), std::string::npos);
    std::vector<fs::path> shards;
    for (auto const& file : list_folder(model)) {
        if (file.extension() == ".safetensors") shards.push_back(file);
    }
    ASSERT_FALSE(shards.empty());
    fs::resize_file(shards.front(), fs::file_size(shards.front()) / 2);
    expect(gatesweep(command), ExitCode::ok, {"the run would end here", shards.front().filename().string()});
    for (fs::path const& shard : shards)
        fs::remove(shard);
    EXPECT_EQ(gatesweep(command).output.find("the run would end here"), std::string::npos)
        << "only small files: nothing is said";
    fs::remove_all(model);
}

TEST_F(Plan, SaysWhatStreamingTakes) {
    std::string const none = "sweep.enabled=false";
    expect(gatesweep({"plan", "job.toml", "--set", none}), ExitCode::ok,
           {"or streamed: weights", "layer inputs", "where weights do not fit each rank reads", "MB from disk, again"});
    expect(gatesweep({"plan", "job.toml", "--set", none, "--set", "signals.stream=true", "--set", "signals.memory=1",
                      "--set", "signals.batch_tokens=100"}),
           ExitCode::ok, {"two layers at a time", "streaming each rank reads about", "chunks of prompts"});
    for (std::vector<std::string> const& never :
         {{"plan", "job.toml"},
          std::vector<std::string>{"plan", "job.toml", "--set", none, "--set", "signals.stream=false"}})
        EXPECT_EQ(gatesweep(never).output.find("from disk"), std::string::npos);
}

TEST_F(Plan, SaysWhatHardeningTakes) {
    std::string const prompts = "prompts/demo/";
    std::string train;
    for (std::string const group : {"harmful", "benign"})
        train += "[[prompts]]\ngroup = '" + group + "-train'\nfile = '" + GATESWEEP_SOURCE_DIR + "/" + prompts + group +
                 "_train.csv'\nlimit = 6\n";
    scene().folder.write("hard.toml",
                         job_text() + train +
                             "[harden]\nprovider = 'activation'\nexperts = 3\nrank = 4\nsteps = 5\nbatch = 4\n"
                             "max_new_tokens = 8\ntrain = { harmful = 'harmful-train', benign = 'benign-train' }\n"
                             "held_out = { harmful = 'harmful', benign = 'benign' }\nrefusals = '" +
                             GATESWEEP_SOURCE_DIR + "/" + prompts + "refusals.txt'\n");
    // Of the base model 6 harmful prompts with 0 to 8 experts masked, 6 benign ones and 6 to train on; of 4 arms the
    // first two.
    expect(gatesweep({"plan", "hard.toml"}), ExitCode::ok,
           {"harden    4 arms x 5 steps", "306 replies to generate: at most 2448 new tokens", "most beside weights",
            "checkpoint", "in float32, its two moments"});
    expect(
        gatesweep({"plan", "hard.toml", "--set", "harden.compare=[\"random\"]", "--set", "harden.suppress=[[2, 5]]"}),
        ExitCode::ok, {"2 arms", "60 replies"});
    expect(gatesweep({"plan", "hard.toml", "--set", "harden.suppress=[[2, 8]]"}), ExitCode::job,
           {"[harden] suppress", "expert 8 of layer 2"});
    scene().folder.write("cluster.toml",
                         "[cluster]\nranks_per_node = 2\nmemory_gb = 8\ntflops = 0.1\nmemory_gb_per_s = 10\n"
                         "node_gb_per_s = 3\nnetwork_gb_per_s = 3\nexchange_microseconds = 20\nstorage_gb_per_s = 1\n");
    expect(gatesweep({"plan", "hard.toml", "--cluster", "cluster.toml"}), ExitCode::ok,
           {"harden, load", "harden, steps", "harden, judging", "fits"});
}

TEST_F(Plan, WritesTheCommandThatSubmitsTheJob) {
    ChildResult const one = gatesweep({"plan", "job.toml"});
    expect(one, ExitCode::ok,
           {"submit    sbatch --job-name=job --nodes=1 --ntasks-per-node=1 --mem=",
            "G --cpus-per-task=1 slurm/cpu.sbatch job.toml results/job\n"});
    EXPECT_EQ(one.output.find("--time"), std::string::npos) << "no time without a rate";
    expect(gatesweep({"plan", "job.toml", "--ranks", "8", "--nodes", "4", "--set", "parallel.threads=3", "--set",
                      "sweep.sizes=[1, 2]"}),
           ExitCode::ok,
           {"--nodes=4 --ntasks-per-node=2",
            "--cpus-per-task=3 slurm/cpu.sbatch job.toml results/job --set parallel.threads=3 --set 'sweep.sizes=[1, "
            "2]'\n"});
    expect(gatesweep({"plan", "job.toml", "--ranks", "4", "--set", "parallel.device=\"cuda\""}), ExitCode::ok,
           {"--ntasks-per-node=4 --gpus-per-node=4 --cpus-per-task=1 slurm/gpu.sbatch"});
    expect(gatesweep({"plan", "job.toml", "--ranks", "8", "--nodes", "2", "--set", "parallel.device=\"cuda\""}),
           ExitCode::ok, {"--nodes=2 --ntasks-per-node=4 --gpus-per-node=4", "slurm/gpu-nodes.sbatch"});
    expect(gatesweep({"plan", "job.toml", "--set", "sweep.enabled=false", "--rate", "1e-3"}), ExitCode::ok,
           {"--time=24:00:00"});
    expect(gatesweep({"plan", "job.toml", "--set", "sweep.enabled=false", "--rate", "1e6"}), ExitCode::ok,
           {"--time=00:16:00"});
    expect(gatesweep({"plan", "job.toml", "--ranks", "4", "--nodes", "3"}), ExitCode::job,
           {"--nodes 3: 4 ranks cannot be spread evenly"});
}

TEST_F(Plan, RefusesArraysOfOtherPrompts) {
    replace(out() / "tables" / "prompts.csv", "harmful-000", "harmful-00x");
    expect(gatesweep({"plan", "job.toml", "--out", "out"}), ExitCode::bad_data, {"of other prompts"});
    expect(gatesweep({"plan", "job.toml", "--out", "nowhere"}), ExitCode::input_missing, {"nowhere"});
    expect(gatesweep({"plan", "nothing.toml"}), ExitCode::input_missing, {"nothing.toml"});
}

TEST_F(Plan, PredictsForADescribedMachine) {
    std::string const rates =
        "memory_gb = 16\ntflops = 0.1\nmemory_gb_per_s = 20\nnode_gb_per_s = 5\nnetwork_gb_per_s = 1\n"
        "exchange_microseconds = 20\n";
    write_file_atomically(scene().folder / "machine.toml",
                          "[cluster]\nranks_per_node = 4\n" + rates + "storage_gb_per_s = 2\n");
    expect(gatesweep({"plan", "job.toml", "--cluster", "machine.toml"}), ExitCode::ok,
           {"4 ranks = 4 copies", "predicted", "signals", "sweep, decode", "of 16.0 GB on each rank: fits"});
    expect(gatesweep({"plan", "job.toml", "--cluster", "machine.toml", "--ranks", "8"}), ExitCode::job,
           {"--ranks 8", "1 x 4"});
    expect(gatesweep({"plan", "job.toml", "--cluster", "none.toml"}), ExitCode::input_missing, {"none.toml"});
    write_file_atomically(scene().folder / "machine.toml", "[cluster]\n" + rates);
    expect(gatesweep({"plan", "job.toml", "--cluster", "machine.toml"}), ExitCode::job, {"has no storage_gb_per_s"});
    write_file_atomically(scene().folder / "machine.toml", "[cluster]\nspeed = 1\n");
    expect(gatesweep({"plan", "job.toml", "--cluster", "machine.toml"}), ExitCode::job, {"speed"});
    write_file_atomically(scene().folder / "machine.toml", "[cluster]\n" + rates + "storage_gb_per_s = 0\n");
    expect(gatesweep({"plan", "job.toml", "--cluster", "machine.toml"}), ExitCode::job,
           {"storage_gb_per_s", "above 0"});
    write_file_atomically(scene().folder / "machine.toml", "a = 1\n");
    expect(gatesweep({"plan", "job.toml", "--cluster", "machine.toml"}), ExitCode::job, {"cluster"});
}

}  // namespace
}  // namespace gatesweep
