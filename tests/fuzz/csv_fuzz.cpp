// Input: a table as the program writes them. What is accepted must come back from its own bytes.
#include "fuzz_target.h"
#include "gatesweep/store/csv.h"

void gatesweep::fuzz::fuzz_one(std::string_view input) {
    CsvTable const table = parse_csv(input, "t.csv");
    CsvTable const again = parse_csv(to_csv(table), "t.csv");
    require(again.header == table.header && again.rows == table.rows, "a table comes back from its own bytes");
}
