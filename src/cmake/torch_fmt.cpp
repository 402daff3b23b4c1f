// fmt's functions from the headers that libtorch brings, once for all files that include them. Compiled so that every
// one is emitted: as headers alone they cost each file of the program two seconds and more.
#define FMT_HEADER_ONLY 1
#include <fmt/format.h>
#include <fmt/ranges.h>
