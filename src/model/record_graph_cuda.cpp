#include "record_graph.h"

#include <ATen/cuda/CUDAGraph.h>
#include <c10/cuda/CUDAGuard.h>
#include <c10/cuda/CUDAStream.h>

namespace gatesweep {
namespace {

class CudaGraphWork final : public RecordedWork {
public:
    explicit CudaGraphWork(std::function<void()> const& work) {
        // Of one stream that is not the default one, as recording demands; what runs before and after waits for it.
        c10::cuda::CUDAStream const outside = c10::cuda::getCurrentCUDAStream(), inside = c10::cuda::getStreamFromPool();
        outside.synchronize();
        c10::cuda::CUDAStreamGuard const guard(inside);
        work();  // libraries set themselves up at their first call
        inside.synchronize();
        graph_.capture_begin(shared_pool());
        try {
            work();
        } catch (...) {
            end_quietly();
            throw;
        }
        graph_.capture_end();
    }
    void replay() override { graph_.replay(); }

private:
    // Graphs that never run at once share the memory of what they make.
    static at::cuda::MempoolId_t shared_pool() {
        static at::cuda::MempoolId_t const pool = at::cuda::graph_pool_handle();
        return pool;
    }
    void end_quietly() {
        try {
            graph_.capture_end();
        } catch (...) {  // the first error is the one to tell
        }
    }

    at::cuda::CUDAGraph graph_;
};

}  // namespace

std::unique_ptr<RecordedWork> record_graph(std::function<void()> const& work) {
    return std::make_unique<CudaGraphWork>(work);
}

}  // namespace gatesweep
