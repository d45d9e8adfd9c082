// SPDX-License-Identifier: BSL-1.0
#include "arena_tools.hpp"

#include <tandem/cpu/map.hpp>
#include <tandem/cpu/run_in_executor.hpp>
#include <tandem/cpu/throw_if_stopped.hpp>
#include <tandem/tasks/gather.hpp>

#include <algorithm>
#include <cmath>
#include <functional>

#include "corpus.hpp"

namespace quest {
namespace {

// The best quote of a digest, by the words of the question.
const std::string& claim_of(const text::digest& d) {
    static const std::string none;
    return d.rankings.size() < 2 || d.rankings[1].empty() ? none : d.quotes[d.rankings[1].front()];
}

seconds cost_of_reading(const std::stop_token& token, std::size_t sentences) {
    const text::corpus sample = text::make_corpus(1, 1, sentences);
    seconds least = seconds::max();
    for (int i = 0; i < 2; ++i) {
        const seconds before = thread_cpu_time();
        text::reading work("sample", sample.documents.front(), sample.question);
        static_cast<void>(text::read_whole(token, work));
        least = std::min(least, thread_cpu_time() - before);
        if (least > seconds(0.5)) break;  // long enough to be exact
    }
    return least;
}

}  // namespace

tandem::task<> arena_tools::measure(std::size_t source, text::reading& work, text::stretch rows) {
    // In a large text a part is long, and the budget does not wait for it.
    const auto job = [this, source, &work, rows](const std::stop_token& token) {
        const work_log::part noted(log_, source);
        constexpr std::size_t few = text::sentence_graph::tile;
        for (std::size_t row = rows.first; row < rows.last; row += few) {
            tandem::throw_if_stopped(token);
            work.measure(text::stretch(row, std::min(row + few, rows.last)));
        }
    };
    co_await tandem::run_in_executor(pool_, job);
}

tandem::task<text::digest> arena_tools::read_in_parts(std::size_t source, std::string text) {
    text::reading work(sources()[source], std::move(text), question_);
    const auto prepare = [this, source, &work] {
        const work_log::part noted(log_, source);
        work.prepare();
    };
    co_await tandem::run_in_executor(pool_, prepare);
    const auto take_fingerprints = [this, source, &work](const text::stretch& part) {
        const work_log::part noted(log_, source);
        work.take_fingerprints(part);
    };
    co_await tandem::map(pool_, work.fingerprints(), take_fingerprints);
    // A job for each part, not one map: those are taken in the order in which they came, so the first text
    // is done first, while maps share the workers and would all be done late.
    std::vector<tandem::task<>> parts;
    for (const text::stretch part : work.rows()) parts.push_back(measure(source, work, part));
    co_await tandem::gather(std::move(parts));
    work.begin_ranking();
    const auto spread = [this, source, &work](const text::stretch& part) {
        const work_log::part noted(log_, source);
        work.spread(part);
    };
    // The rounds wait for each other; those of a text that is nearly done go before the rows of others.
    const auto first = tandem::executor_ref(pool_, tandem::job_options().priority(tandem::priority::high));
    for (int i = 0; i < text::reading::rounds; ++i) {
        co_await tandem::map(first, work.round(), spread);
        work.end_round();
    }
    const auto finish = [this, source, &work] {
        const work_log::part noted(log_, source);
        return work.finish();
    };
    co_return co_await tandem::run_in_executor(first, finish);
}

tandem::task<text::digest> arena_tools::read_as_one(std::size_t source, std::string text) {
    text::reading work(sources()[source], std::move(text), question_);
    const auto read = [this, source, &work](const std::stop_token& token) {
        const work_log::part noted(log_, source);
        return text::read_whole(token, work);
    };
    co_return co_await tandem::run_in_executor(pool_, read);
}

tandem::task<text::answer> arena_tools::conclude(std::vector<const text::digest*> found) {
    const auto job = [this, &found] {
        const work_log::part noted(log_, work_log::no_source);
        return text::conclude(std::move(found), question_);
    };
    co_return co_await tandem::run_in_executor(pool_, job);
}

bool arena_tools::agree(const text::digest& a, const text::digest& b) const {
    return text::agree(claim_of(a), claim_of(b), question_);
}

tandem::task<std::size_t> sentences_for(tandem::executor& pool, seconds wanted) {
    std::size_t sentences = 200;
    for (int i = 0; i < 6; ++i) {
        const seconds cost = co_await tandem::run_in_executor(pool, cost_of_reading, sentences);
        const double wrong = wanted / cost;
        if (std::abs(wrong - 1) < 0.02) break;
        const double factor = std::clamp(std::sqrt(wrong), 0.4, 4.0);  // the cost grows with the square
        const auto next = static_cast<std::size_t>(std::lround(static_cast<double>(sentences) * factor));
        sentences = std::clamp<std::size_t>(next, 64, 8000);
        if (cost > seconds(0.5) && std::abs(wrong - 1) < 0.2) break;
    }
    co_return sentences;
}

}  // namespace quest
