// Work for the threads of a rank.
#pragma once

#include <ATen/Parallel.h>

#include <algorithm>
#include <atomic>
#include <cstdint>

namespace gatesweep {

constexpr std::int64_t serial_work = 1 << 15;  // multiply-adds below which a thread is not worth waking

// Tasks differ in size and threads in speed, so a thread takes the next task when it is free; who computes what
// changes no bit.
template <class Body>
void for_each_task(std::int64_t num_tasks, std::int64_t work, Body const& body) {
    if (num_tasks <= 1 || work < serial_work || at::in_parallel_region() || at::get_num_threads() == 1) {
        for (std::int64_t i = 0; i < num_tasks; ++i)
            body(i);
        return;
    }
    std::atomic<std::int64_t> next{0};
    std::int64_t const num_threads = std::min<std::int64_t>(at::get_num_threads(), num_tasks);
    at::parallel_for(0, num_threads, 1, [&](std::int64_t, std::int64_t) {
        for (std::int64_t i = next++; i < num_tasks; i = next++)
            body(i);
    });
}

}  // namespace gatesweep
