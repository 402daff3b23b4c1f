#include "gatesweep/ops/linear.h"

#include <sys/mman.h>

#include <array>
#include <type_traits>

#include "fixed_rows.h"
#include "gatesweep/base/error.h"
#include "gatesweep/comm/devices.h"
#include "gatesweep/ops/batch_invariance.h"
#include "ops/cpu/gemm.h"

namespace gatesweep {
namespace {

bool has_kernel(at::Tensor const& weight) {
    return weight.is_cpu() && (weight.scalar_type() == at::kFloat || weight.scalar_type() == at::kBFloat16);
}

// body(a null pointer of the type that the kernels store)
template <class Body>
void dispatch(at::ScalarType dtype, Body const& body) {
    if (dtype == at::kFloat) {
        body(static_cast<float*>(nullptr));
    } else {
        body(static_cast<gemm::Bfloat16Bits*>(nullptr));
    }
}

// Weights are read through once a pass: large pages spare the walks over page tables.
at::Tensor empty_in_large_pages(std::int64_t num_elements, at::TensorOptions options) {
    at::Tensor data = at::empty({num_elements}, options);
#ifdef MADV_HUGEPAGE
    constexpr std::uintptr_t large_page = std::uintptr_t{2} << 20;
    auto const begin = reinterpret_cast<std::uintptr_t>(data.data_ptr());
    std::uintptr_t const first = (begin + large_page - 1) / large_page * large_page,
                         last = (begin + data.nbytes()) / large_page * large_page;
    if (first < last) madvise(reinterpret_cast<void*>(first), last - first, MADV_HUGEPAGE);
#endif
    return data;
}

template <class T>
gemm::Panels<T> panels_of(LinearWeight const& weight) {
    return {static_cast<T const*>(weight.data().const_data_ptr()), weight.num_outputs(), weight.num_inputs()};
}

// libtorch's grouped product for these; for others it brings the offsets to the host itself.
bool has_grouped_kernel(at::Device gpu) {
    static std::vector<DeviceFacts> const gpus = visible_devices();
    int const major = gpus.at(static_cast<std::size_t>(gpu.index())).architecture / 10;
    return major == 9 || major == 10;
}

// A library's product on the CPU, on rows padded with zeros to a multiple of 4: what it does with the last rows
// differs.
at::Tensor library_product(at::Tensor const& x, at::Tensor const& matrix) {
    constexpr std::int64_t multiple = 4;
    std::int64_t const rows = x.size(0), padded = (rows + multiple - 1) / multiple * multiple;
    if (rows == padded) return at::mm(x, matrix);
    at::Tensor const wide = at::zeros({padded, x.size(1)}, x.options());
    wide.slice(0, 0, rows).copy_(x);
    return at::mm(wide, matrix).slice(0, 0, rows);
}

at::Tensor product(gemm::Side side, at::Tensor const& input, std::span<std::int64_t const> offsets,
                   std::span<LinearWeight const> weights) {
    bool const forward = side == gemm::Side::forward;
    std::int64_t const columns = forward ? weights[0].num_outputs() : weights[0].num_inputs();
    GATESWEEP_EXPECT(input.size(1) == (forward ? weights[0].num_inputs() : weights[0].num_outputs()));
    GATESWEEP_EXPECT(offsets.size() == weights.size() + 1 && offsets.back() == input.size(0));
    at::Tensor result = at::empty({input.size(0), columns}, input.options());
    if (!weights[0].is_laid_out()) {
        for (std::size_t i = 0; i < weights.size(); ++i) {
            if (offsets[i] == offsets[i + 1]) continue;
            at::Tensor const matrix = forward ? weights[i].data().t() : weights[i].data();
            at::Tensor const rows = input.slice(0, offsets[i], offsets[i + 1]);
            at::Tensor to = result.slice(0, offsets[i], offsets[i + 1]);
            if (input.is_cuda() && batch_invariance_wanted()) {
                fixed_rows::multiply(rows, matrix, to);
            } else if (input.is_cuda()) {
                at::mm_out(to, rows, matrix);  // a copy of the experts' rows would cost a twentieth of the product
            } else {
                to.copy_(library_product(rows, matrix));
            }
        }
        return result;
    }
    at::Tensor const x = input.stride(1) == 1 ? input : input.contiguous();
    dispatch(x.scalar_type(), [&](auto* type) {
        using T = std::remove_pointer_t<decltype(type)>;
        auto const* const from = static_cast<T const*>(x.const_data_ptr());
        auto* const to = static_cast<T*>(result.data_ptr());
        std::vector<gemm::Product<T>> products;
        for (std::size_t i = 0; i < weights.size(); ++i) {
            std::int64_t const first = offsets[i];
            if (first == offsets[i + 1]) continue;
            products.push_back({panels_of<T>(weights[i]), side, from + first * x.stride(0), x.stride(0),
                                offsets[i + 1] - first, to + first * columns, columns});
        }
        gemm::multiply<T>(products);
    });
    return result;
}

}  // namespace

LinearWeight::LinearWeight(at::Tensor const& weight)
    : data_(weight), num_outputs_(weight.size(0)), num_inputs_(weight.size(1)), laid_out_(has_kernel(weight)) {
    if (!laid_out_) return;
    at::Tensor const rows = weight.stride(1) == 1 ? weight : weight.contiguous();
    dispatch(weight.scalar_type(), [&](auto* type) {
        using T = std::remove_pointer_t<decltype(type)>;
        data_ = empty_in_large_pages(gemm::Panels<T>::num_elements(num_outputs_, num_inputs_), weight.options());
        gemm::pack_weight(static_cast<T const*>(rows.const_data_ptr()), rows.stride(0), num_outputs_, num_inputs_,
                          static_cast<T*>(data_.data_ptr()));
    });
}

at::Tensor LinearWeight::plain() const {
    if (!laid_out_) return data_;
    at::Tensor weight = at::empty({num_outputs_, num_inputs_}, data_.options());
    dispatch(weight.scalar_type(), [&](auto* type) {
        using T = std::remove_pointer_t<decltype(type)>;
        auto const panels = panels_of<T>(*this);
        auto* to = static_cast<T*>(weight.data_ptr());
        for (std::int64_t o = 0; o < num_outputs_; ++o) {
            for (std::int64_t i = 0; i < num_inputs_; ++i)
                *to++ = panels.data[panel_index(panels, o, i)];
        }
    });
    return weight;
}

at::Tensor token_linear(at::Tensor const& x, LinearWeight const& weight) {
    at::Tensor const result = product(gemm::Side::forward, x, std::array{std::int64_t{0}, x.size(0)}, {&weight, 1});
    return weight.bias().defined() ? result.add_(weight.bias()) : result;
}

at::Tensor token_linear_input_gradient(at::Tensor const& dy, LinearWeight const& weight) {
    return product(gemm::Side::transposed, dy, std::array{std::int64_t{0}, dy.size(0)}, {&weight, 1});
}

at::Tensor grouped_linear(at::Tensor const& x, std::span<std::int64_t const> offsets,
                          std::span<LinearWeight const> weights) {
    return product(gemm::Side::forward, x, offsets, weights);
}

std::optional<at::Tensor> stacked_weights(std::span<LinearWeight const> weights) {
    at::Tensor const& first = weights[0].data();
    std::int64_t const size = first.numel();
    for (std::size_t i = 0; i < weights.size(); ++i) {
        at::Tensor const& w = weights[i].data();
        bool const follows = !weights[i].is_laid_out() && w.is_contiguous() && w.sizes() == first.sizes() &&
                             w.is_alias_of(first) &&
                             w.storage_offset() == first.storage_offset() + static_cast<std::int64_t>(i) * size;
        if (!follows) return {};
    }
    return first.as_strided({std::ssize(weights), first.size(0), first.size(1)}, {size, first.size(1), 1});
}

bool groups_on_device(at::Tensor const& x, std::span<LinearWeight const> weights) {
    constexpr std::int64_t alignment = 8;  // of rows, in elements: 16 bytes
    bool const aligned = weights[0].num_inputs() % alignment == 0 && weights[0].num_outputs() % alignment == 0;
    if (!aligned || c10::elementSize(x.scalar_type()) != 2 || !stacked_weights(weights)) return false;
    return !x.is_cuda() ||
           (x.scalar_type() == at::kBFloat16 && has_grouped_kernel(x.device()) && !batch_invariance_wanted());
}

at::Tensor grouped_linear(at::Tensor const& x, at::Tensor const& offsets, std::span<LinearWeight const> weights) {
    auto const stacked = stacked_weights(weights);
    GATESWEEP_EXPECT(stacked.has_value());
    return at::_grouped_mm(x.contiguous(), stacked->transpose(1, 2), offsets.slice(0, 1).to(at::kInt));
}

at::Tensor grouped_linear_input_gradient(at::Tensor const& dy, std::span<std::int64_t const> offsets,
                                         std::span<LinearWeight const> weights) {
    return product(gemm::Side::transposed, dy, offsets, weights);
}

}  // namespace gatesweep
