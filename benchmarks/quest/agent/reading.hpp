// quest - the CPU work of the agent on one document, in parts that workers can share
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <cstddef>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "near_duplicates.hpp"
#include "sentence_graph.hpp"
#include "text.hpp"
#include "text_rank.hpp"

namespace quest::text {

/// What is kept of a document once it has been read.
class digest {
public:
    digest() {}
    std::string source;
    std::vector<fingerprint> fingerprints;  ///< of each passage
    std::vector<std::string> quotes;        ///< of each passage the sentence that is closest to the question
    std::vector<ranking> rankings;          ///< of passages: by words, by the quote's words, by the graph
};

/// One document being read. First `prepare`, then all parts of `fingerprints()` and of `rows()` in any
/// order, `begin_ranking`, then `rounds` times all parts of `round()` and `end_round`, then `finish`.
/// The digest depends on source, text and question alone.
/// Threads: parts of one step may run at a time; the steps, one after the other.
class reading {
public:
    static constexpr int rounds = sentence_graph::rounds;

    reading(std::string source, std::string text, std::string question);

    void prepare();
    const std::vector<stretch>& fingerprints() const noexcept { return fingerprint_parts_; }
    const std::vector<stretch>& rows() const noexcept { return row_parts_; }
    const std::vector<stretch>& round() const noexcept { return round_parts_; }
    void take_fingerprints(stretch passages);
    void measure(stretch rows) noexcept { graph_->measure(rows.first, rows.last); }
    void begin_ranking() { graph_->begin_ranking(); }
    void spread(stretch rows) noexcept { graph_->spread(rows.first, rows.last); }
    void end_round() noexcept { graph_->end_round(); }
    digest finish();

private:
    std::size_t sentence_after(std::size_t token) const noexcept;
    std::string quote_of(stretch passage, double& score) const;
    double centrality_of(stretch passage) const;

    std::string text_;
    std::vector<word> question_;
    digest result_;
    std::optional<document> document_;
    std::optional<bm25> index_;
    std::optional<sentence_graph> graph_;
    std::vector<stretch> fingerprint_parts_;
    std::vector<stretch> row_parts_;
    std::vector<stretch> round_parts_;
};

/// Reads a document from beginning to end on one thread; looks at the token between the parts.
digest read_whole(const std::stop_token& token, reading& work);

}  // namespace quest::text
