#include "gatesweep/store/ledger.h"

#include <gtest/gtest.h>

#include "support/expect_error.h"
#include "support/temporary_folder.h"

namespace gatesweep {
namespace {

RunIdentity const identity = {"", "", "weights", "numerics"};

class Ledgers : public testing::Test {
protected:
    std::unique_ptr<RecordWriter> writer(std::int64_t attempt) const {
        return std::make_unique<RecordWriter>(folder / LogName{"work", attempt, 0}.file_name(), identity);
    }
    MergedRecords stored() const { return merge_logs(list_logs(folder.path(), "work"), identity); }

    TemporaryFolder folder;
};

TEST_F(Ledgers, GivesTheNextStartWhatWasCommitted) {
    {
        Ledger first({}, std::nullopt, writer(0));
        first.add("signal", "a", "payload of a");
        first.add("completion", "a", "another a");
        first.commit();
        first.add("signal", "b", "never committed");
    }
    std::vector<std::string> known;
    MergedRecords records = stored();
    for (auto const& merged : records.records())
        known.push_back(Ledger::name(merged.record.kind, merged.record.key));
    EXPECT_EQ(known, (std::vector<std::string>{"completion a", "signal a"}));
    Ledger const second(known, std::move(records), writer(1));
    EXPECT_TRUE(second.holds("signal", "a"));
    EXPECT_FALSE(second.holds("signal", "b"));
    EXPECT_FALSE(second.holds("text", "a"));
    EXPECT_EQ(second.payload("signal", "a"), "payload of a");
    EXPECT_EQ(second.payload("completion", "a"), "another a");
    EXPECT_ERROR(second.payload("signal", "b"), ExitCode::internal, "signal b", "not at hand");
}

// Ranks that hold no payloads know all the same what is done.
TEST_F(Ledgers, KnowsWithoutPayloads) {
    Ledger const ledger({"signal a"}, std::nullopt, writer(0));
    EXPECT_TRUE(ledger.holds("signal", "a"));
    EXPECT_ERROR(ledger.payload("signal", "a"), ExitCode::internal, "not at hand");
}

TEST_F(Ledgers, DoesNotHoldWhatThisStartAdded) {
    Ledger ledger({}, std::nullopt, writer(0));
    ledger.add("signal", "a", "payload");
    ledger.commit();
    EXPECT_FALSE(ledger.holds("signal", "a"));
    EXPECT_NE(stored().find("signal", "a"), nullptr);
}

TEST_F(Ledgers, CommitsManySmallRecordsTogether) {
    Ledger ledger({}, std::nullopt, writer(0));
    ledger.add("completion", "0", "x");
    ledger.commit_when_due();
    EXPECT_TRUE(stored().records().empty());  // neither enough of them nor enough time
    for (int i = 1; i < 1000; ++i) {
        ledger.add("completion", std::to_string(i), "x");
        ledger.commit_when_due();
    }
    auto const committed = stored().records().size();
    EXPECT_GE(committed, 500u);  // a kill now costs some hundred at most
    EXPECT_LT(committed, 1000u);
    ledger.commit();
    EXPECT_EQ(stored().records().size(), 1000u);
}

TEST(Ledger, WithoutAFolderForgetsEverything) {
    Ledger ledger;
    ledger.add("signal", "a", "payload");
    ledger.commit();
    ledger.commit_when_due();
    EXPECT_FALSE(ledger.holds("signal", "a"));
    EXPECT_ERROR(ledger.payload("signal", "a"), ExitCode::internal, "not at hand");
}

}  // namespace
}  // namespace gatesweep
