#include "gatesweep/store/timings.h"

#include <gtest/gtest.h>

#include <filesystem>

#include "gatesweep/base/file.h"
#include "support/temporary_folder.h"

namespace gatesweep {
namespace {

TEST(Timings, HaveRatesWhereThereAreTokens) {
    TemporaryFolder const scratch;
    RunDirectory run(scratch / "run");
    write_timings({{"load", 0.5, 0}, {"signals", 2.0, 4000}, {"report", 0.0, 7}}, run);
    EXPECT_EQ(read_file(scratch / "run/timings.csv"),
              "phase,seconds,tokens,tokens_per_second\nload,0.5,,\nsignals,2,4000,2000\nreport,0,7,\n");
    EXPECT_TRUE(run.files().empty());
}

}  // namespace
}  // namespace gatesweep
