#include "gatesweep/base/settings.h"

#include <gtest/gtest.h>

#include <cstdlib>

#include "support/expect_error.h"

namespace gatesweep {
namespace {

class SettingsTest : public ::testing::Test {
protected:
    SettingsTest() { unset(); }
    ~SettingsTest() override {
        unset();
        use_settings({});
    }
    static void unset() {
        for (SettingFacts const& facts : settings)
            ::unsetenv(facts.variable);
    }
};

TEST_F(SettingsTest, SayTheDefaultWhereNobodyChose) {
    EXPECT_EQ(setting_word(Setting::gemm), "auto");
    EXPECT_EQ(setting_word(Setting::dispatch), "auto");
    EXPECT_EQ(setting_word(Setting::gpu_kernels), "own");
    for (Setting const setting : {Setting::overlap, Setting::graphs, Setting::batch_invariant})
        EXPECT_FALSE(is_on(setting));
}

TEST_F(SettingsTest, TheJobChoosesAndTheEnvironmentOverrides) {
    Settings chosen;
    chosen.choose(Setting::dispatch, "gathered");
    chosen.choose(Setting::overlap, "on");
    use_settings(chosen);
    EXPECT_EQ(setting_word(Setting::dispatch), "gathered");
    ASSERT_EQ(::setenv("GATESWEEP_DECODE_DISPATCH", "counted", 1), 0);
    ASSERT_EQ(::setenv("GATESWEEP_GEMM", "portable", 1), 0);
    ASSERT_EQ(::setenv("GATESWEEP_OVERLAP", "", 1), 0);
    EXPECT_EQ(setting_word(Setting::dispatch), "counted");
    EXPECT_EQ(setting_word(Setting::gemm), "portable");
    EXPECT_TRUE(is_on(Setting::overlap)) << "an empty variable says nothing";
    EXPECT_EQ(with_environment(chosen).word(Setting::dispatch), "counted");
    EXPECT_EQ(with_environment(chosen).word(Setting::graphs), "off");
}

TEST_F(SettingsTest, AWordThatIsNotKnownIsRefusedWithThoseThatAre) {
    for (char const* other : {"onn", "ON", "1"}) {
        ASSERT_EQ(::setenv("GATESWEEP_OVERLAP", other, 1), 0);
        EXPECT_ERROR(setting_word(Setting::overlap), ExitCode::usage, "GATESWEEP_OVERLAP", other, "is not off or on",
                     "unset it");
    }
    unset();
    ASSERT_EQ(::setenv("GATESWEEP_DECODE_DISPATCH", "padded", 1), 0);
    EXPECT_ERROR(setting_word(Setting::dispatch), ExitCode::usage, "is not auto, counted or gathered");
}

}  // namespace
}  // namespace gatesweep
