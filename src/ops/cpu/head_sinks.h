// The sinks of all heads (attention.h) as the loops inside one head take them.
#pragma once

#include <ATen/ATen.h>

#include <cstdint>

#include "head_attention.h"

namespace gatesweep::kernels {

class HeadSinks {
public:
    // [H], or undefined.
    explicit HeadSinks(at::Tensor const& sinks)
        : values_(sinks.defined() ? sinks.to(at::kFloat).contiguous() : sinks) {}

    // Of a block whose first row is head `head` and whose other rows are `step` heads further each.
    Scores rule(double scale, std::int64_t head, std::int64_t step) const {
        return {static_cast<float>(scale), values_.defined() ? values_.const_data_ptr<float>() + head : nullptr, step};
    }

private:
    at::Tensor values_;
};

}  // namespace gatesweep::kernels
