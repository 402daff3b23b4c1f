#include "gatesweep/base/heap.h"

#include <malloc.h>

namespace gatesweep {

void keep_freed_memory() {
#ifdef __GLIBC__
    mallopt(M_MMAP_THRESHOLD, 1 << 30);
    mallopt(M_TRIM_THRESHOLD, -1);  // never
#endif
}

}  // namespace gatesweep
