// A made-up run in a folder of its own, removed afterwards.
#pragma once

#include <gtest/gtest.h>
#include <unistd.h>

#include <stdexcept>

#include "gatesweep/base/file.h"
#include "report/synthetic_run.h"

namespace gatesweep::test {

class ReportTest : public ::testing::Test {
protected:
    void TearDown() override { std::filesystem::remove_all(folder()); }

    std::filesystem::path folder() const {
        auto const* info = ::testing::UnitTest::GetInstance()->current_test_info();
        return std::filesystem::temp_directory_path() / (std::string("gatesweep_report_") + info->test_suite_name() +
                                                         "_" + info->name() + "_" + std::to_string(::getpid()));
    }

    void make(SyntheticSpec const& spec) const {
        std::filesystem::remove_all(folder());
        SyntheticRun(folder(), spec);
    }

    // Replaces the first occurrence; the file must hold it.
    void replace(std::string const& file, std::string const& from, std::string const& to) const {
        std::string text = read_file(folder() / file);
        std::size_t const at = text.find(from);
        if (at == std::string::npos) throw std::logic_error(file + " lacks " + from);
        write_text(folder() / file, text.replace(at, from.size(), to));
    }
};

}  // namespace gatesweep::test
