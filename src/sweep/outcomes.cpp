#include "gatesweep/sweep/outcomes.h"

#include <algorithm>

namespace gatesweep {

std::vector<std::string> SweepOutcomes::groups() const {
    std::vector<std::string> names;
    for (std::string const& name : group) {
        if (std::find(names.begin(), names.end(), name) == names.end()) names.push_back(name);
    }
    return names;
}

}  // namespace gatesweep
