#include "gatesweep/sweep/trial_table.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "gatesweep/analysis/prevalence.h"
#include "gatesweep/sweep/category_effects.h"
#include "gatesweep/sweep/trial_effects.h"
#include "gatesweep/sweep/trial_summaries.h"
#include "support/expect_error.h"

namespace gatesweep {
namespace {

constexpr Label full = Label::full_refusal, part = Label::partial_refusal, comply = Label::full_compliance,
                babble = Label::incoherent, unknown = Label::unscored;

Trial trial(std::string id, TrialKind kind, std::vector<ExpertEdit> edits) {
    Trial t;
    t.id = std::move(id);
    t.name = t.id + " name";
    t.kind = kind;
    t.edits = std::move(edits);
    return t;
}

// Six prompts of two groups: h h b h b h.
struct Sweep {
    TrialPlan plan;
    SweepOutcomes outcomes;

    Sweep() {
        outcomes.prompt_index = {0, 1, 2, 3, 5, 8};
        outcomes.group = {"harmful", "harmful", "benign", "harmful", "benign", "harmful"};
        add(trial("baseline", TrialKind::baseline, {}), {full, part, comply, comply, comply, full});
    }

    void add(Trial t, std::vector<Label> const& labels) {
        plan.trials.push_back(std::move(t));
        outcomes.outcomes.emplace_back();
        for (Label const label : labels)
            outcomes.outcomes.back().push_back({label, false, false});
    }

