// tandem benchmarks - writes rows as JSON
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "rounds.hpp"

namespace bench {

/// An array with an object for each row; medians. What a row does not have is null.
inline nlohmann::ordered_json to_json(const std::vector<row>& rows) {
    nlohmann::ordered_json result = nlohmann::ordered_json::array();
    for (const row& r : rows) {
        nlohmann::ordered_json line;
        line["workload"] = r.workload;
        line["unit"] = r.unit;
        line["tandem"] = r.tandem.median;
        line["peer_name"] = nullptr;
        line["peer"] = nullptr;
        line["ratio"] = nullptr;
        line["bar"] = nullptr;
        line["holds"] = nullptr;
        line["allocations"] = r.allocations;
        if (r.peer_name) {
            line["peer_name"] = *r.peer_name;
            line["peer"] = r.peer.median;
            line["ratio"] = r.ratio.median;
        }
        if (r.bar) {
            line["bar"] = *r.bar;
            line["holds"] = r.holds();
        }
        result.push_back(line);
    }
    return result;
}

inline void write_json(const std::string& file, const std::vector<row>& rows) {
    const std::filesystem::path folder = std::filesystem::path(file).parent_path();
    if (!folder.empty()) std::filesystem::create_directories(folder);
    std::ofstream out(file);
    out << to_json(rows).dump(2) << '\n';
    out.close();
    if (!out) throw std::runtime_error("cannot write " + file);
}

}  // namespace bench
