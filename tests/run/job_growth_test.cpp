// What a job may add to one whose work is there already.
#include "gatesweep/run/job_growth.h"

#include <gtest/gtest.h>

#include <functional>

namespace gatesweep {
namespace {

CustomTrial trial(std::string const& name, std::vector<std::int64_t> const& expert) {
    CustomTrial out;
    out.name = name;
    out.experts = {expert};
    return out;
}

using Texts = std::vector<std::string>;

Job small_job() {
    Job job;
    job.model.path = "model";
    for (std::string const group : {"benign", "harmful", "near"}) {
        PromptSource& source = job.prompts.emplace_back();
        source.group = group;
        source.file = group + ".csv";
    }
    SweepSpec& sweep = job.sweep;
    sweep.enabled = true;
    sweep.prompts = {"harmful"};
    sweep.side_effects = {"benign"};
    sweep.signals = {"activation"};
    sweep.classes = {"benign-dominant"};
    sweep.sizes = std::vector<std::int64_t>{1, 5};
    sweep.gap_thresholds = {{"activation", {0.05}}};
    sweep.controls = {.random = 3};
    sweep.trials = {trial("mine", {0, 1})};
    return job;
}

Texts left(
    std::function<void(Job&)> const& change, std::function<void(Job&)> const& begin = [](Job&) {},
    std::optional<std::set<std::int64_t>> const& tried = std::nullopt) {
    Job before = small_job();
    begin(before);
    Job now = before;
    change(now);
    return differences_beyond_growth(before, now, tried);
}

TEST(JobGrowth, IsMoreOfAnything) {
    std::vector<std::function<void(Job&)>> const grown = {
        [](Job&) {},
        [](Job& j) {
            j.sweep.sizes = {10, 5, 3, 1};
        },
        [](Job& j) {
            j.sweep.signals = {"gradient", "activation"};
        },
        [](Job& j) { j.sweep.classes.push_back("malicious-dominant"); },
        [](Job& j) {
            j.sweep.gap_thresholds["activation"] = {0.03, 0.05};
        },
        [](Job& j) {
            j.sweep.modes = {EditMode::bias, EditMode::mask};
        },
        [](Job& j) { j.sweep.scopes.push_back(EditScope::decode); },
        [](Job& j) { j.sweep.bias.push_back(-4.0); },
        [](Job& j) { j.audit.conditions = {AuditCondition::topic}; },
        [](Job& j) { j.sweep.prompts.push_back("near"); },
        [](Job& j) { j.sweep.side_effects.push_back("near"); },
        [](Job& j) {
            j.sweep.trials.insert(j.sweep.trials.begin(), trial("another", {2, 2}));
        },
        [](Job& j) { j.sweep.controls = {.random = 20, .reverse = true, .bottom = true}; },
        [](Job& j) { j.sweep.screen.limit = 50; },
        [](Job& j) { j.sweep.allow_fewer = true; },
        [](Job& j) { j.sweep.slots = 7; },
        [](Job& j) { j.report = {.title = "Another", .mark = "marks.csv", .by = "type"}; },
    };
    for (std::size_t i = 0; i < grown.size(); ++i)
        EXPECT_EQ(left(grown[i]), Texts{}) << i;
    EXPECT_EQ(left([&](Job& j) {
                  for (auto const& change : grown)
                      change(j);
              }),
              Texts{})
        << "all at once";
    EXPECT_EQ(left([](Job& j) { j.sweep = small_job().sweep; }, [](Job& j) { j.sweep = SweepSpec(); }), Texts{})
        << "a sweep at all";
    EXPECT_EQ(left([](Job& j) { j.sweep.screen.enabled = true; }, [](Job& j) { j.sweep.screen.enabled = false; }),
              Texts{});
    // A threshold that was the analysis' own is one of a list.
    EXPECT_EQ(left(
                  [](Job& j) {
                      j.sweep.gap_thresholds["activation"] = {0.03, 0.05};
                  },
                  [](Job& j) { j.sweep.gap_thresholds.clear(); }),
              Texts{});
}

TEST(JobGrowth, IsNothingThatDropsOrChangesWhatIsThere) {
    auto const expect = [](std::string const& difference, std::function<void(Job&)> const& change) {
        auto const differences = left(change);
        ASSERT_FALSE(differences.empty()) << difference;
        EXPECT_EQ(differences.front().find(difference), 0u) << differences.front();
    };
    expect("sweep.sizes: was [1, 5], is [1, 4]", [](Job& j) { j.sweep.sizes = {1, 4}; });
    expect("sweep.sizes: was [1, 5], is \"auto\"", [](Job& j) { j.sweep.sizes.reset(); });
    expect("sweep.signals", [](Job& j) { j.sweep.signals = {"gradient"}; });
    expect("sweep.gap_thresholds", [](Job& j) { j.sweep.gap_thresholds["activation"] = {0.03}; });
    expect("analysis.activation", [](Job& j) {
        j.sweep.gap_thresholds.clear();
        j.analysis.limits(SignalKind::activation).gap = 0.07;
    });
    expect("sweep.controls", [](Job& j) { j.sweep.controls.random = 2; });
    expect("sweep.controls", [](Job& j) { j.sweep.controls.match = ControlMatch::size; });
    expect("sweep.max_new_tokens", [](Job& j) { j.sweep.max_new_tokens = 65; });
    expect("sweep.seed", [](Job& j) { j.sweep.seed = 2; });
    expect("sweep.trial 1.experts", [](Job& j) { j.sweep.trials[0].experts = {{0, 2}}; });
    expect("sweep.screen.limit", [](Job& j) { j.sweep.screen.limit = 10; });
    expect("sweep.labels.human", [](Job& j) { j.sweep.labels.human = "labels.csv"; });
    expect("sweep.side_effects", [](Job& j) { j.sweep.side_effects = {"near"}; });
    expect("analysis.activation", [](Job& j) { j.analysis.limits(SignalKind::activation).gap = 0.03; });
    expect("model.dtype", [](Job& j) { j.model.dtype = WeightType::bfloat16; });
    EXPECT_FALSE(left([](Job& j) { j.sweep = SweepSpec(); }).empty()) << "a sweep that goes away";
}

TEST(JobGrowth, MayListTheSizesThatWereAutomaticOnceTheyAreKnown) {
    auto const automatic = [](Job& j) { j.sweep.sizes.reset(); };
    auto const listed = [](Job& j) { j.sweep.sizes = {1, 2, 3, 4, 5, 7}; };
    EXPECT_EQ(left(listed, automatic, std::set<std::int64_t>{1, 2, 3, 5}), Texts{});
    EXPECT_FALSE(left(listed, automatic, std::set<std::int64_t>{1, 2, 3, 6}).empty());
    EXPECT_FALSE(left(listed, automatic).empty());
    EXPECT_EQ(left([](Job&) {}, automatic), Texts{});
}

}  // namespace
}  // namespace gatesweep
