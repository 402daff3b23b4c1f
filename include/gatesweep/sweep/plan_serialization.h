// A TrialPlan by Boost.Serialization: one rank plans, all ranks execute.
#pragma once

#include <boost/serialization/string.hpp>
#include <boost/serialization/vector.hpp>

#include <optional>
#include <utility>
#include <vector>

#include "gatesweep/sweep/trial_plan.h"

namespace gatesweep {

// std::optional as a flag and a value; Boost of this age does not know it.
template <class Archive, class T>
void serialize_optional(Archive& archive, std::optional<T>& optional) {
    bool has_value = optional.has_value();
    T value = optional.value_or(T{});
    archive& has_value& value;
    optional = has_value ? std::optional<T>(value) : std::nullopt;
}

}  // namespace gatesweep

namespace boost::serialization {

template <class Archive>
void serialize(Archive& a, gatesweep::ExpertId& x, unsigned int) {
    a& x.layer& x.expert;
}
template <class Archive>
void serialize(Archive& a, gatesweep::ExpertEdit& x, unsigned int) {
    a& x.id& x.value;
}
template <class Archive>
void serialize(Archive& a, gatesweep::Trial& x, unsigned int) {
    a& x.id& x.name& x.kind& x.signal& x.expert_class& x.mode& x.scope& x.matched_to& x.controls& x.num_cells& x.edits;
    gatesweep::serialize_optional(a, x.gap_threshold);
    gatesweep::serialize_optional(a, x.dose);
    gatesweep::serialize_optional(a, x.seed);
}
template <class Archive>
void serialize(Archive& a, gatesweep::GridCell& x, unsigned int) {
    a& x.kind& x.signal& x.expert_class& x.size& x.mode& x.scope& x.trial_id& x.outcome& x.name;
    gatesweep::serialize_optional(a, x.gap_threshold);
    gatesweep::serialize_optional(a, x.dose);
}
template <class Archive>
void serialize(Archive& a, gatesweep::TrialPlan& x, unsigned int) {
    a& x.trials& x.cells& x.notices& x.num_layers& x.num_experts;
    std::vector<std::int64_t> layers = x.moe_layers.list();
    a& layers;
    x.moe_layers = gatesweep::MoeLayers(std::move(layers));
}

}  // namespace boost::serialization
