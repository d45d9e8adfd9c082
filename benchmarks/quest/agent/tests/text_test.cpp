// SPDX-License-Identifier: BSL-1.0
#include "../answer.hpp"
#include "../corpus.hpp"
#include "../near_duplicates.hpp"
#include "../printable.hpp"
#include "../reading.hpp"
#include "../sentence_graph.hpp"
#include "../text.hpp"
#include "../text_rank.hpp"

#include <algorithm>
#include <cmath>
#include <random>
#include <stop_token>
#include <string>
#include <vector>

#include "catch.hpp"

using namespace quest::text;

namespace {

digest read(const std::string& source, const std::string& text, const std::string& question) {
    reading work(source, text, question);
    return read_whole(std::stop_token(), work);
}

/// The same with the parts of each step in another order.
digest read_backwards(const std::string& source, const std::string& text, const std::string& question) {
    reading work(source, text, question);
    work.prepare();
    const auto backwards = [](std::vector<stretch> parts) {
        std::reverse(parts.begin(), parts.end());
        return parts;
    };
    for (const stretch part : backwards(work.fingerprints())) work.take_fingerprints(part);
    for (const stretch part : backwards(work.rows())) work.measure(part);
    work.begin_ranking();
    for (int i = 0; i < reading::rounds; ++i) {
        for (const stretch part : backwards(work.round())) work.spread(part);
        work.end_round();
    }
    return work.finish();
}

std::vector<word> numbered(std::size_t first, std::size_t count) {
    std::vector<word> words;
    for (std::size_t i = 0; i < count; ++i) words.push_back(mix(1, first + i));
    return words;
}

answer answer_from(const corpus& c, std::vector<std::size_t> order) {
    std::vector<digest> found;
    for (const std::size_t i : order)
        found.push_back(read("source " + std::to_string(i), c.documents[i], c.question));
    std::vector<const digest*> all;
    for (const digest& d : found) all.push_back(&d);
    return conclude(all, c.question);
}

}  // namespace

TEST_CASE("text: words lose case, marks and apostrophes and keep what is beyond ASCII", "[agent][text]") {
    CHECK(normalise("The Fox's den -- it isn't 3 m deep, Zo\xc3\xab!") ==
          "the foxs den it isnt 3 m deep zo\xc3\xab");
    CHECK(words_of("It isn't") == words_of("IT isnt"));
    CHECK(normalise(" ,. ").empty());
}

TEST_CASE("text: of a page the words stay, without tags, scripts and entities", "[agent][text]") {
    const std::string page =
        "<html><style>p {}</style><p>Larch &amp; <b>oak</b>.</p><script>if (a < b) x();</script>"
        "<p>Slate";
    CHECK(normalise(without_markup(page)) == "larch oak slate");
    CHECK(document(without_markup(page)).passages().size() == 2);
    CHECK(without_markup("<") == "");
    CHECK(without_markup("a<!-- b") == "a");
    CHECK(normalise(without_markup("<SCRIPT>if (a < b) x();</Script>oak")) == "oak");
    CHECK(normalise(without_markup("larch <!-- <p>not this</p> --> oak")) == "larch oak");
    CHECK(normalise(without_markup("it is 1 < 2 and 3 > 2")) == "it is 1 2 and 3 2");
}

TEST_CASE("text: nothing that is printed is a command to a terminal, or no UTF-8", "[agent][text]") {
    CHECK(printable("Zo\xc3\xab, \xe2\x82\xac 5, \xf0\x9f\x8c\x89") ==
          "Zo\xc3\xab, \xe2\x82\xac 5, \xf0\x9f\x8c\x89");
    CHECK(printable("a\x1b[31mb\x7f\n") == "a [31mb  ");
    CHECK(printable("a\xc2\x9b"
                    "31m") == "a 31m");  // the same in one character
    CHECK(printable("a\xe2\x80\xae"
                    "b") == "a b");                            // turns the direction of writing
    CHECK(printable("M\xfchle") == "M\uFFFDhle");              // Latin-1
    CHECK(printable("\xc0\xaf") == "\uFFFD\uFFFD");            // longer than need be
    CHECK(printable("\xed\xa0\x80") == "\uFFFD\uFFFD\uFFFD");  // half of a pair
    CHECK(printable("a\xe2\x82") == "a\uFFFD\uFFFD");          // cut
    CHECK(printable("").empty());
}

