// Takes a GPU for each rank of the test, or says why there is none.
#pragma once

#include <gtest/gtest.h>

#include <cstdio>
#include <string>
#include <vector>

#include "gatesweep/comm/devices.h"
#include "gatesweep/comm/nccl_api.h"
#include "mpi_main.h"

namespace gatesweep {

class GpuTest : public testing::Test {
protected:
    void SetUp() override {
        auto const mine = visible_devices();
        auto const all = gather_devices(world(), world().split_by_node(), mine);
        std::string why;
        if (!nccl_library()) why = "this is a build without CUDA";
        if (why.empty() && mine.empty()) why = "no GPU is visible";
        try {
            if (why.empty())
                device_ = {at::kCUDA, static_cast<c10::DeviceIndex>(assign_devices(
                                          all, DeviceSharing::refused)[static_cast<std::size_t>(world().rank())])};
        } catch (Error const& error) {
            why = error.what();
        }
        if (!why.empty()) {
            if (world().rank() == 0) std::printf("nothing was tested: %s\n", why.c_str());
            GTEST_SKIP();
        }
        set_device(device_.index());
    }

    at::Device device_ = at::kCPU;
};

}  // namespace gatesweep
