// Every matrix product over tokens goes through here.
//
// On the CPU, float32 and bfloat16 weights are laid out once, when they are loaded, and multiplied by kernels of our
// own. Libraries pick their blocking by the number of rows and threads, and with it the order of a sum. Here each
// output is one float32 sum over the inputs in ascending order, rounded once: its bits depend on the row, the weight
// and the kernel, not on how many rows there are, where the row stands, or threads. Elsewhere (float64, GPUs) it is the
// library's product; on GPUs that depends on the row alone where batch invariance is wanted (batch_invariance.h).
#pragma once

#include <ATen/ATen.h>

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace gatesweep {

// The weight [out,in] of a linear layer, and its bias where token_linear is to add one. Copies share memory.
class LinearWeight {
public:
    LinearWeight() = default;
    explicit LinearWeight(at::Tensor const& weight);
    LinearWeight(at::Tensor const& weight, at::Tensor bias) : LinearWeight(weight) { bias_ = std::move(bias); }

    std::int64_t num_outputs() const { return num_outputs_; }
    std::int64_t num_inputs() const { return num_inputs_; }
    std::uint64_t num_bytes() const { return data_.nbytes() + (bias_.defined() ? bias_.nbytes() : 0); }
    at::Tensor const& bias() const { return bias_; }  // [out]; undefined where there is none
    // [out,in]: a copy where the weight is laid out, else the weight itself.
    at::Tensor plain() const;

    bool is_laid_out() const { return laid_out_; }
    at::Tensor const& data() const { return data_; }  // for the products

private:
    at::Tensor data_;  // panels (src/model/gemm_kernel.h), or [out,in]
    at::Tensor bias_;
    std::int64_t num_outputs_ = 0, num_inputs_ = 0;
    bool laid_out_ = false;
};

at::Tensor token_linear(at::Tensor const& x, LinearWeight const& weight);  // [T,in] -> [T,out], with the bias
at::Tensor token_linear_input_gradient(at::Tensor const& dy, LinearWeight const& weight);  // [T,out] -> [T,in]

// Rows [offsets[i], offsets[i+1]) with weight i, all of one shape and at least one: [R,in] -> [R,out], and its
// gradient.
at::Tensor grouped_linear(at::Tensor const& x, std::span<std::int64_t const> offsets,
                          std::span<LinearWeight const> weights);
// Whether a product of x can find the rows of each weight where x is, so that no host waits for the offsets: 16-bit
// weights that stand behind each other in memory, in rows of multiples of 16 bytes; on a GPU bfloat16, one of the
// architectures for which libtorch has such a kernel, and no batch invariance.
bool groups_on_device(at::Tensor const& x, std::span<LinearWeight const> weights);
// That product, with the offsets as an int64 tensor [n+1] where x is. Rows from offsets[n] on are anything.
at::Tensor grouped_linear(at::Tensor const& x, at::Tensor const& offsets, std::span<LinearWeight const> weights);
// [n,out,in], when the weights of a group are parts of one tensor in that order and not laid out.
std::optional<at::Tensor> stacked_weights(std::span<LinearWeight const> weights);
at::Tensor grouped_linear_input_gradient(at::Tensor const& dy, std::span<std::int64_t const> offsets,
                                         std::span<LinearWeight const> weights);

// The kernel that this process multiplies with, part of its numerics: the best that the processor has, or what
// Setting::gemm names. Errors: unavailable.
std::string gemm_kernel_name();
std::vector<std::string> gemm_kernel_names();  // of this machine, best first
// For tests and comparisons. Weights serve any kernel.
void use_gemm_kernel(std::string const& name);

}  // namespace gatesweep