TEST_CASE("text: sentences end with a mark before a blank or with the paragraph", "[agent][text]") {
    const document d("Pi is 3.14 here. Is it? Yes\n\nA new one");
    REQUIRE(d.sentences().size() == 4);
    CHECK(d.text_of(d.sentences()[0]) == "Pi is 3.14 here.");
    CHECK(d.text_of(d.sentences()[1]) == "Is it?");
    CHECK(d.text_of(d.sentences()[2]) == "Yes");
    CHECK(d.text_of(d.sentences()[3]) == "A new one");
    CHECK(document("").passages().empty());
}

TEST_CASE("text: passages are windows of 120 that overlap by half and stay in their paragraph",
          "[agent][text]") {
    std::string text;
    for (int i = 0; i < 250; ++i) text += "w" + std::to_string(i) + " ";
    const document d(text + "\n\nshort one");
    const std::vector<stretch> expected{stretch(0, 120), stretch(60, 180), stretch(120, 240),
                                        stretch(180, 250), stretch(250, 252)};
    CHECK(d.passages() == expected);
}

TEST_CASE("bm25: gives the value of the formula", "[agent][text]") {
    const document d("red fox\n\nred red hen\n\nblue hen");
    const bm25 index(d);
    const std::vector<double> scores = index.scores(words_of("red red"));
    const double rarity = std::log(1 + (3 - 2 + 0.5) / (2 + 0.5));
    const double mean = 7.0 / 3;
    const auto expected = [&](double times, double length) {
        return rarity * times * 2.2 / (times + 1.2 * (0.25 + 0.75 * length / mean));
    };
    REQUIRE(scores.size() == 3);
    CHECK(std::abs(scores[0] - expected(1, 2)) < 1e-12);
    CHECK(std::abs(scores[1] - expected(2, 3)) < 1e-12);
    CHECK(scores[2] == 0);
    CHECK(best_of(scores, 5) == ranking{1, 0});
}

TEST_CASE("fuse: each ranking gives 1 / (60 + rank), counted from 1", "[agent][text]") {
    const std::vector<ranking> rankings{{2, 0}, {2}};
    const std::vector<double> sums = fuse(rankings, 3);
    CHECK(std::abs(sums[0] - 1 / 62.0) < 1e-15);
    CHECK(sums[1] == 0);
    CHECK(std::abs(sums[2] - 2 / 61.0) < 1e-15);
}

TEST_CASE("near duplicates: the estimate of MinHash is near the truth", "[agent][text]") {
    const fingerprint a(numbered(0, 104));
    for (const std::size_t shift : {0, 5, 20, 50, 200}) {
        const fingerprint b(numbered(shift, 104));
        CHECK(std::abs(similarity(a, b) - estimated_similarity(a, b)) < 0.15);
    }
    CHECK(similarity(a, a) == 1);
    CHECK(similarity(a, fingerprint(numbered(500, 104))) == 0);
}

TEST_CASE("near duplicates: of planted copies those at 0.8 and above are found, and nothing else",
          "[agent][text]") {
    for (const std::uint64_t seed : {1, 2, 3, 4, 5}) {
        const corpus c = make_corpus(seed, 3, 240);
        std::vector<digest> found;
        std::vector<const fingerprint*> prints;
        std::vector<std::size_t> base;
        for (std::size_t s = 0; s < c.documents.size(); ++s)
            found.push_back(read("s", c.documents[s], c.question));
        for (const digest& d : found) {
            base.push_back(prints.size());
            for (const fingerprint& f : d.fingerprints) prints.push_back(&f);
        }
        const std::vector<std::uint32_t> first = first_of_its_kind(prints);
        std::size_t expected = 0;
        REQUIRE(c.copies.size() == 8);
        for (const planted_copy& copy : c.copies) {
            const std::size_t original = base[copy.of_source] + copy.of_paragraph;
            const std::size_t copied = base[copy.source] + copy.paragraph;
            CHECK(std::abs(similarity(*prints[original], *prints[copied]) - copy.similarity) < 0.03);
            CHECK((first[copied] == original) == (copy.similarity > 0.75));
            expected += copy.similarity > 0.75;
        }
        std::size_t duplicates = 0;
        for (std::uint32_t i = 0; i < first.size(); ++i) duplicates += first[i] != i;
        CHECK(duplicates == expected);
    }
}

