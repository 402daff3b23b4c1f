// The command line, the job file, and what the job asks of the machine.
#include <fmt/ranges.h>

#include "bad_case.h"
#include "support/safetensors_writer.h"

namespace gatesweep {
namespace {

std::function<void(Workshop&)> arguments(std::vector<std::string> words) {
    return [=](Workshop& w) { w.arguments = words; };
}

std::function<void(Workshop&)> set(std::string key_and_value) {
    return [=](Workshop& w) { w.set(key_and_value); };
}

std::function<void(Workshop&)> in_job(std::string from, std::string to) {
    return [=](Workshop& w) { w.replace("job.toml", from, to); };
}

// Sound in every way but its size, 3.3 TB; the shard is a file with a hole, so that it takes no room.
void make_huge_model(Workshop& w) {
    int const layers = 64, experts = 8, vocab = 512;
    std::int64_t const hidden = 16384, ffn = 65536, heads = 128;
    std::string header;
    std::int64_t end = 0;
    auto const add = [&](std::string const& name, std::vector<std::int64_t> const& shape) {
        std::int64_t bytes = 2;
        for (auto const dim : shape)
            bytes *= dim;
        header += fmt::format(R"({}"{}":{{"dtype":"BF16","shape":[{}],"data_offsets":[{},{}]}})",
                              header.empty() ? "{" : ",", name, fmt::join(shape, ","), end, end + bytes);
        end += bytes;
    };
    add("model.embed_tokens.weight", {vocab, hidden});
    for (int l = 0; l < layers; ++l) {
        std::string const at = fmt::format("model.layers.{}.", l);
        for (char const* norm : {"input_layernorm", "post_attention_layernorm"})
            add(at + norm + ".weight", {hidden});
        for (char const* name : {"q", "k", "v", "o"})
            add(at + "self_attn." + name + "_proj.weight", {hidden, hidden});
        add(at + "block_sparse_moe.gate.weight", {experts, hidden});
        for (int e = 0; e < experts; ++e) {
            std::string const to = fmt::format("{}block_sparse_moe.experts.{}.", at, e);
            add(to + "w1.weight", {ffn, hidden});
            add(to + "w2.weight", {hidden, ffn});
            add(to + "w3.weight", {ffn, hidden});
        }
    }
    add("model.norm.weight", {hidden});
    add("lm_head.weight", {vocab, hidden});
    w.write("model/model.safetensors", safetensors_bytes(header + "}", ""));
    auto const path = w / "model/model.safetensors";
    std::filesystem::resize_file(path, std::filesystem::file_size(path) + static_cast<std::uintmax_t>(end));
    for (auto const& [key, from, to] :
         std::vector<std::tuple<char const*, int, std::int64_t>>{{"hidden_size", 48, hidden},
                                                                 {"intermediate_size", 40, ffn},
                                                                 {"num_hidden_layers", 2, layers},
                                                                 {"num_attention_heads", 4, heads},
                                                                 {"num_key_value_heads", 2, heads}}) {
        w.replace("model/config.json", fmt::format("\"{}\": {}", key, from), fmt::format("\"{}\": {}", key, to));
    }
}

std::vector<BadCase> commands() {
    return {
        {"no_command", ExitCode::usage, {"no command is given", "run", "--help"}, arguments({})},
        {"unknown_command",
         ExitCode::usage,
         {"unknown command \"rnu\"", "did you mean run?", "--help"},
         arguments({"rnu", "job.toml"})},
        {"no_job", ExitCode::usage, {"job is required", "gatesweep run --help"}, arguments({"run", "--out", "out"})},
        {"no_out", ExitCode::usage, {"--out is required", "gatesweep run --help"}, arguments({"run", "job.toml"})},
        {"unknown_option",
         ExitCode::usage,
         {"--outt", "not expected", "gatesweep run --help"},
         arguments({"run", "job.toml", "--out", "out", "--outt", "x"})},
        {"two_jobs",
         ExitCode::usage,
         {"other.toml", "not expected"},
         arguments({"run", "job.toml", "other.toml", "--out", "out"})},
        {"override_without_value",
         ExitCode::usage,
         {"--set signals.batch_tokens", "not of the form key=value", "for example --set"},
         set("signals.batch_tokens")},
        {"override_of_an_unknown_key",
         ExitCode::job,
         {"--set signals.batch_token=64", "unknown key \"batch_token\"", "did you mean \"batch_tokens\"?"},
         set("signals.batch_token=64")},
        {"override_beyond_the_list",
         ExitCode::job,
         {"--set prompts.2.limit=5", "no entry \"2\"", "it has 2"},
         set("prompts.2.limit=5")},
    };
}

std::vector<BadCase> jobs() {
    return {
        {"job_missing",
         ExitCode::input_missing,
         {"other.toml", "cannot be opened"},
         arguments({"run", "other.toml", "--out", "out"})},
        {"job_is_a_folder",
         ExitCode::input_missing,
         {"model", "not a regular file"},
         arguments({"run", "model", "--out", "out"})},
        {"job_not_toml",
         ExitCode::job,
         {"job.toml:1", "not valid TOML", "correct this line"},
         in_job("[model]", "[model")},
        {"job_not_utf8", ExitCode::job, {"job.toml:2", "not UTF-8"}, in_job("\"model\"", "\"mod\xE9l\"")},
        {"unknown_section",
         ExitCode::job,
         {"job.toml:", "unknown section \"paralel\"", "did you mean \"parallel\"?"},
         in_job("[parallel]", "[paralel]")},
        {"unknown_key",
         ExitCode::job,
         {"job.toml:", "unknown key \"thread\"", "did you mean \"threads\"?"},
         in_job("threads", "thread")},
        {"key_given_twice",
         ExitCode::job,
         {"job.toml:7", "not valid TOML", "correct this line"},
         in_job("threads = 1", "threads = 1\nthreads = 2")},
        {"wrong_type",
         ExitCode::job,
         {"job.toml:", "[parallel] threads = \"one\"", "\"auto\" or a whole number"},
         in_job("threads = 1", "threads = \"one\"")},
        {"value_out_of_range", ExitCode::job, {"batch_tokens = 0", "at least 1"}, set("signals.batch_tokens=0")},
        {"unknown_choice", ExitCode::job, {"device = \"gpu\"", "cuda"}, set("parallel.device=gpu")},
        {"no_model",
         ExitCode::job,
         {"job.toml", "there is no [model] section", "add it"},
         in_job("[model]\npath = \"model\"\n", "")},
        {"model_missing",
         ExitCode::input_missing,
         {"there is no folder other", "looked at", "correct the path"},
         set("model.path=other")},
        {"no_prompts",
         ExitCode::job,
         {"job.toml", "no [[prompts]] section", "two groups"},
         [](Workshop& w) { w.write("job.toml", "[model]\npath = \"model\"\n"); }},
        {"group_that_nobody_fills",
         ExitCode::job,
         {"no [[prompts]] has group \"unsafe\"", "\"benign\", \"harmful\"", "set [analysis] malicious"},
         set("analysis.malicious=unsafe")},
        {"a_group_compared_with_itself",
         ExitCode::job,
         {"both \"benign\"", "name two groups"},
         set("analysis.malicious=benign")},
        {"streaming_with_a_sweep",
         ExitCode::job,
         {"[signals] stream is true", "[sweep]", "stream = \"auto\"", "sweep.enabled=false"},
         [](Workshop& w) {
             w.set("signals.stream=true");
             w.set("sweep.enabled=true");
         }},
        {"coverage_that_is_no_share", ExitCode::job, {"coverage", "1.5 is wrong"}, set("analysis.coverage=[0.8, 1.5]")},
        {"marked_expert_outside_the_model",
         ExitCode::bad_data,
         {"marks.csv", "expert 8 of layer 0", "2 layers of 8 experts", "correct the file"},
         [](Workshop& w) {
             w.write("marks.csv", "layer,expert\n0,8\n");
             w.set("report.mark=marks.csv");
         }},
        {"marks_without_header",
         ExitCode::bad_data,
         {"marks.csv", "unknown column \"0\"", "layer, expert"},
         [](Workshop& w) {
             w.write("marks.csv", "0,1\n");
             w.set("report.mark=marks.csv");
         }},
    };
}

std::vector<BadCase> machines() {
    return {
        {"ranks_that_expert_parallel_does_not_divide",
         ExitCode::job,
         {"expert_parallel = 4", "does not divide", "start a multiple of 4 ranks"},
         set("parallel.expert_parallel=4")},
        {"weights_that_no_memory_holds",
         ExitCode::unavailable,
         {"the weights need", "layer by layer", "are free", "no parallel.expert_parallel fits"},
         make_huge_model},
#ifndef GATESWEEP_WITH_CUDA
        {"cuda_without_cuda",
         ExitCode::unavailable,
         {"parallel.device = \"cuda\"", "built without CUDA", "use device = \"cpu\""},
         set("parallel.device=cuda")},
#endif
    };
}

GATESWEEP_BAD_INPUT(Command, commands());
GATESWEEP_BAD_INPUT(Job, jobs());
GATESWEEP_BAD_INPUT(Machine, machines());

}  // namespace
}  // namespace gatesweep
