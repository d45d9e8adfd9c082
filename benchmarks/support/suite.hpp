// tandem benchmarks - the main program of a suite
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdio>
#include <exception>
#include <iostream>
#include <stdexcept>
#include <string>
#include <vector>

#include "json_report.hpp"
#include "machine.hpp"
#include "options.hpp"
#include "output.hpp"
#include "rounds.hpp"
#include "table.hpp"
#include "workload.hpp"

namespace bench {

inline std::vector<workload> selected(std::vector<workload> all, const std::string& text) {
    std::vector<workload> result;
    for (workload& w : all) {
        if (w.name.find(text) != std::string::npos) result.push_back(std::move(w));
    }
    if (result.empty())
        throw std::invalid_argument("--only: no workload's name contains \"" + text + "\"; see --list");
    return result;
}

inline std::vector<row> measure(const std::vector<workload>& workloads, std::size_t rounds, bool quick) {
    std::vector<series> all(workloads.begin(), workloads.end());
    for (std::size_t round = 0; round < rounds; ++round) {
        const double load = load_average();
        std::fprintf(stderr, "\rround %zu of %zu, load %.2f%s ", round + 1, rounds, load,
                     load > 1.5 ? ": others compute too" : "");
        for (std::size_t turn = 0; turn < all.size(); ++turn) {
            series& next = all[(round + turn) % all.size()];
            const std::size_t operations = next.what().operations;
            try {
                next.run_round(round, quick ? std::max<std::size_t>(operations / 50, 1) : operations);
            } catch (const std::exception& e) {
                throw std::runtime_error(next.what().name + ": " + e.what());
            }
        }
    }
    std::fprintf(stderr, "\n");
    std::vector<row> rows;
    for (const series& s : all) {
        for (row& r : s.rows()) rows.push_back(std::move(r));
    }
    return rows;
}

inline int do_as_told(const char* name, std::vector<workload> workloads, int argc, char** argv) {
    try {
        const options o = parse_options(argc, argv);
        if (o.help) {
            std::cout << "usage: " << name << " [options]\n\n" << usage;
            return 0;
        }
        if (!o.only.empty()) workloads = selected(std::move(workloads), o.only);
        if (o.list) {
            for (const workload& w : workloads) std::cout << w.name << '\n';
            return 0;
        }
        const std::size_t rounds = o.quick ? 1 : o.rounds;
        print_machine(std::cout);
        std::cout << "rounds    " << rounds << (o.quick ? ", short: times mean nothing" : "")
                  << "; medians, ratio = peer / tandem, allocations are tandem's per operation\n\n"
                  << std::flush;
        const std::vector<row> rows = measure(workloads, rounds, o.quick);
        print_table(std::cout, rows);
        std::cout << "load      " << load_average() << " after the last round\n";
        if (!o.json.empty()) write_json(o.json, rows);
        const bool exact =
            std::none_of(rows.begin(), rows.end(), [](const row& r) { return r.allocates_too_much(); });
        if (!exact) std::cerr << name << ": a workload allocates more than it may\n";
        return exact ? 0 : 1;
    } catch (const std::invalid_argument& e) {
        std::cerr << name << ": " << e.what() << "\n\nusage: " << name << " [options]\n\n" << usage;
        return 2;
    } catch (const std::exception& e) {
        std::cerr << '\n' << name << ": " << e.what() << '\n';
        return 1;
    }
}

/// Does what the command line says. Exit status: 0; 1 if something failed, allocates more than it may or
/// could not be printed; 2 for a wrong command line. Bars only show in the result: times are judged by who
/// reads them.
inline int run_suite(const char* name, std::vector<workload> workloads, int argc, char** argv) {
    occupy_standard_files();
    return status_with_output(name, do_as_told(name, std::move(workloads), argc, argv));
}

}  // namespace bench