TEST_CASE("sentence_graph: the sentence that the others are about is the most central", "[agent][text]") {
    const document d("Larch and oak. Oak and slate. Slate and larch and oak. Wind blew tonight.");
    sentence_graph g(d);
    g.measure(0, g.size());
    g.begin_ranking();
    double sum = 0;
    for (int i = 0; i < sentence_graph::rounds; ++i) {
        g.spread(0, g.size());
        g.end_round();
    }
    for (const double r : g.ranks()) sum += r;
    CHECK(std::abs(sum - 1) < 1e-9);
    CHECK(std::max_element(g.ranks().begin(), g.ranks().end()) - g.ranks().begin() == 2);
    CHECK(std::min_element(g.ranks().begin(), g.ranks().end()) - g.ranks().begin() == 3);
}

TEST_CASE("corpus: the same seed gives the same bytes, of the wanted number of sentences", "[agent][text]") {
    const corpus a = make_corpus(7, 3, 200);
    const corpus b = make_corpus(7, 3, 200);
    CHECK(a.documents == b.documents);
    CHECK(a.documents != make_corpus(8, 3, 200).documents);
    for (const std::string& text : a.documents) {
        CHECK(document(text).sentences().size() == 200);
        CHECK(document(text).passages().size() == 25);
    }
    CHECK_THROWS_AS(make_corpus(1, 1, 31), std::invalid_argument);
}

TEST_CASE("reading: the digest does not depend on the order of the parts", "[agent][text]") {
    const corpus c = make_corpus(3, 1, 150);
    const digest a = read("x", c.documents[0], c.question);
    const digest b = read_backwards("x", c.documents[0], c.question);
    CHECK(a.rankings == b.rankings);
    CHECK(a.quotes == b.quotes);
}

TEST_CASE("conclude: the planted answer is found and cited whatever the seed", "[agent][text]") {
    for (std::uint64_t seed = 0; seed < 40; ++seed) {
        const corpus c = make_corpus(seed, 3, 120);
        const answer a = answer_from(c, {0, 1, 2});
        CHECK(normalise(a.text).find(c.answer) != std::string::npos);
        CHECK(!a.citations.empty());
        for (const citation& from : a.citations) {
            const auto source = static_cast<std::size_t>(from.source.back() - '0');
            CHECK(from.passage == c.gold[source]);
        }
    }
}

TEST_CASE("conclude: the answer does not depend on the order in which sources answered", "[agent][text]") {
    const corpus c = make_corpus(11, 3, 160);
    const answer expected = answer_from(c, {0, 1, 2});
    CHECK(expected.hash() != 0);
    CHECK(answer_from(c, {2, 0, 1}).hash() == expected.hash());
    CHECK(answer_from(c, {1, 2, 0}).hash() == expected.hash());
    CHECK(answer_from(c, {1, 2}).hash() != expected.hash());
    CHECK(conclude({}, c.question).empty());
    CHECK(conclude({}, c.question).hash() == 0);
}

TEST_CASE("agree: what is added to the question counts, not what is taken from it", "[agent][text]") {
    const std::string asked = "What was the bridge at Karsholm built of?";
    CHECK(agree("The bridge at Karsholm was built of larch in 1931.",
                "The bridge at Karsholm was built of larch in 1931, as the records say.", asked));
    CHECK(!agree("The bridge at Karsholm was built of larch in 1931.",
                 "The bridge at Karsholm was built of slate by 1840.", asked));
    CHECK(!agree("", "", asked));
}
