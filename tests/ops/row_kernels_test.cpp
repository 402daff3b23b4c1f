// The kernels over rows, run on the host: against their references, against the loops of the CPU where no order of a
// sum or exponential stands between them, and against themselves on a row alone or at another address.
#include "support/kernel_emulator.h"
// The kernels' headers come after what stands in for CUDA.
#include "ops/cuda/combine_kernel.cuh"
#include "ops/cuda/norm_kernel.cuh"
#include "ops/cuda/row_kernels.cuh"
#include "ops/cuda/row_sums_kernel.cuh"
#include "ops/generic/generic_ops.h"
#include "support/tensors.h"

namespace gatesweep {
namespace {

constexpr double eps = 1e-5;
std::vector<at::ScalarType> const kernel_types = {at::kFloat, at::kBFloat16};
// With a length that fills chunks, one that does not, one that threads go over twice, one shorter than a chunk.
std::vector<std::vector<std::int64_t>> const shapes = {{3, 256}, {5, 43}, {2, 4096}, {2, 2051}, {4, 3}};

HostLauncher const forward_order{false}, backward_order{true};

// Whole numbers, whose squares and products add up to the same float in any order.
at::Tensor whole_numbers(std::vector<std::int64_t> const& shape, at::ScalarType dtype, std::uint64_t seed) {
    return (random_tensor(shape, at::kDouble, seed) * 7).round().to(dtype);
}

// The same values, dense, at an address that no chunk begins at.
at::Tensor moved(at::Tensor const& x) {
    at::Tensor const place = at::empty({x.numel() + 1}, x.options()).slice(0, 1).view(x.sizes());
    return place.copy_(x);
}

double share_unequal(at::Tensor const& a, at::Tensor const& b) {
    return a.ne(b).to(at::kDouble).mean().item<double>();
}

TEST(NormKernel, EqualsItsReference) {
    for (auto dtype : kernel_types) {
        for (auto const& shape : shapes) {
            at::Tensor const x = random_tensor(shape, dtype, 1), w = random_tensor({shape[1]}, dtype, 2),
                             dy = random_tensor(shape, dtype, 3);
            at::Tensor const y = cuda::launch_rms_norm(forward_order, x, w, eps);
            at::Tensor const dx = cuda::launch_rms_norm_backward(forward_order, dy, x, w, eps);
            EXPECT_LE(relative_error(y, generic::rms_norm(x, w, eps)), rounding_of(dtype)) << shape[1];
            EXPECT_LE(relative_error(dx, generic::rms_norm_backward(dy, x, w, eps)), rounding_of(dtype)) << shape[1];
            EXPECT_TRUE(at::equal(y, cuda::launch_rms_norm(backward_order, x, w, eps)));
            EXPECT_TRUE(at::equal(dx, cuda::launch_rms_norm_backward(backward_order, dy, x, w, eps)));
        }
    }
}

TEST(NormKernel, RoundsAsTheLoopsOfTheCpu) {
    for (auto dtype : kernel_types) {
        for (auto const& shape : shapes) {
            at::Tensor const x = whole_numbers(shape, dtype, 1), w = whole_numbers({shape[1]}, dtype, 2),
                             dy = whole_numbers(shape, dtype, 3);
            EXPECT_TRUE(at::equal(cuda::launch_rms_norm(forward_order, x, w, eps), rms_norm(x, w, eps))) << shape[1];
            EXPECT_TRUE(at::equal(cuda::launch_rms_norm_backward(forward_order, dy, x, w, eps),
                                  rms_norm_backward(dy, x, w, eps)))
                << shape[1];
        }
    }
}

TEST(NormKernel, ARowsBitsDependOnItAlone) {
    for (auto dtype : kernel_types) {
        for (auto const& shape : shapes) {
            at::Tensor const x = random_tensor(shape, dtype, 1), w = random_tensor({shape[1]}, dtype, 2),
                             dy = random_tensor(shape, dtype, 3);
            at::Tensor const y = cuda::launch_rms_norm(forward_order, x, w, eps);
            at::Tensor const dx = cuda::launch_rms_norm_backward(forward_order, dy, x, w, eps);
            at::Tensor const row = x.slice(0, 1, 2), d_row = dy.slice(0, 1, 2);
            for (bool elsewhere : {false, true}) {
                at::Tensor const here = elsewhere ? moved(row) : row, d_here = elsewhere ? moved(d_row) : d_row;
                EXPECT_TRUE(at::equal(cuda::launch_rms_norm(forward_order, here, w, eps), y.slice(0, 1, 2)))
                    << shape[1];
                EXPECT_TRUE(
                    at::equal(cuda::launch_rms_norm_backward(forward_order, d_here, here, w, eps), dx.slice(0, 1, 2)))
                    << shape[1];
            }
        }
    }
}

TEST(RowSumsKernel, AddsUpRowsInAnOrderThatDependsOnTheirLengthAlone) {
    for (std::int64_t columns : {1, 31, 256, 4099}) {
        at::Tensor const x = random_tensor({5, columns}, at::kDouble, 1),
                         sums = cuda::launch_row_sums(forward_order, x);
        EXPECT_TRUE(at::allclose(sums, x.sum(1), 1e-12, 1e-12)) << columns;
        EXPECT_TRUE(at::equal(sums, cuda::launch_row_sums(backward_order, x))) << columns;
        EXPECT_TRUE(at::equal(cuda::launch_row_sums(forward_order, x.slice(0, 3, 4)), sums.slice(0, 3, 4))) << columns;
    }
    EXPECT_EQ(cuda::launch_row_sums(forward_order, at::empty({0, 8}, at::kDouble)).size(0), 0);
    EXPECT_EQ(cuda::launch_row_sums(forward_order, at::empty({3, 0}, at::kDouble)).sum().item<double>(), 0.0);
}

TEST(SwigluKernel, EqualsItsReferenceAndRoundsAsTheLoops) {
    for (auto dtype : kernel_types) {
        for (auto const& shape : shapes) {
            at::Tensor const x = random_tensor({shape[0], 2 * shape[1]}, dtype, 1) * 8,
                             d = random_tensor(shape, dtype, 2);
            at::Tensor const y = cuda::launch_swiglu(forward_order, x),
                             dx = cuda::launch_swiglu_backward(forward_order, d, x);
            EXPECT_LE(relative_error(y, generic::swiglu(x)), rounding_of(dtype));
            EXPECT_LE(relative_error(dx, generic::swiglu_backward(d, x)), rounding_of(dtype));
            if (dtype == at::kBFloat16) {  // where another exponential seldom shows, and a rounding left out often
                EXPECT_LE(share_unequal(y, swiglu(x)), 0.002) << shape[1];
                EXPECT_LE(share_unequal(dx, swiglu_backward(d, x)), 0.002) << shape[1];
            }
            EXPECT_TRUE(at::equal(y, cuda::launch_swiglu(backward_order, x)));
            EXPECT_TRUE(at::equal(y, cuda::launch_swiglu(forward_order, moved(x))));
            EXPECT_TRUE(at::equal(dx, cuda::launch_swiglu_backward(backward_order, d, x)));
            EXPECT_TRUE(at::equal(dx.slice(0, 1, 2), cuda::launch_swiglu_backward(
                                                         forward_order, moved(d.slice(0, 1, 2)), x.slice(0, 1, 2))));
        }
    }
}

TEST(SwigluKernel, HoldsAtTheEndsOfTheExponential) {
    at::Tensor const x = at::tensor(std::vector<float>{-200, -100, -90, 0, 90, 200, 1, 1, 1, 1, 1, 1}).view({1, 12});
    EXPECT_TRUE(at::allclose(cuda::launch_swiglu(forward_order, x), generic::swiglu(x), 1e-6, 1e-30));
    at::Tensor const d = at::ones({1, 6});
    EXPECT_TRUE(
        at::allclose(cuda::launch_swiglu_backward(forward_order, d, x), generic::swiglu_backward(d, x), 1e-6, 1e-30));
}

struct Heads {
    std::int64_t num_heads, head_dim;
};

TEST(RotationKernel, TurnsASliceInPlaceAsTheLoopsDo) {
    at::Tensor const positions = at::tensor(std::vector<std::int64_t>{0, 1, 2, 0, 15}, at::kLong);
    for (auto dtype : kernel_types) {
        for (Heads const& h : {Heads{3, 6}, Heads{8, 128}, Heads{33, 128}, Heads{1, 64}, Heads{5, 40}}) {
            RotaryTable const table = make_rotary_table(16, h.head_dim, 1e4, dtype);
            at::Tensor const before = random_tensor({5, h.num_heads + 3, h.head_dim}, dtype, 1);
            for (Rotation rotation : {Rotation::forward, Rotation::inverse}) {
                at::Tensor const own = before.clone(), reversed = before.clone(), loops = before.clone(),
                                 reference = before.clone();
                auto const heads = [&](at::Tensor const& x) { return x.slice(1, 1, 1 + h.num_heads); };
                cuda::launch_rotate_heads(forward_order, heads(own), positions, table, rotation);
                cuda::launch_rotate_heads(backward_order, heads(reversed), positions, table, rotation);
                rotate_heads(heads(loops), positions, table, rotation);
                generic::rotate_heads(heads(reference), positions, table, rotation);
                EXPECT_TRUE(at::equal(own, loops)) << h.head_dim;  // the heads beside the slice too
                EXPECT_TRUE(at::equal(own, reversed)) << h.head_dim;
                EXPECT_LE(relative_error(own, reference), rounding_of(dtype)) << h.head_dim;
                at::Tensor const alone = moved(heads(before).slice(0, 4, 5).contiguous());
                cuda::launch_rotate_heads(forward_order, alone, positions.slice(0, 4, 5), table, rotation);
                EXPECT_TRUE(at::equal(alone, heads(own).slice(0, 4, 5))) << h.head_dim;
            }
        }
    }
}

Routing weighed(at::Tensor const& weights) {
    Routing routing;
    routing.expert_ids = at::zeros(weights.sizes(), at::kLong);
    routing.routing_weights = weights;
    return routing;
}

TEST(CombineKernel, EqualsTheLoopsBitForBitAndItsReference) {
    for (auto dtype : kernel_types) {
        for (auto const& shape : shapes) {
            for (std::int64_t top_k : {1, 2, 5}) {
                at::Tensor const slots = random_tensor({shape[0] * top_k, shape[1]}, dtype, 1);
                Routing const routing = weighed(random_tensor({shape[0], top_k}, at::kFloat, 2).abs());
                at::Tensor const own = cuda::launch_combine(forward_order, slots, routing.routing_weights);
                EXPECT_TRUE(at::equal(own, combine(slots, routing))) << shape[1];
                EXPECT_LE(relative_error(own, generic::combine(slots, routing)), rounding_of(dtype));
                EXPECT_TRUE(at::equal(own, cuda::launch_combine(backward_order, slots, routing.routing_weights)));
                EXPECT_TRUE(at::equal(own.slice(0, 1, 2),
                                      cuda::launch_combine(forward_order, moved(slots.slice(0, top_k, 2 * top_k)),
                                                           routing.routing_weights.slice(0, 1, 2))));
            }
        }
    }
}

TEST(CombineKernel, DoesNotReadSlotsOfWeightZero) {
    for (auto dtype : kernel_types) {
        at::Tensor const slots = random_tensor({6, 43}, dtype, 1), weights = random_tensor({3, 2}, at::kFloat, 2).abs();
        at::Tensor const clean = slots.clone();
        for (std::int64_t slot : {1, 4, 5}) {
            weights.view(-1)[slot].fill_(0);
            slots[slot].fill_(std::numeric_limits<float>::quiet_NaN());
        }
        at::Tensor const own = cuda::launch_combine(forward_order, slots, weights);
        EXPECT_TRUE(at::equal(own, combine(clean, weighed(weights))));
        EXPECT_TRUE(at::equal(own[2], at::zeros({43}, dtype)));
    }
}

TEST(CombineKernel, GradientEqualsItsReference) {
    for (auto dtype : kernel_types) {
        for (auto const& shape : shapes) {
            for (std::int64_t top_k : {1, 2, 5}) {
                at::Tensor const slots = random_tensor({shape[0] * top_k, shape[1]}, dtype, 1),
                                 dy = random_tensor(shape, dtype, 3);
                Routing const routing = weighed(random_tensor({shape[0], top_k}, at::kFloat, 2).abs());
                at::Tensor const& weights = routing.routing_weights;
                weights[1][0].fill_(0);
                CombineGradient const own = cuda::launch_combine_backward(forward_order, dy, slots, weights),
                                      reversed = cuda::launch_combine_backward(backward_order, dy, slots, weights),
                                      reference = generic::combine_backward(dy, slots, routing);
                EXPECT_TRUE(at::equal(own.d_slot_outputs, reference.d_slot_outputs)) << shape[1];
                EXPECT_LE(relative_error(own.d_routing_weights, reference.d_routing_weights), 2e-6) << shape[1];
                EXPECT_TRUE(at::equal(own.d_slot_outputs, reversed.d_slot_outputs));
                EXPECT_TRUE(at::equal(own.d_routing_weights, reversed.d_routing_weights));
                CombineGradient const alone = cuda::launch_combine_backward(
                    forward_order, moved(dy.slice(0, 1, 2)), slots.slice(0, top_k, 2 * top_k), weights.slice(0, 1, 2));
                EXPECT_TRUE(at::equal(alone.d_slot_outputs, own.d_slot_outputs.slice(0, top_k, 2 * top_k)));
                EXPECT_TRUE(at::equal(alone.d_routing_weights, own.d_routing_weights.slice(0, 1, 2)));
            }
        }
    }
}

TEST(RowKernels, LaunchNothingForNoRows) {
    auto const launch = [](auto const&...) { ADD_FAILURE() << "launched"; };
    at::Tensor const none = at::empty({0, 8}), w = at::ones({8});
    EXPECT_EQ(cuda::launch_rms_norm(launch, none, w, eps).sizes(), none.sizes());
    EXPECT_EQ(cuda::launch_rms_norm_backward(launch, none, none, w, eps).sizes(), none.sizes());
    EXPECT_EQ(cuda::launch_swiglu(launch, none).sizes(), at::IntArrayRef({0, 4}));
    EXPECT_EQ(cuda::launch_swiglu_backward(launch, at::empty({0, 4}), none).sizes(), none.sizes());
    cuda::launch_rotate_heads(launch, at::empty({0, 2, 4}), at::empty({0}, at::kLong),
                              make_rotary_table(2, 4, 1e4, at::kFloat), Rotation::forward);
    EXPECT_EQ(cuda::launch_combine(launch, none, at::empty({0, 2})).sizes(), none.sizes());
    CombineGradient const gradient = cuda::launch_combine_backward(launch, none, none, at::empty({0, 2}));
    EXPECT_EQ(gradient.d_slot_outputs.sizes(), none.sizes());
    EXPECT_EQ(gradient.d_routing_weights.sizes(), at::IntArrayRef({0, 2}));
}

TEST(RowKernels, GoOnPastTheRowsOfAGrid) {
    EXPECT_EQ(cuda::chunk_grid(1, 65536).y, 65535U);
    dim3 const grid = cuda::chunk_grid(1792, 17);
    EXPECT_EQ(grid.x, 7U);
    EXPECT_EQ(grid.y, 17U);
    // A grid of one row of blocks computes all rows.
    at::Tensor const x = random_tensor({5, 24}, at::kFloat, 1);
    auto const narrow = [](auto kernel, dim3 grid_, dim3 block, auto const&... arguments) {
        HostLauncher{}(kernel, dim3(grid_.x, 1), block, arguments...);
    };
    EXPECT_TRUE(at::equal(cuda::launch_swiglu(narrow, x), cuda::launch_swiglu(forward_order, x)));
    at::Tensor const d = random_tensor({5, 12}, at::kFloat, 2), weights = at::ones({5, 1});
    EXPECT_TRUE(
        at::equal(cuda::launch_swiglu_backward(narrow, d, x), cuda::launch_swiglu_backward(forward_order, d, x)));
    EXPECT_TRUE(at::equal(cuda::launch_combine(narrow, x, weights), x));
}

}  // namespace
}  // namespace gatesweep
