// What rank 0 reads must reach the other ranks whole.
#include "gatesweep/run/job_serialization.h"

#include <gtest/gtest.h>

#include <sstream>

#include "gatesweep/input/job_writer.h"
#include "support/temporary_folder.h"

namespace gatesweep {
namespace {

TEST(Serialization, AJobTravelsWithItsSweep) {
    TemporaryFolder const folder;
    std::filesystem::create_directory(folder / "model");
    std::filesystem::create_directory(folder / "adapter");
    folder.write("p.csv", "prompt\nx\n");
    folder.write("list.csv", "layer,expert\n0,1\n");
    Job const job = load_job(folder.write("job.toml", R"(
[model]
path = "model"
dtype = "float32"
chat_template = "tool_use"
template_arguments = { enable_thinking = false }
date = "2026-11-30"
adapter = "adapter"
[parallel]
threads = 2
[[prompts]]
group = "benign"
file = "p.csv"
where = { a = "b" }
[[prompts]]
group = "harmful"
file = "p.csv"
template = "raw"
[signals]
memory = 17
stream = false
[analysis]
top = 3
gradient = { gap = 0.1, min = 0.2 }
[sweep]
side_effects = ["benign"]
max_new_tokens = 8
slots = 3
signals = ["gradient-share"]
classes = ["shared", "weak-benign"]
sizes = [4]
gap_thresholds = { gradient = [0.1, 0.2], gradient-share = [0.3] }
modes = ["zero-renormalise", "bias"]
scopes = ["decode", "prefill"]
bias = [0.5]
controls = { random = 7, match = "traffic", reverse = true, bottom = true }
seed = 9
allow_fewer = true
[sweep.labels]
method = "judge"
judge = "model"
phrases = "p.csv"
judge_template = "list.csv"
human = "p.csv"
validation = "list.csv"
[sweep.screen]
mode = "zero"
limit = 2
refusals = ["no"]
compliances = ["yes"]
[[sweep.trial]]
name = "a"
experts = [[0, 1]]
mode = "bias"
scope = "prefill"
bias = 0.25
[[sweep.trial]]
name = "b"
file = "list.csv"
mode = "steer"
activate = true
[report]
title = "t"
mark = "list.csv"
)"));
    std::stringstream bytes;
    boost::archive::binary_oarchive(bytes) << job;
    Job received;
    boost::archive::binary_iarchive(bytes) >> received;
    EXPECT_EQ(to_toml(received), to_toml(job));
    EXPECT_EQ(received.name, "job");
}

}  // namespace
}  // namespace gatesweep
