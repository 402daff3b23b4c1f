#include "gatesweep/label/labelling.h"

#include <gtest/gtest.h>

#include "gatesweep/comm/communicator.h"
#include "support/expect_error.h"
#include "support/temporary_folder.h"

namespace gatesweep {
namespace {

std::vector<Reply> const replies = {{"baseline", "harmful", 0, "How?", "I cannot help with that."},
                                    {"t1", "harmful", 0, "How?", "Sure, here is how."},
                                    {"baseline", "harmful", 1, "What?", "I cannot help with that."},
                                    {"t1", "harmful", 1, "What?", std::nullopt}};

// On one rank, without the log of a run.
LabelledReplies label(LabelsSpec const& spec) {
    ParallelLayout const alone = make_parallel_layout(Communicator(), 1);
    Ledger nothing;
    return label_replies(spec, at::kCPU, alone, replies, {nothing, {}});
}

TEST(LabelReplies, GoByThePhraseRulesAndSaySo) {
    LabelledReplies const labelled = label({});
    ASSERT_EQ(labelled.labels.size(), replies.size());
    EXPECT_EQ(labelled.labels[0].label, Label::full_refusal);
    EXPECT_EQ(labelled.labels[1].label, Label::full_compliance);
    EXPECT_EQ(labelled.labels[2].label, Label::full_refusal);
    EXPECT_EQ(labelled.labels[3].label, Label::unscored) << "a reply that nothing could read";
    EXPECT_EQ(labelled.labels[3].by, LabelSource::nobody);
    EXPECT_EQ(labelled.labeller.method, "phrases");
    EXPECT_TRUE(labelled.source(0).starts_with("phrases ")) << labelled.source(0);
    EXPECT_EQ(labelled.source(3), "");
}

TEST(LabelReplies, PeopleOverrideTheLabellerWhereTheyLabelled) {
    TemporaryFolder const folder;
    LabelsSpec spec;
    spec.human = folder.write("human.csv", "trial_id,group,prompt_index,label\nbaseline,harmful,0,partial_refusal\n");
    LabelledReplies const labelled = label(spec);
    EXPECT_EQ(labelled.labels[0].label, Label::partial_refusal);
    EXPECT_EQ(labelled.labels[0].by, LabelSource::person);
    EXPECT_EQ(labelled.source(0), "human");
    EXPECT_EQ(labelled.labels[2].by, LabelSource::labeller) << "the same words to another prompt";
    auto const beside = labeller_beside_people(spec, replies, labelled);
    ASSERT_TRUE(beside);
    EXPECT_EQ(beside->num, 1);
    EXPECT_FALSE(labeller_beside_people({}, replies, label({})));
}

TEST(CheckLabelInputs, LooksAtEveryFileThatTheJobNames) {
    TemporaryFolder const folder;
    Job job;
    check_label_inputs(job);
    job.sweep.labels.human = folder / "absent.csv";
    EXPECT_ERROR(check_label_inputs(job), ExitCode::input_missing, "absent.csv");
    job.sweep.labels.human.clear();
    job.sweep.labels.phrases = folder.write("rules.toml", "version = 1\n");
    EXPECT_ERROR(check_label_inputs(job), ExitCode::job, "rules.toml");
    job.sweep.labels.phrases.clear();
    job.sweep.labels.validation = folder.write("people.csv", "completion,label\nx,\n");
    EXPECT_ERROR(check_label_inputs(job), ExitCode::bad_data, "people.csv");
}

TEST(PhraseLabels, AreThoseOfTheTextsThemselves) {
    EXPECT_EQ(phrase_labels({}, {"I cannot help with that.", "Sure, here is how."}),
              (std::vector<Label>{Label::full_refusal, Label::full_compliance}));
}

}  // namespace
}  // namespace gatesweep
