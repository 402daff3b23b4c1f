#include "gatesweep/base/heap.h"

#include <malloc.h>

namespace gatesweep {

void keep_freed_memory() {
#ifdef __GLIBC__
    mallopt(M_MMAP_THRESHOLD, 1 << 30);
    mallopt(M_TRIM_THRESHOLD, -1);  // never
#endif
}

void return_freed_memory() {
#ifdef __GLIBC__
    constexpr int by_default = 128 << 10;
    mallopt(M_MMAP_THRESHOLD, by_default);
    mallopt(M_TRIM_THRESHOLD, by_default);
    malloc_trim(0);
#endif
}

}  // namespace gatesweep
