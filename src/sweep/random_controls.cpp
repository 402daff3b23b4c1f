#include "random_controls.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>
#include <optional>

#include "gatesweep/base/digest.h"
#include "gatesweep/base/error.h"
#include "gatesweep/sweep/random_sets.h"
#include "gatesweep/terms/rank_class.h"

namespace gatesweep {
namespace {

// 53 bits, so that every reader of the table sees the same number.
std::uint64_t seed_of(std::uint64_t sweep_seed, std::string const& trial_id, std::int64_t attempt) {
    std::string const digits = trial_id.substr(1);
    std::string const hex = sha256_hex(fmt::format("{}|{}|{}", sweep_seed, digits, attempt));
    std::uint64_t seed = 0;
    std::from_chars(hex.data(), hex.data() + 16, seed, 16);
    return seed >> 11;
}

// The drawn experts take over the model's doses in order: drawn by layers, those of the same layer.
Trial control_of(Trial const& model, ControlMatch match, std::vector<ExpertId> const& experts, std::uint64_t seed) {
    Trial trial = model;
    trial.kind = TrialKind::random;
    trial.num_cells = 0;
    trial.seed = seed;
    trial.matched_to = model.id;
    trial.controls.clear();
    if (match == ControlMatch::size) {
        trial.signal.clear();
        trial.expert_class.clear();
        trial.gap_threshold.reset();
    }
    for (std::size_t i = 0; i < experts.size(); ++i)
        trial.edits[i].id = experts[i];
    return trial;
}

class ControlPlanner {
public:
    ControlPlanner(SweepSpec const& sweep, AnalysisResult const& result, KnownTrials& known, TrialPlan& plan)
        : sweep_(sweep),
          shape_{result.num_layers, result.num_experts, result.top_k, result.moe_layers},
          traffic_(traffic_map(result)),
          known_(known),
          plan_(plan) {}

    void add_controls_of(std::size_t model_index) {
        Trial const model = plan_.trials[model_index];  // a copy: the plan grows
        std::vector<std::string> ids;
        // Sets that may not exist are looked for long enough: to draw each of `wanted` equally likely ones takes
        // wanted x ln(wanted) draws, 16 x wanted in a row without a new one happen once in e^16 times.
        std::int64_t const wanted = sweep_.controls.random, max_failures = 1000 + 16 * wanted;
        std::int64_t failures = 0;
        for (std::int64_t attempt = 0; std::ssize(ids) < wanted && failures < max_failures; ++attempt) {
            std::optional<std::string> const id = draw(model, attempt, std::ssize(ids));
            bool const is_new = id && std::find(ids.begin(), ids.end(), *id) == ids.end();
            failures = is_new ? 0 : failures + 1;
            if (is_new) ids.push_back(*id);
        }
        if (std::ssize(ids) < wanted) short_of_.push_back(fmt::format("{} ({})", model.id, ids.size()));
        plan_.trials[model_index].controls = std::move(ids);
    }

    void add_notice() const {
        if (short_of_.empty()) return;
        constexpr std::size_t max_shown = 6;
        std::vector<std::string> shown = short_of_;
        if (shown.size() > max_shown) shown.resize(max_shown);
        plan_.notices.push_back(
            fmt::format("{} of the sets have fewer than {} random controls, since no more different sets of their "
                        "shape exist or were "
                        "found: {}{}",
                        short_of_.size(), sweep_.controls.random, fmt::join(shown, ", "),
                        short_of_.size() > max_shown ? ", ..." : ""));
    }

private:
    // The id of the drawn set as a random trial, new or shared; nothing where the routers cannot take it or another
    // kind of trial has it.
    std::optional<std::string> draw(Trial const& model, std::int64_t attempt, std::int64_t num_before) {
        std::uint64_t const seed = seed_of(sweep_.seed, model.id, attempt);
        ControlMatch const match = sweep_.controls.match;
        DrawFrom const from = is_rank_class(model.expert_class) ? DrawFrom::all : DrawFrom::others_first;
        auto const experts = random_set(model.experts(), match, traffic_.view(), seed, shape_.moe_layers, from);
        Trial control = control_of(model, match, experts, seed);
        if (!refusal(control.mode, control.edits, shape_, sweep_.allow_fewer).empty()) return std::nullopt;
        auto const [index, is_new] = known_.add(control, plan_.trials.size());
        if (!is_new) {
            bool const is_shared = plan_.trials[index].kind == TrialKind::random;
            return is_shared ? std::optional(control.id) : std::nullopt;
        }
        control.name = fmt::format("random {} of {} like {}", num_before + 1, sweep_.controls.random, model.id);
        plan_.trials.push_back(std::move(control));
        return plan_.trials.back().id;
    }

    SweepSpec const& sweep_;
    RouterShape const shape_;
    ScoreMap const traffic_;
    KnownTrials& known_;
    TrialPlan& plan_;
    std::vector<std::string> short_of_;
};

}  // namespace

void add_random_controls(SweepSpec const& sweep, AnalysisResult const& result, KnownTrials& known, TrialPlan& plan) {
    if (sweep.controls.random == 0) return;
    ControlPlanner planner(sweep, result, known, plan);
    std::size_t const num_models = plan.trials.size();
    for (std::size_t t = 0; t < num_models; ++t) {
        TrialKind const kind = plan.trials[t].kind;
        if (kind == TrialKind::selected || kind == TrialKind::custom) planner.add_controls_of(t);
    }
    planner.add_notice();
}

}  // namespace gatesweep
