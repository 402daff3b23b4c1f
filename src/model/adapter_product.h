// Private to model: what an adapter adds to one matrix of a checkpoint.
#pragma once

#include <cstdint>
#include <vector>

#include "adapter_names.h"
#include "gatesweep/model/adapter.h"
#include "gatesweep/model/weight_map.h"

namespace gatesweep {

// scale B A, where the matrix is an expert's or attention's and the adapter has a pair for it. Each sum is over
// ascending ranks in float64, and what is added is rounded to float32 once: its bits depend on no layout, thread or
// instruction set.
class AdapterProduct {
public:
    // `adapter` outlives it; null is one without pairs.
    AdapterProduct(Adapter const* adapter, WeightPlace const& place);

    bool is_empty() const { return parts_.empty(); }
    // To the rows from `first_row` on, float32 on the host [rows, in].
    void add_to(at::Tensor const& rows, std::int64_t first_row) const;
    // Of the pairs and their scales; a sum, so that it is the same however the matrices are stored.
    std::uint64_t digest() const;

private:
    struct Part {
        AdapterPlace place;
        AdapterPair const* pair;
        double scale;
        Stride rows;  // of the matrix
    };
    void add_to_row(float* values, std::int64_t row, std::vector<double>& sum) const;

    std::vector<Part> parts_;
};

}  // namespace gatesweep
