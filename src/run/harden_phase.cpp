#include "gatesweep/run/harden_phase.h"

#include <algorithm>
#include <boost/serialization/map.hpp>
#include <boost/serialization/vector.hpp>
#include <cmath>
#include <map>

#include "gatesweep/base/digest.h"
#include "gatesweep/base/file.h"
#include "gatesweep/base/log.h"
#include "gatesweep/base/stop_request.h"
#include "gatesweep/base/words.h"
#include "gatesweep/comm/progress.h"
#include "gatesweep/harden/adamw.h"
#include "gatesweep/harden/arms.h"
#include "gatesweep/harden/gates.h"
#include "gatesweep/harden/trainer.h"
#include "gatesweep/run/harden_inputs.h"
#include "gatesweep/run/job_serialization.h"
#include "gatesweep/run/run_identity.h"
#include "gatesweep/run/stopwatch.h"
#include "gatesweep/sweep/sweep_measures.h"
#include "harden_evaluation.h"
#include "harden_outcomes.h"
#include "hardened_model.h"

namespace gatesweep {
namespace {

namespace fs = std::filesystem;

// Experts of the provider, the highest first.
std::vector<ExpertId> provider_order(AnalysisResult const& analysis, std::string const& provider) {
    auto const found = std::ranges::find(analysis.providers, provider, &ProviderScores::name);
    GATESWEEP_EXPECT(found != analysis.providers.end());
    std::vector<ExpertId> out;
    for (std::int64_t const i : found->order)
        out.push_back({analysis.moe_layers.layer(i / analysis.num_experts), i % analysis.num_experts});
    return out;
}

struct Selection {
    std::vector<ExpertId> selected, suppressed;
};

Selection select(Setup const& setup, AnalysisResult const* analysis) {
    auto const& [inputs, config, layout, machine] = setup;
    HardenSpec const& spec = inputs.job.harden;
    Selection out;
    if (analysis) {
        std::vector<ExpertId> const order = provider_order(*analysis, spec.provider);
        out.selected = selected_experts(spec, config, order);
        out.suppressed = spec.suppress;
        if (out.suppressed.empty()) {
            out.suppressed = maskable(order, config);
            auto const most = static_cast<std::size_t>(num_suppressed(spec));
            if (out.suppressed.size() > most) out.suppressed.resize(most);
        }
    }
    layout.world.broadcast_value(out.selected, layout.final_rank());
    layout.world.broadcast_value(out.suppressed, layout.final_rank());
    return out;
}

using Replies = std::map<std::int64_t, std::vector<std::int32_t>>;  // by row of the prompt

Replies base_replies(std::vector<Completion> const& completions, ParallelLayout const& layout) {
    Replies replies;
    for (Completion const& c : completions) {
        if (c.variant == 0) replies[c.prompt] = c.token_ids;
    }
    layout.world.broadcast_value(replies, layout.final_rank());
    return replies;
}

std::vector<std::int32_t> joined(std::vector<std::int32_t> prompt, std::vector<std::int32_t> const& reply) {
    prompt.insert(prompt.end(), reply.begin(), reply.end());
    return prompt;
}

// Held-out prompts with the base model's replies; the prompts are what routing is compared on.
std::vector<CountedSpan> held_out_texts(Inputs const& inputs, HeldOutRows const& rows, Replies const& replies) {
    std::vector<CountedSpan> texts;
    for (std::int64_t const row : rows.all()) {
        auto const& prompt = inputs.token_ids[static_cast<std::size_t>(row)];
        texts.push_back({joined(prompt, replies.at(row)), 0, std::ssize(prompt)});
    }
    return texts;
}

TrainingSet training_set(Inputs const& inputs, std::vector<std::int64_t> const& benign, Replies const& replies) {
    std::vector<TrainingText> refusals, others;
    for (AnsweredPrompt const& refusal : inputs.refusals)
        refusals.push_back({refusal.token_ids, refusal.first, true});
    for (std::int64_t const row : benign) {
        auto const& prompt = inputs.token_ids[static_cast<std::size_t>(row)];
        others.push_back({joined(prompt, replies.at(row)), std::ssize(prompt), false});
    }
    return split_texts(std::move(refusals), std::move(others), inputs.job.harden);
}

// What the bytes of an arm's steps depend on.
std::string training_identity(Setup const& setup, std::string const& weights_digest, HardenArm arm,
                              std::vector<ExpertId> const& selected) {
    return sha256_hex(job_digest(setup.inputs.job) + setup.inputs.prompts_digest + weights_digest +
                      numerics_id(setup.machine) + std::string(to_string(arm)) + to_string(std::span(selected)));
}

// Whether a part of a step fits with its tapes kept.
TapePolicy choose_policy(Setup const& setup, TrainingSet const& set, Decoder const& model) {
    auto const& [inputs, config, layout, machine] = setup;
    HardenSpec const& spec = inputs.job.harden;
    std::int64_t longest = 0;
    for (auto const* const texts : {&set.refusals, &set.others, &set.validation}) {
        for (TrainingText const& text : *texts)
            longest = std::max(longest, std::ssize(text.token_ids));
    }
    std::int64_t const tokens = longest * ((spec.batch + spec.parts - 1) / spec.parts);
    std::uint64_t const needed = static_cast<std::uint64_t>(config.num_layers) *
                                 LayerTape::num_bytes(config, tokens, model.weights().embedding.element_size());
    return needed <= machine.tape_memory ? TapePolicy::keep : TapePolicy::recompute;
}

fs::path adapter_folder(RunDirectory const& run, HardenArm arm) {
    return arm == HardenArm::selected ? run.folder() / "adapter" : run.folder() / "adapters" / to_string(arm);
}

ArmFacts facts_of(HardenArm arm, TrainedArm const& trained, ModelConfig const& config) {
    ArmFacts facts;
    facts.arm = to_string(arm);
    facts.rank = trained.adapter.rank;
    facts.alpha = trained.adapter.alpha;
    facts.num_parameters = num_values(trained.adapter);
    facts.share_of_experts =
        static_cast<double>(facts.num_parameters) / static_cast<double>(num_expert_parameters(config));
    facts.experts = experts_of(trained.adapter);
    facts.steps = std::ssize(trained.steps);
    facts.best_step = trained.best_step;
    return facts;
}

std::vector<HardenArm> arms_of(HardenSpec const& spec) {
    std::vector<HardenArm> arms = {HardenArm::selected};
    arms.insert(arms.end(), spec.compare.begin(), spec.compare.end());
    return arms;
}

std::string verdict_of(std::vector<Gate> const& gates) {
    std::string const arm(to_string(HardenArm::selected));
    if (is_accepted(gates, arm)) return "accepted: every gate is passed";
    std::string failed;
    for (Gate const& gate : gates) {
        if (gate.arm == arm && !gate.passed)
            failed += fmt::format("{}{} is {:.4g}, and {:.4g} is the limit", failed.empty() ? "" : "; ", gate.gate,
                                  gate.value, *gate.limit);
    }
    return "not accepted: " + failed;
}

}  // namespace

std::vector<PhaseTiming> run_harden(Setup const& setup, LoadedModel& loaded, RunSession& session,
                                    AnalysisResult const* analysis) {
    auto const& [inputs, config, layout, machine] = setup;
    HardenSpec const& spec = inputs.job.harden;
    enter_phase(RunPhase::harden);
    std::unique_ptr<Decoder> model = loaded.give_up();
    Selection const selection = select(setup, analysis);
    HeldOutRows const rows = held_out_rows(inputs);
    std::vector<std::int64_t> const benign = rows_of_groups(inputs.groups, spec.train.benign);
    say("harden", "{} by {}: {}; {} to refuse, {} to leave as they are, {} held out",
        plural(std::ssize(selection.selected), "expert"), spec.provider, to_string(std::span(selection.selected)),
        plural(std::ssize(inputs.refusals), "prompt"), benign.size(), rows.all().size());

    Stopwatch evaluating;
    std::vector<CountedSpan> texts;
    EvaluationWork work{"base", selection.suppressed, rows, benign, texts};
    Evaluation base = evaluate(setup, *model, work, session);
    Replies const replies = base_replies(base.completions, layout);
    texts = held_out_texts(inputs, rows, replies);
    base.routing = evaluate_routing(setup, *model, work, session);
    work.more_rows.clear();
    std::string const routers = router_digest(*model);
    double evaluation_seconds = evaluating.seconds();

    TrainingSet const set = training_set(inputs, benign, replies);
    Stopwatch training;
    std::int64_t trained_tokens = 0;
    std::vector<std::pair<HardenArm, TrainedArm>> arms;
    for (HardenArm const arm : arms_of(spec)) {
        Progress progress(RunPhase::harden, "steps", layout.world, CountsAs::same_as_another);
        fs::path checkpoint;
        if (session.folder())
            checkpoint = session.folder()->folder() / "log" / fmt::format("harden-{}.state", to_string(arm));
        TrainingRequest const request{spec,
                                      set,
                                      choose_policy(setup, set, *model),
                                      checkpoint,
                                      training_identity(setup, loaded.digest(), arm, selection.selected),
                                      [&](StepRecord const& step) {
                                          trained_tokens += step.tokens;
                                          progress.update(step.step, spec.steps);
                                      },
                                      stop_request};
        arms.emplace_back(arm, train_arm(*model, layout, new_adapter(arm, spec, config, selection.selected), request));
        progress.finish();
        StepRecord const& last = arms.back().second.steps.back();
        say("harden", "{}: loss {:.4f} after {} (refusals {:.4f}, KL {:.4f})", to_string(arm), last.loss,
            plural(last.step, "step"), last.refusal_loss, last.kl);
    }
    double const training_seconds = training.seconds();

    Stopwatch judging;
    model.reset();
    OutcomeInput const measured{inputs, config, rows, selection.suppressed, texts, base};
    std::vector<ArmOutcome> outcomes;
    if (layout.is_final_rank()) outcomes.push_back(base_outcome(measured));
    std::vector<ArmFacts> facts;
    for (auto const& [arm, trained] : arms) {
        std::unique_ptr<Decoder> const hardened = load_hardened(setup, trained.adapter);
        work.model_name = to_string(arm);
        Evaluation const evaluation = evaluate(setup, *hardened, work, session);
        bool const same_routers = router_digest(*hardened) == routers;
        facts.push_back(facts_of(arm, trained, config));
        if (layout.is_final_rank())
            outcomes.push_back(arm_outcome(measured, std::string(to_string(arm)), evaluation, same_routers));
    }
    evaluation_seconds += judging.seconds();
    std::string verdict;
    if (layout.is_final_rank()) {
        RunDirectory& run = *session.folder();
        std::vector<Gate> const gates = gates_of(outcomes, spec.limits, config.top_k);
        std::vector<std::pair<std::string, std::vector<StepRecord>>> steps;
        for (auto const& [arm, trained] : arms) {
            steps.emplace_back(to_string(arm), trained.steps);
            write_hardened(adapter_folder(run, arm), trained.adapter, config, gates, std::string(to_string(arm)));
        }
        run.write_table("harden_arms", arms_table(facts));
        run.write_table("harden_steps", steps_table(steps));
        run.write_table("harden_gates", gates_table(gates));
        run.write_table("harden_robustness", robustness_table(outcomes, selection.suppressed));
        verdict = verdict_of(gates);
    }
    layout.world.broadcast_value(verdict, layout.final_rank());
    say("harden", verdict);
    return {{"harden_training", training_seconds, trained_tokens}, {"harden_evaluation", evaluation_seconds, 0}};
}

}  // namespace gatesweep
