// A whole run with layers streamed: the files of a run with resident weights, and one message when the disk fails half
// way.
#include <gtest/gtest.h>

#include <algorithm>

#include "app/stored_run_test.h"
#include "gatesweep/store/manifest.h"
#include "support/demo_job.h"

namespace gatesweep {
namespace {

std::vector<std::string> signals_run(std::string const& out, std::vector<std::string> const& changes) {
    std::vector<std::string> arguments = {"run", "job.toml", "--out", out, "--set", "sweep.enabled=false"};
    for (auto const* list : {&with_providers, &changes}) {
        for (auto const& change : *list)
            arguments.insert(arguments.end(), {"--set", change});
    }
    return arguments;
}

TEST(StreamedRun, LeavesTheFilesOfResidentWeights) {
    Scene const scene;
    expect(scene.run(signals_run("resident", {"signals.stream=false"})), ExitCode::ok, {"each rank read 7.6 MB"});
    Manifest const resident = read_manifest(scene.folder / "resident");
    EXPECT_FALSE(resident.files.empty());
    // Everything at once; two ranks that share the experts, in chunks of one batch.
    expect(scene.run(signals_run("one", {"signals.stream=true"})), ExitCode::ok,
           {"each rank reads about 13.8 MB from disk"});
    expect(scene.run(signals_run("two", {"signals.stream=true", "signals.memory=1", "signals.batch_tokens=150",
                                         "parallel.expert_parallel=2"}),
                     2),
           ExitCode::ok, {"chunks of prompts"});
    for (std::string const name : {"one", "two"}) {
        Manifest const streamed = read_manifest(scene.folder / name);
        EXPECT_EQ(streamed.files, resident.files) << name;
        EXPECT_EQ(streamed.weights_digest, resident.weights_digest);
        EXPECT_EQ(streamed.job_digest, resident.job_digest) << "how memory is used is no part of what a job asks for";
    }
}

TEST(StreamedRun, SaysOnceWhatFailedOnTheWay) {
    Scene const scene;
    std::vector<std::string> command = {GATESWEEP_MPIEXEC, "--oversubscribe", "--bind-to", "none", "-n", "2",
                                        GATESWEEP_BINARY};
    auto const arguments = signals_run("out", {"signals.stream=true"});
    command.insert(command.end(), arguments.begin(), arguments.end());
    ChildResult const result = run_child(command, scene.folder.path(), scene.folder / "output.txt",
                                         {{"OMPI_ALLOW_RUN_AS_ROOT", "1"},
                                          {"OMPI_ALLOW_RUN_AS_ROOT_CONFIRM", "1"},
                                          {"OMP_WAIT_POLICY", "passive"},
                                          {"GATESWEEP_FAULTS", "eio@350+:.safetensors"}},
                                         60.0);
    expect(result, ExitCode::io, {"reading failed: Input/output error", "check the disk, then run again"});
    std::size_t num_errors = 0;
    for (std::size_t at = 0; (at = result.output.find("\nerror: ", at)) != std::string::npos; ++at)
        ++num_errors;
    EXPECT_EQ(num_errors, 1u) << result.output;
    EXPECT_NE(result.output.find("layer by layer"), std::string::npos) << "it failed before the layers were read";
    EXPECT_FALSE(std::filesystem::exists(scene.folder / "out" / "COMPLETE"));
}

}  // namespace
}  // namespace gatesweep
