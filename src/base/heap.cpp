#include "gatesweep/base/heap.h"

#include <malloc.h>

namespace gatesweep {

void keep_freed_memory() {
#ifdef __GLIBC__
    constexpr int largest = 1 << 30;
    mallopt(M_MMAP_THRESHOLD, largest);
    mallopt(M_TRIM_THRESHOLD, largest);
#endif
}

}  // namespace gatesweep
