#include "analysis_parameters.h"

namespace gatesweep {

AnalysisParameters analysis_parameters(AnalysisSpec const& spec, std::vector<std::vector<std::int64_t>> const& marks) {
    AnalysisParameters parameters;
    parameters.benign = spec.benign;
    parameters.malicious = spec.malicious;
    parameters.coverage = spec.coverage;
    parameters.top = spec.top;
    parameters.activation = {spec.activation.gap, spec.activation.min};
    parameters.gradient = {spec.gradient.gap, spec.gradient.min};
    for (auto const& mark : marks)
        parameters.marks.push_back({mark[0], mark[1]});
    return parameters;
}

}  // namespace gatesweep
