// safetensors_verdict FOLDER COUNT: for each of the files FOLDER/0 to FOLDER/COUNT-1 one line, "ok" or why it is
// refused.
#include <fmt/format.h>

#include <cstdlib>
#include <filesystem>

#include "gatesweep/base/error.h"
#include "gatesweep/input/safetensors.h"

int main(int argc, char** argv) {
    using namespace gatesweep;
    if (argc != 3) {
        fmt::print(stderr, "usage: safetensors_verdict FOLDER COUNT\n");
        return 64;
    }
    for (long long i = 0; i < std::atoll(argv[2]); ++i) {
        try {
            SafetensorsFile const file(std::filesystem::path(argv[1]) / std::to_string(i));
            fmt::print("ok\n");
        } catch (Error const& error) {
            if (error.code() != ExitCode::bad_data) throw;  // not a verdict
            fmt::print("{}\n", error.what());
        }
    }
    return 0;
}
