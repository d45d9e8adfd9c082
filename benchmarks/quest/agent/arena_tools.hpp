// quest - the agent's work on the workers of a cpu_executor
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <tandem/cpu/cpu_executor.hpp>

#include <stop_token>
#include <string>
#include <utility>
#include <vector>

#include "agent.hpp"

namespace quest {

/// Reads texts on `pool`; where they come from is left to others.
class arena_tools : public agent_tools {
public:
    arena_tools(tandem::executor& pool, std::string question) : pool_(pool), question_(std::move(question)) {}

    tandem::task<text::digest> read_in_parts(std::size_t source, std::string text) override;
    tandem::task<text::digest> read_as_one(std::size_t source, std::string text) override;
    tandem::task<text::answer> conclude(std::vector<const text::digest*> found) override;
    bool agree(const text::digest& a, const text::digest& b) const override;
    std::size_t workers() const override { return pool_.max_workers(); }
    std::vector<work_log::entry> take_work() override { return log_.take(); }

    const std::string& question() const noexcept { return question_; }

private:
    tandem::task<> measure(std::size_t source, text::reading& work, text::stretch rows);

    tandem::executor& pool_;
    std::string question_;
    work_log log_;
};

/// The number of sentences of a document that takes a worker of `pool` so long to read. It measures, so it
/// takes a few times that long itself.
/// Cancellation: ends after the document that is being read.
tandem::task<std::size_t> sentences_for(tandem::executor& pool, seconds wanted);

}  // namespace quest