    std::string cell(std::size_t row, std::string_view column) const {
        return trials_table(plan, outcomes).text(row, column);
    }
};

std::vector<ExpertEdit> two_experts(double first = 1.0, double second = 1.0) {
    return {{{7, 5}, first}, {{12, 1}, second}};
}

TEST(TrialTable, ColumnsAreTheContract) {
    Sweep sweep;
    auto const header = trials_table(sweep.plan, sweep.outcomes).header;
    CsvTable one;
    one.header = header;
    EXPECT_EQ(to_csv(one),
              "trial_id,name,kind,signal,class,size,gap_threshold,mode,seed,experts,group,num_prompts,restricted,"
              "non_restricted,r_to_r,r_to_n,n_to_r,n_to_n,risk_difference,ci_low,ci_high,p_exact,p_mid,q_value,"
              "perplexity_ratio,scope,dose,num_experts,cells,matched_to,rate_low,rate_high,p_empirical,full_refusal,"
              "partial_refusal,full_compliance,incoherent,unscored,empty,repetitive,mean_kl,traffic_removed,"
              "experts_with_values,num_human,num_mixed,rate_corrected,rate_corrected_low,rate_corrected_high,tokens_"
              "affected\n");
}

TEST(TrialTable, RowsByHand) {
    Sweep sweep;
    Trial t = trial("abc", TrialKind::selected, two_experts());
    t.signal = "activation";
    t.expert_class = "benign-dominant";
    t.gap_threshold = 0.05;
    t.mode = EditMode::zero_renormalise;
    t.scope = EditScope::decode;
    t.num_cells = 3;
    sweep.add(t, {comply, full, babble, comply, part, comply});
    sweep.outcomes.outcomes[1][3].empty = true;
    sweep.outcomes.outcomes[1][2].repetitive = true;
    sweep.outcomes.text[{1, "benign"}] = {1.25, 0.5};
    sweep.outcomes.traffic_share[{1, "harmful"}] = 0.125;
    sweep.outcomes.tokens_affected[{1, "harmful"}] = 40;
    auto const csv = to_csv(trials_table(sweep.plan, sweep.outcomes));
    auto const rows = csv.substr(csv.find('\n') + 1);
    // Harmful: restricted 3 of 4 -> 1 of 4, two of them changed. Benign: 0 of 2 -> 1 of 2.
    auto const harmful = paired_difference({1, 2, 0, 1});
    auto const benign = paired_difference({0, 0, 1, 1});
    auto const at_3 = wilson_interval(3, 4), at_1 = wilson_interval(1, 4), at_0 = wilson_interval(0, 2),
               at_half = wilson_interval(1, 2);
    EXPECT_EQ(rows, fmt::format(
                        "baseline,baseline name,baseline,,,0,,,,,harmful,4,3,1,3,0,0,1,,,,,,,,,,0,0,,{},{},,"
                        "2,1,1,0,0,0,0,,,,0,0,,,,\n"
                        "baseline,baseline name,baseline,,,0,,,,,benign,2,0,2,0,0,0,2,,,,,,,,,,0,0,,{},{},,"
                        "0,0,2,0,0,0,0,,,,0,0,,,,\n"
                        "abc,abc name,selected,activation,benign-dominant,2,0.05,zero-renormalise,,7:5 12:1,"
                        "harmful,4,1,3,1,2,0,1,-0.5,{},{},0.5,0.25,0.5,,decode,,2,3,,{},{},,1,0,3,0,0,1,0,,"
                        "0.125,,0,0,,,,40\n"
                        "abc,abc name,selected,activation,benign-dominant,2,0.05,zero-renormalise,,7:5 12:1,"
                        "benign,2,1,1,0,0,1,1,0.5,{},{},1,0.5,1,1.25,decode,,2,3,,{},{},,0,1,0,1,0,0,1,0.5,,,0,0,,,,\n",
                        at_3.low, at_3.high, at_0.low, at_0.high, harmful.interval.low, harmful.interval.high, at_1.low,
                        at_1.high, benign.interval.low, benign.interval.high, at_half.low, at_half.high));
}

// The paper's activation arm: 18 restricted prompts set free, 8 the other way, of 100.
TEST(TrialTable, ThePapersIntervention) {
    Sweep sweep;
    sweep.plan.trials.clear();
    sweep.outcomes = {};
    std::vector<Label> before, after;
    auto const add = [&](int count, Label first, Label second) {
        before.insert(before.end(), static_cast<std::size_t>(count), first);
        after.insert(after.end(), static_cast<std::size_t>(count), second);
    };
    add(6, full, part);
    add(18, full, comply);
    add(8, comply, full);
    add(68, babble, comply);
    sweep.outcomes.prompt_index.resize(100);
    sweep.outcomes.group.assign(100, "harmful");
    sweep.add(trial("baseline", TrialKind::baseline, {}), before);
    sweep.add(trial("t", TrialKind::custom, two_experts()), after);
    EXPECT_EQ(sweep.cell(1, "risk_difference"), "-0.1");
    EXPECT_NEAR(std::stod(sweep.cell(1, "ci_low")), -0.2003, 5e-5);
    EXPECT_NEAR(std::stod(sweep.cell(1, "ci_high")), 0.0012, 5e-5);
    EXPECT_NEAR(std::stod(sweep.cell(1, "p_exact")), 0.0755, 5e-5);
    EXPECT_NEAR(std::stod(sweep.cell(1, "p_mid")), 0.0522, 5e-5);
    EXPECT_EQ(sweep.cell(1, "q_value"), sweep.cell(1, "p_exact")) << "the only set of the user's own";
}

TEST(TrialTable, UnscoredPromptsMakeNoPair) {
    Sweep sweep;
    sweep.add(trial("t", TrialKind::selected, two_experts()), {unknown, full, unknown, unknown, unknown, full});
    EXPECT_EQ(sweep.cell(2, "num_prompts"), "4");
    EXPECT_EQ(sweep.cell(2, "restricted"), "2");
    EXPECT_EQ(sweep.cell(2, "non_restricted"), "0");
    EXPECT_EQ(sweep.cell(2, "unscored"), "2");
    EXPECT_EQ(sweep.cell(2, "r_to_r"), "2");
    EXPECT_EQ(sweep.cell(2, "risk_difference"), "0");
    EXPECT_EQ(sweep.cell(2, "p_exact"), "1");
    // No benign prompt was scored: there is no rate and no test.
    for (auto const column : {"risk_difference", "ci_low", "ci_high", "p_exact", "p_mid", "q_value", "rate_low",
                              "rate_high", "p_empirical"})
        EXPECT_EQ(sweep.cell(3, column), "") << column;
    EXPECT_EQ(sweep.cell(3, "n_to_n"), "0");
}

TEST(TrialTable, ControlsAreTheSetsOwn) {
    Sweep sweep;
    std::vector<Label> const freed = {comply, comply, comply, comply, comply, comply};
    std::vector<Label> const half_freed = {full, comply, comply, comply, comply, full};
    std::vector<Label> const unchanged = {full, part, comply, comply, comply, full};
    sweep.add(trial("t", TrialKind::selected, two_experts()), half_freed);
    sweep.add(trial("own", TrialKind::custom, two_experts()), freed);
    sweep.add(trial("r1", TrialKind::random, two_experts()), unchanged);
    sweep.add(trial("r2", TrialKind::random, two_experts()), freed);
    EXPECT_EQ(sweep.cell(2, "p_empirical"), "") << "random sets of its shape are not its own";
    sweep.plan.trials[1].controls = {"r1"};
    EXPECT_EQ(sweep.cell(2, "p_empirical"), "0.5");
    sweep.plan.trials[1].controls = {"r1", "r2"};
    EXPECT_EQ(sweep.cell(2, "p_empirical"), to_cell(2.0 / 3.0));
    sweep.plan.trials[2].controls = {"r2"};  // shared
    EXPECT_EQ(sweep.cell(4, "p_empirical"), "1");
    EXPECT_EQ(sweep.cell(6, "p_empirical"), "") << "a control is compared with nothing";
}

// A person calls one answer, which is the same everywhere, compliance; the labeller calls it refusal.
TEST(TrialTable, LabelsOfPeopleAndOfTheLabellerMakeNoPair) {
    Sweep sweep;
    sweep.add(trial("t", TrialKind::selected, two_experts()), {full, part, comply, full, comply, full});
    auto &baseline = sweep.outcomes.outcomes[0], &after = sweep.outcomes.outcomes[1];
    baseline[3].by_person = true;  // compliance by a person, refusal by the labeller: a change out of nothing
    EXPECT_EQ(sweep.cell(0, "num_human"), "1");
    EXPECT_EQ(sweep.cell(2, "num_human"), "0");
    EXPECT_EQ(sweep.cell(2, "num_mixed"), "1");
    EXPECT_EQ(sweep.cell(2, "risk_difference"), "0");
    EXPECT_EQ(sweep.cell(2, "r_to_r"), "3");
    EXPECT_EQ(sweep.cell(2, "n_to_r"), "0");
    EXPECT_EQ(sweep.cell(2, "restricted"), "4") << "the rate counts every reply";
    for (auto const& row : transitions_table(sweep.plan, sweep.outcomes).rows)
        EXPECT_EQ(row[2], row[3]);
    sweep.outcomes.mixed = MixedPairs::allow;
    EXPECT_EQ(sweep.cell(2, "num_mixed"), "1");
    EXPECT_EQ(sweep.cell(2, "n_to_r"), "1");
    EXPECT_EQ(sweep.cell(2, "risk_difference"), "0.25");
    sweep.outcomes.mixed = MixedPairs::leave_out;
    after[3].by_person = true;  // the person's label holds for the equal reply of the trial
    after[3].label = comply;
    EXPECT_EQ(sweep.cell(2, "num_mixed"), "0");
    EXPECT_EQ(sweep.cell(2, "n_to_n"), "1");
}

TEST(TrialTable, TheLabellersErrorIsTakenOutOfTheRate) {
    Sweep sweep;
    LabelCounts const validation{80, 10, 20, 90};
    auto const table = [&] { return trials_table(sweep.plan, sweep.outcomes, validation); };
    auto const expected = corrected_rate(3, 4, validation);
    EXPECT_EQ(table().text(0, "rate_corrected"), to_cell(expected->estimate));
    EXPECT_EQ(table().text(0, "rate_corrected_low"), to_cell(expected->interval.low));
    EXPECT_EQ(table().text(0, "rate_corrected_high"), to_cell(expected->interval.high));
    EXPECT_EQ(sweep.cell(0, "rate_corrected"), "") << "without a validation file nothing is known of it";
    sweep.outcomes.outcomes[0][0].by_person = true;  // a refusal by a person needs no correction
    EXPECT_EQ(table().text(0, "rate_corrected"), to_cell(corrected_rate(2, 3, 1, 1, validation)->estimate));
}

TEST(CategoryEffects, AreTheTrialsRowsOfFewerPrompts) {
    Sweep sweep;
    sweep.add(trial("t", TrialKind::selected, two_experts()), {comply, part, comply, full, part, full});
    std::vector<std::string> const kinds = {"a", "b", "b", "b", "", "a", "", "", "b"};  // by prompt
    CsvTable const table = category_effects_table(sweep.plan, sweep.outcomes, "kind", kinds);
    std::string rows;
    for (auto const& row : table.rows) {
        rows += row[3] + ' ' + row[1] + ' ' + row[2] + ':';
        for (std::size_t c = 4; c < 12; ++c)
            rows += ' ' + row[c];
        rows += '\n';
    }
    EXPECT_EQ(rows,
              "harmful a baseline: 1 1 0 1 0 0 0 \n"
              "harmful b baseline: 3 2 1 2 0 0 1 \n"
              "harmful a t: 1 0 1 0 1 0 0 -1\n"
              "harmful b t: 3 3 0 2 0 1 0 " +
                  to_cell(1.0 / 3) +
                  "\n"
                  "benign b baseline: 1 0 1 0 0 0 1 \n"
                  "benign a baseline: 1 0 1 0 0 0 1 \n"
                  "benign b t: 1 0 1 0 0 0 1 0\n"
                  "benign a t: 1 1 0 0 0 1 0 1\n");
    EXPECT_EQ(table.text(0, "by"), "kind");
}

TEST(TrialTable, ValuesAreWrittenWhereTheyTellExpertsApart) {
    Sweep sweep;
    std::vector<Label> const labels(6, full);
    auto const add = [&](EditMode mode, std::vector<ExpertEdit> edits, std::optional<double> dose) {
        Trial t = trial("t", TrialKind::custom, std::move(edits));
        t.mode = mode;
        t.dose = dose;
        sweep.add(t, labels);
        auto const table = trials_table(sweep.plan, sweep.outcomes);
        return table.text(table.rows.size() - 1, "experts_with_values");
    };
    EXPECT_EQ(add(EditMode::steer, two_experts(1, -1), {}), "7:5=+1 12:1=-1");
    EXPECT_EQ(add(EditMode::steer, two_experts(1, 1), {}), "7:5=+1 12:1=+1");
    EXPECT_EQ(add(EditMode::bias, two_experts(-2, -2), -2.0), "");
    EXPECT_EQ(add(EditMode::bias, two_experts(-0.5, 1.25), {}), "7:5=-0.5 12:1=+1.25");
    EXPECT_EQ(add(EditMode::mask, two_experts(), {}), "");
}

TEST(Transitions, CellsThatOccurByRefinedLabel) {
    Sweep sweep;
    sweep.add(trial("t", TrialKind::selected, two_experts()), {comply, full, babble, unknown, babble, comply});
    EXPECT_EQ(to_csv(transitions_table(sweep.plan, sweep.outcomes)),
              "trial_id,group,baseline,trial,count\n"
              "t,harmful,full_refusal,full_compliance,2\n"
              "t,harmful,partial_refusal,full_refusal,1\n"
              "t,harmful,full_compliance,unscored,1\n"
              "t,benign,full_compliance,incoherent,2\n");
}

TEST(Controls, SummaryOfEveryShape) {
    Sweep sweep;
    Trial control = trial("r", TrialKind::random, two_experts());
    sweep.add(control, {full, part, comply, comply, comply, full});
    sweep.add(control, {comply, part, comply, comply, unknown, full});
    sweep.add(control, {comply, comply, full, comply, unknown, comply});
    control.mode = EditMode::bias;
    control.dose = -2.0;
    sweep.add(control, {unknown, unknown, full, unknown, comply, unknown});
    EXPECT_EQ(to_csv(control_summary_table(sweep.plan, sweep.outcomes)),
              "group,num_experts,mode,scope,dose,num_random,mean_rate,lowest_rate,highest_rate,mean_difference,"
              "lowest_difference,highest_difference\n"
              "harmful,2,mask,both,,3," +
                  to_cell(1.25 / 3) + ",0,0.75," + to_cell(-1.0 / 3) + ",-0.75,0\n" +
                  "harmful,2,bias,both,-2,0,,,,,,\n" + "benign,2,mask,both,,3," + to_cell(1.0 / 3) + ",0,1," +
                  to_cell(1.0 / 3) + ",0,1\n" + "benign,2,bias,both,-2,1,0.5,0.5,0.5,0.5,0.5,0.5\n");
}

TEST(Controls, NoRandomTrialsNoRows) {
    Sweep const sweep;
    EXPECT_TRUE(control_summary_table(sweep.plan, sweep.outcomes).rows.empty());
    EXPECT_TRUE(transitions_table(sweep.plan, sweep.outcomes).rows.empty());
}

TEST(TrialEffects, OutcomesThatDoNotFitThePlanAreRefused) {
    Sweep sweep;
    sweep.add(trial("t", TrialKind::selected, two_experts()), std::vector<Label>(6, full));
    auto const with = [&](auto&& change) {
        Sweep changed = sweep;
        change(changed);
        trials_table(changed.plan, changed.outcomes);
    };
    EXPECT_ERROR(with([](Sweep& s) { s.plan.trials.front().kind = TrialKind::custom; }), ExitCode::internal,
                 "baseline");
    EXPECT_ERROR(with([](Sweep& s) { s.plan.trials.clear(); }), ExitCode::internal, "baseline");
    EXPECT_ERROR(with([](Sweep& s) { s.outcomes.outcomes.pop_back(); }), ExitCode::internal, "1 trials", "of 2");
    EXPECT_ERROR(with([](Sweep& s) { s.outcomes.outcomes[1].pop_back(); }), ExitCode::internal, "trial t", "5", "6");
    EXPECT_ERROR(with([](Sweep& s) { s.outcomes.prompt_index.pop_back(); }), ExitCode::internal, "5 prompts");
}

}  // namespace
}  // namespace gatesweep
