// Lines of progress, and what stands on a terminal beside them.
#include "gatesweep/comm/progress_line.h"

#include <gtest/gtest.h>
#include <pty.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "gatesweep/base/log.h"

namespace gatesweep {
namespace {

PhaseProgress const halfway = {"sweep", "completions", 12'250, 24'500, 61.25};

TEST(TimeLeft, IsMinutesAndFromAnHourOnHours) {
    EXPECT_EQ(time_left_text(0.4), "0:00");
    EXPECT_EQ(time_left_text(21), "0:21");
    EXPECT_EQ(time_left_text(59 * 60 + 59), "59:59");
    EXPECT_EQ(time_left_text(3600), "1:00 h");
    EXPECT_EQ(time_left_text(36'000), "10:00 h");
    EXPECT_EQ(time_left_text(2 * 3600 + 5 * 60 + 29), "2:05 h");
}

TEST(ProgressText, HasTheShareTheCountTheRateAndTheTimeLeft) {
    EXPECT_EQ(progress_text(halfway), " 50 %  12250 completions  200 completions/s  ETA 1:01");
    EXPECT_EQ(progress_text({"sweep", "completions", 24'500, 24'500, 122.5}),
              "100 %  24500 completions  200 completions/s");
    EXPECT_EQ(progress_text({"sweep", "passes", 999, 1000, 1000}), " 99 %  999 passes  1.0 passes/s  ETA 0:01")
        << "not 100 yet";
    EXPECT_EQ(progress_text({"sweep", "passes", 0, 10, 0}), "  0 %  0 passes  0.0 passes/s");
}

TEST(ProgressBar, FitsTheTerminal) {
    EXPECT_EQ(progress_bar(halfway, 100),
              "sweep     [===============>              ]  50 %  12250 completions  200 completions/s  ETA 1:01");
    for (int width = 10; width <= 200; ++width) {
        std::string const line = progress_bar(halfway, width);
        EXPECT_LE(static_cast<int>(line.size()), width) << line;
        if (width >= 26) {
            EXPECT_NE(line.find(" 50 %"), std::string::npos) << line;
        }
        if (width >= 30) {
            EXPECT_NE(line.find("ETA 1:01"), std::string::npos) << line;
        }
    }
    EXPECT_NE(progress_bar(halfway, 80).find("[=="), std::string::npos) << "eighty columns have room for a bar";
}

// What a terminal of 80 columns gets to see.
class Terminal {
public:
    Terminal() {
        winsize const size{24, 80, 0, 0};
        if (::openpty(&master_, &slave_, nullptr, nullptr, &size) != 0) throw std::runtime_error("no terminal");
        before_ = ::dup(STDERR_FILENO);
        ::dup2(slave_, STDERR_FILENO);
    }
    std::string end() {
        ::dup2(before_, STDERR_FILENO);
        for (int const descriptor : {slave_, before_})
            ::close(descriptor);
        // A terminal hands on what is written in its own time: only its end says that all has come.
        std::string text;
        char some[4096];
        for (ssize_t size; (size = ::read(master_, some, sizeof some)) > 0;)
            text.append(some, static_cast<std::size_t>(size));
        ::close(master_);
        return text;
    }

private:
    int master_ = -1, slave_ = -1, before_ = -1;
};

TEST(Bar, EndsBeforeAnyOtherLine) {
    Terminal terminal;
    bool const is_terminal = log_to_terminal();
    int const width = terminal_width();
    show_bar("sweep [=>  ]");
    show_bar("sweep [==> ]");
    say("stopped", "as asked");
    warn("a warning");
    std::string const text = terminal.end();
    EXPECT_TRUE(is_terminal);
    EXPECT_EQ(width, 80);
    EXPECT_EQ(text, "\rsweep [=>  ]\033[K\rsweep [==> ]\033[K\r\nstopped   as asked\r\nwarning: a warning\r\n");
}

}  // namespace
}  // namespace gatesweep
