#include "stored_tensor.h"

#include "gatesweep/base/error.h"

namespace gatesweep {

at::ScalarType stored_type(TensorEntry const& entry) {
    if (entry.type.name == "BF16") return at::kBFloat16;
    return entry.type.name == "F16" ? at::kHalf : at::kFloat;
}

std::span<std::byte> bytes_of(at::Tensor const& x) {
    return {static_cast<std::byte*>(x.data_ptr()), x.nbytes()};
}

void refuse_non_finite(at::Tensor const& values, std::string const& tensor, std::string const& file,
                       std::string_view remedy) {
    // NaN and infinity survive a sum of zero products, finite values do not.
    if (values.mul(0).sum(at::kFloat).item<float>() == 0.0F) return;
    std::int64_t const bad = values.isfinite().logical_not().sum().item<std::int64_t>();
    fail(ExitCode::bad_data,
         "tensor {} in {} holds {} value{} that {} NaN or infinite (every result would be wrong): {}", tensor, file,
         bad, bad == 1 ? "" : "s", bad == 1 ? "is" : "are", remedy);
}

}  // namespace gatesweep
