#pragma once

namespace gatesweep {

// How long OpenMP's threads spin before they sleep, which is read when the library is loaded: so the program starts
// itself once more with the setting. Left alone when the environment says OMP_WAIT_POLICY or GOMP_SPINCOUNT.
//
// Threads that spin for ever take the cores from other ranks (ten times slower expert products were measured); threads
// that sleep at once are woken for every small product (decoding of few sequences took half as long again). So they
// spin for about the time between two products.
void limit_spinning(char** argv);

}  // namespace gatesweep
