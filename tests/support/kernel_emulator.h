// Runs the source of CUDA kernels on the host, so that they are tested where there is no GPU. Include it before a
// kernel's header; HostLauncher stands in for the launch on a stream.
//
// The threads of a block are fibres of one thread. Each runs until it waits at a barrier or in a warp exchange, and the
// order in which they run can be reversed: what a missing barrier leaves to chance then shows as another result.
// Threads that wait for others which never come are an error. What only hardware has is not shown: fused multiply-adds,
// its exp(), limits of launches, the speed.
#pragma once

#include <ATen/ATen.h>
#include <ucontext.h>

#include <array>
#include <cstdint>
#include <cstring>
#include <exception>
#include <functional>
#include <memory>
#include <stdexcept>
#include <vector>

#define __global__
#define __device__
#define __shared__ static
#define __launch_bounds__(...)

struct dim3 {
    dim3(unsigned x_ = 1, unsigned y_ = 1, unsigned z_ = 1) : x(x_), y(y_), z(z_) {}
    unsigned x, y, z;
};
inline dim3 threadIdx, blockIdx, blockDim, gridDim;

namespace gatesweep::emulated {

constexpr unsigned warp_size = 32;

// One block at a time.
class Block {
public:
    Block(std::function<void()> body, dim3 shape) : body_(std::move(body)), shape_(shape) {
        for (unsigned i = 0; i < shape.x * shape.y * shape.z; ++i) {
            fibres_.push_back({});
            fibres_.back().stack = std::make_unique_for_overwrite<char[]>(stack_size);
        }
        warps_.resize((fibres_.size() + warp_size - 1) / warp_size);
    }

    void run(bool reversed) {
        current_block = this;
        for (Fibre& fibre : fibres_)
            start(fibre);
        while (!all(State::done)) {
            bool any_ran = false;
            for (std::size_t i = 0; i < fibres_.size(); ++i) {
                running_ = reversed ? fibres_.size() - 1 - i : i;
                if (fibres_[running_].state != State::ready) continue;
                any_ran = true;
                auto const index = static_cast<unsigned>(running_);
                threadIdx = {index % shape_.x, index / shape_.x % shape_.y, index / shape_.x / shape_.y};
                swapcontext(&scheduler_, &fibres_[running_].context);
                if (error_) std::rethrow_exception(std::exchange(error_, nullptr));
            }
            if (!release() && !any_ran) throw std::logic_error("threads of a block wait for others that do not come");
        }
    }

    void wait_for_block() { wait(State::in_block_barrier); }
    void wait_for_warp() { wait(State::in_warp_barrier); }

    // The bits of every lane's value, once all have given theirs.
    std::uint64_t exchange(std::uint64_t value, unsigned (*source)(unsigned lane, unsigned argument),
                           unsigned argument) {
        Fibre& mine = fibres_[running_];
        unsigned const lane = static_cast<unsigned>(running_) % warp_size;
        auto& values =
            warps_[running_ / warp_size][mine.num_exchanges++ % 2];  // two, so that nobody overtakes a reader
        values[lane] = value;
        wait_for_warp();
        return values[source(lane, argument)];
    }

    static inline Block* current_block = nullptr;

private:
    static constexpr std::size_t stack_size = std::size_t{128} << 10;
    enum class State { ready, in_block_barrier, in_warp_barrier, done };
    struct Fibre {
        ucontext_t context = {};
        std::unique_ptr<char[]> stack;
        State state = State::ready;
        unsigned num_exchanges = 0;
    };

    void start(Fibre& fibre) {
        getcontext(&fibre.context);
        fibre.context.uc_stack.ss_sp = fibre.stack.get();
        fibre.context.uc_stack.ss_size = stack_size;
        fibre.context.uc_link = &scheduler_;
        fibre.state = State::ready;
        makecontext(
            &fibre.context, [] { current_block->enter(); }, 0);
    }
    void enter() {
        try {
            body_();
        } catch (...) {
            error_ = std::current_exception();
        }
        fibres_[running_].state = State::done;
    }
    void wait(State state) {
        std::size_t const me = running_;
        fibres_[me].state = state;
        swapcontext(&fibres_[me].context, &scheduler_);
    }
    bool all(State state) const { return all(state, 0, fibres_.size()); }
    bool all(State state, std::size_t begin, std::size_t end) const {
        for (std::size_t i = begin; i < end; ++i) {
            if (fibres_[i].state != state) return false;
        }
        return true;
    }
    bool release() {
        bool released = false;
        auto const free = [&](std::size_t begin, std::size_t end) {
            for (std::size_t i = begin; i < end; ++i)
                fibres_[i].state = State::ready;
            released = true;
        };
        if (all(State::in_block_barrier)) free(0, fibres_.size());
        for (std::size_t first = 0; first + warp_size <= fibres_.size(); first += warp_size) {
            if (all(State::in_warp_barrier, first, first + warp_size)) free(first, first + warp_size);
        }
        return released;
    }

    std::function<void()> body_;
    dim3 shape_;
    std::vector<Fibre> fibres_;
    std::vector<std::array<std::array<std::uint64_t, warp_size>, 2>> warps_;
    std::size_t running_ = 0;
    ucontext_t scheduler_ = {};
    std::exception_ptr error_;
};

template <class T>
T exchange(T value, unsigned (*source)(unsigned, unsigned), unsigned argument) {
    static_assert(sizeof(T) <= sizeof(std::uint64_t));
    std::uint64_t bits = 0;
    std::memcpy(&bits, &value, sizeof(T));
    bits = Block::current_block->exchange(bits, source, argument);
    std::memcpy(&value, &bits, sizeof(T));
    return value;
}

}  // namespace gatesweep::emulated

inline void __syncthreads() {
    gatesweep::emulated::Block::current_block->wait_for_block();
}

template <class T>
T __shfl_sync(unsigned, T value, unsigned source) {
    return gatesweep::emulated::exchange(
        value, [](unsigned, unsigned lane) { return lane; }, source);
}

template <class T>
T __shfl_up_sync(unsigned, T value, unsigned distance) {
    return gatesweep::emulated::exchange(
        value, [](unsigned lane, unsigned by) { return lane < by ? lane : lane - by; }, distance);
}

template <class T>
T __shfl_xor_sync(unsigned, T value, unsigned lane_mask) {
    return gatesweep::emulated::exchange(
        value, [](unsigned lane, unsigned mask) { return lane ^ mask; }, lane_mask);
}

namespace gatesweep {

struct HostLauncher {
    bool reversed = false;

    template <class... Parameters, class... Arguments>
    void operator()(void (*kernel)(Parameters...), dim3 grid, dim3 block, Arguments const&... arguments) const {
        gridDim = grid;
        blockDim = block;
        emulated::Block emulated([&] { kernel(arguments...); }, block);
        unsigned const num_blocks = grid.x * grid.y * grid.z;
        for (unsigned i = 0; i < num_blocks; ++i) {
            unsigned const b = reversed ? num_blocks - 1 - i : i;
            blockIdx = {b % grid.x, b / grid.x % grid.y, b / grid.x / grid.y};
            emulated.run(reversed);
        }
    }
};

}  // namespace gatesweep
