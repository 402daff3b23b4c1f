// Decode steps through recorded work, here recorded as a function, against steps that are not: the same tokens and the
// same cache, for changing numbers of sequences.
#include "gatesweep/model/decode_graphs.h"

#include <cstdlib>

#include "support/expect_error.h"
#include "support/golden.h"
#include "support/tensors.h"

namespace gatesweep {
namespace {

struct Replays {
    int recorded = 0, replayed = 0;
};

class FunctionAsRecord final : public RecordedWork {
public:
    FunctionAsRecord(std::function<void()> work, Replays& replays) : work_(std::move(work)), replays_(replays) {}
    void replay() override {
        ++replays_.replayed;
        work_();
    }

private:
    std::function<void()> work_;
    Replays& replays_;
};

Recorder recorder_of(Replays& replays) {
    return [&replays](std::function<void()> const& work) {
        ++replays.recorded;
        work();
        return std::make_unique<FunctionAsRecord>(work, replays);
    };
}

class DecodeGraphsTest : public testing::Test {
protected:
    static constexpr std::int64_t num_slots = 7, capacity = 64;

    DecodeGraphsTest()
        : golden_(load_golden("wide-bf16")), model_(load_model(golden_.model_folder(), ParallelLayout(), at::kFloat)) {
        edits_.add(EditMode::mask, EditScope::both, std::vector<RouterEdit>{{0, 1}});
        edits_.add(EditMode::bias, EditScope::both, std::vector<RouterEdit>{{1, 0, 2.0}});
    }

    KvCache cache() const { return {model_.config(), num_slots, capacity, model_.weights().embedding.options()}; }

    // The first tokens of some prompts in slots 0, 1, ..., variants taking turns.
    void prefill(std::size_t count, KvCache& cache) const {
        std::vector<Stem> stems;
        std::vector<Branch> branches;
        std::vector<std::int64_t> slots;
        for (std::size_t i = 0; i < count; ++i) {
            auto const length = static_cast<std::int64_t>(3 + i);
            stems.push_back({std::span(golden_.prompts[i]).first(3 + i), length});
            branches.push_back({static_cast<std::int64_t>(i), static_cast<std::int32_t>(i % 3)});
            slots.push_back(static_cast<std::int64_t>(i));
        }
        model_.forward_branches(stems, branches, edits_, &cache, slots);
    }

    // Step s of the given slots.
    static DecodeBatch batch(std::vector<std::int64_t> const& slots, std::int64_t step) {
        DecodeBatch batch;
        for (std::int64_t slot : slots) {
            batch.ids.push_back(static_cast<std::int32_t>(5 + 3 * slot + step));
            batch.positions.push_back(3 + slot + step);
            batch.slots.push_back(slot);
            batch.variants.push_back(static_cast<std::int32_t>(slot % 3));
        }
        return batch;
    }

    Golden golden_;
    Decoder model_;
    RouterEdits edits_{model_.config().num_layers, model_.config().num_experts};
};

TEST_F(DecodeGraphsTest, GiveTheTokensAndTheCacheOfPlainSteps) {
    KvCache plain = cache(), recorded = cache();
    prefill(5, plain);
    prefill(5, recorded);
    Replays replays;
    DecodeGraphs graphs(model_, edits_, recorded, recorder_of(replays), 4);
    std::int64_t step = 0;
    for (std::vector<std::int64_t> const& slots :
         {std::vector<std::int64_t>{0, 1, 2, 3, 4}, {0, 1, 2, 3, 4}, {4, 1, 0}, {1, 3, 4, 0}, {2}, {0, 1, 2, 3, 4}}) {
        DecodeBatch const now = batch(slots, step++);
        EXPECT_EQ(graphs.step(now), model_.decode(now, edits_, plain)) << "step " << step;
    }
    EXPECT_EQ(graphs.num_recorded(), 2);  // 8 and 4 rows
    EXPECT_EQ(replays.recorded, 2);
    EXPECT_EQ(replays.replayed, 6);
    for (std::int64_t l = 0; l < model_.config().num_layers; ++l) {
        EXPECT_TRUE(at::equal(recorded.keys(l).slice(0, 0, 5), plain.keys(l).slice(0, 0, 5))) << l;
        EXPECT_TRUE(at::equal(recorded.values(l).slice(0, 0, 5), plain.values(l).slice(0, 0, 5))) << l;
        EXPECT_TRUE(at::equal(recorded.keys(l).slice(0, 5, num_slots - 1), plain.keys(l).slice(0, 5, num_slots - 1)))
            << l;
    }
}

TEST_F(DecodeGraphsTest, TakeNoSequences) {
    KvCache recorded = cache();
    Replays replays;
    DecodeGraphs graphs(model_, edits_, recorded, recorder_of(replays), 4);
    EXPECT_TRUE(graphs.step({}).empty());
    EXPECT_EQ(replays.recorded, 0);
}

// In a process of its own, since settings are read once.
TEST_F(DecodeGraphsTest, ExcludeBatchInvariance) {
    GTEST_FLAG_SET(death_test_style, "threadsafe");
    auto const choose = [&] {
        setenv("GATESWEEP_DECODE_GRAPH", "on", 1);
        setenv("GATESWEEP_BATCH_INVARIANT", "on", 1);
        try {
            choose_recorder(model_, 1);
        } catch (Error const& error) {
            std::fputs(error.what(), stderr);
            std::exit(static_cast<int>(error.code()));
        }
        std::exit(0);
    };
    EXPECT_EXIT(choose(), testing::ExitedWithCode(static_cast<int>(ExitCode::usage)),
                "batch_invariant = \"on\" exclude each other");
}

TEST_F(DecodeGraphsTest, AreAskedForByName) {
    ASSERT_EQ(unsetenv("GATESWEEP_DECODE_GRAPH"), 0);
    EXPECT_FALSE(choose_recorder(model_, 1));
    ASSERT_EQ(setenv("GATESWEEP_DECODE_GRAPH", "on", 1), 0);
    EXPECT_ERROR(choose_recorder(model_, 1), ExitCode::unavailable, "graphs = \"on\"", "cpu",
                 "unset GATESWEEP_DECODE_GRAPH");
    ASSERT_EQ(setenv("GATESWEEP_DECODE_GRAPH", "yes", 1), 0);
    EXPECT_ERROR(choose_recorder(model_, 1), ExitCode::usage, "\"yes\" is not off or on");
    ASSERT_EQ(unsetenv("GATESWEEP_DECODE_GRAPH"), 0);
}

}  // namespace
}  // namespace gatesweep
