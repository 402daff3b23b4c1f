// The gradients of one head's attention.
#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>

#include "gemm_kernel.h"
#include "gemm_scratch.h"
#include "head_attention.h"

namespace gatesweep::kernels {

// Gradients of one head of keys, over the heads of queries that share it.
class HeadAttentionGradient {
public:
    void set_keys(float const* keys, float const* values, std::int64_t n, std::int64_t d);
    // One head of queries [n,d]: d_queries [n,d] from d_out [n,d]; the keys' and values' gradients grow.
    void add_head(float const* queries, float const* d_out, std::optional<std::int64_t> window, Scores const& rule,
                  float* d_queries);
    void take(float* d_keys, float* d_values) const;  // [n,d]

private:
    struct QueryBlock;
    void probabilities(QueryBlock const& block);
    void query_gradients(QueryBlock const& block, float* d_queries);
    // sums [d,n] += x^T [d,rows] * weights [rows,n]
    void add_transposed(float const* x, QueryBlock const& block, float const* weights, float* sums);
    void take_transposed(float const* sums, float* rows) const;
    std::int64_t num_panels() const { return (n_ + gemm::panel_columns - 1) / gemm::panel_columns; }

    gemm::Kernel<float> const* kernel_ = &gemm::kernel_of<float>(gemm::active_kernels());
    HeadPanels key_rows_, key_columns_, value_rows_;
    gemm::Scratch packed_, p_scratch_, dp_scratch_, sums_, dk_scratch_, dv_scratch_;
    float *p_ = nullptr, *dp_ = nullptr, *dk_ = nullptr, *dv_ = nullptr;
    std::int64_t n_ = 0, d_ = 0;
};

}  // namespace gatesweep::kernels
