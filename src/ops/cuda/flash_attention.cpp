#include "flash_attention.h"

#include <ATen/Context.h>

#include <algorithm>
#include <tuple>
#include <vector>

#include "gatesweep/ops/upload.h"

namespace gatesweep::flash {
namespace {

// Without it libtorch adds up the queries' gradients by atomics, in the order of the moment. Not set for good: it also
// refuses matrix products unless an environment variable limits their workspace.
class InFixedOrder {
public:
    InFixedOrder()
        : before_(at::globalContext().deterministicAlgorithms()),
          warned_before_(at::globalContext().deterministicAlgorithmsWarnOnly()) {
        at::globalContext().setDeterministicAlgorithms(true, false);
    }
    ~InFixedOrder() { at::globalContext().setDeterministicAlgorithms(before_, warned_before_); }
    InFixedOrder(InFixedOrder const&) = delete;
    InFixedOrder& operator=(InFixedOrder const&) = delete;

private:
    bool before_, warned_before_;
};

// What libtorch wants to know of the sequences.
class Sequences {
public:
    at::Tensor offsets;  // int32, on the device
    std::int64_t longest = 0;
    std::optional<std::int64_t> keys_before;

    explicit Sequences(AttentionInput const& in) : offsets(in.offsets_on_device) {
        if (!offsets.defined()) {
            std::vector<std::int32_t> const host(in.offsets.begin(), in.offsets.end());
            offsets = upload<std::int32_t>(host, in.q.device());
        }
        for (std::size_t s = 0; s + 1 < in.offsets.size(); ++s)
            longest = std::max(longest, in.offsets[s + 1] - in.offsets[s]);
        add_empty_sequences(std::ssize(in.offsets) - 1, in.q.size(1));
        longest = std::max<std::int64_t>(
            longest, 2);  // for 1 libtorch lays heads out otherwise, and knows no sequences of no length
        if (in.window) keys_before = *in.window - 1;
    }

private:
    // With few sequences and heads the deterministic backward pass splits its sums, into as many parts as fill the GPU:
    // their order would depend on the batch. Sequences of no length make them many enough, and cost next to nothing.
    void add_empty_sequences(std::int64_t num_sequences, std::int64_t num_heads) {
        constexpr std::int64_t most_multiprocessors = 256;  // of any GPU
        std::int64_t const wanted = (most_multiprocessors + num_heads - 1) / num_heads;
        if (num_sequences >= wanted) return;
        offsets = at::cat({offsets, offsets.slice(0, num_sequences).expand({wanted - num_sequences})});
    }
};

auto forward(AttentionInput const& in, Sequences const& s) {
    return at::_flash_attention_forward(in.q, in.k, in.v, s.offsets, s.offsets, s.longest, s.longest, 0.0, true, false,
                                        in.scale, s.keys_before);
}

}  // namespace

bool takes(AttentionInput const& in) {
    constexpr std::int64_t multiple = 8, widest = 256;  // of libtorch's kernels
    return in.q.is_cuda() && c10::elementSize(in.q.scalar_type()) == 2 && in.q.size(2) % multiple == 0 &&
           in.q.size(2) <= widest;
}

at::Tensor attention(AttentionInput const& in) {
    if (in.q.size(0) == 0) return at::empty(in.q.sizes(), in.q.options());
    return std::get<0>(forward(in, Sequences(in)));
}

AttentionGradient attention_backward(AttentionInput const& in, at::Tensor const& d_output) {
    if (in.q.size(0) == 0) {
        return {at::empty(in.q.sizes(), in.q.options()), at::empty(in.k.sizes(), in.k.options()),
                at::empty(in.v.sizes(), in.v.options())};
    }
    Sequences const s(in);
    auto const [output, log_sums, seed, offset, unused] = forward(in, s);
    InFixedOrder const guard;
    auto const [dq, dk, dv] =
        at::_flash_attention_backward(d_output, in.q, in.k, in.v, output, log_sums, s.offsets, s.offsets, s.longest,
                                      s.longest, 0.0, true, seed, offset, in.scale, s.keys_before);
    return {dq.contiguous(), dk.contiguous(), dv.contiguous()};
}

}  // namespace gatesweep::flash
