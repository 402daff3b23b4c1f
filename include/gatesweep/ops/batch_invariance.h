// Whether a GPU computes a prompt to the same bits whatever it is computed with.
//
// What sums over many values by kernels of ours or by flash attention does so in any case. cuBLAS picks its kernels by
// the number of rows: where batch invariance is wanted, its products go by rows of one number (src/model/fixed_rows.h),
// which costs the rows filled up and, in every layer of a decode step, a wait for the host. Off where unset: the cost
// was not measured. The CPU has it always.
#pragma once

namespace gatesweep {

// What Setting::batch_invariant says. Errors: ExitCode::unavailable with ATen's calls instead of kernels
// (Setting::gpu_kernels), whose sums depend on the number of rows.
bool batch_invariance_wanted();

}  // namespace gatesweep
