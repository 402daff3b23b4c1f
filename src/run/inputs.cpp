#include "gatesweep/run/inputs.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <map>
#include <memory>
#include <span>

#include "gatesweep/analysis/expert_list.h"
#include "gatesweep/base/digest.h"
#include "gatesweep/base/log.h"
#include "gatesweep/input/job_writer.h"
#include "gatesweep/input/prompt_tokens.h"
#include "gatesweep/input/prompts.h"
#include "gatesweep/label/labelling.h"
#include "gatesweep/model/model_config.h"
#include "gatesweep/run/audit_plan.h"
#include "gatesweep/run/harden_inputs.h"
#include "gatesweep/run/job_serialization.h"
#include "gatesweep/run/reply_generation.h"
#include "gatesweep/sweep/trial_plan.h"

namespace gatesweep {
namespace {

PromptSet read_prompts(Job const& job, ModelConfig const& config) {
    PromptSet set = load_prompts(job);
    PromptReaders const readers = load_prompt_readers(job, set);
    tokenize(set, readers.tokenizer.get(), readers.chat.get(), config.vocab_size, config.max_position_embeddings,
             config.bos_token_id);
    return set;
}

std::string text_of(Prompt const& prompt) {
    std::string text;
    for (Message const& message : prompt.messages) {
        if (message.role == "user") text += (text.empty() ? "" : "\n\n") + message.content;
    }
    return text;
}

PromptMetadata metadata_of(PromptSet const& set) {
    PromptMetadata out;
    out.columns = set.metadata_columns;
    for (auto const& prompt : set.prompts) {
        std::vector<std::string>& row = out.rows.emplace_back(out.columns.size());
        for (auto const& [name, value] : prompt.metadata)
            row[static_cast<std::size_t>(std::find(out.columns.begin(), out.columns.end(), name) -
                                         out.columns.begin())] = value;
    }
    return out;
}

std::string digest_of(ImportedMaps const& imported) {
    FastDigest digest;
    for (auto const& [name, map] : imported) {
        auto const bytes = std::as_bytes(std::span(map.values));
        digest.add(name).add(std::string_view(reinterpret_cast<char const*>(bytes.data()), bytes.size()));
    }
    return digest.hex();
}

// What [sweep] asks for that only the model's shape and the prompts can refuse: in the first second, not after hours.
void check_sweep(Inputs const& inputs, ModelConfig const& config) {
    SweepSpec const& sweep = inputs.job.sweep;
    if (!sweep.enabled) return;
    validate_custom_trials(sweep, config.num_sparse_layers(), config.num_experts, config.top_k,
                           MoeLayers(config.sparse_layers()));
    check_label_inputs(inputs.job);
    for (std::size_t p = 0; p < inputs.token_ids.size(); ++p) {
        if (sweep.watches(inputs.groups[p]))
            check_reply_room(inputs, config, p, sweep.max_new_tokens, "sweep.max_new_tokens");
    }
}

// A run leaves hardening out, and hardening the sweep: each has results of its own, in a folder of its own.
void choose_phases(Job& job, JobRequest const& request) {
    if (request.use == JobUse::hardens) {
        GATESWEEP_VALIDATE(job.harden.enabled, ExitCode::job,
                           "{}: there is no [harden] section (it says what to train on and how to judge it): add one, "
                           "as in jobs/demo/harden.toml",
                           request.job.string());
        GATESWEEP_VALIDATE(
            job.model.adapter.empty(), ExitCode::job,
            "{}: the job has [model] adapter and is to be hardened (a new adapter is for the checkpoint as "
            "it stands): make a checkpoint of the two with gatesweep merge, and name that one",
            request.job.string());
        if (job.sweep.enabled)
            say("sweep", "left out: gatesweep run sweeps, also over the hardened model ([model] adapter)");
        job.sweep.enabled = false;
    }
    if (request.use == JobUse::runs && job.harden.enabled) {
        say("harden", "left out: gatesweep harden trains");
        job.harden = {};
    }
}

}  // namespace

std::int64_t Inputs::num_tokens() const {
    std::int64_t sum = 0;
    for (auto const& ids : token_ids)
        sum += static_cast<std::int64_t>(ids.size());
    return sum;
}

std::int64_t Inputs::max_prompt_tokens() const {
    std::size_t longest = 0;
    for (auto const& ids : token_ids)
        longest = std::max(longest, ids.size());
    return static_cast<std::int64_t>(longest);
}

std::int64_t Inputs::max_tokens() const {
    std::int64_t longest = max_prompt_tokens();
    for (Pair const& pair : pairs) {
        for (PairSide const& side : pair.sides)
            longest = std::max(longest, std::ssize(side.token_ids));
    }
    for (AnsweredPrompt const& refusal : refusals)
        longest = std::max(longest, std::ssize(refusal.token_ids));
    for (auto const* const texts : {&audit.refusals, &audit.compliances}) {
        for (auto const& behind : *texts)
            longest = std::max(longest, max_prompt_tokens() + std::ssize(behind));
    }
    return longest;
}

std::vector<std::int64_t> Inputs::prompt_tokens() const {
    std::vector<std::int64_t> tokens;
    for (auto const& ids : token_ids)
        tokens.push_back(static_cast<std::int64_t>(ids.size()));
    return tokens;
}

std::vector<ExpertId> read_marks(std::filesystem::path const& file) {
    std::vector<ExpertId> marks;
    if (file.empty()) return marks;
    for (ListedExpert const& listed : read_expert_list(file))
        marks.push_back(listed.id);
    return marks;
}

Inputs read_inputs(JobRequest const& request, Communicator const& world) {
    Inputs inputs;
    if (world.rank() == 0) {
        inputs.job = load_job(request.job, request.overrides);
        choose_phases(inputs.job, request);
        ModelConfig const config = load_model_config(inputs.job.model.path);
        PromptSet const set = read_prompts(inputs.job, config);
        for (auto const& notice : set.notices)
            warn(notice);
        for (auto const& prompt : set.prompts) {
            inputs.prompt_ids.push_back(prompt.id);
            inputs.groups.push_back(prompt.group);
            inputs.prompt_texts.push_back(text_of(prompt));
            inputs.token_ids.push_back(prompt.token_ids);
        }
        inputs.metadata = metadata_of(set);
        if (!inputs.job.report.by.empty()) inputs.metadata.column(inputs.job.report.by);
        inputs.prompts_digest = set.digest();
        TokenLimits const limits{config.vocab_size, config.max_position_embeddings,
                                 static_cast<std::int32_t>(config.bos_token_id)};
        if (!inputs.job.pairs.empty()) {
            inputs.pairs = load_pairs(inputs.job, limits).pairs;
            inputs.prompts_digest = sha256_hex(inputs.prompts_digest + digest_of(inputs.pairs));
        }
        if (inputs.job.harden.enabled) {
            inputs.refusals = load_refusals(inputs.job, set, limits, config.eos_token_ids);
            inputs.prompts_digest = sha256_hex(inputs.prompts_digest + digest_of(inputs.refusals));
        }
        if (inputs.job.audit.is_wanted()) {
            inputs.audit = load_audit_texts(inputs.job, config.vocab_size);
            inputs.prompts_digest = sha256_hex(inputs.prompts_digest + checked_audit(inputs, config));
        }
        if (!inputs.job.scores.imports.empty()) {
            inputs.imported = read_imports(inputs.job.scores, config.num_sparse_layers(), config.num_experts,
                                           MoeLayers(config.sparse_layers()));
            inputs.prompts_digest = sha256_hex(inputs.prompts_digest + digest_of(inputs.imported));
        }
        inputs.marks = read_marks(inputs.job.report.mark);
        for (ExpertId const mark : inputs.marks) {
            MoeLayers const moe_layers(config.sparse_layers());
            bool const exists =
                moe_layers.has(mark.layer, config.num_sparse_layers()) && mark.expert < config.num_experts;
            GATESWEEP_VALIDATE(exists, ExitCode::bad_data,
                               "{}: expert {} of layer {} is not in the model ({}): correct the file",
                               inputs.job.report.mark.string(), mark.expert, mark.layer,
                               moe_layers.words(config.num_sparse_layers(), config.num_experts));
        }
        check_sweep(inputs, config);
        check_harden(inputs, config);
    }
    world.broadcast_value(inputs, 0);
    use_settings(inputs.job.parallel.settings);
    return inputs;
}

std::string job_digest(Job const& job) {
    Job what = job;
    what.parallel = ParallelSpec();
    what.parallel.device = job.parallel.device;
    what.signals = SignalsSpec();
    what.signals.phases = job.signals.phases;
    return sha256_hex(to_toml(what));
}

}  // namespace gatesweep
