#include "record_graph.h"

#include <ATen/cuda/CUDAGraph.h>
#include <c10/cuda/CUDAGuard.h>
#include <c10/cuda/CUDAStream.h>

namespace gatesweep {
namespace {

// One stream and one pool for all graphs of a recorder, which so share memory: a stream's serves that stream alone. Not
// for all recorders, since libtorch takes up no pool again that its last graph has left.
struct Place {
    c10::cuda::CUDAStream stream = c10::cuda::getStreamFromPool();  // not the default one, as recording demands
    at::cuda::MempoolId_t pool = at::cuda::graph_pool_handle();
};

class CudaGraphWork final : public RecordedWork {
public:
    CudaGraphWork(Place const& place, std::function<void()> const& work) {
        c10::cuda::getCurrentCUDAStream().synchronize();
        c10::cuda::CUDAStreamGuard const guard(place.stream);
        work();  // libraries set themselves up at their first call
        place.stream.synchronize();
        graph_.capture_begin(place.pool);
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
    void end_quietly() {
        try {
            graph_.capture_end();
        } catch (...) {  // the first error is the one to tell
        }
    }

    at::cuda::CUDAGraph graph_;
};

}  // namespace

Recorder graph_recorder() {
    return
        [place = Place{}](std::function<void()> const& work) { return std::make_unique<CudaGraphWork>(place, work); };
}

}  // namespace gatesweep
