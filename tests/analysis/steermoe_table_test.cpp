// A published table of activation counts of Mixtral-8x7B-Instruct (SteerMoE, safety) has known summary numbers. The
// table itself is not ours to ship: GATESWEEP_STEERMOE_TABLE names a copy (columns layer,expert,...,a1_n,a2_n), without
// it nothing is checked.
#include <gtest/gtest.h>

#include <cmath>
#include <cstdlib>

#include "gatesweep/analysis/layer_metrics.h"
#include "gatesweep/analysis/ranking.h"
#include "gatesweep/store/csv.h"

namespace gatesweep {
namespace {

struct Expected {
    char const* column;
    std::vector<double> k;
    double mean_dominant, max_dominant;
    std::int64_t argmax_layer;
    double mean_effective;
};

TEST(SteerMoeTable, GivesThePublishedNumbers) {
    char const* const path = std::getenv("GATESWEEP_STEERMOE_TABLE");
    if (path == nullptr) GTEST_SKIP() << "GATESWEEP_STEERMOE_TABLE is not set";
    CsvTable const table = read_csv(path);
    ASSERT_EQ(table.rows.size(), 256u);
    for (Expected const& expected : {Expected{"a1_n", {165, 198, 220}, 0.2142, 0.4210, 10, 7.244},
                                     Expected{"a2_n", {189, 219, 236}, 0.1626, 0.2156, 16, 7.828}}) {
        ScoreMap map{32, 8, std::vector<double>(256, 0.0)};
        for (std::size_t row = 0; row < table.rows.size(); ++row) {
            auto const index = table.integer(row, "layer") * 8 + table.integer(row, "expert");
            map.values.at(static_cast<std::size_t>(index)) = table.number(row, expected.column) / 2.0;
        }
        auto const c = coverage(rank_experts(map.view()), std::vector<double>{0.80, 0.90, 0.95});
        auto const block = summarise_blocks(layer_metrics(map.view())).front();
        std::printf("%s: k80/k90/k95 %g/%g/%g, dominant mean %.4f max %.4f @L%d, effective experts mean %.3f\n",
                    expected.column, c.k[0], c.k[1], c.k[2], block.mean_dominant, block.max_dominant,
                    static_cast<int>(block.argmax_layer), block.mean_effective_experts);
        EXPECT_EQ(c.k, expected.k);
        EXPECT_NEAR(block.mean_dominant, expected.mean_dominant, 0.5e-4);
        EXPECT_NEAR(block.max_dominant, expected.max_dominant, 0.5e-4);
        EXPECT_EQ(block.argmax_layer, expected.argmax_layer);
        EXPECT_NEAR(block.mean_effective_experts, expected.mean_effective, 0.5e-3);
    }
}

}  // namespace
}  // namespace gatesweep
