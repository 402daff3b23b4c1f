#include "gatesweep/terms/expert_id.h"

#include <fmt/format.h>

namespace gatesweep {

std::string to_string(ExpertId id) {
    return fmt::format("{}:{}", id.layer, id.expert);
}

std::string to_string(std::span<ExpertId const> experts) {
    std::string text;
    for (ExpertId const id : experts) {
        if (!text.empty()) text += ' ';
        text += to_string(id);
    }
    return text;
}

}  // namespace gatesweep
