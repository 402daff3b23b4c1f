// Six classes of experts by the gap between two groups. After arXiv 2605.24270:
//
//   gap = malicious - benign
//   gap >=  thresholds.gap:  malicious >= thresholds.min ? malicious-dominant : weak-malicious
//   gap <= -thresholds.gap:  benign    >= thresholds.min ? benign-dominant    : weak-benign
//   |gap| < thresholds.gap:  shared
//   otherwise (NaN):         uncertain
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "gatesweep/analysis/score_maps.h"
#include "gatesweep/terms/thresholds.h"

namespace gatesweep {

enum class ExpertClass { malicious_dominant, weak_malicious, benign_dominant, weak_benign, shared, uncertain };
constexpr std::array<ExpertClass, 6> all_expert_classes = {
    ExpertClass::malicious_dominant, ExpertClass::weak_malicious, ExpertClass::benign_dominant,
    ExpertClass::weak_benign,        ExpertClass::shared,         ExpertClass::uncertain};
std::string_view to_string(ExpertClass label);  // "malicious-dominant"

ExpertClass classify(double benign, double malicious, Thresholds thresholds);

struct ClassifiedExpert {
    ExpertId id;
    double benign = 0.0;
    double malicious = 0.0;
    double gap = 0.0;
    double abs_gap = 0.0;
    ExpertClass label = ExpertClass::uncertain;
};

// All experts of two maps of one shape, by layer, then expert.
std::vector<ClassifiedExpert> classify_experts(MapView benign, MapView malicious, Thresholds thresholds,
                                               MoeLayers const& moe_layers = {});

// In the order of all_expert_classes.
using ClassCounts = std::array<std::int64_t, all_expert_classes.size()>;
ClassCounts count_classes(std::span<ClassifiedExpert const> experts);

// The counts that other gap thresholds would have given.
struct SensitivityRow {
    Thresholds thresholds;
    ClassCounts counts{};
};
constexpr std::array<double, 4> sensitivity_factors = {0.5, 1.0, 1.5, 2.0};  // times the job's gap threshold
std::vector<SensitivityRow> threshold_sensitivity(MapView benign, MapView malicious, Thresholds thresholds);

}  // namespace gatesweep
