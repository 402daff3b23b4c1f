#include "gatesweep/analysis/classification.h"

#include <cmath>

namespace gatesweep {

std::string_view to_string(ExpertClass label) {
    switch (label) {
        case ExpertClass::malicious_dominant:
            return "malicious-dominant";
        case ExpertClass::weak_malicious:
            return "weak-malicious";
        case ExpertClass::benign_dominant:
            return "benign-dominant";
        case ExpertClass::weak_benign:
            return "weak-benign";
        case ExpertClass::shared:
            return "shared";
        case ExpertClass::uncertain:
            break;
    }
    return "uncertain";
}

ExpertClass classify(double benign, double malicious, Thresholds thresholds) {
    double const gap = malicious - benign;
    if (gap >= thresholds.gap) {
        return malicious >= thresholds.min ? ExpertClass::malicious_dominant : ExpertClass::weak_malicious;
    }
    if (gap <= -thresholds.gap) {
        return benign >= thresholds.min ? ExpertClass::benign_dominant : ExpertClass::weak_benign;
    }
    return std::abs(gap) < thresholds.gap ? ExpertClass::shared : ExpertClass::uncertain;
}

std::vector<ClassifiedExpert> classify_experts(MapView benign, MapView malicious, Thresholds thresholds,
                                               MoeLayers const& moe_layers) {
    std::vector<ClassifiedExpert> experts;
    experts.reserve(benign.values.size());
    for (std::int64_t l = 0; l < benign.num_layers; ++l) {
        for (std::int64_t e = 0; e < benign.num_experts; ++e) {
            double const b = benign.at(l, e);
            double const m = malicious.at(l, e);
            experts.push_back({{moe_layers.layer(l), e}, b, m, m - b, std::abs(m - b), classify(b, m, thresholds)});
        }
    }
    return experts;
}

ClassCounts count_classes(std::span<ClassifiedExpert const> experts) {
    ClassCounts counts{};
    for (auto const& expert : experts)
        ++counts[static_cast<std::size_t>(expert.label)];
    return counts;
}

std::vector<SensitivityRow> threshold_sensitivity(MapView benign, MapView malicious, Thresholds thresholds) {
    std::vector<SensitivityRow> rows;
    for (double const factor : sensitivity_factors) {
        Thresholds const tried{factor * thresholds.gap, thresholds.min};
        rows.push_back({tried, count_classes(classify_experts(benign, malicious, tried))});
    }
    return rows;
}

}  // namespace gatesweep
