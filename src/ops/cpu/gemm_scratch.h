#pragma once

#include <cstddef>
#include <cstdint>
#include <new>

namespace gatesweep::gemm {

// Memory that is kept from use to use, aligned to cache lines and not filled.
class Scratch {
public:
    Scratch() = default;
    Scratch(Scratch const&) = delete;
    Scratch& operator=(Scratch const&) = delete;
    ~Scratch() { free(); }

    // At least `count` elements; what they held before is lost.
    template <class T>
    T* get(std::int64_t count) {
        auto const bytes = static_cast<std::size_t>(count) * sizeof(T);
        if (bytes > bytes_) {
            free();
            data_ = ::operator new(bytes, alignment);
            bytes_ = bytes;
        }
        return static_cast<T*>(data_);
    }

private:
    static constexpr std::align_val_t alignment{64};
    void free() {
        ::operator delete(data_, alignment);
        data_ = nullptr;
        bytes_ = 0;
    }

    void* data_ = nullptr;
    std::size_t bytes_ = 0;
};

}  // namespace gatesweep::gemm
