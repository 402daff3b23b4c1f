// [harden] of the job file: what only the model, the prompts or the files it names can refuse, before anything is
// computed.
#include "bad_case.h"

namespace gatesweep {
namespace {

constexpr std::string_view section = R"(
[[prompts]]
group = "harmful-train"
file  = "harmful.csv"

[[prompts]]
group = "benign-train"
file  = "benign.csv"

[harden]
provider = "activation"
experts = 3
train    = { harmful = "harmful-train", benign = "benign-train" }
held_out = { harmful = "harmful", benign = "benign" }
refusals = "refusals.txt"
max_new_tokens = 8
)";

std::function<void(Workshop&)> with(std::string const& line, std::string const& model = "") {
    return [=](Workshop& w) {
        if (!model.empty()) w.use_model(model);
        w.write("refusals.txt", "I cannot help with that.\n");
        w.replace("job.toml", "file  = \"harmful.csv\"\n",
                  "file  = \"harmful.csv\"\n" + std::string(section) + line + "\n");
        w.arguments.front() = "harden";
    };
}

std::function<void(Workshop&)> with_setting(std::string const& line, std::string const& key_and_value) {
    return [=](Workshop& w) {
        with(line)(w);
        w.set(key_and_value);
    };
}

std::vector<BadCase> hardenings() {
    return {
        {"no_harden_section",
         ExitCode::job,
         {"job.toml", "there is no [harden] section", "add one"},
         [](Workshop& w) { w.arguments.front() = "harden"; }},
        {"harden_with_an_adapter",
         ExitCode::job,
         {"[model] adapter", "gatesweep merge"},
         [](Workshop& w) {
             with("")(w);
             std::filesystem::create_directory(w / "adapter");
             w.set("model.adapter=adapter");
         }},
        {"harden_streamed",
         ExitCode::job,
         {"stream is true", "[harden]", "stream = \"auto\""},
         with_setting("", "signals.stream=true")},
        {"refusals_without_a_line",
         ExitCode::bad_data,
         {"refusals.txt", "holds no answer", "give one a line"},
         [](Workshop& w) {
             with("")(w);
             w.write("refusals.txt", "\n  \n");
         }},
        {"refusals_that_are_not_there",
         ExitCode::input_missing,
         {"refusals.txt"},
         [](Workshop& w) {
             with("")(w);
             w.remove("refusals.txt");
         }},
        {"suppressed_layer_outside",
         ExitCode::job,
         {"[harden] suppress", "expert 0 of layer 2 is not in the model", "2 layers of 8 experts", "correct the list"},
         with("suppress = [[0, 1], [2, 0]]")},
        {"suppressed_expert_outside",
         ExitCode::job,
         {"[harden] suppress", "expert 8 of layer 1 is not in the model", "correct the list"},
         with("suppress = [[1, 8]]")},
        {"suppressed_expert_of_a_dense_layer",
         ExitCode::job,
         {"[harden] suppress", "expert 1 of layer 0 is not in the model", "correct the list"},
         with("suppress = [[0, 1]]", "deepseek-bf16")},
        {"suppressed_until_too_few_are_left",
         ExitCode::job,
         {"[harden] suppress", "with expert 6 of layer 0", "take experts of that layer out"},
         with("suppress = [[0, 0], [0, 1], [0, 2], [0, 3], [0, 4], [0, 5], [0, 6]]")},
        {"more_experts_than_there_are",
         ExitCode::job,
         {"[harden] experts = 17", "16 experts", "name fewer"},
         with_setting("", "harden.experts=17")},
        {"no_expert_left_for_random",
         ExitCode::job,
         {"all 16 experts", "compare", "\"random\""},
         with_setting("", "harden.experts=16")},
        {"budget_below_one_expert",
         ExitCode::job,
         {"[harden] budget", "holds no expert", "raise budget or lower rank"},
         with("budget = 1e-6")},
        {"replies_past_the_positions",
         ExitCode::job,
         {"harden.max_new_tokens = 4096", "positions", "lower max_new_tokens"},
         with_setting("", "harden.max_new_tokens=4096")},
    };
}

GATESWEEP_BAD_INPUT(Harden, hardenings());

}  // namespace
}  // namespace gatesweep
