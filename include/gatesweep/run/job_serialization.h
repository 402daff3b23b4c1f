// What travels between ranks as values, by Boost.Serialization: the control plane.
#pragma once

#include <boost/serialization/map.hpp>
#include <boost/serialization/string.hpp>
#include <boost/serialization/vector.hpp>

#include <filesystem>
#include <string>

#include "gatesweep/input/job.h"
#include "gatesweep/run/inputs.h"
#include "gatesweep/sweep/plan_serialization.h"

namespace boost::serialization {

template <class Archive>
void save(Archive& archive, std::filesystem::path const& path, unsigned int) {
    std::string const text = path.string();
    archive << text;
}
template <class Archive>
void load(Archive& archive, std::filesystem::path& path, unsigned int) {
    std::string text;
    archive >> text;
    path = text;
}
template <class Archive>
void serialize(Archive& archive, std::filesystem::path& path, unsigned int version) {
    split_free(archive, path, version);
}

template <class Archive>
void serialize(Archive& a, gatesweep::ModelSpec& x, unsigned int) {
    a& x.path& x.dtype& x.chat_template& x.template_arguments& x.date& x.tokenization& x.special_in_text& x.adapter;
}
template <class Archive>
void serialize(Archive& a, gatesweep::Settings& x, unsigned int) {
    for (gatesweep::SettingFacts const& facts : gatesweep::settings) {
        std::string word = x.word(facts.setting);
        a& word;
        x.choose(facts.setting, std::move(word));
    }
}
template <class Archive>
void serialize(Archive& a, gatesweep::ParallelSpec& x, unsigned int) {
    a& x.expert_parallel& x.device& x.threads& x.settings;
}
template <class Archive>
void serialize(Archive& a, gatesweep::PromptSource& x, unsigned int) {
    a& x.group& x.file& x.column& x.where& x.limit& x.prompt_template;
}
template <class Archive>
void serialize(Archive& a, gatesweep::SignalsSpec& x, unsigned int) {
    a& x.batch_tokens& x.memory& x.stream& x.phases;
}
template <class Archive>
void serialize(Archive& a, gatesweep::ImportedScores& x, unsigned int) {
    a& x.name& x.file;
}
template <class Archive>
void serialize(Archive& a, gatesweep::ResponseSource& x, unsigned int) {
    a& x.list& x.column;
}
template <class Archive>
void serialize(Archive& a, gatesweep::PairSource& x, unsigned int) {
    a& x.name& x.file& x.prompts& x.column& x.where& x.responses[0] & x.responses[1] & x.document& x.question;
    gatesweep::serialize_optional(a, x.count);
    a& x.limit;
}
template <class Archive>
void serialize(Archive& a, gatesweep::PairSide& x, unsigned int) {
    a& x.token_ids& x.first& x.last;
}
template <class Archive>
void serialize(Archive& a, gatesweep::Pair& x, unsigned int) {
    a& x.id& x.name& x.sides[0] & x.sides[1];
}
template <class Archive>
void serialize(Archive& a, gatesweep::SteeredSet& x, unsigned int) {
    a& x.provider& x.activate& x.deactivate& x.reverse;
}
template <class Archive>
void serialize(Archive& a, gatesweep::Thresholds& x, unsigned int) {
    a& x.gap& x.min;
}
template <class Archive>
void serialize(Archive& a, gatesweep::AnalysisParameters& x, unsigned int) {
    a& x.benign& x.malicious& x.coverage& x.top;
    for (auto& limits : x.all_limits)
        a& limits;
}
template <class Archive>
void serialize(Archive& a, gatesweep::ScoreParameters& x, unsigned int) {
    a& x.providers& x.bootstrap& x.refusals& x.compliances& x.imports;
}
template <class Archive>
void serialize(Archive& a, gatesweep::AuditParameters& x, unsigned int) {
    a& x.conditions& x.topic& x.pair& x.refusals& x.compliances;
}
template <class Archive>
void serialize(Archive& a, gatesweep::AuditTexts& x, unsigned int) {
    a& x.refusals& x.compliances;
}
template <class Archive>
void serialize(Archive& a, gatesweep::CustomTrial& x, unsigned int) {
    a& x.name& x.experts& x.file& x.mode& x.scope& x.bias& x.activate;
    gatesweep::serialize_optional(a, x.from);
}
template <class Archive>
void serialize(Archive& a, gatesweep::ControlsSpec& x, unsigned int) {
    a& x.random& x.match& x.reverse& x.bottom;
}
template <class Archive>
void serialize(Archive& a, gatesweep::LabelsSpec& x, unsigned int) {
    a& x.method& x.phrases& x.judge& x.judge_template& x.human& x.mixed& x.validation;
}
template <class Archive>
void serialize(Archive& a, gatesweep::ScreenSpec& x, unsigned int) {
    a& x.enabled& x.mode& x.limit& x.refusals& x.compliances;
}
template <class Archive>
void serialize(Archive& a, gatesweep::SweepSpec& x, unsigned int) {
    a& x.enabled& x.prompts& x.side_effects& x.max_new_tokens& x.slots& x.signals& x.classes& x.gap_thresholds;
    gatesweep::serialize_optional(a, x.sizes);
    a& x.activate& x.deactivate& x.reverse;
    a& x.shares& x.modes& x.scopes& x.bias& x.controls& x.seed& x.allow_fewer& x.labels& x.screen& x.trials;
}
template <class Archive>
void serialize(Archive& a, gatesweep::TrainGroups& x, unsigned int) {
    a& x.harmful& x.benign;
}
template <class Archive>
void serialize(Archive& a, gatesweep::HeldOutGroups& x, unsigned int) {
    a& x.harmful& x.benign& x.near_miss;
}
template <class Archive>
void serialize(Archive& a, gatesweep::HardenLimits& x, unsigned int) {
    a& x.refusal& x.compliance_drop& x.perplexity_ratio& x.js& x.overlap;
}
template <class Archive>
void serialize(Archive& a, gatesweep::HardenSpec& x, unsigned int) {
    a& x.enabled& x.provider& x.rank& x.alpha& x.steps& x.learning_rate& x.weight_decay& x.warmup& x.clip& x.beta& x
        .gamma& x.batch& x.parts& x.evaluate& x.patience& x.validation& x.save& x.seed& x.max_new_tokens;
    gatesweep::serialize_optional(a, x.experts);
    gatesweep::serialize_optional(a, x.budget);
    a& x.train& x.held_out& x.refusals& x.compare& x.limits& x.suppress;
}
template <class Archive>
void serialize(Archive& a, gatesweep::ReportSpec& x, unsigned int) {
    a& x.title& x.mark& x.by;
}
template <class Archive>
void serialize(Archive& a, gatesweep::Job& x, unsigned int) {
    a& x.name& x.model& x.parallel& x.prompts& x.pairs& x.signals& x.analysis& x.scores& x.audit& x.sweep& x.harden& x
        .report;
}
template <class Archive>
void serialize(Archive& a, gatesweep::PromptMetadata& x, unsigned int) {
    a& x.columns& x.rows;
}
template <class Archive>
void serialize(Archive& a, gatesweep::ScoreMap& x, unsigned int) {
    a& x.num_layers& x.num_experts& x.values;
}
template <class Archive>
void serialize(Archive& a, gatesweep::AnsweredPrompt& x, unsigned int) {
    a& x.token_ids& x.first;
}
template <class Archive>
void serialize(Archive& a, gatesweep::Inputs& x, unsigned int) {
    a& x.job& x.prompt_ids& x.groups& x.prompt_texts& x.token_ids& x.pairs& x.imported& x.prompts_digest& x.metadata& x
        .marks& x.audit& x.refusals;
}

}  // namespace boost::serialization
