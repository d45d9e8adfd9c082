// tandem benchmarks - prints rows as a table
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <ostream>
#include <string>
#include <vector>

#include "rounds.hpp"

namespace bench {

/// Three digits are all that a measurement here is worth; whole numbers stay whole.
inline std::string digits(double value) {
    char text[32];
    const double size = std::fabs(value);
    const int decimals = size >= 100 || value == std::floor(value) ? 0
                         : size >= 10                              ? 1
                         : size >= 0.01                            ? 2
                                                                   : 4;
    std::snprintf(text, sizeof text, "%.*f", decimals, value);
    return text;
}

inline std::vector<std::string> cells_of(const row& r) {
    const bool compared = r.peer_name.has_value();
    std::string verdict = "-";
    if (r.bar) verdict = r.holds() ? "yes" : r.ratio.most >= *r.bar ? "best round" : "NO";
    return {r.workload,
            r.unit,
            digits(r.tandem.median),
            digits(r.tandem.least),
            compared ? *r.peer_name : "-",
            compared ? digits(r.peer.median) : "-",
            compared ? digits(r.ratio.median) : "-",
            compared ? digits(r.ratio.least) + ".." + digits(r.ratio.most) : "-",
            r.bar ? digits(*r.bar) : "-",
            verdict,
            digits(r.allocations) + (r.allocates_too_much() ? " TOO MANY" : ""),
            compared ? digits(r.peer_allocations) : "-"};
}

inline void print_table(std::ostream& out, const std::vector<row>& rows) {
    std::vector<std::vector<std::string>> lines{{"workload", "unit", "tandem", "least", "peer", "peer's",
                                                 "ratio", "spread", "bar", "holds", "allocations", "peer's"}};
    for (const row& r : rows) lines.push_back(cells_of(r));
    std::vector<std::size_t> widths(lines.front().size());
    for (const auto& line : lines) {
        for (std::size_t i = 0; i < line.size(); ++i) widths[i] = std::max(widths[i], line[i].size());
    }
    for (const auto& line : lines) {
        for (std::size_t i = 0; i < line.size(); ++i) {
            const bool is_text = i < 2 || i == 4;
            const std::string padding(widths[i] - line[i].size(), ' ');
            out << (is_text ? line[i] + padding : padding + line[i]) << (i + 1 < line.size() ? "  " : "\n");
        }
    }
}

}  // namespace bench
