#include "plan_harden.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <functional>
#include <numeric>

#include "app/text_columns.h"
#include "gatesweep/base/words.h"
#include "gatesweep/harden/arms.h"
#include "gatesweep/harden/trainer.h"
#include "gatesweep/run/harden_inputs.h"
#include "gatesweep/sweep/sweep_measures.h"
#include "plan_harden_memory.h"

namespace gatesweep {
namespace {

TrainingSet longest_set(Inputs const& inputs) {
    HardenSpec const& spec = inputs.job.harden;
    std::vector<TrainingText> refusals, others;
    for (AnsweredPrompt const& refusal : inputs.refusals)
        refusals.push_back({refusal.token_ids, refusal.first, true});
    for (std::int64_t const row : rows_of_groups(inputs.groups, spec.train.benign)) {
        TrainingText text{inputs.token_ids[static_cast<std::size_t>(row)], 0, false};
        text.first = std::ssize(text.token_ids);
        text.token_ids.resize(text.token_ids.size() + static_cast<std::size_t>(spec.max_new_tokens));
        others.push_back(std::move(text));
    }
    return split_texts(std::move(refusals), std::move(others), spec);
}

// The longest that a step can have.
std::vector<TrainingText> longest_step(TrainingSet set, HardenSpec const& spec) {
    for (auto* const texts : {&set.refusals, &set.others})
        std::ranges::stable_sort(*texts, std::greater(), [](TrainingText const& t) { return t.token_ids.size(); });
    bool const has_others = (spec.beta > 0.0 || spec.gamma > 0.0) && !set.others.empty();
    std::int64_t const num_refusals = has_others ? (spec.batch + 1) / 2 : spec.batch;
    std::vector<TrainingText> out;
    auto const add = [&](std::vector<TrainingText> const& from, std::int64_t count) {
        for (std::int64_t i = 0; i < count && !from.empty(); ++i)
            out.push_back(from[static_cast<std::size_t>(i) % from.size()]);
    };
    add(set.refusals, num_refusals);
    if (has_others) add(set.others, spec.batch - num_refusals);
    return out;
}

std::int64_t tokens_of(std::vector<TrainingText> const& texts) {
    return std::accumulate(texts.begin(), texts.end(), std::int64_t{0},
                           [](std::int64_t sum, TrainingText const& t) { return sum + std::ssize(t.token_ids); });
}

void measure_parts(std::vector<TrainingText> const& texts, std::int64_t num_parts, HardenWork& work) {
    if (texts.empty()) return;
    for (auto const& part : cut_into_parts(texts, num_parts)) {
        std::vector<TrainingText> chosen;
        for (std::size_t const i : part)
            chosen.push_back(texts[i]);
        RowCounts const rows = count_rows(chosen);
        work.part_tokens = std::max(work.part_tokens, rows.tokens);
        work.part_rows = std::max({work.part_rows, rows.refusal, rows.base});
    }
}

// Replies with each number of experts masked to the harmful prompts, one to each of the others; and the held-out
// prompts with their replies, read again for their routes.
SweepWork replies_work(Inputs const& inputs, std::vector<std::string> const& more_groups) {
    HardenSpec const& spec = inputs.job.harden;
    SweepWork out;
    auto const add = [&](std::vector<std::string> const& groups, std::int64_t times, std::int64_t reads) {
        for (std::int64_t const row : rows_of_groups(inputs.groups, groups)) {
            std::int64_t const tokens = std::ssize(inputs.token_ids[static_cast<std::size_t>(row)]);
            out.num_sequences += times;
            out.prompt_tokens += times * tokens;
            out.max_text_tokens += reads * (tokens + spec.max_new_tokens);
        }
    };
    add(spec.held_out.harmful, 1 + num_suppressed(spec), 1);
    add(spec.held_out.benign, 1, 1);
    add(spec.held_out.near_miss, 1, 1);
    add(more_groups, 1, 0);
    out.max_new_tokens = out.num_sequences * spec.max_new_tokens;
    return out;
}

}  // namespace

HardenWork harden_work(Inputs const& inputs, ModelConfig const& config) {
    HardenSpec const& spec = inputs.job.harden;
    HardenWork out;
    out.num_experts = num_selected(spec, config);
    std::vector<HardenArm> arms = {HardenArm::selected};
    arms.insert(arms.end(), spec.compare.begin(), spec.compare.end());
    out.num_arms = std::ssize(arms);
    for (HardenArm const arm : arms) {
        ArmSize const size = arm_size(arm, spec, config);
        out.arm_values.push_back(size.num_values);
        out.arm_ranks.push_back(size.rank);
    }
    TrainingSet const set = longest_set(inputs);
    out.num_refusals = std::ssize(set.refusals);
    out.num_others = std::ssize(set.others);
    out.num_validation = std::ssize(set.validation);
    std::vector<TrainingText> const step = longest_step(set, spec);
    out.step_tokens = tokens_of(step);
    measure_parts(step, spec.parts, out);
    std::int64_t const looks = spec.evaluate > 0 ? (spec.steps + spec.evaluate - 1) / spec.evaluate : 0;
    if (looks > 0) measure_parts(set.validation, spec.parts, out);
    out.trained_tokens = out.num_arms * spec.steps * out.step_tokens;
    out.validation_tokens = out.num_arms * looks * tokens_of(set.validation);
    out.base = replies_work(inputs, spec.train.benign);
    out.arm = replies_work(inputs, {});
    return out;
}

std::string harden_text(HardenWork const& w, HardenSpec const& spec) {
    return fmt::format(
        "{} x {} of at most {} tokens ({} and {}, {} kept for validation); {} replies to generate: at most {} new "
        "tokens",
        plural(w.num_arms, "arm"), plural(spec.steps, "step"), w.step_tokens, plural(w.num_refusals, "refusal"),
        plural(w.num_others, "benign text"), w.num_validation, w.base.num_sequences + w.num_arms * w.arm.num_sequences,
        w.base.max_new_tokens + w.num_arms * w.arm.max_new_tokens);
}

std::string harden_table(HardenMemory const& m, HardenWork const& work, RankMemory const& signals) {
    std::vector<std::vector<std::string>> rows = {{"hardening, on a rank", "size", "of what"}};
    auto const add = [&](std::string const& name, std::uint64_t size, std::string const& what) {
        rows.push_back({name, bytes_text(size), what});
    };
    add("adapters", m.adapters,
        fmt::format("{} values of the largest in float32, its two moments, those of the other arms",
                    std::ranges::max(work.arm_values)));
    add("  for products", m.products, "the adapter laid out, its ranks filled up");
    add("gradients", m.gradients, "float64: the sums, the rank's own, and what travels");
    add("activations, kept", m.tapes_kept,
        fmt::format("{} tokens of a part (harden.parts) through all layers", work.part_tokens));
    add("  or computed twice", m.tapes_recomputed, "when the others do not fit");
    add("logits", m.logits, fmt::format("of {} tokens at a time at most, with the base model's", work.part_rows));
    add("checkpoint", m.checkpoint, fmt::format("copies while {} are written (host memory)", bytes_text(m.file)));
    add("replies", m.replies, "keys and values of what is decoded at once, at most 256 sequences");
    std::array<std::pair<std::uint64_t, char const*>, 4> const phases = {{{m.step(true), "a step"},
                                                                          {m.save(), "writing a checkpoint"},
                                                                          {m.judging(), "judging"},
                                                                          {signals.tapes_kept, "the signals"}}};
    auto const& peak = *std::ranges::max_element(phases, {}, [](auto const& phase) { return phase.first; });
    add("most beside weights", peak.first, peak.second);
    return aligned(rows);
}

}  // namespace gatesweep
