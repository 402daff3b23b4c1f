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
[[prompts]]
group = "harmful-train"
file = "p.csv"
[[prompts]]
group = "benign-train"
file = "p.csv"
[signals]
memory = 17
stream = false
[analysis]
top = 3
gradient = { gap = 0.1, min = 0.2 }
[audit]
conditions = ["matched", "topic"]
topic = "category"
pair = "twin"
refusals = "p.csv"
compliances = "list.csv"
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
[harden]
provider = "gradient"
budget = 0.25
rank = 3
alpha = 5.5
steps = 7
learning_rate = 0.5
weight_decay = 0.25
warmup = 0.5
clip = 2.5
beta = 0.75
gamma = 0.125
batch = 6
parts = 3
evaluate = 2
patience = 1
validation = 0.25
save = 4
seed = 5
max_new_tokens = 9
train = { harmful = "harmful-train", benign = ["benign-train"] }
held_out = { harmful = "harmful", benign = "benign", near_miss = "benign" }
refusals = "list.csv"
compare = ["attention"]
suppress = [[0, 1]]
limits = { refusal = 80, compliance_drop = 2, perplexity_ratio = 1.5, js = 0.5, overlap = 0.25 }
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
