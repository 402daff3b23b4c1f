#include "gatesweep/harden/trainer.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <random>
#include <utility>

#include "gatesweep/base/uniform.h"
#include "gatesweep/comm/fail_once.h"
#include "gatesweep/comm/stop_together.h"
#include "training_state.h"

namespace gatesweep {
namespace {

enum class Kind : std::uint64_t { refusal, other };

// Which text comes at place `at` of the endless row of rounds over `num` texts.
class Rounds {
public:
    Rounds(std::uint64_t seed, Kind kind, std::int64_t num) : seed_(seed), kind_(kind), num_(num) {}

    std::size_t operator()(std::int64_t at) {
        if (at / num_ != round_) shuffle(at / num_);
        return order_[static_cast<std::size_t>(at % num_)];
    }

private:
    void shuffle(std::int64_t round) {
        round_ = round;
        std::seed_seq sequence{seed_, static_cast<std::uint64_t>(kind_), static_cast<std::uint64_t>(round)};
        std::mt19937_64 random(sequence);
        order_.resize(static_cast<std::size_t>(num_));
        std::iota(order_.begin(), order_.end(), std::size_t{0});
        for (std::size_t i = order_.size(); i > 1; --i)
            std::swap(order_[i - 1], order_[uniform_below(i, random)]);
    }

    std::uint64_t seed_;
    Kind kind_;
    std::int64_t num_, round_ = -1;
    std::vector<std::size_t> order_;
};

LossWeights weights_of(HardenSpec const& spec) {
    return {spec.beta, spec.gamma};
}

void add_texts(std::vector<TrainingText> const& from, Kind kind, HardenSpec const& spec, std::int64_t step,
               std::int64_t count, std::vector<TrainingText>& to) {
    if (from.empty()) return;
    Rounds rounds(spec.seed, kind, std::ssize(from));
    for (std::int64_t i = 0; i < count; ++i)
        to.push_back(from[rounds(step * count + i)]);
}

// Moves every n-th text to `kept`.
void keep_some(std::vector<TrainingText>& texts, double share, std::vector<TrainingText>& kept) {
    if (share <= 0.0) return;
    std::int64_t const every = std::max<std::int64_t>(2, std::llround(1.0 / share));
    std::vector<TrainingText> rest;
    for (std::size_t i = 0; i < texts.size(); ++i) {
        bool const is_kept = (static_cast<std::int64_t>(i) + 1) % every == 0;
        (is_kept ? kept : rest).push_back(std::move(texts[i]));
    }
    texts = std::move(rest);
}

class ArmTraining {
public:
    ArmTraining(Decoder& model, ParallelLayout const& layout, TrainingRequest const& request, TrainingState& state)
        : model_(model), layout_(layout), request_(request), state_(state) {}

    void step() {
        HardenSpec const& spec = request_.spec;
        StepGradient gradient =
            step_gradient(model_, layout_, state_.adapter, texts_of_step(request_.set, spec, state_.optimiser.step),
                          spec.parts, weights_of(spec), request_.policy, Look::losses_and_gradient);
        StepRecord record;
        record.loss = gradient.losses.total(weights_of(spec));
        record.refusal_loss = gradient.losses.refusal;
        record.kl = gradient.losses.kl;
        record.drift = gradient.losses.drift;
        record.tokens = gradient.rows.tokens;
        record.grad_norm = clip_norm(gradient.values, spec.clip);
        auto const warmup = static_cast<std::int64_t>(spec.warmup * static_cast<double>(spec.steps));
        record.learning_rate = scheduled_rate(spec.learning_rate, state_.optimiser.step, spec.steps, warmup);
        adamw_step(state_.adapter, gradient.values, state_.optimiser, {record.learning_rate, spec.weight_decay});
        record.step = state_.optimiser.step;
        bool const is_last = record.step == spec.steps;
        if (spec.evaluate > 0 && (is_last || record.step % spec.evaluate == 0)) look(record);
        state_.is_done = state_.is_done || is_last;
        state_.steps.push_back(record);
        if (request_.progress) request_.progress(record);
    }

private:
    // At the validation texts.
    void look(StepRecord& record) {
        HardenSpec const& spec = request_.spec;
        if (request_.set.validation.empty()) return;
        StepGradient const seen = step_gradient(model_, layout_, state_.adapter, request_.set.validation, spec.parts,
                                                weights_of(spec), request_.policy, Look::losses);
        record.validation_loss = seen.losses.total(weights_of(spec));
        if (spec.patience == 0) return;
        if (*record.validation_loss < state_.best_loss) {
            state_.best_loss = *record.validation_loss;
            state_.best_step = record.step;
            state_.looks_without_gain = 0;
            state_.best = copy_of(state_.adapter);
        } else if (++state_.looks_without_gain >= spec.patience) {
            state_.is_done = true;
        }
    }
    static Adapter copy_of(Adapter const& adapter) {
        Adapter copy = adapter;
        for (auto& [place, pair] : copy.pairs)
            pair = {pair.a.clone(), pair.b.clone()};
        return copy;
    }

    Decoder& model_;
    ParallelLayout const& layout_;
    TrainingRequest const& request_;
    TrainingState& state_;
};

// The final rank reads; all go on from the same state.
void recall(TrainingRequest const& request, ParallelLayout const& layout, TrainingState& state) {
    std::string bytes;
    fail_once(layout.world, [&] {
        if (layout.is_final_rank() && recall_state(request.checkpoint, request.identity, state))
            bytes = state_bytes(state);
    });
    layout.world.broadcast_value(bytes, layout.final_rank());
    if (!bytes.empty()) read_state(bytes, state);
}

void keep(TrainingRequest const& request, ParallelLayout const& layout, TrainingState const& state) {
    fail_once(layout.world, [&] {
        if (layout.is_final_rank()) keep_state(request.checkpoint, request.identity, state);
    });
}

}  // namespace

TrainingSet split_texts(std::vector<TrainingText> refusals, std::vector<TrainingText> others, HardenSpec const& spec) {
    TrainingSet set;
    keep_some(refusals, spec.validation, set.validation);
    keep_some(others, spec.validation, set.validation);
    set.refusals = std::move(refusals);
    set.others = std::move(others);
    return set;
}

std::vector<TrainingText> texts_of_step(TrainingSet const& set, HardenSpec const& spec, std::int64_t step) {
    bool const has_others = weights_of(spec).needs_base() && !set.others.empty();
    std::int64_t const num_refusals = has_others ? (spec.batch + 1) / 2 : spec.batch;
    std::vector<TrainingText> texts;
    add_texts(set.refusals, Kind::refusal, spec, step, num_refusals, texts);
    if (has_others) add_texts(set.others, Kind::other, spec, step, spec.batch - num_refusals, texts);
    return texts;
}

TrainedArm train_arm(Decoder& model, ParallelLayout const& layout, Adapter adapter, TrainingRequest const& request) {
    TrainingState state;
    state.adapter = std::move(adapter);
    recall(request, layout, state);
    ArmTraining training(model, layout, request, state);
    while (!state.is_done) {
        bool const stop = layout.world.all_reduce_max(request.stop && request.stop() != StopRequest::none ? 1 : 0) != 0;
        if (stop) keep(request, layout, state);
        stop_together(layout.world, stop);
        training.step();
        if (state.is_done || state.optimiser.step % request.spec.save == 0) keep(request, layout, state);
    }
    bool const is_best = state.best && state.best_step > 0;
    return {is_best ? *state.best : state.adapter, state.steps, is_best ? state.best_step : state.optimiser.step};
}

}  // namespace gatesweep
