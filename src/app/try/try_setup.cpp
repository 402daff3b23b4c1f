#include "try_setup.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>

#include "gatesweep/base/error.h"
#include "gatesweep/comm/fail_once.h"
#include "gatesweep/input/prompt_tokens.h"
#include "gatesweep/run/same_everywhere.h"
#include "gatesweep/sweep/trial_plan.h"
#include "gatesweep/terms/edit_mode.h"

namespace gatesweep {
namespace {

Job job_of(Options const& options, int num_ranks) {
    Job job;
    job.name = "try";
    job.model.path = std::filesystem::absolute(options.model).lexically_normal();
    job.parallel.expert_parallel = num_ranks;
    job.parallel.settings = with_environment(job.parallel.settings);
    job.sweep.enabled = true;
    job.sweep.max_new_tokens = options.new_tokens;
    return job;
}

std::vector<std::int32_t> token_ids_of(Options const& options, Job const& job, ModelConfig const& config) {
    GATESWEEP_VALIDATE(!options.prompt.empty(), ExitCode::usage, "--prompt: the prompt is empty: write a text");
    PromptSet set;
    Prompt& prompt = set.prompts.emplace_back();
    prompt.id = prompt.group = prompt.origin = "--prompt";
    prompt.messages.push_back({"user", options.prompt});
    prompt.prompt_template = options.is_raw ? TemplateKind::raw : TemplateKind::chat;
    PromptReaders const readers = load_prompt_readers(job, set);
    tokenize(set, readers.tokenizer.get(), readers.chat.get(), config.vocab_size, config.max_position_embeddings,
             config.bos_token_id);
    auto const num_tokens = std::ssize(prompt.token_ids);
    GATESWEEP_VALIDATE(num_tokens + options.new_tokens <= config.max_position_embeddings, ExitCode::usage,
                       "--prompt: {} tokens, and a reply of {} would pass the model's {} positions: lower "
                       "--max-new-tokens",
                       num_tokens, options.new_tokens, config.max_position_embeddings);
    GATESWEEP_VALIDATE(!config.rope_scaling.changes_between(num_tokens, num_tokens + options.new_tokens - 1),
                       ExitCode::usage,
                       "--prompt: {} tokens, and a reply of {} would pass original_max_position_embeddings {}, where "
                       "the model's rotary embedding changes (longrope): lower --max-new-tokens",
                       num_tokens, options.new_tokens, config.rope_scaling.original_positions);
    return prompt.token_ids;
}

// "2:5" as [layer, expert]; nothing for anything else.
std::optional<std::vector<std::int64_t>> parse_expert(std::string_view word) {
    std::vector<std::int64_t> pair;
    for (char const end : {':', '\0'}) {
        std::size_t const length = end == ':' ? word.find(':') : word.size();
        if (length == word.npos || length == 0) return std::nullopt;
        std::int64_t number = 0;
        auto const [stop, error] = std::from_chars(word.data(), word.data() + length, number);
        if (error != std::errc() || stop != word.data() + length || number < 0) return std::nullopt;
        pair.push_back(number);
        word.remove_prefix(std::min(length + 1, word.size()));
    }
    return pair;
}

std::vector<std::vector<std::int64_t>> parse_set(std::string_view text) {
    std::vector<std::vector<std::int64_t>> out;
    while (!text.empty()) {
        std::size_t const end = std::min(text.find_first_of(", "), text.size());
        std::string_view const word = text.substr(0, end);
        text.remove_prefix(std::min(end + 1, text.size()));
        if (word.empty()) continue;
        auto const expert = parse_expert(word);
        GATESWEEP_VALIDATE(expert, ExitCode::usage,
                           "--suppress: \"{}\" is no expert (LAYER:EXPERT, counted from 0): write a set as 2:5,3:1",
                           printable(word));
        out.push_back(*expert);
    }
    return out;
}

EditModeFacts const& mode_of(Options const& options) {
    EditModeFacts const* const mode = find_edit_mode(options.mode);
    std::vector<std::string> words;
    for (EditModeFacts const& facts : edit_modes)
        words.emplace_back(facts.word);
    std::string const close = nearest(options.mode, words);
    GATESWEEP_VALIDATE(mode, ExitCode::usage, "--mode {}: there is no such mode{}: the modes are {}",
                       printable(options.mode), close.empty() ? "" : fmt::format(" (did you mean {}?)", close),
                       fmt::join(words, ", "));
    bool const has_dose = mode->value == EditValue::dose, has_sign = mode->value == EditValue::sign;
    GATESWEEP_VALIDATE(has_dose == (options.bias != 0.0), ExitCode::usage, "--mode {}: {}", options.mode,
                       has_dose ? "it adds a number to the logits: give one, --bias -4"
                                : "it has no number, --bias is for mode bias: leave --bias out");
    GATESWEEP_VALIDATE(has_sign || !options.activate, ExitCode::usage,
                       "--mode {}: it only takes away, --activate is for mode steer: leave --activate out",
                       options.mode);
    return *mode;
}

// By the checks of a job's own sets, in the words of this command.
void validate_set(CustomTrial const& trial, ModelConfig const& config) {
    SweepSpec sweep;
    sweep.trials = {trial};
    try {
        validate_custom_trials(sweep, config.num_sparse_layers(), config.num_experts, config.top_k,
                               MoeLayers(config.sparse_layers()));
    } catch (Error const& error) {
        std::string message = error.what();
        std::string const of_a_job = fmt::format("[[sweep.trial]] \"{}\"", trial.name);
        if (message.starts_with(of_a_job)) message.replace(0, of_a_job.size(), trial.name);
        throw Error(ExitCode::usage, message);
    }
}

}  // namespace

Setup set_up_prompt(Options const& options, Communicator const& world) {
    require_same_build(world, options);
    Setup setup;
    setup.inputs.job = job_of(options, world.size());
    Job const& job = setup.inputs.job;
    use_settings(job.parallel.settings);
    fail_once(world, [&] {
        setup.config = load_model_config(job.model.path);
        validate_model(job, setup.config);
        chosen_edits(options, setup.config);
        setup.inputs.token_ids = {token_ids_of(options, job, setup.config)};
    });
    require_same_model(world, job.model);
    setup.inputs.prompt_ids = setup.inputs.groups = {"--prompt"};
    setup.inputs.prompt_texts = {options.prompt};
    fail_once(world, [&] { setup.layout = make_parallel_layout(world, job.parallel.expert_parallel); });
    setup.machine = choose_machine(job, setup.config, setup.layout);
    return setup;
}

std::vector<RouterEdit> chosen_edits(Options const& options, ModelConfig const& config) {
    if (options.suppress.empty()) {
        GATESWEEP_VALIDATE(options.bias == 0.0 && !options.activate, ExitCode::usage,
                           "--bias and --activate go with --suppress, the set that they are about: give one");
        return {};
    }
    EditModeFacts const& mode = mode_of(options);
    CustomTrial trial;
    trial.name = "--suppress";
    trial.experts = parse_set(options.suppress);
    GATESWEEP_VALIDATE(!trial.experts.empty(), ExitCode::usage,
                       "--suppress: there is no expert in \"{}\": write a set as 2:5,3:1", printable(options.suppress));
    trial.mode = mode.mode;
    trial.activate = options.activate;
    trial.bias = options.bias;
    validate_set(trial, config);
    double const value = mode.value == EditValue::dose   ? options.bias
                         : mode.value == EditValue::sign ? (options.activate ? 1.0 : -1.0)
                                                         : 1.0;
    std::vector<RouterEdit> edits;
    for (auto const& expert : trial.experts)
        edits.push_back({expert[0], expert[1], value});
    std::ranges::sort(edits, {}, [](RouterEdit const& edit) { return std::pair(edit.layer, edit.expert); });
    return edits;
}

}  // namespace gatesweep
