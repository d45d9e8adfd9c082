// tandem benchmarks - interleaved rounds: every contender once per round, in rotated order
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <algorithm>
#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "statistics.hpp"
#include "workload.hpp"

namespace bench {

/// A line of the result: tandem against one peer, or tandem alone.
struct row {
    std::string workload;
    std::string unit;
    spread tandem;
    std::optional<std::string> peer_name;
    spread peer;
    spread ratio;
    std::optional<double> bar;
    double allocations = 0;  // of the round that had most
    double peer_allocations = 0;
    std::optional<double> most_allocations;

    bool holds() const { return !bar || ratio.median >= *bar; }
    bool allocates_too_much() const { return most_allocations && allocations > *most_allocations; }
};

/// The samples of one workload, a vector for each contender, tandem first.
class series {
public:
    explicit series(const workload& w) : workload_(w), samples_(1 + w.peers.size()) {}

    void run_round(std::size_t round, std::size_t operations) {
        for (std::size_t turn = 0; turn < samples_.size(); ++turn) {
            const std::size_t who = (round + turn) % samples_.size();
            samples_[who].push_back((who == 0 ? workload_.tandem : workload_.peers[who - 1].run)(operations));
        }
    }

    std::vector<row> rows() const {
        std::vector<row> result;
        row own;
        own.workload = workload_.name;
        own.unit = workload_.unit;
        own.tandem = costs(0);
        own.allocations = allocations(0);
        own.most_allocations = workload_.most_allocations;
        if (workload_.peers.empty()) result.push_back(own);
        for (std::size_t who = 1; who < samples_.size(); ++who) {
            row r = own;
            r.peer_name = workload_.peers[who - 1].name;
            r.peer = costs(who);
            r.ratio = ratios(who);
            r.peer_allocations = allocations(who);
            r.bar = workload_.peers[who - 1].bar;
            result.push_back(r);
        }
        return result;
    }

    const workload& what() const { return workload_; }

private:
    spread costs(std::size_t who) const {
        std::vector<double> values;
        for (const sample& s : samples_[who]) values.push_back(s.cost);
        return spread_of(values);
    }
    double allocations(std::size_t who) const {
        double most = 0;
        for (const sample& s : samples_[who]) most = std::max(most, s.allocations);
        return most;
    }
    spread ratios(std::size_t who) const {
        std::vector<double> values;
        for (std::size_t i = 0; i < samples_[who].size(); ++i) {
            values.push_back(samples_[who][i].cost / samples_[0][i].cost);
        }
        return spread_of(values);
    }

    const workload& workload_;
    std::vector<std::vector<sample>> samples_;
};

}  // namespace bench
