// Our matrix products against libtorch's on plain weights: medians of interleaved runs.
//   gemm_bench [threads] [kernel]
#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>
#include <cstdlib>

#include "gatesweep/ops/linear.h"

namespace gatesweep {
namespace {

constexpr int num_rounds = 7;

struct Shape {
    std::int64_t inputs, outputs;
};

// Both halves of an expert of the demo, of d=512 and d=1024 models, and of Mixtral-8x7B.
constexpr std::array shapes = {Shape{128, 448},   Shape{224, 128},   Shape{512, 3584},   Shape{1792, 512},
                               Shape{1024, 7168}, Shape{3584, 1024}, Shape{4096, 28672}, Shape{14336, 4096}};

double seconds(int repeats, auto const& body) {
    auto const start = std::chrono::steady_clock::now();
    for (int i = 0; i < repeats; ++i)
        body(i);
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count() / repeats;
}

double median(std::vector<double> values) {
    std::nth_element(values.begin(), values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2), values.end());
    return values[values.size() / 2];
}

void compare(Shape shape, std::int64_t rows, at::ScalarType dtype) {
    std::size_t const bytes = static_cast<std::size_t>(shape.inputs * shape.outputs) * at::elementSize(dtype);
    // As a model does, each call meets weights that others have pushed out of the caches.
    auto const num_weights = static_cast<int>(std::clamp<std::size_t>((std::size_t{512} << 20) / bytes, 1, 64));
    std::vector<at::Tensor> plain;
    std::vector<LinearWeight> laid_out;
    for (int i = 0; i < num_weights; ++i) {
        plain.push_back(at::randn({shape.outputs, shape.inputs}).to(dtype));
        laid_out.emplace_back(plain.back());
    }
    at::Tensor const x = at::randn({rows, shape.inputs}).to(dtype), dy = at::randn({rows, shape.outputs}).to(dtype);
    double const operations = 2.0 * static_cast<double>(rows * shape.inputs * shape.outputs);
    int const repeats = static_cast<int>(std::clamp(2e9 / operations, 1.0, static_cast<double>(num_weights)));
    std::vector<double> ours, theirs, our_gradient, their_gradient;
    for (int round = 0; round <= num_rounds; ++round) {
        double const a = seconds(repeats, [&](int i) { token_linear(x, laid_out[static_cast<std::size_t>(i)]); });
        double const b = seconds(repeats, [&](int i) { at::mm(x, plain[static_cast<std::size_t>(i)].t()); });
        double const c =
            seconds(repeats, [&](int i) { token_linear_input_gradient(dy, laid_out[static_cast<std::size_t>(i)]); });
        double const d = seconds(repeats, [&](int i) { at::mm(dy, plain[static_cast<std::size_t>(i)]); });
        if (round == 0) continue;  // warm
        ours.push_back(a);
        theirs.push_back(b);
        our_gradient.push_back(c);
        their_gradient.push_back(d);
    }
    double const t = median(ours), lib = median(theirs), g = median(our_gradient), lib_g = median(their_gradient);
    std::printf("%-9s %6ld %6ld %5ld  %8.1f %8.1f %7.2f x  %7.1f  %8.1f %8.1f %7.2f x\n",
                dtype == at::kFloat ? "float32" : "bfloat16", static_cast<long>(shape.inputs),
                static_cast<long>(shape.outputs), static_cast<long>(rows), operations / t * 1e-9,
                operations / lib * 1e-9, lib / t, static_cast<double>(bytes) / t * 1e-9, operations / g * 1e-9,
                operations / lib_g * 1e-9, lib_g / g);
    std::fflush(stdout);
}

}  // namespace
}  // namespace gatesweep

int main(int argc, char** argv) {
    at::set_num_threads(argc > 1 ? std::atoi(argv[1]) : 1);
    if (argc > 2) gatesweep::use_gemm_kernel(argv[2]);
    std::printf(
        "kernel %s, %d threads; GFLOP/s ours and libtorch's, ratio, GB/s of weights; the same of input gradients\n",
        gatesweep::gemm_kernel_name().c_str(), at::get_num_threads());
    std::printf("%-9s %6s %6s %5s  %8s %8s %9s  %7s  %8s %8s %9s\n", "type", "in", "out", "rows", "ours", "torch",
                "ratio", "GB/s", "gradient", "torch", "ratio");
    char const* const only = std::getenv("GATESWEEP_BENCH_INPUTS");
    for (auto dtype : {at::kFloat, at::kBFloat16}) {
        for (auto const& shape : gatesweep::shapes) {
            if (only && std::atol(only) != shape.inputs) continue;
            for (std::int64_t rows : {1, 2, 4, 8, 16, 32, 64, 128, 512})
                gatesweep::compare(shape, rows, dtype);
        }
    }
    return 0;
}
